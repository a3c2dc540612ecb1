//! Recommendations from a model directory of mlcore: the same items, in the same order, with the same bits of their
//! scores as every other reader of the format, which `interop/SPEC.md` describes.
//!
//! ```no_run
//! use mlcore::{Event, Model, RecommendOptions};
//!
//! # fn main() -> Result<(), mlcore::Error> {
//! let model = Model::open("model")?;
//! for item in model.recommend("u0002", 10, &RecommendOptions::default())? {
//!     println!("{} {}", item.id, item.score);
//! }
//! let basket = [Event::new("i0007", 1.0), Event::new("i0012", 2.0)];
//! let options = RecommendOptions { fill: true, ..Default::default() };
//! let items = model.recommend_history(&basket, 10, &options)?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Model::recommend`] answers for a user of the training, [`Model::recommend_history`] for any history, and
//! [`Model::similar`] for one item; [`Model::answer`] for a [`Request`] that stands in a line of JSON, and
//! [`Model::append_answer`] writes its list as a line of predictions. A [`Model`] is `Send` and `Sync`: share it by
//! reference or in an `Arc`.
//!
//! # Histories
//!
//! A history is a list of [`Event`]s. Where the model says how, they are weighed as those of the training were, so the
//! events of a user of the training give the list of this user, bit for bit. How old an event is depends on
//! [`RecommendOptions::now`], never on the clock.
//!
//! # Memory and time
//!
//! Opening maps the files where the platform can, and looks at headers and row offsets only: a model of gigabytes opens
//! in milliseconds, and processes that open the same model share its memory. Ids are checked when they are first asked
//! for. Each thread that answers a request needs memory for one score for each item, which later requests use again.
//!
//! # Trust
//!
//! Whatever the bytes are, there is an answer or an [`Error`] with a [`Verdict`], never a panic or an allocation that
//! the size of a file does not justify. [`Model::open`] leaves the values of arrays unread: a bad one that a request
//! meets gives [`Verdict::Csr`]. Call [`Model::verify`] before using a directory from elsewhere.
//!
//! Writers replace a model by renaming directories and never change a file in place. Should somebody do it all the
//! same, a model that was **read** ([`Options::mmap`] false) does not notice. Of one that is **mapped**, a file that
//! has been cut never gives a list from the bytes that are gone: where its last page remains, every answer is
//! [`Verdict::Io`]; where a request looks at a page behind the new end, the operating system ends the process
//! (`SIGBUS`), as Rust has no safe way to go on. Other writes into a mapped file may give other lists, but no panic.
//!
//! # Features
//!
//! `mmap`, on by default, maps files by `memmap2`, the only dependency; without it they are read.

mod arrays;
mod catalogue;
#[doc(hidden)] // likewise, for tests that write models
pub mod digest;
mod error;
mod files;
mod history;
mod idmap;
#[doc(hidden)] // for the program and tests alone; it may change at any time
pub mod json;
mod manifest;
mod map;
mod model;
mod npy;
mod npz;
mod portable;
mod rank;
mod recommend;
mod request;
mod tables;
mod text;
mod time;
mod verify;

/// The example of the README, which runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use catalogue::Filter;
pub use error::{Error, Stage, Verdict};
pub use manifest::{Counts, FileEntry, Manifest};
pub use model::{Model, Options};
pub use recommend::{Event, Item, RecommendOptions, Share};
pub use request::{Request, Subject};
pub use text::{append_number, append_prediction, append_string};
pub use verify::ContentDigests;
