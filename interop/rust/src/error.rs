//! The one error of this crate, and the verdicts of section 1 of the format.

use std::fmt;
use std::io;
use std::sync::Arc;

/// What is wrong, as a word of a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A directory or file is missing, unreadable, or not of the right kind.
    Io,
    /// A format version or a required feature that this crate does not know.
    Version,
    /// `manifest.json` or `config.json` is malformed or contradicts itself.
    Manifest,
    /// A file has another size than the manifest says.
    Size,
    /// An `.npz` file is not of the one possible form.
    Container,
    /// An `.npy` header is not of the one possible form.
    Header,
    /// The values of arrays contradict each other or the format.
    Csr,
    /// An id map is malformed.
    Idmap,
    /// SHA-256 or CRC-32 differs.
    Checksum,
    /// A request names a user the model does not have.
    UnknownUser,
    /// A request for similar items names an item the model does not have.
    UnknownItem,
    /// A request is malformed.
    Request,
}

impl Verdict {
    /// The word, as the conformance suite and other readers write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Io => "io",
            Verdict::Version => "version",
            Verdict::Manifest => "manifest",
            Verdict::Size => "size",
            Verdict::Container => "container",
            Verdict::Header => "header",
            Verdict::Csr => "csr",
            Verdict::Idmap => "idmap",
            Verdict::Checksum => "checksum",
            Verdict::UnknownUser => "unknown_user",
            Verdict::UnknownItem => "unknown_item",
            Verdict::Request => "request",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When a fault was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// While the model was opened.
    Open,
    /// While every byte was looked at.
    Verify,
    /// While a request was answered.
    Predict,
}

impl Stage {
    /// The word, as the conformance suite writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Open => "open",
            Stage::Verify => "verify",
            Stage::Predict => "predict",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Every refusal: `<place>: <name>: expected <rule>, got <value>`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Error {
    /// What is wrong.
    pub verdict: Verdict,
    /// When it was found.
    pub stage: Stage,
    /// A file, perhaps with line or member; empty for a request.
    pub place: String,
    /// What of it, or empty.
    pub name: String,
    /// The rule that is broken.
    pub expected: String,
    /// What is there instead.
    pub got: String,
    source: Option<Arc<io::Error>>,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Makes a refusal; the stage is that of opening until [`Error::at`] says another.
    pub(crate) fn new(
        verdict: Verdict,
        place: impl Into<String>,
        name: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Error {
            verdict,
            stage: Stage::Open,
            place: place.into(),
            name: name.into(),
            expected: expected.into(),
            got: got.into(),
            source: None,
        }
    }

    /// Refuses a request.
    pub(crate) fn request(name: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Error::new(Verdict::Request, "", name, expected, got).at(Stage::Predict)
    }

    /// Passes on what the operating system says.
    pub(crate) fn io(place: impl Into<String>, expected: &str, error: io::Error) -> Self {
        let got = format!("'{error}'");
        Error { source: Some(Arc::new(error)), ..Error::new(Verdict::Io, place, "", expected, got) }
    }

    pub(crate) fn at(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.place, &self.name] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        write!(f, "expected {}, got {}", self.expected, self.got)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}

/// The most characters of a foreign text that a message shows.
const SHOWN: usize = 60;

/// Returns a text for a message: quoted, on one line, and not too long.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The same of bytes that may be no UTF-8.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    shown(&String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN + 4)]))
}
