//! What the tests share: numbers to draw, folders that go away, and a writer of models that has nothing in common with
//! the reader but the digests, whose published values are tested.

#![allow(dead_code)] // each test takes its part

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use mlcore::digest::{crc32, sha256};

/// Numbers that look random and are the same in every run (xorshift*).
pub struct Drawn(u64);

impl Drawn {
    pub fn new(seed: u64) -> Drawn {
        Drawn(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15))
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        ((self.number() >> 33) % limit.max(1) as u64) as usize
    }

    /// Whether something happens that does so once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }

    /// Weights of few values, so that there are ties.
    pub fn weight(&mut self) -> f32 {
        *self.one_of(&[0.25, 0.5, 1.0, 1.5, 3.0, 1e-30, 0.1, 7e8])
    }
}

/// A folder that goes away with its owner.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mlcore-rust-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The suite, which every reader is tested by.
pub fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance")
}

/// A sparse matrix by rows.
pub type Rows = Vec<Vec<(i32, f32)>>;

/// The catalogue of a model. Columns and values must ascend.
pub struct Attributes {
    pub columns: Vec<String>,
    pub values: Vec<String>,
    pub codes: Vec<Vec<i32>>,                // by column, of each item
    pub times: Option<(Vec<i64>, Vec<i64>)>, // from, until
}

/// The content of a model whose weights are final. Ids must ascend.
pub struct Content {
    pub items: Vec<String>,
    pub users: Vec<String>,
    pub similarity: Rows,
    pub histories: Rows,
    pub decayed: Option<Vec<f64>>,
    pub attributes: Option<Attributes>,
}

impl Content {
    pub fn counts(&self) -> Vec<i64> {
        let mut counts = vec![0; self.items.len()];
        self.histories.iter().flatten().for_each(|(item, _)| counts[*item as usize] += 1);
        counts
    }

    /// Returns the bytes of each file.
    pub fn files(&self) -> BTreeMap<&'static str, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut popularity = vec![array("counts", "<i8", self.counts().iter().map(|n| n.to_le_bytes()))];
        if let Some(decayed) = &self.decayed {
            popularity.push(array("decayed", "<f8", decayed.iter().map(|n| n.to_le_bytes())));
        }
        files.insert("config.json", b"{}\n".to_vec());
        files.insert("items.csv", id_map(&self.items));
        files.insert("users.csv", id_map(&self.users));
        files.insert("similarity.npz", npz(&csr(&self.similarity)));
        files.insert("histories.npz", npz(&csr(&self.histories)));
        files.insert("popularity.npz", npz(&popularity));
        if let Some(attributes) = &self.attributes {
            files.insert("attribute_columns.csv", id_map(&attributes.columns));
            files.insert("attribute_values.csv", id_map(&attributes.values));
            let codes = attributes.codes.iter().flatten().map(|code| code.to_le_bytes());
            files.insert("attributes.npz", npz(&[array("codes", "<i4", codes)]));
            if let Some((from, until)) = &attributes.times {
                let times = |name, times: &[i64]| array(name, "<i8", times.iter().map(|time| time.to_le_bytes()));
                files.insert("availability.npz", npz(&[times("from", from), times("until", until)]));
            }
        }
        let manifest = self.manifest(&files);
        files.insert("manifest.json", manifest);
        files
    }

    pub fn write(&self, folder: &Path) {
        for (name, bytes) in self.files() {
            fs::write(folder.join(name), bytes).expect("a file");
        }
    }

    fn manifest(&self, files: &BTreeMap<&'static str, Vec<u8>>) -> Vec<u8> {
        let mut features = Vec::new();
        features.extend(self.decayed.as_ref().map(|_| "\"decayed_popularity\""));
        features.extend(self.attributes.as_ref().map(|_| "\"item_attributes\""));
        let entries = |rows: &Rows| rows.iter().map(Vec::len).sum::<usize>();
        let mut counts = format!(
            "\"users\": {}, \"items\": {}, \"interactions\": {}, \"pairs\": {}",
            self.users.len(),
            self.items.len(),
            entries(&self.histories),
            entries(&self.similarity)
        );
        if let Some(Attributes { columns, values, .. }) = &self.attributes {
            counts += &format!(", \"attribute_columns\": {}, \"attribute_values\": {}", columns.len(), values.len());
        }
        let entry = |(name, bytes): (&&str, &Vec<u8>)| {
            let arrays = match shapes(bytes) {
                None => String::new(),
                Some(shapes) => format!(", \"arrays\": {{{shapes}}}"),
            };
            format!("\"{name}\": {{\"bytes\": {}, \"sha256\": \"{}\"{arrays}}}", bytes.len(), sha256(bytes))
        };
        let listed: Vec<String> = files.iter().map(entry).collect();
        format!(
            "{{\"format\": \"mlcore-model\", \"format_version\": 1, \"required_features\": [{}],\n\
             \"producer\": {{\"name\": \"tests\", \"version\": \"0\"}}, \"counts\": {{{counts}}},\n\
             \"training\": {{\"interactions_sha256\": \"{}\", \"config_sha256\": \"{}\"}},\n\"files\": {{{}}}}}\n",
            features.join(", "),
            sha256(b""),
            sha256(&files["config.json"]),
            listed.join(",\n")
        )
        .into_bytes()
    }
}

fn id_map(ids: &[String]) -> Vec<u8> {
    let mut text = String::from("index,id\n");
    for (index, id) in ids.iter().enumerate() {
        let quoted = format!("\"{}\"", id.replace('"', "\"\""));
        text += &format!("{index},{}\n", if id.contains([',', '"']) { &quoted } else { id });
    }
    text.into_bytes()
}

/// A member of an archive: its name, and its bytes with the header.
type Member = (String, Vec<u8>);

fn array<const N: usize>(name: &str, dtype: &str, elements: impl Iterator<Item = [u8; N]>) -> Member {
    let data: Vec<u8> = elements.flatten().collect();
    let length = data.len() / N;
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({length},), }}");
    let mut member = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    member.extend(format!("{header:<117}\n").bytes());
    member.extend(data);
    (format!("{name}.npy"), member)
}

fn csr(rows: &Rows) -> Vec<Member> {
    let mut offsets = vec![0i64];
    rows.iter().for_each(|row| offsets.push(offsets[offsets.len() - 1] + row.len() as i64));
    vec![
        array("indptr", "<i8", offsets.iter().map(|offset| offset.to_le_bytes())),
        array("indices", "<i4", rows.iter().flatten().map(|(index, _)| index.to_le_bytes())),
        array("data", "<f4", rows.iter().flatten().map(|(_, value)| value.to_le_bytes())),
    ]
}

fn npz(members: &[Member]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let offset = file.len() as u32;
        let padding = (64 - (file.len() + 30 + name.len() + 6) % 64) % 64;
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc32(content).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes().repeat(2));
        common.extend((name.len() as u16).to_le_bytes());
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend((6 + padding as u16).to_le_bytes());
        file.extend(name.bytes());
        file.extend([0x35, 0xd9, 2 + padding as u8, 0, 64, 0]);
        file.extend(vec![0; padding]);
        file.extend(content);
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&common);
        directory.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa4, 0x81]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.bytes());
    }
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend((members.len() as u16).to_le_bytes().repeat(2));
    end.extend((directory.len() as u32).to_le_bytes());
    end.extend((file.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [file, directory, end].concat()
}

/// Returns what a manifest says of the arrays of an archive of [`npz`]; none for another file.
fn shapes(bytes: &[u8]) -> Option<String> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while rest.starts_with(b"PK\x03\x04") {
        let size = u32::from_le_bytes(rest[22..26].try_into().ok()?) as usize;
        let name_size = usize::from(rest[26]);
        let begin = 30 + name_size + usize::from(rest[28]);
        let name = String::from_utf8_lossy(&rest[30..30 + name_size]).into_owned();
        let header = String::from_utf8_lossy(&rest[begin + 10..begin + 128]).into_owned();
        let dtype = header.split('\'').nth(3)?;
        let length = header.split('(').nth(1)?.split(',').next()?;
        found.push(format!("\"{}\": {{\"dtype\": \"{dtype}\", \"shape\": [{length}]}}", name.trim_end_matches(".npy")));
        rest = &rest[begin + size..];
    }
    (!found.is_empty()).then(|| found.join(", "))
}

/// Returns a random row whose positions ascend, without one of them.
fn row(
    drawn: &mut Drawn,
    columns: usize,
    without: Option<usize>,
    value: impl Fn(&mut Drawn) -> f32,
) -> Vec<(i32, f32)> {
    let density = 1 + drawn.below(6);
    let mut row = Vec::new();
    for column in (0..columns).filter(|column| Some(*column) != without) {
        if drawn.once_in(density) {
            row.push((column as i32, value(drawn)));
        }
    }
    row
}

fn ids(drawn: &mut Drawn, count: usize, name: &str) -> Vec<String> {
    let odd = ["", "é", ",", "\"", "😀", "\u{1}", "\\", "\u{ffff}"];
    let mut ids: Vec<String> = (0..count).map(|k| format!("{name}{}{}", drawn.one_of(&odd), k * k)).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Returns a random sound model.
pub fn random_content(drawn: &mut Drawn) -> Content {
    let (num_items, num_users) = (drawn.below(60), drawn.below(20));
    let items = ids(drawn, num_items, "i");
    let users = ids(drawn, num_users, "u");
    let signed = |drawn: &mut Drawn| if drawn.once_in(6) { -drawn.weight() } else { drawn.weight() };
    let similarity: Rows = (0..items.len()).map(|item| row(drawn, items.len(), Some(item), signed)).collect();
    let histories: Rows = users.iter().map(|_| row(drawn, items.len(), None, Drawn::weight)).collect();
    let mut content = Content { items, users, similarity, histories, decayed: None, attributes: None };
    if drawn.once_in(2) {
        let decay = |count: i64, drawn: &mut Drawn| count as f64 * (1 + drawn.below(3)) as f64 / 4.0;
        content.decayed = Some(content.counts().into_iter().map(|count| decay(count, drawn)).collect());
    }
    if drawn.once_in(2) {
        let values = ids(drawn, 5, "v");
        let num_items = content.items.len();
        let codes = |drawn: &mut Drawn| (0..num_items).map(|_| drawn.below(values.len() + 1) as i32 - 1).collect();
        let codes = vec![codes(drawn), codes(drawn)];
        let time = |drawn: &mut Drawn| if drawn.once_in(2) { i64::MIN } else { drawn.below(10) as i64 };
        let times = |drawn: &mut Drawn| (0..num_items).map(|_| time(drawn)).collect();
        let times = if drawn.once_in(2) { Some((times(drawn), times(drawn))) } else { None };
        let columns = vec!["brand".to_string(), "kind".to_string()];
        content.attributes = Some(Attributes { columns, values, codes, times });
    }
    content
}
