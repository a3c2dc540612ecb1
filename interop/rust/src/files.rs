//! The files of one model directory (section 2 of the format).

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Verdict};
use crate::manifest::{optional_files, Manifest, MANIFEST, MAX_MANIFEST_BYTES};
use crate::map::Bytes;

/// The bytes of all files that the manifest lists.
pub(crate) struct Files {
    dir: PathBuf,
    pub(crate) manifest: Manifest,
    files: Vec<(&'static str, Bytes)>, // in the order of the manifest
}

/// How often a directory may be exchanged for another one while it is being opened.
const MAX_TURNS: usize = 8;

impl Files {
    /// Opens all files of a directory, whose sizes are as in its manifest.
    pub(crate) fn open(dir: &Path, map: bool) -> Result<Files> {
        // A writer may exchange the directory (DIR-5); the files of two models do not belong together.
        for _ in 0..MAX_TURNS {
            let before = identity(dir)?;
            let files = Files::open_once(dir, map);
            if identity(dir)? == before {
                return files;
            }
        }
        let expected = "a directory that stays in place";
        Err(Error::new(Verdict::Io, dir.to_string_lossy(), "", expected, "one that is exchanged again and again"))
    }

    fn open_once(dir: &Path, map: bool) -> Result<Files> {
        let manifest = read_manifest(dir)?;
        let listed = optional_files().filter(|name| !manifest.lists(name));
        for name in listed {
            if fs::symlink_metadata(dir.join(name)).is_ok() {
                let expected = format!("{name}, which is there");
                return Err(Error::new(Verdict::Manifest, path_of(dir, MANIFEST), "files", expected, "none"));
            }
        }
        let mut files = Vec::with_capacity(manifest.files.len());
        for entry in &manifest.files {
            let place = path_of(dir, entry.name);
            let (mut file, size) = open_regular(dir, entry.name)?;
            if size != entry.bytes {
                let expected = format!("{} bytes as in the manifest", entry.bytes);
                return Err(Error::new(Verdict::Size, place, "", expected, size.to_string()));
            }
            let Some(size) = usize::try_from(size).ok().filter(|size| isize::try_from(*size).is_ok()) else {
                let expected = "a file that fits the address space";
                return Err(Error::new(Verdict::Io, place, "", expected, format!("{size} bytes")));
            };
            let bytes = Bytes::load(&mut file, size, map);
            files.push((entry.name, bytes.map_err(|error| Error::io(place, "a readable file", error))?));
        }
        Ok(Files { dir: dir.into(), manifest, files })
    }

    /// Returns the path of a file, for messages.
    pub(crate) fn path(&self, name: &str) -> String {
        path_of(&self.dir, name)
    }

    /// Returns the bytes of a file that the manifest lists; none for another one.
    pub(crate) fn data(&self, name: &str) -> &[u8] {
        self.files.iter().find(|(known, _)| *known == name).map_or(&[], |(_, bytes)| bytes.get())
    }

    pub(crate) fn is_mapped(&self) -> bool {
        self.files.iter().any(|(_, bytes)| bytes.is_mapped())
    }

    /// Gives a fault if a byte of a mapped file is gone since it was opened: nobody knows what was made of it.
    pub(crate) fn expect_whole(&self) -> Result<()> {
        match self.files.iter().find(|(_, bytes)| !bytes.is_whole()) {
            None => Ok(()),
            Some((name, _)) => {
                let expected = "a file that stays as it was opened";
                Err(Error::new(Verdict::Io, self.path(name), "", expected, "a truncated one"))
            }
        }
    }
}

fn path_of(dir: &Path, name: &str) -> String {
    dir.join(name).to_string_lossy().into_owned()
}

/// Tells a directory from another one of the same name, where the system does; the path may be a symbolic link.
fn identity(dir: &Path) -> Result<(u64, u64)> {
    let place = dir.to_string_lossy();
    let found = fs::metadata(dir).map_err(|error| Error::io(place.as_ref(), "a model directory", error))?;
    if !found.is_dir() {
        return Err(Error::new(Verdict::Io, place, "", "a model directory", "a file"));
    }
    Ok(identity_of(&found))
}

#[cfg(unix)]
fn identity_of(found: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn identity_of(_: &fs::Metadata) -> (u64, u64) {
    (0, 0)
}

fn read_manifest(dir: &Path) -> Result<Manifest> {
    let place = path_of(dir, MANIFEST);
    let (file, size) = open_regular(dir, MANIFEST)?;
    let mut data = Vec::new();
    let read = file.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut data);
    read.map_err(|error| Error::io(&place, "a readable file", error))?;
    if data.len() as u64 > MAX_MANIFEST_BYTES {
        let expected = format!("at most {MAX_MANIFEST_BYTES} bytes");
        return Err(Error::new(Verdict::Manifest, place, "", expected, size.to_string()));
    }
    Manifest::parse(&data, &place)
}

/// Opens a regular file, and returns its size.
fn open_regular(dir: &Path, name: &str) -> Result<(File, u64)> {
    let path = dir.join(name);
    let place = path.to_string_lossy();
    let fault = |error| Error::io(place.as_ref(), "a file", error);
    // Looked at before it is opened, since opening a named pipe waits for its other end.
    let found = fs::symlink_metadata(&path).map_err(fault)?;
    if !found.is_file() {
        let kind = if found.is_dir() { "a directory" } else { "something else" };
        return Err(Error::new(Verdict::Io, place, "", "a regular file", kind));
    }
    let file = File::open(&path).map_err(fault)?;
    let opened = file.metadata().map_err(fault)?;
    if identity_of(&found) != identity_of(&opened) {
        return Err(Error::new(Verdict::Io, place, "", "a file that stays in place", "another one"));
    }
    Ok((file, opened.len()))
}
