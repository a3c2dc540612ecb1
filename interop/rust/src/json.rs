//! Strict JSON (RFC 7493, I-JSON): no key twice in one object, no lone surrogate, nothing that is not UTF-8,
//! and numbers as they are written, since a float does not hold every integer.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::shown;

/// How deep arrays and objects may be nested; the outermost is 1.
const MAX_DEPTH: usize = 16;
/// The largest integer that every JSON implementation reads exactly: 2^53 - 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// One value. Strings without escapes are those of the text.
#[derive(Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Object<'a>),
}

/// The members of an object, in the order of the text.
#[derive(Debug, Default, PartialEq)]
pub struct Object<'a>(pub Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// Returns the value of a key, which is compared byte by byte.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }
}

impl<'a> Value<'a> {
    /// Returns the value of a key, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.object()?.get(key)
    }

    pub fn object(&self) -> Option<&Object<'a>> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    pub fn array(&self) -> Option<&[Value<'a>]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    pub fn string(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns an integer that is written without fraction and exponent and lies between 0 and 2^53 - 1.
    pub fn integer(&self) -> Option<u64> {
        match self {
            Value::Number("-0") => Some(0),
            Value::Number(text) => text.parse().ok().filter(|number| *number <= MAX_INTEGER),
            _ => None,
        }
    }

    /// Returns the nearest f64, which is infinite for a number that is out of range.
    pub fn float(&self) -> Option<f64> {
        match self {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Returns what stands there, for a message.
    pub fn show(value: Option<&Value>) -> String {
        match value {
            None => "none".into(),
            Some(Value::Null) => "null".into(),
            Some(Value::Bool(value)) => value.to_string(),
            Some(Value::Number(text)) if text.len() <= 40 => (*text).into(),
            Some(Value::Number(_)) => "a longer number".into(),
            Some(Value::String(text)) => shown(text),
            Some(Value::Array(items)) => format!("an array of {}", items.len()),
            Some(Value::Object(object)) => format!("an object of {} keys", object.0.len()),
        }
    }
}

/// Returns the value of a text; white space around it is allowed. The error says what stands there instead.
pub fn parse(text: &[u8]) -> Result<Value<'_>, String> {
    let text = std::str::from_utf8(text).map_err(|_| "bytes that are not UTF-8")?;
    let mut parser = Parser { text, next: 0 };
    parser.skip_space();
    let value = parser.value(1)?;
    parser.skip_space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.malformed("extra data")),
    }
}

struct Parser<'a> {
    text: &'a str,
    next: usize,
}

type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.next).copied()
    }

    fn malformed(&self, what: &str) -> String {
        format!("invalid JSON ({what} at byte {})", self.next)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.next += 1;
        }
    }

    /// Steps over a byte, if it stands there.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.next += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Parsed<Value<'a>> {
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'{' | b'[') if depth > MAX_DEPTH => Err("JSON nested too deeply".into()),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Parsed<Value<'a>> {
        let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        for (word, value) in words {
            // Bytes, since what stands there may begin within no character.
            if self.text.as_bytes()[self.next..].starts_with(word.as_bytes()) {
                self.next += word.len();
                return Ok(value);
            }
        }
        Err(self.malformed("no value"))
    }

    fn digits(&mut self) -> Parsed<()> {
        let begin = self.next;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.next += 1;
        }
        if self.next == begin {
            return Err(self.malformed("no digit"));
        }
        Ok(())
    }

    fn number(&mut self) -> Parsed<Value<'a>> {
        let begin = self.next;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(Value::Number(&self.text[begin..self.next]))
    }

    fn array(&mut self, depth: usize) -> Parsed<Value<'a>> {
        let mut items = Vec::new();
        self.next += 1;
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if !self.more(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Parsed<Value<'a>> {
        let mut object = Object::default();
        self.next += 1;
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(object));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.malformed("no key"));
            }
            let key = self.string()?;
            self.skip_space();
            if !self.take(b':') {
                return Err(self.malformed("no colon"));
            }
            self.skip_space();
            object.0.push((key, self.value(depth + 1)?));
            if !self.more(b'}')? {
                refuse_equal(&object)?;
                return Ok(Value::Object(object));
            }
        }
    }

    /// Steps over a comma, or over the closing bracket, and returns whether it was a comma.
    fn more(&mut self, closing: u8) -> Parsed<bool> {
        self.skip_space();
        if self.take(closing) {
            return Ok(false);
        }
        if !self.take(b',') {
            return Err(self.malformed("no comma"));
        }
        self.skip_space();
        Ok(true)
    }

    fn string(&mut self) -> Parsed<Cow<'a, str>> {
        self.next += 1;
        let piece = self.piece()?;
        if self.take(b'"') {
            return Ok(Cow::Borrowed(piece));
        }
        let mut text = String::from(piece);
        while !self.take(b'"') {
            self.next += 1; // over the backslash
            text.push(self.escape()?);
            text.push_str(self.piece()?);
        }
        Ok(Cow::Owned(text))
    }

    /// Returns the characters up to the next quote or backslash.
    fn piece(&mut self) -> Parsed<&'a str> {
        let begin = self.next;
        loop {
            match self.peek() {
                Some(b'"' | b'\\') => return Ok(&self.text[begin..self.next]),
                Some(0..0x20) => return Err(self.malformed("a control character")),
                Some(_) => self.next += 1,
                None => return Err(self.malformed("no closing quote")),
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let letter = self.peek();
        self.next += 1;
        Ok(match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.malformed("an unknown escape before")),
        })
    }

    fn unicode(&mut self) -> Parsed<char> {
        let mut units = vec![self.code_unit()?];
        if (0xd800..0xdc00).contains(&units[0]) && self.take(b'\\') {
            if !self.take(b'u') {
                return Err("a lone surrogate in a string".into());
            }
            units.push(self.code_unit()?);
        }
        match char::decode_utf16(units).collect::<Vec<_>>()[..] {
            [Ok(character)] => Ok(character),
            _ => Err("a lone surrogate in a string".into()),
        }
    }

    fn code_unit(&mut self) -> Parsed<u16> {
        let digits = self.text.as_bytes().get(self.next..self.next + 4);
        let unit = digits
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.malformed("no four hexadecimal digits"))?;
        self.next += 4;
        Ok(unit)
    }
}

fn refuse_equal(object: &Object) -> Parsed<()> {
    let twice = if object.0.len() <= 16 {
        let mut keys = object.keys().enumerate();
        keys.find(|(place, key)| object.keys().take(*place).any(|earlier| earlier == *key)).map(|(_, key)| key)
    } else {
        let mut seen = HashSet::with_capacity(object.0.len());
        object.keys().find(|key| !seen.insert(*key))
    };
    match twice {
        Some(key) => Err(format!("the key {} twice", shown(key))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit() {
        let value = parse(b" [253402300799999999, -0, 1e3, 9007199254740992]\n").unwrap();
        let items = value.array().unwrap();
        assert_eq!(items[0], Value::Number("253402300799999999"));
        assert_eq!(items.iter().map(Value::integer).collect::<Vec<_>>(), [None, Some(0), None, None]);
        assert_eq!(items[2].float(), Some(1000.0));
        assert_eq!(parse(b"1e400").unwrap().float(), Some(f64::INFINITY));
    }

    #[test]
    fn strings_are_unescaped() {
        let text = br#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\uDE00z\u0000""#;
        assert_eq!(parse(text).unwrap().string(), Some("a\"\\/\x08\x0c\n\r\té😀z\0"));
        assert_eq!(parse(br#""\uffff""#).unwrap().string(), Some("\u{ffff}"));
    }

    #[test]
    fn what_is_not_strict_json_is_refused() {
        let deep = format!("{}{}", "[".repeat(17), "]".repeat(17));
        let many: Vec<String> = (0..20).map(|k| format!("\"k{}\": 1", k % 19)).collect();
        let many = format!("{{{}}}", many.join(","));
        for text in [
            "",
            " ",
            "nul",
            "NaN",
            "-Infinity",
            "01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "-",
            "+1",
            "0x1",
            "1 2",
            "[1,]",
            "[,1]",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "\"a",
            "\"\x01\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "\"\\ud800\\n\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "'a'",
            "// no\n1",
            "\u{feff}1",
            "[",
            "{\"a\":",
            "\"\\",
            "\"\\u+123\"",
            &deep,
            &many,
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        assert!(parse(&deep.as_bytes()[1..deep.len() - 1]).is_ok());
    }
}
