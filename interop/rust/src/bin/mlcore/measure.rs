//! How long opening and answering take.

use std::io::{self, BufRead};
use std::thread;
use std::time::{Duration, Instant};

use mlcore::{Model, Request};

use crate::lists::{append_list, Parsed};
use crate::{is_blank, Arguments, Failure};

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let lines: Vec<Vec<u8>> = io::stdin().lock().split(b'\n').collect::<io::Result<_>>()?;
    let lines = lines.iter().filter(|line| !is_blank(line));
    let requests: Vec<Parsed> = lines.map(|line| Request::parse(line)).collect();
    let Some(request) = requests.first() else {
        return Err(Failure::Usage("expected requests".into()));
    };
    let begin = Instant::now();
    let model = arguments.open()?;
    let open = begin.elapsed().as_secs_f64();
    append_list(&mut String::new(), &model, request);
    let first = begin.elapsed().as_secs_f64();

    let threads = arguments.threads.unwrap_or(1);
    answer_for(&model, &requests, threads, arguments.seconds / 2.0);
    let begin = Instant::now();
    let (lists, bytes) = answer_for(&model, &requests, threads, arguments.seconds);
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{{\"open\": {open}, \"first\": {first}, \"lists\": {lists}, \"seconds\": {seconds}, \"bytes\": {bytes}}}"
    );
    Ok(())
}

/// Answers requests again and again, and returns how many and how many bytes that made.
fn answer_for(model: &Model, requests: &[Parsed], threads: usize, seconds: f64) -> (u64, u64) {
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let work = |thread: usize| {
        let (mut text, mut lists, mut bytes) = (String::new(), 0, 0);
        // Each thread begins elsewhere.
        for request in requests.iter().cycle().skip(requests.len() * thread / threads) {
            text.clear();
            append_list(&mut text, model, request);
            lists += 1;
            bytes += text.len() as u64;
            if Instant::now() >= until {
                break;
            }
        }
        (lists, bytes)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        let sums = workers.into_iter().map(|worker| worker.join().unwrap_or_default());
        sums.fold((0, 0), |sum, found| (sum.0 + found.0, sum.1 + found.1))
    })
}
