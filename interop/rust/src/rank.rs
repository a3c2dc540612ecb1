//! From a history to a list of positions: REC-3 to REC-8, REC-11 and ATT-6 of the format.

use std::cmp::Ordering;

use crate::arrays::{Csr, F32s, I32s};
use crate::catalogue::{Gate, Held};
use crate::history::{History, KnownEvent};

/// The longest list there is.
pub(crate) const MAX_N: usize = (1 << 31) - 1;

/// One item of a list that is being made.
#[derive(Clone, Copy)]
pub(crate) struct Ranked {
    pub(crate) score: f64,
    pub(crate) item: u32,
    pub(crate) filled: bool,
}

/// The one order of items: score descending, then position ascending. No score is -0 or NaN where it counts.
pub(crate) fn is_better(a: &Ranked, b: &Ranked) -> Ordering {
    b.score.total_cmp(&a.score).then(a.item.cmp(&b.item))
}

/// A term of a score, before its item gets an id.
#[derive(Clone, Copy)]
pub(crate) struct Reason {
    pub(crate) item: u32,
    pub(crate) share: f64,
}

/// The memory of one request, which later ones use again.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) history: History,
    pub(crate) events: Vec<KnownEvent>,
    pub(crate) include: Vec<u32>,
    pub(crate) exclude: Vec<u32>,
    scores: Scores,
    pub(crate) list: Vec<Ranked>,
    candidates: Vec<Ranked>,
    listed: Vec<u32>,
    found: Vec<(usize, Reason)>, // with the place of the item in the list
    pub(crate) reasons: Vec<Reason>,
    /// Where the reasons of each item of the list end; empty unless they were asked for.
    pub(crate) reason_ends: Vec<usize>,
}

/// Which items a list may hold.
pub(crate) struct Limits<'a> {
    pub(crate) n: usize,
    pub(crate) with_include: bool,
    pub(crate) include_seen: bool,
    pub(crate) gate: Gate<'a>,
}

/// Where the order of popularity comes from, once a list is to be filled.
pub(crate) trait Popularity {
    /// Returns all items that are popular at all, best first, or that the numbers are faulty.
    fn order(&self) -> Result<&[u32], Fault>;
    /// Whether an item is popular at all, and which of two comes first.
    fn is_taken(&self, item: u32) -> bool;
    fn compare(&self, a: u32, b: u32) -> Ordering;
}

/// What a model holds that no model may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Similarity,
    Popularity,
}

impl Scratch {
    /// Makes the list for `history`, whose items exist and ascend, in `list`.
    pub(crate) fn rank(&mut self, similarity: &Csr, limits: &Limits) -> Result<(), Fault> {
        self.reasons.clear();
        self.reason_ends.clear();
        self.scores.add_rows(similarity, &self.history)?;
        if !limits.include_seen {
            self.scores.remove(&self.history.items)?;
        }
        self.scores.remove(&self.exclude)?;
        let has_caps = limits.gate.has_caps();
        let mut best = Best::new(&mut self.list, if has_caps { usize::MAX } else { limits.n });
        if limits.with_include {
            let include = &self.include;
            self.scores.take(&mut best, |item| include.binary_search(&item).is_ok() && limits.gate.admits(item))?;
        } else if limits.gate.is_open() {
            self.scores.take(&mut best, |_| true)?;
        } else {
            self.scores.take(&mut best, |item| limits.gate.admits(item))?;
        }
        if has_caps {
            std::mem::swap(&mut self.list, &mut self.candidates);
            self.list.clear();
            Held::new(&limits.gate).choose(&mut self.candidates, limits.n, &mut self.list);
        } else {
            self.list.sort_unstable_by(is_better);
        }
        Ok(())
    }

    /// Completes a short list with the most popular items: REC-8.
    pub(crate) fn fill(&mut self, popularity: &impl Popularity, limits: &Limits) -> Result<(), Fault> {
        if self.list.len() >= limits.n {
            return Ok(());
        }
        let mut popular = popularity.order()?;
        let mut included;
        if limits.with_include {
            included = self.include.clone();
            included.retain(|item| popularity.is_taken(*item));
            included.sort_unstable_by(|a, b| popularity.compare(*a, *b));
            popular = &included;
        }
        self.listed.clear();
        self.listed.extend(self.list.iter().map(|ranked| ranked.item));
        self.listed.sort_unstable();
        let mut held = Held::new(&limits.gate);
        for ranked in &self.list {
            held.take(ranked.item);
        }
        let left_out = [&self.listed, &self.history.items, &self.exclude];
        for item in popular {
            if self.list.len() == limits.n {
                break;
            }
            let is_left_out = left_out.iter().any(|items| items.binary_search(item).is_ok());
            if !is_left_out && limits.gate.admits(*item) && held.take(*item) {
                self.list.push(Ranked { score: 0.0, item: *item, filled: true });
            }
        }
        Ok(())
    }

    /// Finds the terms of all scores of the list, whose rows have been found sound: REC-11.
    ///
    /// The place of each listed item stands in its score meanwhile, so that all rows are gone through once.
    pub(crate) fn explain(&mut self, similarity: &Csr) {
        let scores = &mut self.scores.scores;
        self.reason_ends.resize(self.list.len(), 0);
        let listed = self.list.iter().enumerate().filter(|(_, ranked)| !ranked.filled);
        for (place, ranked) in listed.clone() {
            scores[ranked.item as usize] = place as f64;
        }
        self.found.clear();
        for (item, weight) in self.history.items.iter().zip(&self.history.weights) {
            let (indices, data) = similarity.row(*item as usize);
            let weight = f64::from(*weight);
            for (index, value) in indices.iter().zip(data) {
                let Some(place) = scores.get(i32::from_le_bytes(*index) as usize) else { continue };
                if !is_untouched(*place) {
                    let place = *place as usize;
                    let share = weight * f64::from(f32::from_le_bytes(*value));
                    self.found.push((place, Reason { item: *item, share }));
                    self.reason_ends[place] += 1;
                }
            }
        }
        for (_, ranked) in listed {
            scores[ranked.item as usize] = UNTOUCHED;
        }
        // By their place in the list, in order of the history: first where those of each item begin.
        let mut begin = 0;
        for end in &mut self.reason_ends {
            begin += std::mem::replace(end, begin);
        }
        self.reasons.resize(self.found.len(), Reason { item: 0, share: 0.0 });
        for (place, reason) in &self.found {
            let end = &mut self.reason_ends[*place];
            self.reasons[*end] = *reason;
            *end += 1;
        }
    }
}

/// The score of an item before anything is added: -0, which no sum is that begins with +0.
const UNTOUCHED: f64 = -0.0;

fn is_untouched(score: f64) -> bool {
    score.to_bits() == UNTOUCHED.to_bits()
}

/// One score for each item, and which of them are touched.
#[derive(Default)]
struct Scores {
    scores: Vec<f64>,
    touched: Vec<u32>, // in the order of their first entry; none where all scores are gone through
    count: usize,      // of touched items
    is_whole: bool,
}

impl Scores {
    /// Adds all rows of a history, in order. After a fault everything is untouched.
    fn add_rows(&mut self, similarity: &Csr, history: &History) -> Result<(), Fault> {
        let num_items = similarity.indptr.len() - 1;
        if self.scores.len() != num_items {
            self.scores = vec![UNTOUCHED; num_items];
        }
        let entries: usize = history.items.iter().map(|item| similarity.range(*item as usize).len()).sum();
        self.is_whole = entries >= num_items / 4;
        self.count = 0;
        if !self.is_whole && self.touched.len() <= entries {
            self.touched.resize(entries + 1, 0);
        }
        for (place, (item, weight)) in history.items.iter().zip(&history.weights).enumerate() {
            if place % FETCHED == 0 {
                history.items[place..].iter().take(FETCHED).for_each(|next| fetch(similarity.row(*next as usize)));
            }
            let (indices, data) = similarity.row(*item as usize);
            let weight = f64::from(*weight);
            let is_sound = if self.is_whole {
                add_row(&mut self.scores, weight, indices, data)
            } else {
                let count = add_row_noting(&mut self.scores, &mut self.touched, self.count, weight, indices, data);
                self.count = count.unwrap_or(self.count);
                count.is_some()
            };
            if !is_sound {
                return Err(self.refuse());
            }
        }
        Ok(())
    }

    fn refuse(&mut self) -> Fault {
        self.scores.fill(UNTOUCHED);
        Fault::Similarity
    }

    /// Makes items of an ascending list no candidates.
    fn remove(&mut self, items: &[u32]) -> Result<(), Fault> {
        for item in items {
            if let Some(score) = self.scores.get_mut(*item as usize) {
                if !std::mem::replace(score, UNTOUCHED).is_finite() {
                    return Err(self.refuse());
                }
            }
        }
        Ok(())
    }

    /// Offers all touched items that may be listed, and leaves everything untouched.
    fn take(&mut self, best: &mut Best, may_be_listed: impl Fn(u32) -> bool) -> Result<(), Fault> {
        let mut is_sound = true;
        let mut floor = best.floor;
        let mut offer = |item: u32, score: f64| {
            is_sound &= score.is_finite();
            // A score that is not a number is none below the floor.
            if score >= floor && !is_untouched(score) && may_be_listed(item) {
                best.offer(Ranked { score, item, filled: false });
                floor = best.floor;
            }
        };
        if self.is_whole {
            for (item, score) in self.scores.iter_mut().enumerate() {
                offer(item as u32, std::mem::replace(score, UNTOUCHED));
            }
        } else {
            for item in &self.touched[..self.count] {
                let score = &mut self.scores[*item as usize];
                offer(*item, std::mem::replace(score, UNTOUCHED));
            }
        }
        match is_sound {
            true => Ok(()),
            false => Err(Fault::Similarity),
        }
    }
}

/// How many rows are fetched at once; changes speed only.
const FETCHED: usize = 8;

/// Reads something of the first cache lines of a row: rows are in no cache, mostly, and a processor waits for the lines
/// of several at once.
#[inline(never)]
fn fetch((indices, data): (I32s, F32s)) {
    const ENTRIES: usize = 16; // of a cache line
    let of_lines =
        |bytes: &[[u8; 4]]| -> u8 { bytes.iter().step_by(ENTRIES).take(8).fold(0, |read, entry| read ^ entry[0]) };
    std::hint::black_box(of_lines(indices) ^ of_lines(data));
}

/// Adds one row of the similarity, weighted, and returns whether its positions exist and ascend.
///
/// Not inlined, so that the loop keeps its variables in registers: it is where a request spends its time.
#[inline(never)]
fn add_row(scores: &mut [f64], weight: f64, indices: I32s, data: F32s) -> bool {
    let mut previous = -1;
    for (index, value) in indices.iter().zip(data) {
        let item = i32::from_le_bytes(*index);
        if item <= previous {
            return false;
        }
        previous = item;
        let Some(score) = scores.get_mut(item as usize) else { return false };
        // The product is exact. Of -0 it makes +0, see `UNTOUCHED`.
        *score += weight * f64::from(f32::from_le_bytes(*value)) + 0.0;
    }
    true
}

/// The same, noting at `count` which items are touched first. Returns the new count.
#[inline(never)]
fn add_row_noting(
    scores: &mut [f64],
    touched: &mut [u32],
    mut count: usize,
    weight: f64,
    indices: I32s,
    data: F32s,
) -> Option<usize> {
    let mut previous = -1;
    for (index, value) in indices.iter().zip(data) {
        let item = i32::from_le_bytes(*index);
        if item <= previous {
            return None;
        }
        previous = item;
        let score = scores.get_mut(item as usize)?;
        *touched.get_mut(count)? = item as u32;
        count += usize::from(is_untouched(*score)); // without a branch
        *score += weight * f64::from(f32::from_le_bytes(*value)) + 0.0;
    }
    Some(count)
}

/// The n best of the items offered: a heap with the worst of them on top, once there are n.
struct Best<'l> {
    list: &'l mut Vec<Ranked>,
    n: usize,
    floor: f64, // a lower score cannot get in any more
}

impl<'l> Best<'l> {
    fn new(list: &'l mut Vec<Ranked>, n: usize) -> Self {
        list.clear();
        Best { list, n, floor: f64::NEG_INFINITY }
    }

    fn offer(&mut self, ranked: Ranked) {
        if self.list.len() < self.n {
            self.list.push(ranked);
            if self.list.len() < self.n {
                return;
            }
            for parent in (0..self.n / 2).rev() {
                self.sink(parent);
            }
        } else if is_better(&ranked, &self.list[0]).is_lt() {
            self.list[0] = ranked;
            self.sink(0);
        }
        self.floor = self.list[0].score;
    }

    /// Moves an item down until both below it are better.
    fn sink(&mut self, mut parent: usize) {
        let list = &mut self.list[..];
        loop {
            let mut child = 2 * parent + 1;
            if child >= list.len() {
                return;
            }
            if child + 1 < list.len() && is_better(&list[child], &list[child + 1]).is_lt() {
                child += 1;
            }
            if is_better(&list[parent], &list[child]).is_ge() {
                return;
            }
            list.swap(parent, child);
            parent = child;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same in every run (xorshift).
    struct Drawn(u64);

    impl Drawn {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % limit
        }
    }

    #[test]
    fn the_best_are_those_of_a_sorted_list() {
        let mut drawn = Drawn(7);
        for _ in 0..500 {
            let count = drawn.below(40);
            let mut all: Vec<Ranked> = (0..count)
                .map(|item| Ranked { score: drawn.below(8) as f64 - 4.0, item: item as u32, filled: false })
                .collect();
            let n = 1 + drawn.below(12) as usize;
            let mut list = Vec::new();
            let mut best = Best::new(&mut list, n);
            all.iter().for_each(|ranked| best.offer(*ranked));
            list.sort_unstable_by(is_better);
            all.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap().then(a.item.cmp(&b.item)));
            let items = |list: &[Ranked]| list.iter().map(|ranked| ranked.item).collect::<Vec<_>>();
            assert_eq!(items(&list), items(&all[..n.min(all.len())]));
        }
    }
}
