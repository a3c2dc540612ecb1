//! An open model.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use crate::arrays::{CsrPlace, F64s, I64s, Place};
use crate::catalogue::Catalogue;
use crate::error::{Error, Result, Stage, Verdict};
use crate::files::Files;
use crate::history::Rule;
use crate::idmap::IdMap;
use crate::manifest::{Manifest, HISTORIES, ITEMS, ORDER, POPULARITY, SIMILARITY, USERS};
use crate::rank::{Fault, Popularity, Scratch};

/// How a model is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether to map the files, where the platform can, or to read them into memory. Answers are the same. A model
    /// that was read survives a file that somebody writes to, and costs memory of its own.
    pub mmap: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { mmap: true }
    }
}

/// An open model directory. It may be used from many threads at once, and ends with its last owner.
pub struct Model {
    pub(crate) files: Files,
    pub(crate) items: IdMap,
    pub(crate) similarity: CsrPlace,
    pub(crate) counts: Place,
    pub(crate) decayed: Option<Place>, // in place of counts, where lists are filled
    /// Ids, histories, and the place of each of their entries in the order of its user.
    pub(crate) users: Option<(IdMap, CsrPlace, Option<Place>)>,
    pub(crate) rule: Option<Rule>, // none where every weight is final
    pub(crate) catalogue: Option<Catalogue>,
    /// Memory of requests, for later ones: as many as were answered at once.
    pub(crate) scratches: Mutex<Vec<Scratch>>,
    popular: OnceLock<std::result::Result<Vec<u32>, Fault>>,
}

impl Model {
    /// Opens a model directory: the manifest, all sizes, headers and row offsets are checked.
    ///
    /// The time does not grow with the number of stored pairs. Ids are checked when they are first asked for. For a
    /// directory from elsewhere call [`Model::verify`] as well.
    ///
    /// # Errors
    ///
    /// The verdict on the first fault.
    pub fn open(dir: impl AsRef<Path>) -> Result<Model> {
        Model::open_with(dir, Options::default())
    }

    /// Opens a model directory as the options say.
    ///
    /// # Errors
    ///
    /// As for [`Model::open`].
    pub fn open_with(dir: impl AsRef<Path>, options: Options) -> Result<Model> {
        let model = Files::open(dir.as_ref(), options.mmap).and_then(Model::read);
        model.map_err(|error| error.at(Stage::Open))
    }

    fn read(files: Files) -> Result<Model> {
        let counts = files.manifest.counts;
        let similarity = CsrPlace::find(&files, SIMILARITY)?;
        let mut popularity = Place::list(&files, POPULARITY)?.into_iter();
        let missing = || Error::new(Verdict::Container, files.path(POPULARITY), "", "counts", "none");
        let (user_counts, decayed) = (popularity.next().ok_or_else(missing)?, popularity.next());
        let mut users = None;
        if files.manifest.with_users() {
            let histories = CsrPlace::find(&files, HISTORIES)?;
            let mut order = None;
            if files.manifest.lists(ORDER) {
                let [positions] = Place::find(&files, ORDER)?;
                order = Some(positions);
            }
            users = Some((IdMap::new(USERS, counts.users), histories, order));
        }
        let rule = if files.manifest.with_history_rule() { Some(Rule::read(&files)?) } else { None };
        let catalogue = if files.manifest.with_attributes() { Some(Catalogue::open(&files)?) } else { None };
        let model = Model {
            items: IdMap::new(ITEMS, counts.items),
            similarity,
            counts: user_counts,
            decayed,
            users,
            rule,
            catalogue,
            scratches: Mutex::default(),
            popular: OnceLock::new(),
            files,
        };
        model.files.expect_whole()?;
        Ok(model)
    }

    /// What `manifest.json` says.
    pub fn manifest(&self) -> &Manifest {
        &self.files.manifest
    }

    /// Whether files are mapped; small or unusual file systems may not allow it.
    pub fn is_mapped(&self) -> bool {
        self.files.is_mapped()
    }

    /// Ends the model and gives its memory back, as dropping it does. Who uses it afterwards does not compile:
    ///
    /// ```compile_fail,E0382
    /// # fn main() -> Result<(), mlcore::Error> {
    /// let model = mlcore::Model::open("model")?;
    /// model.close();
    /// model.verify()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn close(self) {}

    pub(crate) fn num_items(&self) -> usize {
        self.files.manifest.counts.items as usize
    }

    /// Returns by what an item is filled in, as an integer of the same order, or none for a number that may not be.
    fn popularity(&self, item: u32) -> Option<u64> {
        let place = item as usize;
        match &self.decayed {
            Some(decayed) => {
                let decayed: F64s = decayed.elements(&self.files);
                let value = f64::from_le_bytes(*decayed.get(place)?);
                // The bits of numbers from +0 on ascend as they do.
                (value >= 0.0 && value.is_finite()).then_some((value + 0.0).to_bits())
            }
            None => {
                let counts: I64s = self.counts.elements(&self.files);
                u64::try_from(i64::from_le_bytes(*counts.get(place)?)).ok()
            }
        }
    }
}

impl Popularity for Model {
    fn order(&self) -> std::result::Result<&[u32], Fault> {
        let order = self.popular.get_or_init(|| {
            let mut order = Vec::new();
            for item in 0..self.num_items() as u32 {
                if self.popularity(item).ok_or(Fault::Popularity)? > 0 {
                    order.push(item);
                }
            }
            order.sort_unstable_by(|a, b| self.compare(*a, *b));
            Ok(order)
        });
        order.as_deref().map_err(|fault| *fault)
    }

    fn is_taken(&self, item: u32) -> bool {
        self.popularity(item).is_some_and(|popularity| popularity > 0)
    }

    fn compare(&self, a: u32, b: u32) -> Ordering {
        self.popularity(b).cmp(&self.popularity(a)).then(a.cmp(&b))
    }
}
