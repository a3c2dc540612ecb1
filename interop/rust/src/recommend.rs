//! Requests and lists (section 10 of the format).

use std::borrow::Cow;

use crate::catalogue::{Filter, Gate};
use crate::error::{shown, Error, Result, Stage, Verdict};
use crate::history::KnownEvent;
use crate::idmap::Ids;
use crate::manifest::{HISTORIES, ORDER, POPULARITY, SIMILARITY};
use crate::model::Model;
use crate::rank::{Fault, Limits, Ranked, Reason, Scratch, MAX_N};
use crate::request::{Request, Subject};
use crate::text;
use crate::time::is_moment;

/// One event of a history that is given with a request.
///
/// A model with a history rule takes raw events, as its training did: an item may stand more than once, and the
/// rule makes the weights. In any other model, and with [`RecommendOptions::final_weights`], weights are final: they
/// are only rounded to f32, each item stands once, and times are passed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// The id of the item.
    pub item: Cow<'a, str>,
    /// The weight, above 0.
    pub weight: f64,
    /// The time, in microseconds since 1970 UTC. Without one it counts as new, where the model's weights decay.
    pub time: Option<i64>,
}

impl<'a> Event<'a> {
    /// Makes an event without a time.
    pub fn new(item: impl Into<Cow<'a, str>>, weight: f64) -> Event<'a> {
        Event { item: item.into(), weight, time: None }
    }

    /// Gives the event its time, in microseconds since 1970 UTC.
    pub fn at(self, time: i64) -> Event<'a> {
        Event { time: Some(time), ..self }
    }
}

/// What a list may hold. The default allows all items but those of the history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecommendOptions<'a> {
    /// Allows only these items; an empty list allows none. Unknown ids are passed over, here and in `exclude`.
    pub include: Option<Vec<Cow<'a, str>>>,
    /// Leaves these items out.
    pub exclude: Vec<Cow<'a, str>>,
    /// Leaves out items by the catalogue of the model.
    pub filter: Option<Filter<'a>>,
    /// Allows the items of the history as well.
    pub include_seen: bool,
    /// Completes a short list with the most popular items that are not in the history.
    pub fill: bool,
    /// Gives each item what adds up to its score. It changes neither items nor order.
    pub explain: bool,
    /// Says that the weights of a history are not to be changed by the model's rule.
    pub final_weights: bool,
    /// The time from which the model's rule tells the age of events, in microseconds since 1970 UTC; without one it
    /// is the reference time of the model, never the clock.
    pub now: Option<i64>,
}

/// One item of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The id.
    pub id: String,
    /// The position of the item in the model.
    pub index: u32,
    /// The score; 0 for an item that was filled in.
    pub score: f64,
    /// Whether it was filled in because of its popularity.
    pub filled: bool,
    /// What adds up to the score, in this order; empty for an item that was filled in. `None` unless it was asked for.
    pub because: Option<Vec<Share>>,
}

/// What one item of a history adds to a score.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The id of the item of the history.
    pub id: String,
    /// Its position in the model.
    pub index: u32,
    /// The term of the score.
    pub share: f64,
}

/// A request whose parts belong to somebody else.
#[derive(Clone, Copy)]
struct Query<'q> {
    subject: SubjectRef<'q>,
    n: usize,
    options: &'q RecommendOptions<'q>,
}

#[derive(Clone, Copy)]
enum SubjectRef<'q> {
    User(&'q str),
    Item(&'q str),
    History(&'q [Event<'q>]),
}

impl<'q> From<&'q Request<'_>> for Query<'q> {
    fn from(request: &'q Request<'_>) -> Query<'q> {
        let subject = match &request.subject {
            Subject::User(user) => SubjectRef::User(user),
            Subject::Item(item) => SubjectRef::Item(item),
            Subject::History(events) => SubjectRef::History(events),
        };
        Query { subject, n: request.n, options: &request.options }
    }
}

/// A list that is made, still in the memory of its request.
struct Made<'m> {
    ids: Ids<'m>,
    list: &'m [Ranked],
    reasons: &'m [Reason],
    reason_ends: &'m [usize],
}

impl<'m> Made<'m> {
    fn id(&self, item: u32) -> Cow<'m, str> {
        self.ids.get(item as usize)
    }

    /// Returns the reasons of the item at a place of the list, if they were asked for.
    fn reasons(&self, place: usize) -> Option<&[Reason]> {
        let end = *self.reason_ends.get(place)?;
        let begin = if place == 0 { 0 } else { self.reason_ends[place - 1] };
        Some(&self.reasons[begin..end])
    }

    fn to_items(&self) -> Vec<Item> {
        let share =
            |reason: &Reason| Share { id: self.id(reason.item).into_owned(), index: reason.item, share: reason.share };
        let item = |(place, ranked): (usize, &Ranked)| Item {
            id: self.id(ranked.item).into_owned(),
            index: ranked.item,
            score: ranked.score,
            filled: ranked.filled,
            because: self.reasons(place).map(|reasons| reasons.iter().map(share).collect()),
        };
        self.list.iter().enumerate().map(item).collect()
    }

    fn append_line(&self, out: &mut String, user_id: &str) {
        text::begin_line(out, user_id);
        for (place, ranked) in self.list.iter().enumerate() {
            text::begin_item(out, place, &self.id(ranked.item), ranked.score, ranked.filled);
            if let Some(reasons) = self.reasons(place) {
                out.push_str(text::BECAUSE);
                for (place, reason) in reasons.iter().enumerate() {
                    text::append_share(out, place, &self.id(reason.item), reason.share);
                }
                out.push(']');
            }
            out.push('}');
        }
        text::end_line(out);
    }
}

impl Model {
    /// Returns the best n items for a user of the model: score descending, then position ascending. The list is
    /// shorter than n if there are fewer candidates.
    ///
    /// # Errors
    ///
    /// [`Verdict::UnknownUser`], [`Verdict::Request`] for options that are malformed, and the verdicts on files that
    /// turn out to be faulty.
    pub fn recommend(&self, user: &str, n: usize, options: &RecommendOptions) -> Result<Vec<Item>> {
        self.answer_query(Query { subject: SubjectRef::User(user), n, options }, |made| made.to_items())
    }

    /// Returns the best n items for any history: a new user, a session, a basket. Items that the model does not have
    /// are passed over. With the events of a user of the training, the list is that of the user.
    ///
    /// # Errors
    ///
    /// [`Verdict::Request`] for a history or options that are malformed, and as for [`Model::recommend`].
    pub fn recommend_history(&self, history: &[Event], n: usize, options: &RecommendOptions) -> Result<Vec<Item>> {
        self.answer_query(Query { subject: SubjectRef::History(history), n, options }, |made| made.to_items())
    }

    /// Returns the n items that having an item speaks for the most: the list for a history of this item alone, with
    /// the final weight 1.
    ///
    /// # Errors
    ///
    /// [`Verdict::UnknownItem`], and as for [`Model::recommend`].
    pub fn similar(&self, item: &str, n: usize, options: &RecommendOptions) -> Result<Vec<Item>> {
        self.answer_query(Query { subject: SubjectRef::Item(item), n, options }, |made| made.to_items())
    }

    /// Returns the list that a request asks for, whatever its subject is.
    ///
    /// # Errors
    ///
    /// As for the other three.
    pub fn answer(&self, request: &Request) -> Result<Vec<Item>> {
        self.answer_query(request.into(), |made| made.to_items())
    }

    /// Appends the list that a request asks for as a line of predictions, without an allocation for each item. After
    /// an error `out` is as it was.
    ///
    /// # Errors
    ///
    /// As for [`Model::answer`].
    pub fn append_answer(&self, out: &mut String, user_id: &str, request: &Request) -> Result<()> {
        let begin = out.len();
        let done = self.answer_query(request.into(), |made| made.append_line(out, user_id));
        if done.is_err() {
            out.truncate(begin);
        }
        done
    }

    fn answer_query<R>(&self, query: Query, finish: impl FnOnce(&Made) -> R) -> Result<R> {
        let mut scratch = self.scratches.lock().map(|mut kept| kept.pop()).unwrap_or_default().unwrap_or_default();
        let result = self.make(query, &mut scratch).map(|ids| {
            let (list, reasons) = (&scratch.list[..], &scratch.reasons[..]);
            finish(&Made { ids, list, reasons, reason_ends: &scratch.reason_ends })
        });
        if let Ok(mut kept) = self.scratches.lock() {
            kept.push(scratch);
        }
        // What was made of a file that was cut meanwhile may be anything.
        self.files.expect_whole().and(result).map_err(|error| error.at(Stage::Predict))
    }

    /// Makes the list of a request in `scratch`, and returns the ids of its items.
    fn make(&self, query: Query, scratch: &mut Scratch) -> Result<Ids<'_>> {
        let options = query.options;
        self.check_form(query)?;
        if let SubjectRef::User(user) = query.subject {
            self.read_history(user, scratch)?;
        }
        let ids = self.items.ids(&self.files);
        // Whatever the model is, the request comes first: IDM-6.
        let ids = ids.or_else(|error| self.check_twice(query).and(Err(error)))?;
        match query.subject {
            SubjectRef::User(_) => {}
            SubjectRef::Item(item) => {
                let unknown = || Error::new(Verdict::UnknownItem, "", "item", "an item of the model", shown(item));
                scratch.history.clear();
                scratch.history.push(ids.position(item).ok_or_else(unknown)?, 1.0);
            }
            SubjectRef::History(events) => self.make_history(events, ids, options, scratch)?,
        }
        let gate = match (&options.filter, &self.catalogue) {
            (Some(filter), Some(catalogue)) if !filter.is_empty() => Gate::new(filter, catalogue, &self.files)?,
            _ => Gate::default(),
        };
        ids.positions(options.include.as_deref().unwrap_or_default(), &mut scratch.include);
        ids.positions(&options.exclude, &mut scratch.exclude);
        let (with_include, include_seen) = (options.include.is_some(), options.include_seen);
        let limits = Limits { n: query.n, with_include, include_seen, gate };
        let similarity = self.similarity.view(&self.files);
        let ranked = scratch.rank(&similarity, &limits);
        ranked
            .and_then(|()| if options.fill { scratch.fill(self, &limits) } else { Ok(()) })
            .map_err(|fault| self.refuse(fault))?;
        if options.explain {
            scratch.explain(&similarity);
        }
        Ok(ids)
    }

    fn refuse(&self, fault: Fault) -> Error {
        let (file, expected) = match fault {
            Fault::Similarity => (SIMILARITY, "item positions that exist and ascend within a row, and finite values"),
            Fault::Popularity => (POPULARITY, "finite numbers of at least 0"),
        };
        Error::new(Verdict::Csr, self.files.path(file), "", expected, "others")
    }

    /// Refuses what no request may have, before anything is looked up: REC-13.
    fn check_form(&self, query: Query) -> Result<()> {
        if !(1..=MAX_N).contains(&query.n) {
            return Err(Error::request("n", format!("an integer from 1 to {MAX_N}"), query.n.to_string()));
        }
        let check_time = |name: &str, time: Option<i64>| match time.filter(|time| !is_moment(*time)) {
            None => Ok(()),
            Some(time) => Err(Error::request(name, "a time of the years 1 to 9999", time.to_string())),
        };
        check_time("now", query.options.now)?;
        if let Some(filter) = &query.options.filter {
            filter.check(self.catalogue.as_ref(), &self.files)?;
        }
        let SubjectRef::History(events) = query.subject else { return Ok(()) };
        let is_final = self.is_final(query.options);
        for event in events {
            check_time("history: time", event.time)?;
            let rounded = if is_final { f64::from(event.weight as f32) } else { event.weight };
            if !(rounded > 0.0 && rounded.is_finite()) {
                let name = format!("history: item {}: weight", shown(&event.item));
                return Err(Error::request(name, "a finite number above 0", event.weight.to_string()));
            }
        }
        Ok(())
    }

    fn is_final(&self, options: &RecommendOptions) -> bool {
        self.rule.is_none() || options.final_weights
    }

    /// Refuses a history whose weights are final and in which an item stands twice.
    fn check_twice(&self, query: Query) -> Result<()> {
        let SubjectRef::History(events) = query.subject else { return Ok(()) };
        if !self.is_final(query.options) {
            return Ok(());
        }
        let mut ids: Vec<&str> = events.iter().map(|event| event.item.as_ref()).collect();
        ids.sort_unstable();
        ids.windows(2).find(|ids| ids[0] == ids[1]).map_or(Ok(()), |ids| Err(twice(ids[0])))
    }

    /// Takes the history of a user, with weights as they count: REC-1.
    fn read_history(&self, user: &str, scratch: &mut Scratch) -> Result<()> {
        let unknown = |expected: &str| Error::new(Verdict::UnknownUser, "", "user", expected, shown(user));
        let Some((users, histories, order)) = &self.users else {
            return Err(unknown("a model with users"));
        };
        let Some(user) = users.ids(&self.files)?.position(user) else {
            return Err(unknown("a user of the model"));
        };
        let fault =
            |file: &str, expected: &str| Err(Error::new(Verdict::Csr, self.files.path(file), "", expected, "others"));
        let histories = histories.view(&self.files);
        let (indices, data) = histories.row(user as usize);
        let history = &mut scratch.history;
        history.clear();
        let mut previous = -1;
        for (index, weight) in indices.iter().zip(data) {
            let (item, weight) = (i32::from_le_bytes(*index), f32::from_le_bytes(*weight));
            if item <= previous || item as usize >= self.num_items() || !(weight > 0.0 && weight.is_finite()) {
                let expected = "item positions that exist and ascend within a row, and finite weights above 0";
                return fault(HISTORIES, expected);
            }
            previous = item;
            history.push(item as u32, weight);
        }
        let (Some(order), Some(rule)) = (order, &self.rule) else { return Ok(()) };
        if !rule.decay.uses_order() {
            return Ok(());
        }
        let places: &[[u8; 4]] = order.elements(&self.files);
        let places = places.get(histories.range(user as usize)).unwrap_or_default();
        let length = history.weights.len();
        for (weight, place) in history.weights.iter_mut().zip(places) {
            let place = i32::from_le_bytes(*place);
            match usize::try_from(place) {
                Ok(place) if (1..=length).contains(&place) => *weight = rule.decay.weigh(*weight, place, length),
                _ => return fault(ORDER, "positions from 1 to the items of the history"),
            }
        }
        Ok(())
    }

    /// Brings the history of a request into the form of a stored one.
    fn make_history(
        &self,
        events: &[Event],
        ids: Ids,
        options: &RecommendOptions,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let history = &mut scratch.history;
        history.clear();
        scratch.events.clear();
        let mut unknown = Vec::new();
        for (place, event) in events.iter().enumerate() {
            match ids.position(&event.item) {
                Some(item) => {
                    scratch.events.push(KnownEvent { item, weight: event.weight, time: event.time, place });
                }
                None => unknown.push(&event.item),
            }
        }
        let name_of = |item: u32| ids.get(item as usize).into_owned();
        match &self.rule {
            Some(rule) if !options.final_weights => {
                rule.weigh(&self.files, &mut scratch.events, options.now, name_of, history)
            }
            _ => {
                scratch.events.sort_unstable_by_key(|event| event.item);
                unknown.sort_unstable();
                if let Some(ids) = unknown.windows(2).find(|ids| ids[0] == ids[1]) {
                    return Err(twice(ids[0]));
                }
                for event in &scratch.events {
                    if history.items.last() == Some(&event.item) {
                        return Err(twice(&name_of(event.item)));
                    }
                    history.push(event.item, event.weight as f32);
                }
                Ok(())
            }
        }
    }
}

fn twice(id: &str) -> Error {
    Error::request("history", "each item once", format!("{} twice", shown(id)))
}
