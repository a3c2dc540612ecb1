//! What the conformance suite asks for besides answers: `interop/CONFORMANCE.md`.

use std::fmt::Write;
use std::path::Path;

use mlcore::json::{parse, Value};
use mlcore::{append_number, append_prediction, append_string, Error, Item, Model, Options, Share};

use crate::answer;

/// Returns the line that describes a model, once it has been found good.
pub fn dump(dir: &Path, options: Options) -> Result<String, Error> {
    let model = Model::open_with(dir, options)?;
    model.verify()?;
    let digests = model.content_digests()?;
    let (manifest, mut out) = (model.manifest(), String::from("{"));
    let counts = &manifest.counts;
    for (key, count) in [
        ("users", counts.users),
        ("items", counts.items),
        ("interactions", counts.interactions),
        ("pairs", counts.pairs),
    ] {
        // As texts, since not every JSON reader has 64 bits for them. Writing to a string does not fail.
        let _ = write!(out, "\"{key}\": \"{count}\", ");
    }
    let _ = write!(out, "\"with_users\": {}", manifest.with_users());
    for (key, digests) in [("arrays", &digests.arrays), ("ids", &digests.ids)] {
        let entries: Vec<String> = digests.iter().map(|(name, digest)| format!("\"{name}\": \"{digest}\"")).collect();
        let _ = write!(out, ", \"{key}\": {{{}}}", entries.join(", "));
    }
    out.push_str("}\n");
    Ok(out)
}

/// Returns the line that says why a model is refused.
pub fn refusal(error: &Error) -> String {
    format!("{{\"error\": \"{}\", \"stage\": \"{}\"}}\n", error.verdict, error.stage)
}

/// Appends what a model and requests of a line give: `{"model": DIR, "requests": [TEXT, ...]}`.
pub fn append_corpus(out: &mut String, line: &[u8], options: Options) {
    let value = parse(line).unwrap_or(Value::Null);
    let dir = value.get("model").and_then(Value::string);
    let (Some(dir), Some(requests)) = (dir, value.get("requests").and_then(Value::array)) else {
        return out.push_str("{\"error\": \"request\"}\n");
    };
    let dumped = dump(Path::new(dir), options).unwrap_or_else(|error| refusal(&error));
    let _ = write!(out, "{{\"dump\": {}, \"answers\": [", dumped.trim_end());
    if let Ok(model) = Model::open_with(dir, options) {
        for (place, request) in requests.iter().filter_map(Value::string).enumerate() {
            out.push_str(if place > 0 { ", " } else { "" });
            answer::append(out, &model, request.as_bytes());
            out.truncate(out.trim_end().len());
        }
    }
    out.push_str("]}\n");
}

/// Appends the line `{"text": ...}` for a line that holds a number as `{"bits": HEX}`, a text as `{"string": TEXT}`, or
/// a list as `{"user_id": TEXT, "items": [{"item_id", "bits", "filled"}]}`, whose items may have
/// `"because": [{"item_id", "bits"}]`.
pub fn append_formatted(out: &mut String, line: &[u8]) {
    match parse(line).ok().and_then(|value| format(&value)) {
        Some(text) => {
            out.push_str("{\"text\": ");
            append_string(out, &text);
            out.push_str("}\n");
        }
        None => out.push_str("{\"error\": \"request\"}\n"),
    }
}

fn format(line: &Value) -> Option<String> {
    let mut out = String::new();
    if line.get("bits").is_some() {
        append_number(&mut out, number(line)?);
    } else if let Some(text) = line.get("string") {
        append_string(&mut out, text.string()?);
    } else {
        let items: Option<Vec<Item>> = line.get("items")?.array()?.iter().map(item).collect();
        append_prediction(&mut out, line.get("user_id")?.string()?, &items?);
    }
    Some(out)
}

fn number(value: &Value) -> Option<f64> {
    let bits = value.get("bits")?.string().filter(|bits| bits.len() == 16)?;
    let number = f64::from_bits(u64::from_str_radix(bits, 16).ok()?);
    number.is_finite().then_some(number)
}

fn id(value: &Value) -> Option<String> {
    value.get("item_id")?.string().map(str::to_string)
}

fn item(value: &Value) -> Option<Item> {
    let because = match value.get("because") {
        Some(shares) => Some(shares.array()?.iter().map(share).collect::<Option<Vec<Share>>>()?),
        None => None,
    };
    let Value::Bool(filled) = value.get("filled")? else { return None };
    Some(Item { id: id(value)?, index: 0, score: number(value)?, filled: *filled, because })
}

fn share(value: &Value) -> Option<Share> {
    Some(Share { id: id(value)?, index: 0, share: number(value)? })
}
