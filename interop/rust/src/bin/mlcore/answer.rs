//! Answers to requests as the conformance suite compares them.

use std::fmt::Write;

use mlcore::{append_string, Error, Item, Model, Request};

/// Appends the line that answers a line with a request, whatever stands in it.
pub fn append(out: &mut String, model: &Model, line: &[u8]) {
    let (id, request) = Request::parse(line);
    match request.and_then(|request| model.answer(&request)) {
        Ok(items) => {
            append_id(out, id.as_deref());
            append_items(out, &items);
        }
        Err(error) => append_error(out, id.as_deref(), &error),
    }
}

fn append_id(out: &mut String, id: Option<&str>) {
    out.push_str("{\"id\": ");
    match id {
        Some(id) => append_string(out, id),
        None => out.push_str("null"),
    }
}

/// Appends a line that says why there is no list.
pub fn append_error(out: &mut String, id: Option<&str>, error: &Error) {
    append_id(out, id);
    // Writing to a string does not fail, here and below.
    let _ = writeln!(out, ", \"error\": \"{}\"}}", error.verdict);
}

fn append_items(out: &mut String, items: &[Item]) {
    out.push_str(", \"items\": [");
    for (place, item) in items.iter().enumerate() {
        append_value(out, place, &item.id, item.index, item.score);
        let _ = write!(out, ", \"filled\": {}", item.filled);
        if let Some(shares) = &item.because {
            out.push_str(", \"because\": [");
            for (place, share) in shares.iter().enumerate() {
                append_value(out, place, &share.id, share.index, share.share);
                out.push('}');
            }
            out.push(']');
        }
        out.push('}');
    }
    out.push_str("]}\n");
}

/// Appends an item and a number of it, without the end.
fn append_value(out: &mut String, place: usize, id: &str, index: u32, value: f64) {
    out.push_str(if place > 0 { ", {\"item_id\": " } else { "{\"item_id\": " });
    append_string(out, id);
    let _ = write!(out, ", \"index\": {index}, \"bits\": \"{:016x}\"", value.to_bits());
}
