//! The program of the library: the adapter of the conformance suite, lists of many requests, and a stopwatch.

mod answer;
mod conformance;
mod lists;
mod measure;

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use mlcore::{Error, Model, Options};

const USAGE: &str = "usage:
  mlcore dump [--read] DIR                 what the model holds, verified
  mlcore predict [--read] DIR              < requests.jsonl    answers with positions and bits of scores
  mlcore format                            < values.jsonl      numbers, strings and lists as text
  mlcore corpus [--read]                   < lines             dumps and answers of many models
  mlcore lists [--read] [--threads N] DIR  < requests.jsonl    > predictions.jsonl
  mlcore measure [--read] [--threads N] [--seconds S] DIR      < requests.jsonl
";

/// Why a command ends.
enum Failure {
    Usage(String),
    Refused(Error),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Io(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Refused(error)
    }
}

/// The arguments of a command.
struct Arguments {
    dir: Option<PathBuf>,
    options: Options,
    threads: Option<usize>,
    seconds: f64,
}

impl Arguments {
    fn parse(words: impl Iterator<Item = std::ffi::OsString>) -> Result<Arguments, Failure> {
        let mut arguments = Arguments { dir: None, options: Options::default(), threads: None, seconds: 3.0 };
        let mut words = words;
        while let Some(word) = words.next() {
            let bad = |what: &str| Failure::Usage(format!("{}: expected {what}", word.to_string_lossy()));
            let mut value = || words.next().and_then(|word| word.into_string().ok());
            match word.to_str() {
                Some("--read") => arguments.options.mmap = false,
                Some("--threads") => {
                    let threads = value().and_then(|text| text.parse().ok()).filter(|threads| *threads > 0);
                    arguments.threads = Some(threads.ok_or_else(|| bad("a number of threads"))?);
                }
                Some("--seconds") => {
                    let seconds = value().and_then(|text| text.parse().ok());
                    let is_good = |seconds: &f64| (0.0..=1e6).contains(seconds);
                    arguments.seconds = seconds.filter(is_good).ok_or_else(|| bad("a number of seconds"))?;
                }
                Some(text) if text.starts_with('-') => return Err(bad("--read, --threads or --seconds")),
                _ if arguments.dir.is_some() => return Err(bad("one directory")),
                _ => arguments.dir = Some(word.into()),
            }
        }
        Ok(arguments)
    }

    fn dir(&self) -> Result<&PathBuf, Failure> {
        self.dir.as_ref().ok_or_else(|| Failure::Usage("expected a model directory".into()))
    }

    fn open(&self) -> Result<Model, Failure> {
        Ok(Model::open_with(self.dir()?, self.options)?)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Refused(error)) => {
            eprintln!("error: {error}");
            print!("{}", conformance::refusal(&error));
            ExitCode::from(1)
        }
        Err(Failure::Usage(message)) => {
            eprintln!("error: {message}\n{USAGE}");
            ExitCode::from(2)
        }
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(3),
        Err(Failure::Io(error)) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn run() -> Result<(), Failure> {
    let mut words = std::env::args_os().skip(1);
    let command = words.next().unwrap_or_default();
    let arguments = Arguments::parse(words)?;
    match command.to_str() {
        Some("dump") => {
            let dumped = conformance::dump(arguments.dir()?, arguments.options)?;
            io::stdout().write_all(dumped.as_bytes())?;
            Ok(())
        }
        Some("predict") => {
            let model = arguments.open()?;
            each_line(|out, line| answer::append(out, &model, line))
        }
        Some("format") => each_line(conformance::append_formatted),
        Some("corpus") => each_line(|out, line| conformance::append_corpus(out, line, arguments.options)),
        Some("lists") => lists::run(&arguments),
        Some("measure") => measure::run(&arguments),
        _ => Err(Failure::Usage("expected a command".into())),
    }
}

/// Writes what a function makes of each line of standard input that is not blank.
fn each_line(append: impl Fn(&mut String, &[u8])) -> Result<(), Failure> {
    let (mut input, mut output) = (io::stdin().lock(), io::BufWriter::new(io::stdout().lock()));
    let (mut line, mut text) = (Vec::new(), String::new());
    while input.read_until(b'\n', &mut line)? > 0 {
        if !is_blank(&line) {
            text.clear();
            append(&mut text, &line);
            output.write_all(text.as_bytes())?;
        }
        line.clear();
    }
    output.flush()?;
    Ok(())
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}
