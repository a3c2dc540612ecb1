//! `manifest.json`: what a model has, and how large it is (section 3 of the format).

use crate::error::{shown, Error, Result, Verdict};
use crate::json::{self, Object, Value, MAX_INTEGER};

pub(crate) const MAX_MANIFEST_BYTES: u64 = 1 << 20;
const MAX_AXIS: u64 = (1 << 31) - 2;
const MAX_ENTRIES: u64 = MAX_INTEGER;
const FORMAT_VERSION: u64 = 1;

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const CONFIG: &str = "config.json";
pub(crate) const ITEMS: &str = "items.csv";
pub(crate) const USERS: &str = "users.csv";
pub(crate) const SIMILARITY: &str = "similarity.npz";
pub(crate) const HISTORIES: &str = "histories.npz";
pub(crate) const POPULARITY: &str = "popularity.npz";
pub(crate) const NORMS: &str = "item_norms.npz";
pub(crate) const FACTORS: &str = "length_factors.npz";
pub(crate) const ORDER: &str = "order.npz";
pub(crate) const COLUMNS: &str = "attribute_columns.csv";
pub(crate) const VALUES: &str = "attribute_values.csv";
pub(crate) const ATTRIBUTES: &str = "attributes.npz";
pub(crate) const AVAILABILITY: &str = "availability.npz";

const ALWAYS: [&str; 4] = [CONFIG, ITEMS, SIMILARITY, POPULARITY];
const OF_USERS: [&str; 2] = [USERS, HISTORIES];

const HISTORY_RULE: &str = "history_rule";
const HISTORY_ORDER: &str = "history_order";
const ITEM_ATTRIBUTES: &str = "item_attributes";
const DECAYED_POPULARITY: &str = "decayed_popularity";

/// The required features known here, and the files that a model with each of them may have.
const FEATURES: [(&str, &[&str]); 4] = [
    (HISTORY_RULE, &[NORMS, FACTORS]),
    (HISTORY_ORDER, &[ORDER]),
    (ITEM_ATTRIBUTES, &[COLUMNS, VALUES, ATTRIBUTES, AVAILABILITY]),
    (DECAYED_POPULARITY, &[]), // one array more in popularity.npz
];

/// Returns the files that a model may lack; none of them may be there without being listed.
pub(crate) fn optional_files() -> impl Iterator<Item = &'static str> {
    let of_features = FEATURES.iter().flat_map(|(_, files)| files.iter().copied());
    OF_USERS.into_iter().chain(of_features)
}

/// The sizes of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Users of the training, also where the model does not hold them.
    pub users: u64,
    /// Items.
    pub items: u64,
    /// Entries of the histories.
    pub interactions: u64,
    /// Entries of the similarity.
    pub pairs: u64,
    /// Columns of the catalogue; 0 in a model without one.
    pub attribute_columns: u64,
    /// Values of the catalogue, likewise.
    pub attribute_values: u64,
}

/// One file: its name, its size and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// One of the names of the format.
    pub name: &'static str,
    /// The size.
    pub bytes: u64,
    /// The SHA-256 as 64 hexadecimal digits.
    pub sha256: String,
}

/// What `manifest.json` says about a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The name of the program that made the model.
    pub producer_name: String,
    /// Its version.
    pub producer_version: String,
    /// The sizes.
    pub counts: Counts,
    /// What a reader has to know.
    pub required_features: Vec<String>,
    /// The digest of the training interactions, to compare models by.
    pub interactions_sha256: String,
    /// All files but the manifest itself, in its order.
    pub files: Vec<FileEntry>,
}

/// The type and length that an array must have.
#[derive(Clone, Copy)]
pub(crate) struct ArraySpec {
    pub(crate) name: &'static str,
    pub(crate) dtype: &'static str,
    pub(crate) length: u64,
}

impl ArraySpec {
    fn new(name: &'static str, dtype: &'static str, length: u64) -> ArraySpec {
        ArraySpec { name, dtype, length }
    }

    pub(crate) fn element_bytes(&self) -> u64 {
        if self.dtype.ends_with('8') {
            8
        } else {
            4
        }
    }
}

impl Manifest {
    /// Whether the model holds the users of the training and their histories.
    pub fn with_users(&self) -> bool {
        self.lists(HISTORIES)
    }

    /// Whether the model says how events become a history; in any other model every weight is final.
    pub fn with_history_rule(&self) -> bool {
        self.requires(HISTORY_RULE)
    }

    /// Whether the order of a history counts in the model, or counted in its training.
    pub fn with_history_order(&self) -> bool {
        self.requires(HISTORY_ORDER)
    }

    /// Whether the model has a catalogue of its items.
    pub fn with_attributes(&self) -> bool {
        self.requires(ITEM_ATTRIBUTES)
    }

    fn requires(&self, feature: &str) -> bool {
        self.required_features.iter().any(|name| name == feature)
    }

    pub(crate) fn lists(&self, file: &str) -> bool {
        self.files.iter().any(|entry| entry.name == file)
    }

    /// Returns the arrays of a file in order; none for a file that is no archive.
    pub(crate) fn arrays(&self, file: &str) -> Vec<ArraySpec> {
        let counts = &self.counts;
        let csr = |rows: u64, entries: u64| {
            vec![
                ArraySpec::new("indptr", "<i8", rows + 1),
                ArraySpec::new("indices", "<i4", entries),
                ArraySpec::new("data", "<f4", entries),
            ]
        };
        match file {
            SIMILARITY => csr(counts.items, counts.pairs),
            HISTORIES => csr(counts.users, counts.interactions),
            POPULARITY => {
                let mut specs = vec![ArraySpec::new("counts", "<i8", counts.items)];
                if self.requires(DECAYED_POPULARITY) {
                    specs.push(ArraySpec::new("decayed", "<f8", counts.items));
                }
                specs
            }
            NORMS => vec![ArraySpec::new("norms", "<f8", counts.items)],
            FACTORS => vec![ArraySpec::new("factors", "<f8", counts.items)],
            ORDER => vec![ArraySpec::new("positions", "<i4", counts.interactions)],
            ATTRIBUTES => {
                vec![ArraySpec::new("codes", "<i4", counts.attribute_columns * counts.items)]
            }
            AVAILABILITY => {
                vec![ArraySpec::new("from", "<i8", counts.items), ArraySpec::new("until", "<i8", counts.items)]
            }
            _ => Vec::new(),
        }
    }

    /// Reads `manifest.json`; `place` is its path, for messages.
    pub(crate) fn parse(data: &[u8], place: &str) -> Result<Manifest> {
        let root = json::parse(data).map_err(|got| Error::new(Verdict::Manifest, place, "", "a JSON object", got))?;
        let reader = Reader { place };
        let root = reader.root(&root)?;
        // Before anything else: a newer format may have changed all the rest.
        let required_features = reader.check_version(root)?;
        let counts = reader.object(root, "counts")?;
        let producer = reader.object(root, "producer")?;
        let training = reader.object(root, "training")?;
        let mut manifest = Manifest {
            producer_name: reader.text(producer, "name")?.into(),
            producer_version: reader.text(producer, "version")?.into(),
            counts: Counts {
                users: reader.integer(counts, "users", MAX_AXIS)?,
                items: reader.integer(counts, "items", MAX_AXIS)?,
                interactions: reader.integer(counts, "interactions", MAX_ENTRIES)?,
                pairs: reader.integer(counts, "pairs", MAX_ENTRIES)?,
                attribute_columns: 0,
                attribute_values: 0,
            },
            required_features,
            interactions_sha256: reader.sha256(training, "interactions_sha256")?,
            files: Vec::new(),
        };
        if manifest.with_attributes() {
            reader.attribute_counts(counts, &mut manifest.counts)?;
        }
        let config_sha256 = reader.sha256(training, "config_sha256")?;
        manifest.files = reader.files(reader.object(root, "files")?, &manifest)?;
        match manifest.files.iter().find(|file| file.name == CONFIG) {
            Some(config) if config.sha256 == config_sha256 => Ok(manifest),
            _ => Err(reader.refuse("config_sha256", "the sha256 of config.json", config_sha256)),
        }
    }
}

/// Takes values out of the objects of `manifest.json` and `config.json`.
pub(crate) struct Reader<'p> {
    pub(crate) place: &'p str,
}

impl Reader<'_> {
    pub(crate) fn refuse(&self, name: &str, expected: impl Into<String>, got: impl Into<String>) -> Error {
        Error::new(Verdict::Manifest, self.place, name, expected, got)
    }

    pub(crate) fn root<'v, 'a>(&self, root: &'v Value<'a>) -> Result<&'v Object<'a>> {
        root.object().ok_or_else(|| self.refuse("", "a JSON object", Value::show(Some(root))))
    }

    /// Takes the value of a key by one of the accessors of [`Value`].
    pub(crate) fn member<'v, 'a, T>(
        &self,
        object: &'v Object<'a>,
        key: &str,
        kind: &str,
        take: impl Fn(&'v Value<'a>) -> Option<T>,
    ) -> Result<T> {
        let value = object.get(key);
        value.and_then(take).ok_or_else(|| self.refuse(key, kind, Value::show(value)))
    }

    pub(crate) fn object<'v, 'a>(&self, object: &'v Object<'a>, key: &str) -> Result<&'v Object<'a>> {
        self.member(object, key, "an object", Value::object)
    }

    pub(crate) fn text<'v>(&self, object: &'v Object, key: &str) -> Result<&'v str> {
        self.member(object, key, "a string", Value::string)
    }

    fn integer(&self, object: &Object, key: &str, maximum: u64) -> Result<u64> {
        let kind = format!("an integer from 0 to {maximum}");
        self.member(object, key, &kind, |value| value.integer().filter(|number| *number <= maximum))
    }

    fn sha256(&self, object: &Object, key: &str) -> Result<String> {
        let is_hex = |text: &&str| text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        let take = |value: &Value| value.string().filter(is_hex).map(str::to_string);
        self.member(object, key, "64 hexadecimal digits", take)
    }

    /// Returns the required features, all of which are known.
    fn check_version(&self, root: &Object) -> Result<Vec<String>> {
        let format = root.get("format");
        if format.and_then(Value::string) != Some("mlcore-model") {
            return Err(self.refuse("format", "'mlcore-model'", Value::show(format)));
        }
        let version = self.integer(root, "format_version", MAX_INTEGER)?;
        let newer = |name: &str, expected: String, got: String| {
            Err(Error::new(Verdict::Version, self.place, name, expected, got))
        };
        if version != FORMAT_VERSION {
            return newer("format_version", FORMAT_VERSION.to_string(), version.to_string());
        }
        let array = self.member(root, "required_features", "an array", Value::array)?;
        let texts: Option<Vec<String>> = array.iter().map(|name| name.string().map(str::to_string)).collect();
        let Some(required) = texts else {
            return Err(self.refuse("required_features", "an array of strings", "something else in it"));
        };
        match required.iter().find(|name| FEATURES.iter().all(|(known, _)| known != name)) {
            Some(unknown) => newer("required_features", "none but those of this version".into(), shown(unknown)),
            None => Ok(required),
        }
    }

    /// Reads the sizes of a catalogue: ATT-2.
    fn attribute_counts(&self, object: &Object, counts: &mut Counts) -> Result<()> {
        counts.attribute_columns = self.integer(object, "attribute_columns", MAX_AXIS)?;
        counts.attribute_values = self.integer(object, "attribute_values", MAX_AXIS)?;
        // Either factor is below 2^31.
        if counts.attribute_columns * counts.items > MAX_ENTRIES {
            let got = format!("{} columns of {} items", counts.attribute_columns, counts.items);
            return Err(self.refuse("attribute_columns", format!("at most {MAX_ENTRIES} codes"), got));
        }
        Ok(())
    }

    /// Reads the list of files, which must be exactly those of the features: MAN-12.
    fn files(&self, listed: &Object, manifest: &Manifest) -> Result<Vec<FileEntry>> {
        let has = |name: &str| listed.get(name).is_some();
        let with_users = OF_USERS.into_iter().any(has);
        let mut allowed = ALWAYS.to_vec();
        let mut required = ALWAYS.to_vec();
        if with_users {
            allowed.extend(OF_USERS);
            required.extend(OF_USERS);
        }
        for (feature, files) in FEATURES.iter().filter(|(name, _)| manifest.requires(name)) {
            allowed.extend(*files);
            match *feature {
                ITEM_ATTRIBUTES => required.extend([COLUMNS, VALUES, ATTRIBUTES]),
                HISTORY_ORDER if !manifest.with_history_rule() => {
                    return Err(self.refuse("required_features", "history_rule beside history_order", "none"));
                }
                HISTORY_ORDER if with_users => required.push(ORDER),
                HISTORY_ORDER => allowed.retain(|name| *name != ORDER),
                _ => {} // which of its files a rule needs is in config.json: HIS-3
            }
        }
        if let Some(missing) = required.iter().find(|name| !has(name)) {
            return Err(self.refuse("files", *missing, "none"));
        }
        let mut entries = Vec::new();
        for (key, entry) in &listed.0 {
            let Some(name) = allowed.iter().find(|name| *name == key) else {
                return Err(self.refuse("files", "the files of this model alone", shown(key)));
            };
            let object = entry.object();
            let entry = object.ok_or_else(|| self.refuse(name, "an object", Value::show(Some(entry))))?;
            self.check_arrays(entry, name, &manifest.arrays(name))?;
            entries.push(FileEntry {
                name,
                bytes: self.integer(entry, "bytes", MAX_ENTRIES)?,
                sha256: self.sha256(entry, "sha256")?,
            });
        }
        Ok(entries)
    }

    /// Checks MAN-14.
    fn check_arrays(&self, entry: &Object, file: &str, specs: &[ArraySpec]) -> Result<()> {
        if specs.is_empty() {
            return Ok(());
        }
        let arrays = self.object(entry, "arrays")?;
        let is_as = |spec: &ArraySpec| {
            let array = arrays.get(spec.name)?;
            let [length] = array.get("shape")?.array()? else { return None };
            Some(array.get("dtype")?.string()? == spec.dtype && length.integer()? == spec.length)
        };
        if arrays.0.len() == specs.len() && specs.iter().all(|spec| is_as(spec) == Some(true)) {
            return Ok(());
        }
        let specs: Vec<String> =
            specs.iter().map(|spec| format!("{} {} [{}]", spec.name, spec.dtype, spec.length)).collect();
        Err(self.refuse(&format!("{file}: arrays"), format!("{} by the counts", specs.join(", ")), "others"))
    }
}
