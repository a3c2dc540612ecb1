//! A model in many threads, after its end, and with a file that is cut.

mod common;

use std::fs;
use std::sync::Arc;
use std::thread;

use common::{random_content, suite, Content, Drawn, Folder};
use mlcore::{Item, Model, Options, RecommendOptions, Verdict};

fn is_shareable<T: Send + Sync + 'static>() {}

fn large_content() -> Content {
    let mut drawn = Drawn::new(4);
    loop {
        let content = random_content(&mut drawn);
        if content.items.len() > 40 && content.users.len() > 10 && content.attributes.is_none() {
            return content;
        }
    }
}

fn lists(model: &Model, users: &[String]) -> Vec<Vec<Item>> {
    let options = RecommendOptions { fill: true, explain: true, ..Default::default() };
    users.iter().map(|user| model.recommend(user, 20, &options).expect("a list")).collect()
}

#[test]
fn threads_that_share_a_model_get_the_lists_of_one() {
    is_shareable::<Model>();
    is_shareable::<mlcore::Error>();
    let (folder, content) = (Folder::new(), large_content());
    content.write(&folder.0);
    let model = Arc::new(Model::open(&folder.0).expect("a model"));
    let expected = lists(&Model::open(&folder.0).expect("a model"), &content.users);
    thread::scope(|scope| {
        for _ in 0..8 {
            let model = Arc::clone(&model);
            let (expected, users) = (&expected, &content.users);
            scope.spawn(move || (0..50).for_each(|_| assert_eq!(lists(&model, users), *expected)));
        }
    });
}

#[cfg(all(target_os = "linux", feature = "mmap"))]
#[test]
fn closing_a_model_gives_its_memory_back_and_the_last_owner_closes() {
    let (folder, content) = (Folder::new(), large_content());
    content.write(&folder.0);
    let is_mapped = || fs::read_to_string("/proc/self/maps").unwrap().contains(folder.0.to_str().unwrap());
    let model = Model::open(&folder.0).expect("a model");
    assert!(model.is_mapped() && is_mapped());
    model.close();
    assert!(!is_mapped());
    let model = Arc::new(Model::open(&folder.0).expect("a model"));
    let other = Arc::clone(&model);
    drop(model);
    assert!(is_mapped());
    lists(&other, &content.users);
    drop(other);
    assert!(!is_mapped());
}

#[cfg(all(unix, feature = "mmap"))]
fn cut(file: &std::path::Path, bytes: u64) {
    let file = fs::OpenOptions::new().write(true).open(file).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

#[cfg(all(unix, feature = "mmap"))]
#[test]
fn a_mapped_file_that_is_cut_gives_io() {
    for name in ["similarity.npz", "histories.npz", "items.csv", "popularity.npz"] {
        let (folder, content) = (Folder::new(), large_content());
        content.write(&folder.0);
        let model = Model::open(&folder.0).expect("a model");
        lists(&model, &content.users);
        cut(&folder.0.join(name), 12);
        let error = model.recommend(&content.users[0], 10, &RecommendOptions::default()).expect_err(name);
        assert_eq!(error.verdict, Verdict::Io, "{error}");
        assert_eq!(model.verify().expect_err(name).verdict, Verdict::Io);
    }
}

#[test]
fn a_model_that_was_read_does_not_notice_what_happens_to_its_files() {
    let (folder, content) = (Folder::new(), large_content());
    content.write(&folder.0);
    let model = Model::open_with(&folder.0, Options { mmap: false }).expect("a model");
    let expected = lists(&model, &content.users);
    assert!(!model.is_mapped());
    for entry in fs::read_dir(&folder.0).unwrap() {
        fs::write(entry.unwrap().path(), b"").unwrap();
    }
    assert_eq!(lists(&model, &content.users), expected);
    model.verify().expect("what was read");
}

#[test]
fn errors_say_place_rule_and_value() {
    let model = Model::open(suite().join("predict/good/model")).expect("a model");
    let error = model.recommend("nobody", 10, &RecommendOptions::default()).unwrap_err();
    assert_eq!(error.verdict, Verdict::UnknownUser);
    assert_eq!(error.to_string(), "user: expected a user of the model, got \"nobody\"");
    let error = model.similar("apple", 0, &RecommendOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "n: expected an integer from 1 to 2147483647, got 0");
    let error = Model::open("no/such/model").err().expect("none");
    assert_eq!(error.verdict, Verdict::Io);
    assert!(error.to_string().starts_with("no/such/model: expected a model directory, got '"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}
