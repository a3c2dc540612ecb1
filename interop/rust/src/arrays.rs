//! Arrays as they stand in the files. Numbers are read where they are, one by one: a load on a little-endian
//! machine, right on any, and no cast.

use std::ops::Range;

use crate::error::{Error, Result, Verdict};
use crate::files::Files;
use crate::npz;

pub(crate) type I32s<'a> = &'a [[u8; 4]];
pub(crate) type F32s<'a> = &'a [[u8; 4]];
pub(crate) type I64s<'a> = &'a [[u8; 8]];
pub(crate) type F64s<'a> = &'a [[u8; 8]];

/// Where one array stands.
pub(crate) struct Place {
    file: &'static str,
    range: Range<usize>,
}

impl Place {
    /// Finds all arrays of a file.
    pub(crate) fn list(files: &Files, file: &'static str) -> Result<Vec<Place>> {
        let specs = files.manifest.arrays(file);
        let ranges = npz::arrays(files.data(file), &specs, &files.path(file))?;
        Ok(ranges.into_iter().map(|range| Place { file, range }).collect())
    }

    /// Finds the arrays of a file that has so many.
    pub(crate) fn find<const N: usize>(files: &Files, file: &'static str) -> Result<[Place; N]> {
        let fault = |found: Vec<Place>| {
            let (expected, got) = (format!("{N} arrays"), found.len().to_string());
            Error::new(Verdict::Container, files.path(file), "", expected, got)
        };
        Place::list(files, file)?.try_into().map_err(fault)
    }

    pub(crate) fn bytes<'a>(&self, files: &'a Files) -> &'a [u8] {
        &files.data(self.file)[self.range.clone()]
    }

    /// Returns the elements, of N bytes each.
    pub(crate) fn elements<'a, const N: usize>(&self, files: &'a Files) -> &'a [[u8; N]] {
        self.bytes(files).as_chunks().0
    }
}

/// Where a matrix stands.
pub(crate) struct CsrPlace {
    indptr: Place,
    indices: Place,
    data: Place,
}

impl CsrPlace {
    /// Finds the matrix of a file, and checks what belongs to opening: CSR-1.
    pub(crate) fn find(files: &Files, file: &'static str) -> Result<CsrPlace> {
        let [indptr, indices, data] = Place::find(files, file)?;
        let found = CsrPlace { indptr, indices, data };
        check_offsets(&found.view(files), &files.path(file))?;
        Ok(found)
    }

    pub(crate) fn view<'a>(&self, files: &'a Files) -> Csr<'a> {
        Csr {
            indptr: self.indptr.elements(files),
            indices: self.indices.elements(files),
            data: self.data.elements(files),
        }
    }
}

/// Compressed sparse rows.
#[derive(Clone, Copy)]
pub(crate) struct Csr<'a> {
    pub(crate) indptr: I64s<'a>,
    pub(crate) indices: I32s<'a>,
    pub(crate) data: F32s<'a>,
}

impl<'a> Csr<'a> {
    /// Returns where a row stands among the entries, also if the file was changed since it was opened.
    pub(crate) fn range(&self, row: usize) -> Range<usize> {
        let Some([begin, end]) = self.indptr.get(row..row + 2) else { return 0..0 };
        let within = |offset: &[u8; 8]| (i64::from_le_bytes(*offset) as usize).min(self.indices.len());
        within(begin)..within(end)
    }

    /// Returns the column positions and values of a row; none, should its file have been changed meanwhile.
    pub(crate) fn row(&self, row: usize) -> (I32s<'a>, F32s<'a>) {
        let range = self.range(row);
        (self.indices.get(range.clone()).unwrap_or_default(), self.data.get(range).unwrap_or_default())
    }
}

fn check_offsets(csr: &Csr, place: &str) -> Result<()> {
    let fault = |row: usize, expected: String, got: i64| {
        let (place, name) = (format!("{place}: indptr.npy"), format!("element {row}"));
        Err(Error::new(Verdict::Csr, place, name, expected, got.to_string()))
    };
    let entries = csr.indices.len() as i64;
    let mut previous = 0;
    for (row, offset) in csr.indptr.iter().enumerate() {
        let offset = i64::from_le_bytes(*offset);
        if offset < previous || offset > entries || (row == 0 && offset != 0) {
            let expected = if row == 0 { "0".into() } else { format!("{previous} to {entries}") };
            return fault(row, expected, offset);
        }
        previous = offset;
    }
    if previous != entries {
        return fault(csr.indptr.len() - 1, entries.to_string(), previous);
    }
    Ok(())
}
