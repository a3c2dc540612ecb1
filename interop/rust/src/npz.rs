//! Archives of arrays: a zip file with one possible form (section 5 of the format).
//!
//! The headers are written anew from what they say, and compared with the bytes that stand there: whatever
//! the profile does not allow differs somewhere.

use std::ops::Range;

use crate::digest::crc32;
use crate::error::{Error, Result, Verdict};
use crate::manifest::ArraySpec;
use crate::npy;

const ALIGNMENT: u64 = 64;
const LOCAL_SIZE: usize = 30; // the fixed part of a local header
const ZIP64_LIMIT: u64 = 0xffff_ffff; // sizes and offsets from here on stand in a zip64 field
const ZIP64_FIELD: u16 = 1;
const ALIGN_FIELD: u16 = 0xd935;
const ALIGN_FIELD_SIZE: usize = 6; // without its padding
const DATE_1980_01_01: u16 = 0x0021;
const MADE_BY_UNIX: u16 = 3 << 8;
const REGULAR_FILE: u32 = 0o100_644 << 16;
const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;
const END64_SIZE: u64 = 44; // bytes that follow the size field of the zip64 end record

/// One member's place in an archive; all headers follow from it.
pub(crate) struct Member {
    pub(crate) name: String, // with .npy
    offset: u64,             // of its local header
    crc: u32,
    size: u64,
    start: u64, // of its content
}

/// Little-endian numbers at the end of some bytes.
trait Append {
    fn u16s<const N: usize>(&mut self, values: [u16; N]);
    fn u32s<const N: usize>(&mut self, values: [u32; N]);
    fn u64s<const N: usize>(&mut self, values: [u64; N]);
}

impl Append for Vec<u8> {
    fn u16s<const N: usize>(&mut self, values: [u16; N]) {
        values.iter().for_each(|value| self.extend(value.to_le_bytes()));
    }

    fn u32s<const N: usize>(&mut self, values: [u32; N]) {
        values.iter().for_each(|value| self.extend(value.to_le_bytes()));
    }

    fn u64s<const N: usize>(&mut self, values: [u64; N]) {
        values.iter().for_each(|value| self.extend(value.to_le_bytes()));
    }
}

/// Returns what stands in a field of 32 bits: the value, or that a zip64 field has it.
fn in_32_bits(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl Member {
    /// Writes the one local header that such a member can have.
    fn local_header(&self) -> Vec<u8> {
        let mut zip64 = Vec::new();
        if self.size >= ZIP64_LIMIT {
            zip64.u16s([ZIP64_FIELD, 16]);
            zip64.u64s([self.size, self.size]);
        }
        let fixed = LOCAL_SIZE + self.name.len() + zip64.len() + ALIGN_FIELD_SIZE;
        let padding = (self.offset.wrapping_add(fixed as u64)).wrapping_neg() % ALIGNMENT;
        let version = if zip64.is_empty() { VERSION } else { VERSION_ZIP64 };
        let size = in_32_bits(self.size);
        let mut header = b"PK\x03\x04".to_vec();
        header.u16s([version, 0, 0, 0, DATE_1980_01_01]);
        header.u32s([self.crc, size, size]);
        let extra = zip64.len() + ALIGN_FIELD_SIZE;
        header.u16s([self.name.len() as u16, extra as u16 + padding as u16]);
        header.extend(self.name.as_bytes());
        header.extend(zip64);
        header.u16s([ALIGN_FIELD, 2 + padding as u16, ALIGNMENT as u16]);
        header.resize(header.len() + padding as usize, 0);
        header
    }

    /// Writes the one central header that such a member can have.
    fn central_header(&self, out: &mut Vec<u8>) {
        let mut fields = Vec::new();
        if self.size >= ZIP64_LIMIT {
            fields.u64s([self.size, self.size]);
        }
        if self.offset >= ZIP64_LIMIT {
            fields.u64s([self.offset]);
        }
        let version = if fields.is_empty() { VERSION } else { VERSION_ZIP64 };
        let extra = if fields.is_empty() { 0 } else { 4 + fields.len() as u16 };
        let size = in_32_bits(self.size);
        out.extend(b"PK\x01\x02");
        out.u16s([MADE_BY_UNIX | version, version, 0, 0, 0, DATE_1980_01_01]);
        out.u32s([self.crc, size, size]);
        out.u16s([self.name.len() as u16, extra, 0, 0, 0]);
        out.u32s([REGULAR_FILE, in_32_bits(self.offset)]);
        out.extend(self.name.as_bytes());
        if !fields.is_empty() {
            out.u16s([ZIP64_FIELD, fields.len() as u16]);
            out.extend(fields);
        }
    }

    /// Where the content stands in the archive.
    pub(crate) fn content(&self) -> Range<usize> {
        // Both lie within the bytes of the file.
        self.start as usize..(self.start + self.size) as usize
    }
}

/// Writes everything that follows the last member's content, which ends at `offset`.
fn directory(members: &[Member], offset: u64) -> Vec<u8> {
    let mut out = Vec::new();
    members.iter().for_each(|member| member.central_header(&mut out));
    let (size, count) = (out.len() as u64, members.len() as u64);
    if offset >= ZIP64_LIMIT {
        out.extend(b"PK\x06\x06");
        out.u64s([END64_SIZE]);
        out.u16s([MADE_BY_UNIX | VERSION_ZIP64, VERSION_ZIP64]);
        out.u32s([0, 0]);
        out.u64s([count, count, size, offset]);
        out.extend(b"PK\x06\x07");
        out.u32s([0]);
        out.u64s([offset + size]);
        out.u32s([1]);
    }
    out.extend(b"PK\x05\x06");
    out.u16s([0, 0, count as u16, count as u16]);
    out.u32s([size as u32, in_32_bits(offset)]);
    out.u16s([0]);
    out
}

/// Returns the members of an archive, which are those of `specs`.
pub(crate) fn members(data: &[u8], specs: &[ArraySpec], place: &str) -> Result<Vec<Member>> {
    let mut members = Vec::with_capacity(specs.len());
    let mut offset = 0;
    for spec in specs {
        let member = read_member(data, format!("{}.npy", spec.name), offset, place)?;
        offset = member.start + member.size;
        members.push(member);
    }
    if data[offset as usize..] != directory(&members, offset) {
        let expected = "the central directory of exactly these members";
        return Err(Error::new(Verdict::Container, place, format!("byte {offset}"), expected, "other bytes"));
    }
    Ok(members)
}

fn read_member(data: &[u8], name: String, offset: u64, place: &str) -> Result<Member> {
    let fault = |expected: String, got: String| {
        Err(Error::new(Verdict::Container, place, format!("byte {offset}"), expected, got))
    };
    // Within the file, as the member before ends there.
    let header = &data[offset as usize..];
    let (Some(crc), Some(size)) = (u32_at(header, 14), u32_at(header, 22)) else {
        return fault(format!("the member {name}"), "the end of the file".into());
    };
    let mut member = Member { name, offset, crc, size: u64::from(size), start: 0 };
    if member.size == ZIP64_LIMIT {
        let at = LOCAL_SIZE + member.name.len() + 4;
        if let Some(bytes) = header.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()) {
            member.size = u64::from_le_bytes(bytes);
        }
    }
    let expected = member.local_header();
    if !header.starts_with(&expected) {
        let expected = format!("the member {}, stored and aligned to {ALIGNMENT} bytes", member.name);
        return fault(expected, "other bytes".into());
    }
    let room = (header.len() - expected.len()) as u64;
    if member.size > room {
        return fault(format!("{} bytes of {}", member.size, member.name), room.to_string());
    }
    member.start = offset + expected.len() as u64;
    Ok(member)
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// Returns where the elements of each array of an archive stand in its bytes, in the order of `specs`.
pub(crate) fn arrays(data: &[u8], specs: &[ArraySpec], place: &str) -> Result<Vec<Range<usize>>> {
    // All of the container first, so that a fault in it is never reported as one of an array.
    let members = members(data, specs, place)?;
    members
        .iter()
        .zip(specs)
        .map(|(member, spec)| {
            let content = member.content();
            let place = format!("{place}: {}", member.name);
            let elements = npy::elements(&data[content.clone()], spec, &place)?;
            Ok(content.end - elements.len()..content.end)
        })
        .collect()
}

/// Checks the CRC-32 of each member.
pub(crate) fn verify_crc(data: &[u8], specs: &[ArraySpec], place: &str) -> Result<()> {
    for member in members(data, specs, place)? {
        let found = crc32(&data[member.content()]);
        if found != member.crc {
            let (expected, got) = (format!("CRC-32 {:08x}", member.crc), format!("{found:08x}"));
            return Err(Error::new(Verdict::Checksum, place, member.name, expected, got));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(offset: u64, size: u64) -> Member {
        Member { name: "data.npy".into(), offset, crc: 0x0102_0304, size, start: 0 }
    }

    fn version(header: &[u8], at: usize) -> u16 {
        u16::from_le_bytes([header[at], header[at + 1]])
    }

    #[test]
    fn a_size_of_4_gib_moves_into_a_zip64_field() {
        let large = member(0, ZIP64_LIMIT).local_header();
        assert_eq!(version(&large, 4), 45);
        assert_eq!(large[18..26], [0xff; 8]);
        let field = LOCAL_SIZE + "data.npy".len();
        assert_eq!(large[field..field + 4], [1, 0, 16, 0]);
        assert_eq!(large[field + 4..field + 12], ZIP64_LIMIT.to_le_bytes());
        assert_eq!(large.len() % 64, 0);
        assert_eq!(version(&member(0, ZIP64_LIMIT - 1).local_header(), 4), 20);
    }

    #[test]
    fn a_large_offset_needs_version_45_in_the_central_header_alone() {
        let behind = member(ZIP64_LIMIT, 8);
        assert_eq!(version(&behind.local_header(), 4), 20);
        let mut central = Vec::new();
        behind.central_header(&mut central);
        assert_eq!(version(&central, 6), 45);
        assert_eq!(central[42..46], [0xff; 4]);
        assert_eq!(central[54..58], [1, 0, 8, 0]);
        assert_eq!(central[58..], ZIP64_LIMIT.to_le_bytes());
    }

    #[test]
    fn a_directory_behind_4_gib_has_a_zip64_end_record() {
        let end = directory(&[], ZIP64_LIMIT);
        assert_eq!(end[..4], *b"PK\x06\x06");
        assert_eq!(end.len(), 56 + 20 + 22);
        assert_eq!(directory(&[], ZIP64_LIMIT - 1).len(), 22);
    }
}
