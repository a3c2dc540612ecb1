//! The bytes of one file: mapped where the platform maps, else read. The only module with unsafe code.

use std::fs::File;
use std::io::{self, Read};

/// The bytes of a file that stays as it is.
pub(crate) enum Bytes {
    #[cfg(feature = "mmap")]
    Mapped(memmap2::Mmap, Mark),
    Read(Vec<u8>),
}

impl Bytes {
    /// Maps a file, if that is wanted and possible, and reads it otherwise.
    ///
    /// A file that has not `size` bytes by now is an error.
    pub(crate) fn load(file: &mut File, size: usize, map: bool) -> io::Result<Bytes> {
        #[cfg(feature = "mmap")]
        if map && size > 0 {
            // Some file systems cannot map; the same bytes are read then.
            if let Some(mapped) = map_file(file, size) {
                let mark = Mark::of(&mapped);
                return Ok(Bytes::Mapped(mapped, mark));
            }
        }
        let _ = map;
        let mut data = Vec::new();
        data.try_reserve_exact(size)?;
        // One byte more, to see a file that has grown.
        file.take(size as u64 + 1).read_to_end(&mut data)?;
        if data.len() != size {
            return Err(io::Error::other("it changes while it is read"));
        }
        Ok(Bytes::Read(data))
    }

    pub(crate) fn get(&self) -> &[u8] {
        match self {
            #[cfg(feature = "mmap")]
            Bytes::Mapped(data, _) => data,
            Bytes::Read(data) => data,
        }
    }

    pub(crate) fn is_mapped(&self) -> bool {
        !matches!(self, Bytes::Read(_))
    }

    /// Whether no byte is gone since the file was opened, see [`Mark`].
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            #[cfg(feature = "mmap")]
            Bytes::Mapped(data, mark) => mark.stands_in(data),
            Bytes::Read(_) => true,
        }
    }
}

/// The last byte of a mapping that is not 0. When somebody cuts the file, what remains of its last page turns
/// into zeros; pages further back cannot be read any more, and the system ends the process (SIGBUS).
#[cfg(feature = "mmap")]
pub(crate) struct Mark {
    place: usize,
    byte: u8,
}

#[cfg(feature = "mmap")]
impl Mark {
    /// The most zeros that a sound file ends in: those of the end record of an archive.
    const TAIL: usize = 64;

    fn of(data: &[u8]) -> Mark {
        let tail = &data[data.len().saturating_sub(Mark::TAIL)..];
        let zeros = tail.iter().rev().take_while(|byte| **byte == 0).count();
        let place = data.len().saturating_sub(zeros + 1);
        Mark { place, byte: data[place] }
    }

    fn stands_in(&self, data: &[u8]) -> bool {
        // Volatile in effect: the byte may have changed since the compiler last saw it.
        std::hint::black_box(data)[self.place] == self.byte
    }
}

#[cfg(feature = "mmap")]
#[allow(unsafe_code)]
fn map_file(file: &File, size: usize) -> Option<memmap2::Mmap> {
    // SAFETY: the format forbids writers to change a file in place (DIR-5), so the bytes stay as they are
    // while they are mapped. Should somebody do it all the same, bytes change under their readers: every
    // position and length that is taken from them is checked when it is used, not only once.
    unsafe { memmap2::MmapOptions::new().len(size).map(file) }.ok()
}
