//! The program, as a process.

mod common;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{random_content, suite, Drawn, Folder};
use mlcore::json::{parse, Value};

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mlcore"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_string();
    // It may end before it has read everything.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("an end");
    writer.join().unwrap();
    output
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn lists_are_in_order_and_the_same_for_any_number_of_threads() {
    let (folder, mut drawn) = (Folder::new(), Drawn::new(5));
    let content = loop {
        let content = random_content(&mut drawn);
        if content.users.len() > 5 {
            break content;
        }
    };
    content.write(&folder.0);
    let mut requests = String::new();
    for number in 0..5000 {
        requests += &match number % 4 {
            0 => format!("{{\"id\": \"r{number}\", \"user\": \"nobody\", \"n\": 3}}\n"),
            1 => format!("{{\"id\": \"r{number}\", \"history\": [], \"n\": 3, \"fill\": true, \"explain\": true}}\n"),
            2 => format!("no JSON {number}\n\n"),
            _ => {
                let mut user = String::new();
                let known: &String = drawn.one_of(&content.users);
                mlcore::append_string(&mut user, known);
                format!("{{\"id\": \"r{number}\", \"user\": {user}, \"n\": 5}}\n")
            }
        };
    }
    let one = run(&["lists", text(&folder.0), "--threads", "1"], &requests);
    assert!(one.status.success());
    let lines = String::from_utf8(one.stdout.clone()).unwrap();
    assert_eq!(lines.lines().count(), 5000);
    assert!(lines.starts_with("{\"id\": \"r0\", \"error\": \"unknown_user\"}\n{\"user_id\": \"r1\", \"items\": ["));
    assert_eq!(lines.lines().nth(2), Some("{\"id\": null, \"error\": \"request\"}"));
    for threads in ["2", "5"] {
        assert_eq!(run(&["lists", "--threads", threads, text(&folder.0)], &requests).stdout, one.stdout);
    }
    // A last line without a line feed is one, too.
    let last = run(&["lists", text(&folder.0)], requests.trim_end());
    assert_eq!(last.stdout, one.stdout);
}

#[test]
fn corpus_dumps_and_answers_each_model() {
    let (good, bad) = (suite().join("predict/good/model"), suite().join("no-such-model"));
    let input = format!(
        "{{\"model\": \"{}\", \"requests\": [\"{{\\\"id\\\": \\\"a\\\", \\\"item\\\": \\\"apple\\\", \\\"n\\\": 1}}\", \"\", \"[\"]}}\n\
         {{\"model\": \"{}\", \"requests\": [\"x\"]}}\n",
        text(&good),
        text(&bad)
    );
    let output = run(&["corpus"], &input);
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).unwrap();
    let (first, second) = output.split_once('\n').unwrap();
    let value = parse(first.as_bytes()).unwrap();
    let dumped = String::from_utf8(run(&["dump", text(&good)], "").stdout).unwrap();
    assert_eq!(value.get("dump"), Some(&parse(dumped.as_bytes()).unwrap()));
    let answers = value.get("answers").and_then(Value::array).unwrap();
    assert_eq!(answers[0].get("id").and_then(Value::string), Some("a"));
    assert_eq!(
        answers[1..],
        [
            parse(br#"{"id": null, "error": "request"}"#).unwrap(),
            parse(br#"{"id": null, "error": "request"}"#).unwrap()
        ]
    );
    assert_eq!(second, "{\"dump\": {\"error\": \"io\", \"stage\": \"open\"}, \"answers\": []}\n");
}

#[test]
fn measure_counts_lists_and_bytes() {
    let model = suite().join("predict/good/model");
    let request = "{\"id\": \"a\", \"item\": \"apple\", \"n\": 1}\n";
    let list = run(&["lists", text(&model)], request).stdout;
    let output = run(&["measure", text(&model), "--seconds", "0.05", "--threads", "2"], request);
    let value = String::from_utf8(output.stdout).unwrap();
    let value = parse(value.as_bytes()).unwrap();
    let number = |key: &str| value.get(key).and_then(Value::float).unwrap();
    assert!(number("open") > 0.0 && number("first") > number("open") && number("seconds") >= 0.05);
    assert!(number("lists") > 0.0);
    assert_eq!(number("bytes"), number("lists") * list.len() as f64);
}

#[test]
fn a_refused_model_and_wrong_arguments_have_their_exit_codes() {
    let refused = run(&["predict", "no/such/model"], "");
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(refused.stdout, b"{\"error\": \"io\", \"stage\": \"open\"}\n");
    for arguments in
        [&["dump"][..], &[], &["lists", "a", "b"], &["lists", "--threads", "0", "a"], &["dump", "--fast", "a"]]
    {
        let output = run(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

/// A file that is cut behind pages that requests look at ends the process or gives `io`, never a list.
#[cfg(all(unix, feature = "mmap"))]
#[test]
fn a_mapped_file_that_loses_whole_pages_gives_no_list() {
    use std::fs::OpenOptions;
    use std::io::{BufRead, BufReader, Read};

    let (folder, num_items) = (Folder::new(), 2000);
    let content = common::Content {
        items: (0..num_items).map(|item| format!("{item:04}")).collect(),
        users: vec!["u".into()],
        similarity: (0..num_items).map(|item| if item == 0 { vec![] } else { vec![(0, 1.0)] }).collect(),
        histories: vec![vec![(1999, 1.0)]],
        decayed: None,
        attributes: None,
    };
    content.write(&folder.0);
    let mut child = Command::new(env!("CARGO_BIN_EXE_mlcore"))
        .args(["lists", "--threads", "1", text(&folder.0)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdin.write_all(b"{\"id\": \"a\", \"user\": \"u\", \"n\": 1}\n").unwrap();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "{\"user_id\": \"u\", \"items\": [{\"item_id\": \"0000\", \"score\": 1}]}\n");
    OpenOptions::new().write(true).open(folder.0.join("similarity.npz")).unwrap().set_len(100).unwrap();
    let _ = stdin.write_all(b"{\"id\": \"a\", \"user\": \"u\", \"n\": 1}\n");
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    child.wait().unwrap();
    assert!(rest.is_empty() || rest == "{\"id\": \"a\", \"error\": \"io\"}\n", "{rest}");
}
