//! Id maps: `items.csv`, `users.csv` and those of the catalogue (section 8 of the format).
//!
//! A map is parsed, and so checked, when it is first asked for. Kept are the place of each id in the bytes of the
//! file, and a few of its bytes: ids ascend, so they are found by bisection.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::OnceLock;

use crate::error::{shown_bytes, Error, Result, Verdict};
use crate::files::Files;

const HEADER: &[u8] = b"index,id\n";
const MAX_ID_BYTES: usize = 65_535;

/// One id map of a model.
pub(crate) struct IdMap {
    file: &'static str,
    count: usize,
    index: OnceLock<Result<Index>>,
}

/// Where ids stand, and how they are found.
struct Index {
    starts: Starts,
    common: usize,   // bytes that all ids begin with
    heads: Vec<u64>, // of each id the next eight
}

/// Where the field of each id begins: four bytes an id, if the file is that small.
enum Starts {
    Near(Vec<u32>),
    Far(Vec<u64>),
}

impl Starts {
    fn get(&self, index: usize) -> usize {
        match self {
            Starts::Near(starts) => starts[index] as usize,
            Starts::Far(starts) => starts[index] as usize,
        }
    }

    fn len(&self) -> usize {
        match self {
            Starts::Near(starts) => starts.len(),
            Starts::Far(starts) => starts.len(),
        }
    }
}

impl IdMap {
    pub(crate) fn new(file: &'static str, count: u64) -> IdMap {
        // The limit of an axis fits 32 bits.
        IdMap { file, count: count as usize, index: OnceLock::new() }
    }

    /// Returns the ids, once the whole file has been found sound.
    pub(crate) fn ids<'a>(&'a self, files: &'a Files) -> Result<Ids<'a>> {
        let data = files.data(self.file);
        let parse =
            || Parser { data, place: files.path(self.file) }.parse(self.count).map(|starts| Index::new(data, starts));
        match self.index.get_or_init(parse) {
            Ok(index) => Ok(Ids { data, index }),
            Err(error) => Err(error.clone()),
        }
    }
}

impl Index {
    fn new(data: &[u8], starts: Starts) -> Index {
        let mut index = Index { starts, common: 0, heads: Vec::new() };
        let ids = Ids { data, index: &index };
        // The first and the last have in common what all have.
        let (first, last) = match ids.len() {
            0 => return index,
            count => (unquoted(ids.field(0)), unquoted(ids.field(count - 1))),
        };
        let common = first.iter().zip(last.iter()).take_while(|(a, b)| a == b).count();
        let heads = (0..ids.len()).map(|place| head(&unquoted(ids.field(place))[common..])).collect();
        (index.common, index.heads) = (common, heads);
        index
    }
}

/// Returns the first eight bytes of a text, filled up with zeros, as a number that ascends with them.
fn head(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = text.len().min(8);
    bytes[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(bytes)
}

/// The ids of a sound map.
#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    data: &'a [u8],
    index: &'a Index,
}

impl<'a> Ids<'a> {
    pub(crate) fn len(&self) -> usize {
        self.index.starts.len()
    }

    /// Returns an id as it stands in the file.
    fn field(&self, index: usize) -> &'a [u8] {
        let begin = self.index.starts.get(index);
        let end = if index + 1 == self.len() {
            self.data.len() - 1
        } else {
            // Before the next field stand a line feed, its index and a comma.
            self.index.starts.get(index + 1) - digits(index + 1) - 2
        };
        &self.data[begin..end]
    }

    /// Returns the id at a position that exists.
    pub(crate) fn get(&self, index: usize) -> Cow<'a, str> {
        match unquoted(self.field(index)) {
            // Checked to be UTF-8; a file that is changed in place may be anything.
            Cow::Borrowed(id) => String::from_utf8_lossy(id),
            Cow::Owned(id) => Cow::Owned(String::from_utf8_lossy(&id).into_owned()),
        }
    }

    /// Returns where an id stands.
    pub(crate) fn position(&self, id: &str) -> Option<u32> {
        let index = self.index;
        // What begins otherwise than all ids is told from them by the last comparison.
        let wanted = head(id.as_bytes().get(index.common..)?);
        let mut low = index.heads.partition_point(|head| *head < wanted);
        let same = &index.heads[low..];
        // Nearly always one at most has this head.
        let count = match same.get(1) {
            Some(head) if *head == wanted => same.partition_point(|head| *head == wanted),
            _ => usize::from(same.first() == Some(&wanted)),
        };
        let mut high = low + count;
        while low < high {
            let middle = low + (high - low) / 2;
            match compare(self.field(middle), id.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Some(middle as u32),
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Sets `out` to the positions of the known ids, ascending, each once.
    pub(crate) fn positions(&self, ids: &[Cow<str>], out: &mut Vec<u32>) {
        out.clear();
        out.extend(ids.iter().filter_map(|id| self.position(id)));
        out.sort_unstable();
        out.dedup();
    }
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Compares the id of a valid field with another one.
fn compare(field: &[u8], id: &[u8]) -> Ordering {
    if field.first() == Some(&b'"') {
        return unquoted(field).as_ref().cmp(id);
    }
    field.cmp(id)
}

/// Returns the id of a valid field.
fn unquoted(field: &[u8]) -> Cow<'_, [u8]> {
    if field.first() != Some(&b'"') {
        return Cow::Borrowed(field);
    }
    let inner = field.get(1..field.len() - 1).unwrap_or_default();
    let mut id = Vec::with_capacity(inner.len());
    let mut is_second = false;
    for byte in inner {
        is_second = *byte == b'"' && !is_second;
        if *byte != b'"' || is_second {
            id.push(*byte);
        }
    }
    Cow::Owned(id)
}

struct Parser<'a> {
    data: &'a [u8],
    place: String,
}

impl<'a> Parser<'a> {
    fn parse(&self, count: usize) -> Result<Starts> {
        if !self.data.starts_with(HEADER) {
            let line = self.data.split(|byte| *byte == b'\n').next().unwrap_or_default();
            return Err(self.fault(1, "", "the header 'index,id'", shown_bytes(line)));
        }
        // A line has at least four bytes: nothing is allocated by a count the file cannot hold.
        if count > (self.data.len() - HEADER.len()) / 4 {
            return Err(self.wrong_count(count));
        }
        if u32::try_from(self.data.len()).is_ok() {
            Ok(Starts::Near(self.lines(count, |start| start as u32)?))
        } else {
            Ok(Starts::Far(self.lines(count, |start| start as u64)?))
        }
    }

    fn fault(&self, line: usize, name: &str, expected: impl Into<String>, got: String) -> Error {
        Error::new(Verdict::Idmap, format!("{}:{line}", self.place), name, expected, got)
    }

    fn wrong_count(&self, count: usize) -> Error {
        let lines = self.data.iter().filter(|byte| **byte == b'\n').count();
        let expected = format!("{count} ids as in the manifest, each on a line");
        Error::new(Verdict::Idmap, &self.place, "", expected, format!("{} lines", lines.saturating_sub(1)))
    }

    /// Checks all lines, and returns where their fields begin.
    fn lines<T>(&self, count: usize, start_of: impl Fn(usize) -> T) -> Result<Vec<T>> {
        let mut starts = Vec::with_capacity(count);
        let mut offset = HEADER.len();
        let mut number = Counter::new();
        let mut previous: &[u8] = &[];
        for index in 0..count {
            let line = &self.data[offset..];
            let Some(field) = line.strip_prefix(number.text()) else {
                let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
                return Err(self.fault(index + 2, "", format!("the index {index}"), shown_bytes(line)));
            };
            let (length, seen) = scan(field);
            if length == field.len() {
                return Err(self.wrong_count(count));
            }
            let field = &field[..length];
            self.check_field(field, seen, index + 2)?;
            if index > 0 && !ascends(previous, field) {
                let expected = format!("an id after {} in UTF-8 byte order", shown_bytes(&unquoted(previous)));
                return Err(self.fault(index + 2, "", expected, shown_bytes(&unquoted(field))));
            }
            previous = field;
            offset += number.text().len();
            starts.push(start_of(offset));
            offset += length + 1;
            number.increment();
        }
        if offset != self.data.len() {
            return Err(self.wrong_count(count));
        }
        Ok(starts)
    }

    fn check_field(&self, field: &[u8], seen: u8, line: usize) -> Result<()> {
        let fault = |expected: &str, got: String| Err(self.fault(line, "id", expected, got));
        let mut length = field.len();
        if seen & SPECIAL != 0 {
            if !is_quoted(field) {
                let expected = "quotes around, and doubled within, an id with a comma or a quote";
                return fault(expected, shown_bytes(field));
            }
            length = unquoted(field).len();
        }
        if length == 0 {
            return fault("an id of at least one character", "an empty one".into());
        }
        if seen & FORBIDDEN != 0 {
            return fault("no NUL and no carriage return", shown_bytes(field));
        }
        if length > MAX_ID_BYTES {
            return fault("at most 65535 bytes", length.to_string());
        }
        // Quotes are ASCII, so the field is UTF-8 if and only if the id is.
        if seen & HIGH != 0 && std::str::from_utf8(field).is_err() {
            return fault("UTF-8", shown_bytes(field));
        }
        Ok(())
    }
}

/// What kinds of bytes a field has.
const SPECIAL: u8 = 1; // a quote or a comma
const FORBIDDEN: u8 = 2;
const END: u8 = 4;
const HIGH: u8 = 8; // not ASCII

const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0x80;
    while byte < 256 {
        kinds[byte] = HIGH;
        byte += 1;
    }
    kinds[b',' as usize] = SPECIAL;
    kinds[b'"' as usize] = SPECIAL;
    kinds[0] = FORBIDDEN;
    kinds[b'\r' as usize] = FORBIDDEN;
    kinds[b'\n' as usize] = END;
    kinds
};

/// Returns the length of what stands before the first line feed, and the kinds of its bytes.
fn scan(data: &[u8]) -> (usize, u8) {
    let mut seen = 0;
    for (length, byte) in data.iter().enumerate() {
        let kind = KINDS[usize::from(*byte)];
        if kind == END {
            return (length, seen);
        }
        seen |= kind;
    }
    (data.len(), seen)
}

/// Whether a field is in quotes, has its inner quotes doubled, and needs it.
fn is_quoted(field: &[u8]) -> bool {
    let Some(inner) = field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else {
        return false;
    };
    // Quotes stand in runs of even length, as a run of odd length has one that is not doubled.
    let mut runs = inner.split(|byte| *byte != b'"');
    runs.all(|run| run.len() % 2 == 0) && inner.iter().any(|byte| matches!(byte, b',' | b'"'))
}

/// Whether the id of a valid field comes after that of another one.
fn ascends(previous: &[u8], field: &[u8]) -> bool {
    if previous.first() != Some(&b'"') && field.first() != Some(&b'"') {
        return previous < field;
    }
    unquoted(previous) < unquoted(field)
}

/// A number in decimal with a comma behind it, which counts.
struct Counter {
    bytes: [u8; 12],
    begin: usize,
}

impl Counter {
    fn new() -> Counter {
        let mut bytes = [b'0'; 12];
        bytes[11] = b',';
        Counter { bytes, begin: 10 }
    }

    fn text(&self) -> &[u8] {
        &self.bytes[self.begin..]
    }

    fn increment(&mut self) {
        // Eleven digits are enough for an axis.
        for place in (0..11).rev() {
            self.begin = self.begin.min(place);
            if self.bytes[place] < b'9' {
                self.bytes[place] += 1;
                return;
            }
            self.bytes[place] = b'0';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8], count: usize) -> Result<Starts> {
        Parser { data: text, place: "items.csv".into() }.parse(count)
    }

    #[test]
    fn ids_are_found_by_their_bytes() {
        let text = "index,id\n0,007\n1,\" , \"\"\"\n2,a\n".as_bytes();
        assert!(parse(text, 3).is_err(), "the quoted id begins with a space and sorts first");
        let text = "index,id\n0,\" , \"\"\"\n1,007\n2,a\n3,é\n".as_bytes();
        let index = Index::new(text, parse(text, 4).unwrap());
        let ids = Ids { data: text, index: &index };
        for (index, id) in [" , \"", "007", "a", "é"].into_iter().enumerate() {
            assert_eq!(ids.get(index), id);
            assert_eq!(ids.position(id), Some(index as u32));
        }
        for id in ["", "7", "b", "\u{10ffff}"] {
            assert_eq!(ids.position(id), None);
        }
    }

    #[test]
    fn ids_that_begin_alike_are_found() {
        let known: Vec<String> = (0..300).map(|k| format!("urn:item:{:03}:{}", k / 100, 1000 + k)).collect();
        let lines = known.iter().enumerate().map(|(k, id)| format!("{k},{id}\n"));
        let text = format!("index,id\n{}", lines.collect::<String>());
        let index = Index::new(text.as_bytes(), parse(text.as_bytes(), 300).unwrap());
        let ids = Ids { data: text.as_bytes(), index: &index };
        for (place, id) in known.iter().enumerate() {
            assert_eq!(ids.position(id), Some(place as u32));
            assert_eq!(ids.position(&id[..id.len() - 1]), None);
            assert_eq!(ids.position(&format!("{id}\0")), None);
            assert_eq!(ids.position(&id.replace("urn", "vrn")), None);
        }
    }

    #[test]
    fn no_line_feed_hides_in_quotes() {
        assert_eq!(parse(b"index,id\n0,\"a\nb\"\n", 1).err().unwrap().verdict, Verdict::Idmap);
    }

    #[test]
    fn quotes_stand_only_where_they_must() {
        for (field, expected) in
            [("\",\"", true), ("\"\"\"\"", true), ("\"a\"", false), ("\"\"", false), ("\"", false), ("\",\"\"", false)]
        {
            assert_eq!(is_quoted(field.as_bytes()), expected, "{field}");
        }
    }

    #[test]
    fn a_counter_counts() {
        let mut counter = Counter::new();
        for number in 0..1234 {
            assert_eq!(counter.text(), format!("{number},").as_bytes());
            counter.increment();
        }
    }
}
