//! Requests as JSON: one object a line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::catalogue::Filter;
use crate::error::{Error, Result};
use crate::json::{self, Object, Value};
use crate::recommend::{Event, RecommendOptions};

/// What a list is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject<'a> {
    /// A user of the model.
    User(Cow<'a, str>),
    /// An item, for the items similar to it.
    Item(Cow<'a, str>),
    /// A history.
    History(Vec<Event<'a>>),
}

/// A request, as it stands in a line of JSON.
///
/// ```
/// let line = br#"{"id": "r1", "history": [["a", 1], ["b", 2.5]], "n": 2}"#;
/// let (id, request) = mlcore::Request::parse(line);
/// assert_eq!(id.as_deref(), Some("r1"));
/// assert_eq!(request.unwrap().n, 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Request<'a> {
    /// What the list is for.
    pub subject: Subject<'a>,
    /// How many items it has at most.
    pub n: usize,
    /// What it may hold.
    pub options: RecommendOptions<'a>,
}

impl<'a> Request<'a> {
    /// Reads a line: its id, if that can be read, and the request, or [`Verdict::Request`](crate::Verdict::Request).
    ///
    /// That n is above 0, and weights and times in their range, is for the model to say.
    pub fn parse(line: &'a [u8]) -> (Option<Cow<'a, str>>, Result<Request<'a>>) {
        match json::parse(line) {
            Ok(Value::Object(object)) => {
                let id = object.get("id").and_then(Value::string).map(|id| Cow::Owned(id.into()));
                (id, Request::from_object(object))
            }
            Ok(value) => (None, Err(Error::request("", "a JSON object", Value::show(Some(&value))))),
            Err(got) => (None, Err(Error::request("", "a JSON object", got))),
        }
    }

    fn from_object(object: Object<'a>) -> Result<Request<'a>> {
        let mut subject = None;
        let mut n = None;
        let mut has_id = false;
        let mut options = RecommendOptions::default();
        for (key, value) in object.0 {
            let found = match key.as_ref() {
                "id" => {
                    has_id = true;
                    string(value, "id")?;
                    None
                }
                "n" => {
                    n = Some(integer(&value, "n")?);
                    None
                }
                "user" => Some(Subject::User(string(value, "user")?)),
                "item" => Some(Subject::Item(string(value, "item")?)),
                "history" => Some(Subject::History(history(value)?)),
                _ => {
                    set_option(&mut options, &key, value)?;
                    None
                }
            };
            if found.is_some() && subject.is_some() {
                return Err(Error::request(key, "exactly one of user, item and history", "two of them"));
            }
            subject = found.or(subject);
        }
        if !has_id {
            return Err(Error::request("id", "a string", "none"));
        }
        let missing = |name: &str, expected: &str| Error::request(name, expected, "none");
        Ok(Request {
            subject: subject.ok_or_else(|| missing("user", "exactly one of user, item and history"))?,
            n: n.ok_or_else(|| missing("n", "an integer from 1 to 2147483647"))?,
            options,
        })
    }
}

fn refuse<T>(name: &str, expected: &str, value: &Value) -> Result<T> {
    Err(Error::request(name, expected, Value::show(Some(value))))
}

/// Sets the option of a key; a key that is none is passed over.
fn set_option<'a>(options: &mut RecommendOptions<'a>, key: &str, value: Value<'a>) -> Result<()> {
    match key {
        "include" => options.include = Some(strings(value, key)?),
        "exclude" => options.exclude = strings(value, key)?,
        "include_seen" => options.include_seen = boolean(&value, key)?,
        "fill" => options.fill = boolean(&value, key)?,
        "explain" => options.explain = boolean(&value, key)?,
        "filter" => options.filter = Some(filter(value)?),
        "now" => options.now = Some(timestamp(&value, key)?),
        "weights" => {
            options.final_weights = match value.string() {
                Some("final") => true,
                Some("events") => false,
                _ => return refuse(key, "'events' or 'final'", &value),
            }
        }
        _ => {}
    }
    Ok(())
}

fn string<'a>(value: Value<'a>, name: &str) -> Result<Cow<'a, str>> {
    match value {
        Value::String(text) => Ok(text),
        other => refuse(name, "a string", &other),
    }
}

fn boolean(value: &Value, name: &str) -> Result<bool> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        other => refuse(name, "true or false", other),
    }
}

/// Takes an integer of 53 bits; that it is in its range is for the model to say.
fn integer(value: &Value, name: &str) -> Result<usize> {
    let number = value.integer().and_then(|number| usize::try_from(number).ok());
    number.map_or_else(|| refuse(name, "an integer from 1 to 2147483647", value), Ok)
}

/// Takes microseconds: an integer of 64 bits, which may be below 0.
fn timestamp(value: &Value, name: &str) -> Result<i64> {
    let number = match value {
        Value::Number(text) => text.parse().ok(),
        _ => None,
    };
    number.map_or_else(|| refuse(name, "an integer of 64 bits", value), Ok)
}

fn strings<'a>(value: Value<'a>, name: &str) -> Result<Vec<Cow<'a, str>>> {
    match value {
        Value::Array(items) => items.into_iter().map(|item| string(item, name)).collect(),
        other => refuse(name, "an array of strings", &other),
    }
}

fn history(value: Value<'_>) -> Result<Vec<Event<'_>>> {
    const RULE: &str = "an array of arrays of id, weight and, perhaps, time";
    let Value::Array(events) = value else { return refuse("history", RULE, &value) };
    let event = |value| {
        let Value::Array(parts) = value else { return refuse("history", RULE, &value) };
        let mut parts = parts.into_iter();
        let (Some(Value::String(item)), Some(weight), time, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Error::request("history", RULE, "another array"));
        };
        let weight = weight.float().map_or_else(|| refuse("history", RULE, &weight), Ok)?;
        let time = time.map(|time| timestamp(&time, "history: time")).transpose()?;
        Ok(Event { item, weight, time })
    };
    events.into_iter().map(event).collect()
}

fn filter(value: Value<'_>) -> Result<Filter<'_>> {
    let mut filter = Filter::default();
    for (key, value) in members(value, "filter")? {
        match key.as_ref() {
            "any_of" => filter.any_of = columns(value, &key, strings)?,
            "none_of" => filter.none_of = columns(value, &key, strings)?,
            "at_most" => filter.at_most = columns(value, &key, |most, name| integer(&most, name))?,
            "available_at" => filter.available_at = Some(timestamp(&value, &key)?),
            _ => return Err(Error::request("filter", "any_of, none_of, available_at and at_most", key)),
        }
    }
    Ok(filter)
}

fn members<'a>(value: Value<'a>, name: &str) -> Result<Vec<(Cow<'a, str>, Value<'a>)>> {
    match value {
        Value::Object(Object(members)) => Ok(members),
        other => refuse(name, "an object", &other),
    }
}

fn columns<'a, T>(
    value: Value<'a>,
    name: &str,
    take: impl Fn(Value<'a>, &str) -> Result<T>,
) -> Result<BTreeMap<Cow<'a, str>, T>> {
    let column = |(column, value): (Cow<'a, str>, Value<'a>)| {
        let taken = take(value, &column)?;
        Ok((column, taken))
    };
    members(value, name)?.into_iter().map(column).collect()
}
