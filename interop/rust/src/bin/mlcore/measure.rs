//! How long opening and answering take.

use std::io::{self, BufRead};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mlcore::Model;

use crate::lists::append_list;
use crate::{is_blank, Arguments, Failure};

/// How many requests a thread takes at once, so that threads do not wait for each other.
const BATCH: usize = 16;

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let lines: Vec<Vec<u8>> = io::stdin().lock().split(b'\n').collect::<io::Result<_>>()?;
    let lines: Vec<Vec<u8>> = lines.into_iter().filter(|line| !is_blank(line)).collect();
    let Some(first_line) = lines.first() else {
        return Err(Failure::Usage("expected requests".into()));
    };
    let begin = Instant::now();
    let model = arguments.open()?;
    let open = begin.elapsed().as_secs_f64();
    append_list(&mut String::new(), &model, first_line);
    let first = begin.elapsed().as_secs_f64();

    let threads = arguments.threads.unwrap_or(1);
    answer_for(&model, &lines, threads, arguments.seconds / 2.0);
    let begin = Instant::now();
    let (lists, bytes) = answer_for(&model, &lines, threads, arguments.seconds);
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{{\"open\": {open}, \"first\": {first}, \"lists\": {lists}, \"seconds\": {seconds}, \"bytes\": {bytes}}}"
    );
    Ok(())
}

/// Answers requests again and again, and returns how many and how many bytes that made.
fn answer_for(model: &Model, lines: &[Vec<u8>], threads: usize, seconds: f64) -> (usize, u64) {
    let (next, lists, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    let work = || {
        let (mut text, mut length, mut count) = (String::new(), 0, 0);
        while !is_over.load(Ordering::Relaxed) {
            let begin = next.fetch_add(BATCH, Ordering::Relaxed);
            for place in begin..begin + BATCH {
                text.clear();
                append_list(&mut text, model, &lines[place % lines.len()]);
                length += text.len() as u64;
            }
            count += BATCH;
        }
        lists.fetch_add(count, Ordering::Relaxed);
        bytes.fetch_add(length, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
        thread::sleep(Duration::from_secs_f64(seconds));
        is_over.store(true, Ordering::Relaxed);
    });
    (lists.into_inner(), bytes.into_inner())
}
