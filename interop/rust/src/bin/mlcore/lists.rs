//! The lists of many requests, on all cores, in their order.

use std::borrow::Cow;
use std::io::{self, BufRead, Write};
use std::num::NonZero;
use std::sync::{Condvar, Mutex};
use std::thread;

use mlcore::{Error, Model, Request, Subject};

use crate::{answer, is_blank, Arguments, Failure};

/// How many bytes of requests one thread takes at once, if so many are there.
const BLOCK: usize = 64 << 10;

/// The requests that are left, and how many blocks were taken.
struct Input<R> {
    reader: R,
    taken: u64,
}

/// The output, and how many blocks were written, or what went wrong.
struct Output<W> {
    writer: W,
    written: u64,
    result: io::Result<()>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let model = arguments.open()?;
    let all = || thread::available_parallelism().map_or(1, NonZero::get);
    let threads = arguments.threads.unwrap_or_else(all);
    let reader = io::BufReader::with_capacity(BLOCK, io::stdin());
    Ok(answer_all(&model, threads, reader, io::stdout())?)
}

fn answer_all(model: &Model, threads: usize, reader: impl BufRead + Send, writer: impl Write + Send) -> io::Result<()> {
    let input = Mutex::new(Input { reader, taken: 0 });
    let output = Mutex::new(Output { writer, written: 0, result: Ok(()) });
    let turn = Condvar::new();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| work(model, &input, &output, &turn));
        }
    });
    output.into_inner().map_or_else(|poisoned| poisoned.into_inner().result, |output| output.result)
}

/// Takes blocks, and writes their answers when it is their turn, up to the end or a fault.
fn work<R: BufRead, W: Write>(model: &Model, input: &Mutex<Input<R>>, output: &Mutex<Output<W>>, turn: &Condvar) {
    let (mut block, mut text) = (Vec::new(), String::new());
    loop {
        block.clear();
        text.clear();
        // No thread panics while it holds a lock; if one did, the others would end.
        let Ok(mut input) = input.lock() else { return };
        let read = read_block(&mut input.reader, &mut block);
        let number = input.taken;
        input.taken += 1;
        drop(input);
        for line in block.split(|byte| *byte == b'\n').filter(|line| !is_blank(line)) {
            append_list(&mut text, model, &Request::parse(line));
        }
        let Ok(output) = output.lock() else { return };
        let Ok(mut output) = turn.wait_while(output, |output| output.written != number && output.result.is_ok()) else {
            return;
        };
        if output.result.is_ok() {
            let Output { writer, .. } = &mut *output;
            let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
            output.result = read.and(written);
        }
        output.written += 1;
        let is_done = block.is_empty() || output.result.is_err();
        drop(output);
        turn.notify_all();
        if is_done {
            return;
        }
    }
}

/// Reads whole lines: those that are there already, but at least one. None is the end.
fn read_block(reader: &mut impl BufRead, block: &mut Vec<u8>) -> io::Result<()> {
    let there = reader.fill_buf()?;
    let whole = there.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    block.extend(&there[..whole]);
    reader.consume(whole);
    if whole == 0 {
        reader.read_until(b'\n', block)?;
    }
    Ok(())
}

/// A line with a request that has been read.
pub type Parsed<'a> = (Option<Cow<'a, str>>, Result<Request<'a>, Error>);

/// Appends the line of predictions of a request, or why there is none.
pub fn append_list(out: &mut String, model: &Model, (id, request): &Parsed) {
    let id = id.as_deref();
    let done = match request {
        Ok(request) => {
            let name = match &request.subject {
                Subject::User(user) => user,
                _ => id.unwrap_or_default(),
            };
            model.append_answer(out, name, request)
        }
        Err(error) => Err(error.clone()),
    };
    if let Err(error) = done {
        answer::append_error(out, id, &error);
    }
}
