//! All that opening leaves unread: every byte, id, position and value (sections 5, 7, 8 and 9 of the format).

use crate::arrays::{Csr, F64s, I64s, Place};
use crate::catalogue::{is_time, Catalogue};
use crate::digest::{sha256, Sha256};
use crate::error::{Error, Result, Stage, Verdict};
use crate::history::with_config;
use crate::idmap::IdMap;
use crate::manifest::{ATTRIBUTES, AVAILABILITY, COLUMNS, FACTORS, HISTORIES, ITEMS, NORMS, ORDER, POPULARITY};
use crate::manifest::{SIMILARITY, USERS, VALUES};
use crate::model::Model;
use crate::npz::verify_crc;

/// Digests of what a model holds, whatever the bytes of its containers: by `similarity.npz/data` and the like the
/// SHA-256 of the elements of an array, by `items.csv` and the like that of u32 length and bytes of each id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentDigests {
    /// Of each array.
    pub arrays: Vec<(String, String)>,
    /// Of each id map.
    pub ids: Vec<(String, String)>,
}

impl Model {
    /// Checks every byte, id, position and value of the model. Call it once for a directory from elsewhere.
    ///
    /// # Errors
    ///
    /// The verdict on the first fault.
    pub fn verify(&self) -> Result<()> {
        let result = self.verify_checksums().and_then(|()| self.verify_values());
        self.files.expect_whole().and(result).map_err(|error| error.at(Stage::Verify))
    }

    /// Computes the digests of all arrays and id maps.
    ///
    /// # Errors
    ///
    /// The verdict on an id map that is malformed.
    pub fn content_digests(&self) -> Result<ContentDigests> {
        let mut digests = ContentDigests::default();
        for entry in &self.files.manifest.files {
            if let Some(map) = self.id_map(entry.name) {
                let ids = map.ids(&self.files).map_err(|error| error.at(Stage::Verify))?;
                let mut digest = Sha256::new();
                for index in 0..ids.len() {
                    let id = ids.get(index);
                    digest.update(&(id.len() as u32).to_le_bytes());
                    digest.update(id.as_bytes());
                }
                digests.ids.push((entry.name.into(), digest.finish()));
            }
            let specs = self.files.manifest.arrays(entry.name);
            if specs.is_empty() {
                continue;
            }
            for (place, spec) in Place::list(&self.files, entry.name)?.into_iter().zip(specs) {
                let name = format!("{}/{}", entry.name, spec.name);
                digests.arrays.push((name, sha256(place.bytes(&self.files))));
            }
        }
        Ok(digests)
    }

    fn id_map(&self, file: &str) -> Option<&IdMap> {
        match file {
            ITEMS => Some(&self.items),
            USERS => self.users.as_ref().map(|(users, ..)| users),
            COLUMNS => self.catalogue.as_ref().map(|catalogue| &catalogue.columns),
            VALUES => self.catalogue.as_ref().map(|catalogue| &catalogue.values),
            _ => None,
        }
    }

    fn verify_checksums(&self) -> Result<()> {
        for entry in &self.files.manifest.files {
            let (data, place) = (self.files.data(entry.name), self.files.path(entry.name));
            let found = sha256(data);
            if found != entry.sha256 {
                return Err(Error::new(Verdict::Checksum, place, "sha256", &entry.sha256, found));
            }
            let specs = self.files.manifest.arrays(entry.name);
            if !specs.is_empty() {
                verify_crc(data, &specs, &place)?;
            }
        }
        Ok(())
    }

    fn verify_values(&self) -> Result<()> {
        with_config(&self.files, |_, _| Ok(()))?;
        for entry in &self.files.manifest.files {
            if let Some(map) = self.id_map(entry.name) {
                map.ids(&self.files)?;
            }
        }
        self.verify_matrix(&self.similarity.view(&self.files), true)?;
        self.verify_popularity()?;
        if let Some(rule) = &self.rule {
            self.verify_numbers(&rule.norms, NORMS, "norms", "a finite number of at least 0", |norm| norm >= 0.0)?;
            self.verify_numbers(&rule.factors, FACTORS, "factors", "a finite number", |_| true)?;
        }
        if let Some(catalogue) = &self.catalogue {
            self.verify_catalogue(catalogue)?;
        }
        if let Some((_, histories, order)) = &self.users {
            let histories = histories.view(&self.files);
            self.verify_matrix(&histories, false)?;
            if let Some(order) = order {
                self.verify_order(&histories, order)?;
            }
            self.verify_counts(&histories)?;
        }
        Ok(())
    }

    fn fault(&self, file: &str, array: &str, element: usize, expected: impl Into<String>, got: String) -> Error {
        let place = format!("{}: {array}.npy", self.files.path(file));
        Error::new(Verdict::Csr, place, format!("element {element}"), expected, got)
    }

    /// Checks CSR-2 to CSR-4, and CSR-5 for the similarity or else CSR-6.
    fn verify_matrix(&self, matrix: &Csr, is_similarity: bool) -> Result<()> {
        let file = if is_similarity { SIMILARITY } else { HISTORIES };
        for row in 0..matrix.indptr.len() - 1 {
            let mut previous = -1;
            let (indices, data) = matrix.row(row);
            for (place, (index, value)) in indices.iter().zip(data).enumerate() {
                let (index, value) = (i32::from_le_bytes(*index), f32::from_le_bytes(*value));
                let fault = |array: &str, expected: &str, got: String| {
                    Err(self.fault(file, array, matrix.range(row).start + place, expected, got))
                };
                if !usize::try_from(index).is_ok_and(|index| index < self.num_items()) {
                    return fault("indices", "the position of an item", index.to_string());
                }
                if index <= previous {
                    return fault("indices", "an index above the one before it in the same row", index.to_string());
                }
                if is_similarity && index as usize == row {
                    return fault("indices", "another item than the row's own", index.to_string());
                }
                if !value.is_finite() || value == 0.0 || (!is_similarity && value < 0.0) {
                    let rule = if is_similarity { "a finite number other than 0" } else { "a finite number above 0" };
                    return fault("data", rule, value.to_string());
                }
                previous = index;
            }
        }
        Ok(())
    }

    /// Checks POP-1 and POP-3.
    fn verify_popularity(&self) -> Result<()> {
        let counts = &self.files.manifest.counts;
        let users: I64s = self.counts.elements(&self.files);
        let mut sum = 0u64; // at most 2^31 items of at most 2^31 users each: no overflow
        for (item, count) in users.iter().enumerate() {
            let count = i64::from_le_bytes(*count);
            match u64::try_from(count) {
                Ok(count) if count <= counts.users => sum += count,
                _ => {
                    let expected = format!("0 to {} users", counts.users);
                    return Err(self.fault(POPULARITY, "counts", item, expected, count.to_string()));
                }
            }
        }
        if sum != counts.interactions {
            let expected = format!("a sum of {} interactions", counts.interactions);
            let place = format!("{}: counts.npy", self.files.path(POPULARITY));
            return Err(Error::new(Verdict::Csr, place, "", expected, sum.to_string()));
        }
        let Some(decayed) = &self.decayed else { return Ok(()) };
        let decayed: F64s = decayed.elements(&self.files);
        for (item, (value, count)) in decayed.iter().zip(users).enumerate() {
            let value = f64::from_le_bytes(*value);
            let is_taken = i64::from_le_bytes(*count) > 0;
            if !(value >= 0.0 && value.is_finite() && (value > 0.0) == is_taken) {
                let expected = "a finite number above 0, or 0 without users";
                return Err(self.fault(POPULARITY, "decayed", item, expected, value.to_string()));
            }
        }
        Ok(())
    }

    /// Checks NRM-1.
    fn verify_numbers(
        &self,
        place: &Option<Place>,
        file: &str,
        array: &str,
        rule: &str,
        is_good: impl Fn(f64) -> bool,
    ) -> Result<()> {
        let Some(place) = place else { return Ok(()) };
        let numbers: F64s = place.elements(&self.files);
        for (element, number) in numbers.iter().enumerate() {
            let number = f64::from_le_bytes(*number);
            if !(number.is_finite() && is_good(number)) {
                return Err(self.fault(file, array, element, rule, number.to_string()));
            }
        }
        Ok(())
    }

    /// Checks ATT-3.
    fn verify_catalogue(&self, catalogue: &Catalogue) -> Result<()> {
        let codes: &[[u8; 4]] = catalogue.codes.elements(&self.files);
        for (element, code) in codes.iter().enumerate() {
            let code = i32::from_le_bytes(*code);
            if !catalogue.is_code(code) {
                let expected = "the position of a value, or -1";
                return Err(self.fault(ATTRIBUTES, "codes", element, expected, code.to_string()));
            }
        }
        for (array, place) in ["from", "until"].iter().zip(catalogue.times.iter().flatten()) {
            let times: I64s = place.elements(&self.files);
            for (item, time) in times.iter().enumerate() {
                let time = i64::from_le_bytes(*time);
                if !is_time(time) {
                    let expected = "a time of the years 1 to 9999, or -2^63";
                    return Err(self.fault(AVAILABILITY, array, item, expected, time.to_string()));
                }
            }
        }
        Ok(())
    }

    /// Checks ORD-3: the positions of a row are 1 to its length, each once.
    fn verify_order(&self, histories: &Csr, order: &Place) -> Result<()> {
        let places: &[[u8; 4]] = order.elements(&self.files);
        let mut taken = Vec::new();
        for user in 0..histories.indptr.len() - 1 {
            let range = histories.range(user);
            let row = places.get(range.clone()).unwrap_or_default();
            taken.clear();
            taken.resize(row.len(), false);
            for (entry, place) in row.iter().enumerate() {
                let place = i32::from_le_bytes(*place);
                let slot = usize::try_from(place).ok().and_then(|place| taken.get_mut(place.wrapping_sub(1)));
                if slot.is_none_or(|slot| std::mem::replace(slot, true)) {
                    let expected = format!("each of 1 to {} once in the history", row.len());
                    return Err(self.fault(ORDER, "positions", range.start + entry, expected, place.to_string()));
                }
            }
        }
        Ok(())
    }

    /// Checks POP-2, after the histories have been found sound.
    fn verify_counts(&self, histories: &Csr) -> Result<()> {
        let mut found = vec![0i64; self.num_items()];
        for index in histories.indices {
            if let Some(count) = found.get_mut(i32::from_le_bytes(*index) as usize) {
                *count += 1;
            }
        }
        let counts: I64s = self.counts.elements(&self.files);
        for (item, (count, found)) in counts.iter().zip(found).enumerate() {
            let count = i64::from_le_bytes(*count);
            if count != found {
                let expected = format!("{found} users as in histories.npz");
                return Err(self.fault(POPULARITY, "counts", item, expected, count.to_string()));
            }
        }
        Ok(())
    }
}
