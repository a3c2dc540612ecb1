//! The header of one array (section 6 of the format).

use crate::error::{shown, shown_bytes, Error, Result, Verdict};
use crate::manifest::ArraySpec;

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
const MAX_HEADER_BYTES: usize = 1024;

/// Returns where the elements of an array stand in its member, or why it is not the one that the manifest announces.
pub(crate) fn elements<'a>(member: &'a [u8], spec: &ArraySpec, place: &str) -> Result<&'a [u8]> {
    let fault =
        |name: &str, expected: String, got: String| Err(Error::new(Verdict::Header, place, name, expected, got));
    let head = &member[..member.len().min(MAX_HEADER_BYTES)];
    if head.len() < 10 || !head.starts_with(MAGIC) {
        let got = shown_bytes(&head[..head.len().min(MAGIC.len())]);
        return fault("", "the magic bytes of npy 1.0".into(), got);
    }
    let size = 10 + usize::from(u16::from_le_bytes([head[8], head[9]]));
    if size % 64 != 0 || size > MAX_HEADER_BYTES {
        let expected = format!("a multiple of 64 up to {MAX_HEADER_BYTES}");
        return fault("header size", expected, size.to_string());
    }
    if head.len() < size {
        return fault("header", format!("{size} bytes"), head.len().to_string());
    }
    // There is one text for each array, so it is made and compared; nothing has to be parsed.
    let text = format!("{{'descr': '{}', 'fortran_order': False, 'shape': ({},), }}", spec.dtype, spec.length);
    let padding = head[10..size].strip_prefix(text.as_bytes()).and_then(|rest| rest.strip_suffix(b"\n"));
    if !padding.is_some_and(|spaces| spaces.iter().all(|byte| *byte == b' ')) {
        let expected = format!("{} and spaces up to a line feed", shown(&text));
        return fault("header", expected, shown_bytes(&head[10..size]));
    }
    let data = &member[size..];
    // The length is at most 2^53, so the product does not overflow.
    let expected = spec.length * spec.element_bytes();
    if data.len() as u64 != expected {
        return fault("", format!("{expected} bytes of data"), data.len().to_string());
    }
    Ok(data)
}
