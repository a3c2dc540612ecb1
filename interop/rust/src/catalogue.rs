//! The catalogue of a model, and filters on it (ATT-1 to ATT-6 of the format).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::OnceLock;

use crate::arrays::{I32s, I64s, Place};
use crate::error::{shown, Error, Result, Stage, Verdict};
use crate::files::Files;
use crate::idmap::IdMap;
use crate::manifest::{ATTRIBUTES, AVAILABILITY, COLUMNS, VALUES};
use crate::rank::{is_better, Ranked, MAX_N};
use crate::time::is_moment;

/// How `availability.npz` writes none.
const NO_TIME: i64 = i64::MIN;

/// What a list may hold, by the catalogue of the model. All its conditions hold together; the default has none.
///
/// Naming a column that the catalogue lacks is refused, a value that it lacks is passed over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter<'a> {
    /// For some columns, the values of which an item must have one.
    pub any_of: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
    /// For some columns, the values of which an item must have none.
    pub none_of: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
    /// When the item must be there, in microseconds since 1970 UTC.
    pub available_at: Option<i64>,
    /// For some columns, how many items of a list may have the same value, at least 1. An item is left out if the
    /// better ones have used up its value; the next ones move up.
    pub at_most: BTreeMap<Cow<'a, str>, usize>,
}

/// The catalogue, of which opening has not looked at the values.
pub(crate) struct Catalogue {
    pub(crate) columns: IdMap,
    pub(crate) values: IdMap,
    num_values: u64,
    pub(crate) codes: Place,
    pub(crate) times: Option<[Place; 2]>, // from, until
    /// Of each column, whether its codes have been found sound; made with the first filter.
    checked: OnceLock<Vec<OnceLock<bool>>>,
    checked_times: OnceLock<bool>,
}

impl Catalogue {
    pub(crate) fn open(files: &Files) -> Result<Catalogue> {
        let counts = &files.manifest.counts;
        let [codes] = Place::find(files, ATTRIBUTES)?;
        let times = if files.manifest.lists(AVAILABILITY) { Some(Place::find(files, AVAILABILITY)?) } else { None };
        Ok(Catalogue {
            columns: IdMap::new(COLUMNS, counts.attribute_columns),
            values: IdMap::new(VALUES, counts.attribute_values),
            num_values: counts.attribute_values,
            codes,
            times,
            checked: OnceLock::new(),
            checked_times: OnceLock::new(),
        })
    }

    /// Whether a code is that of a value, or of none.
    pub(crate) fn is_code(&self, code: i32) -> bool {
        code == -1 || u64::try_from(code).is_ok_and(|code| code < self.num_values)
    }

    /// Returns the codes of all items in a column, which have been found sound.
    fn column<'a>(&self, files: &'a Files, key: &str, name: &str) -> Result<I32s<'a>> {
        let columns = self.columns.ids(files)?;
        let column = columns.position(name).ok_or_else(|| no_column(key, name))?;
        let column = column as usize;
        let codes: I32s = self.codes.elements(files);
        let num_items = codes.len() / columns.len();
        let codes = &codes[column * num_items..(column + 1) * num_items];
        let checked = self.checked.get_or_init(|| (0..columns.len()).map(|_| OnceLock::new()).collect());
        let is_sound = || codes.iter().all(|code| self.is_code(i32::from_le_bytes(*code)));
        if !checked[column].get_or_init(is_sound) {
            return Err(fault(files, ATTRIBUTES, "codes of values that exist"));
        }
        Ok(codes)
    }

    fn times<'a>(&self, files: &'a Files) -> Result<[I64s<'a>; 2]> {
        let times = self.times.as_ref().ok_or_else(no_times)?;
        let times = times.each_ref().map(|place| place.elements(files));
        let is_sound = || times.iter().all(|times: &I64s| times.iter().all(|t| is_time(i64::from_le_bytes(*t))));
        if !self.checked_times.get_or_init(is_sound) {
            return Err(fault(files, AVAILABILITY, "times of the years 1 to 9999, or -2^63"));
        }
        Ok(times)
    }
}

fn fault(files: &Files, file: &str, expected: &str) -> Error {
    Error::new(Verdict::Csr, files.path(file), "", expected, "others").at(Stage::Predict)
}

/// Whether an element of `availability.npz` is one.
pub(crate) fn is_time(microseconds: i64) -> bool {
    microseconds == NO_TIME || is_moment(microseconds)
}

/// A filter with codes in place of values.
#[derive(Default)]
pub(crate) struct Gate<'a> {
    conditions: Vec<Condition<'a>>,
    moment: Option<(i64, [I64s<'a>; 2])>,
    caps: Vec<Cap<'a>>,
}

struct Condition<'a> {
    codes: I32s<'a>,
    listed: Vec<i32>, // ascending
    is_any_of: bool,
}

struct Cap<'a> {
    codes: I32s<'a>,
    most: usize,
}

impl<'a> Gate<'a> {
    /// Looks up a filter that [`Filter::check`] has let pass.
    pub(crate) fn new(filter: &Filter, catalogue: &Catalogue, files: &'a Files) -> Result<Gate<'a>> {
        let mut gate = Gate::default();
        catalogue.columns.ids(files)?;
        let values = catalogue.values.ids(files)?;
        let mut listed = Vec::new();
        for (key, lists, is_any_of) in [("any_of", &filter.any_of, true), ("none_of", &filter.none_of, false)] {
            for (column, ids) in lists {
                let codes = catalogue.column(files, key, column)?;
                values.positions(ids, &mut listed);
                let listed = listed.iter().map(|position| *position as i32).collect();
                gate.conditions.push(Condition { codes, listed, is_any_of });
            }
        }
        if let Some(moment) = filter.available_at {
            gate.moment = Some((moment, catalogue.times(files)?));
        }
        for (column, most) in &filter.at_most {
            gate.caps.push(Cap { codes: catalogue.column(files, "at_most", column)?, most: *most });
        }
        Ok(gate)
    }

    /// Whether all items pass.
    pub(crate) fn is_open(&self) -> bool {
        self.conditions.is_empty() && self.moment.is_none()
    }

    /// Whether an item meets all conditions: ATT-5.
    pub(crate) fn admits(&self, item: u32) -> bool {
        let place = item as usize;
        let meets = |condition: &Condition| {
            let code = condition.codes.get(place).map_or(-1, |code| i32::from_le_bytes(*code));
            condition.listed.binary_search(&code).is_ok() == condition.is_any_of
        };
        let is_there = |(moment, [from, until]): &(i64, [I64s; 2])| {
            let at = |times: &I64s| times.get(place).map_or(NO_TIME, |time| i64::from_le_bytes(*time));
            let until = at(until);
            at(from) <= *moment && (until == NO_TIME || *moment < until)
        };
        self.conditions.iter().all(meets) && self.moment.as_ref().is_none_or(is_there)
    }

    pub(crate) fn has_caps(&self) -> bool {
        !self.caps.is_empty()
    }
}

impl Filter<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// Refuses what no filter may have, and what the model has not: ATT-4. Columns are left to [`Gate::new`] where
    /// their map is faulty.
    pub(crate) fn check(&self, catalogue: Option<&Catalogue>, files: &Files) -> Result<()> {
        if let Some(moment) = self.available_at.filter(|moment| !is_moment(*moment)) {
            return Err(Error::request("filter: available_at", "a time of the years 1 to 9999", moment.to_string()));
        }
        if let Some((column, most)) = self.at_most.iter().find(|(_, most)| !(1..=MAX_N).contains(*most)) {
            let name = format!("filter: at_most: {}", shown(column));
            return Err(Error::request(name, format!("an integer from 1 to {MAX_N}"), most.to_string()));
        }
        if self.is_empty() {
            return Ok(());
        }
        let Some(catalogue) = catalogue else {
            return Err(Error::request("filter", "a model with attributes", "one without"));
        };
        if self.available_at.is_some() && catalogue.times.is_none() {
            return Err(no_times());
        }
        let Ok(columns) = catalogue.columns.ids(files) else { return Ok(()) };
        let any_of = self.any_of.keys().map(|column| ("any_of", column));
        let none_of = self.none_of.keys().map(|column| ("none_of", column));
        let at_most = self.at_most.keys().map(|column| ("at_most", column));
        let mut named = any_of.chain(none_of).chain(at_most);
        match named.find(|(_, column)| columns.position(column).is_none()) {
            None => Ok(()),
            Some((key, column)) => Err(no_column(key, column)),
        }
    }
}

fn no_column(key: &str, column: &str) -> Error {
    Error::request(format!("filter: {key}"), "a column of the model", shown(column))
}

fn no_times() -> Error {
    let expected = "a model with times from or until which its items are there";
    Error::request("filter: available_at", expected, "one without")
}

/// How many items of a list each value has, in the columns with a cap: ATT-6.
pub(crate) struct Held<'g, 'a> {
    caps: &'g [Cap<'a>],
    counts: HashMap<(usize, i32), usize>,
}

impl<'g, 'a> Held<'g, 'a> {
    pub(crate) fn new(gate: &'g Gate<'a>) -> Self {
        Held { caps: &gate.caps, counts: HashMap::new() }
    }

    /// Counts an item, unless the list holds as many of one of its values as it may.
    pub(crate) fn take(&mut self, item: u32) -> bool {
        let caps = self.caps;
        let groups = caps.iter().enumerate().filter_map(|(column, cap)| {
            let code = cap.codes.get(item as usize).map_or(-1, |code| i32::from_le_bytes(*code));
            (code >= 0).then_some(((column, code), cap.most)) // no value makes no group
        });
        if groups.clone().any(|(group, most)| self.counts.get(&group).is_some_and(|held| *held >= most)) {
            return false;
        }
        for (group, _) in groups {
            *self.counts.entry(group).or_default() += 1;
        }
        true
    }

    /// Fills a list up to n with the best of all candidates that may come into it, in order.
    ///
    /// Sorts the best of them, many times as many in each turn, as nearly always few turns are enough.
    pub(crate) fn choose(&mut self, mut candidates: &mut [Ranked], n: usize, list: &mut Vec<Ranked>) {
        let mut window = n.saturating_mul(4);
        while !candidates.is_empty() && list.len() < n {
            let size = window.min(candidates.len());
            if size < candidates.len() {
                candidates.select_nth_unstable_by(size, is_better);
            }
            let (best, behind) = candidates.split_at_mut(size);
            best.sort_unstable_by(is_better);
            for item in best {
                if list.len() == n {
                    return;
                }
                if self.take(item.item) {
                    list.push(*item);
                }
            }
            candidates = behind;
            window = window.saturating_mul(2);
        }
    }
}
