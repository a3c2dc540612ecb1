//! The whole conformance suite, each accepted model mapped and read.

mod common;

use std::path::{Path, PathBuf};

use common::suite;
use mlcore::json::{parse, Value};
use mlcore::{append_number, append_prediction, append_string, Error, Item, Model, Options, Request, Share, Stage};

fn read(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    assert_eq!(lines.pop(), Some(&b""[..]), "a line feed at the end");
    lines
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::string).unwrap_or_else(|| panic!("{key} in {value:?}"))
}

/// Calls a function with each case of a kind, and both ways of opening; it returns what is wrong.
fn each_case(kind: &str, check: impl Fn(&Value, Options) -> Result<(), String>) {
    let index = read(suite().join("cases.json"));
    let index = parse(&index).expect("JSON");
    let cases = index.get("cases").and_then(Value::array).expect("cases");
    let cases: Vec<&Value> = cases.iter().filter(|case| text(case, "kind") == kind).collect();
    assert!(!cases.is_empty());
    let mut faults = Vec::new();
    for case in cases {
        for mmap in [true, false] {
            if let Err(fault) = check(case, Options { mmap }) {
                faults.push(format!("{} (mmap: {mmap}): {fault}", text(case, "id")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn open_and_verify(dir: &Path, options: Options) -> Result<Model, Error> {
    let model = Model::open_with(dir, options)?;
    model.verify()?;
    Ok(model)
}

#[test]
fn models_are_accepted_or_refused_as_the_suite_says() {
    each_case("model", |case, options| {
        let found = open_and_verify(&suite().join(text(case, "model")), options);
        match (text(case, "result"), found) {
            ("accept", Ok(model)) => compare_content(&model, &read(suite().join(text(case, "expect")))),
            ("accept", Err(error)) => Err(format!("refused: {error}")),
            (_, Ok(_)) => Err("accepted".into()),
            (_, Err(error)) => {
                let rank = |stage: &str| ["open", "verify", "predict"].iter().position(|known| *known == stage);
                let is_early = rank(error.stage.as_str()) <= rank(text(case, "stage"));
                if error.verdict.as_str() == text(case, "verdict") && is_early {
                    return Ok(());
                }
                Err(format!("{} at {}: {error}", error.verdict, error.stage))
            }
        }
    });
}

fn compare_content(model: &Model, expected: &[u8]) -> Result<(), String> {
    let expected = parse(expected)?;
    let counts = model.manifest().counts;
    let digests = model.content_digests().map_err(|error| error.to_string())?;
    for (key, count) in [
        ("users", counts.users),
        ("items", counts.items),
        ("interactions", counts.interactions),
        ("pairs", counts.pairs),
    ] {
        if text(&expected, key) != count.to_string() {
            return Err(format!("{key}: {count}"));
        }
    }
    for (key, found) in [("arrays", digests.arrays), ("ids", digests.ids)] {
        let wanted = expected.get(key).and_then(Value::object).ok_or("no digests")?;
        if wanted.0.len() != found.len() {
            return Err(format!("{} {key}", found.len()));
        }
        for (name, digest) in found {
            if wanted.get(&name).and_then(Value::string) != Some(&digest) {
                return Err(format!("{name}: {digest}"));
            }
        }
    }
    match expected.get("with_users") == Some(&Value::Bool(model.manifest().with_users())) {
        true => Ok(()),
        false => Err("with_users".into()),
    }
}

#[test]
fn answers_have_the_items_and_bits_of_the_suite() {
    each_case("predict", |case, options| {
        let model = Model::open_with(suite().join(text(case, "model")), options);
        let model = model.map_err(|error| error.to_string())?;
        let (requests, expected) =
            (read(suite().join(text(case, "requests"))), read(suite().join(text(case, "expect"))));
        let (requests, expected) = (lines(&requests), lines(&expected));
        assert_eq!(requests.len(), expected.len());
        for (request, expected) in requests.iter().zip(expected) {
            let wanted = parse(expected)?;
            let (id, request) = Request::parse(request);
            let items = request.and_then(|request| model.answer(&request));
            let is_equal = wanted.get("id").and_then(Value::string) == id.as_deref()
                && match &items {
                    Ok(items) => wanted.get("items").is_some_and(|wanted| same_items(wanted, items)),
                    Err(error) => {
                        let verdict = wanted.get("error").and_then(Value::string);
                        verdict == Some(error.verdict.as_str()) && error.stage == Stage::Predict
                    }
                };
            if !is_equal {
                return Err(format!("{}: {items:?}", String::from_utf8_lossy(expected)));
            }
        }
        Ok(())
    });
}

fn same_items(wanted: &Value, items: &[Item]) -> bool {
    let wanted = wanted.array().unwrap_or_default();
    let same = |(wanted, item): (&Value, &Item)| {
        let shares = match (wanted.get("because").and_then(Value::array), &item.because) {
            (Some(wanted), Some(shares)) => {
                let same = |(wanted, share): (&Value, &Share)| same_pair(wanted, &share.id, share.index, share.share);
                wanted.len() == shares.len() && wanted.iter().zip(shares).all(same)
            }
            (None, None) => true,
            _ => false,
        };
        shares
            && same_pair(wanted, &item.id, item.index, item.score)
            && wanted.get("filled") == Some(&Value::Bool(item.filled))
    };
    wanted.len() == items.len() && wanted.iter().zip(items).all(same)
}

fn same_pair(wanted: &Value, id: &str, index: u32, number: f64) -> bool {
    text(wanted, "item_id") == id
        && wanted.get("index").and_then(Value::integer) == Some(u64::from(index))
        && text(wanted, "bits") == format!("{:016x}", number.to_bits())
}

#[test]
fn values_are_written_as_the_suite_says() {
    each_case("text", |case, _| {
        for line in lines(&read(suite().join(text(case, "cases")))) {
            let (value, mut found) = (parse(line)?, String::new());
            if value.get("bits").is_some() {
                append_number(&mut found, number(&value));
            } else if let Some(string) = value.get("string").and_then(Value::string) {
                append_string(&mut found, string);
            } else {
                let items = value.get("items").and_then(Value::array).ok_or("no items")?;
                let items: Vec<Item> = items.iter().map(item).collect();
                append_prediction(&mut found, text(&value, "user_id"), &items);
            }
            if found != text(&value, "text") {
                return Err(format!("{found} for {}", text(&value, "text")));
            }
        }
        Ok(())
    });
}

fn number(value: &Value) -> f64 {
    f64::from_bits(u64::from_str_radix(text(value, "bits"), 16).expect("16 digits"))
}

fn item(value: &Value) -> Item {
    let share = |value: &Value| Share { id: text(value, "item_id").into(), index: 0, share: number(value) };
    let because = value.get("because").and_then(Value::array);
    Item {
        id: text(value, "item_id").into(),
        index: 0,
        score: number(value),
        filled: value.get("filled") == Some(&Value::Bool(true)),
        because: because.map(|shares| shares.iter().map(share).collect()),
    }
}
