//! From events to a history (section 9 of the format): what training did to the events of a user, a reader does to
//! those of a request.

use crate::arrays::Place;
use crate::error::{shown, Error, Result, Stage, Verdict};
use crate::files::Files;
use crate::json::{self, Object, Value};
use crate::manifest::{Reader, CONFIG, FACTORS, MAX_MANIFEST_BYTES, NORMS};
use crate::portable::{exp2, log1p};
use crate::time;

const MICROSECONDS_PER_DAY: f64 = 86_400_000_000.0;
const LEAST_WEIGHT: f32 = f32::from_bits(1); // 2^-149
const OLD_HALF_LIVES: f64 = 100.0; // a weight that needs more of them to round to 0 is old, not small

/// How the events of one item become one number.
enum Aggregate {
    Sum,
    Max,
    Last,
    Count,
}

/// What becomes of that number.
enum Weighting {
    Plain,
    Binary,
    Log,
    TfIdf,
    Bm25 { k1: f64 },
}

/// How much less the earlier items of a history count, by their place in its order.
pub(crate) enum Decay {
    None,
    Quadratic,
    Exponential { half_life_items: f64 },
}

/// By how much less an event counts, the older it is.
struct Aging {
    half_life: f64, // in microseconds
    reference: i64, // what now is by default, in microseconds since 1970
}

/// The rule of a model.
pub(crate) struct Rule {
    aggregate: Aggregate,
    weighting: Weighting,
    weighting_name: String,
    aging: Option<Aging>,
    pub(crate) norms: Option<Place>,
    pub(crate) factors: Option<Place>,
    pub(crate) decay: Decay,
}

/// Checks that `config.json` holds an object, and gives it to `take`: CFG-1.
pub(crate) fn with_config<T>(files: &Files, take: impl FnOnce(&Reader, &Object) -> Result<T>) -> Result<T> {
    let place = files.path(CONFIG);
    let reader = Reader { place: &place };
    let data = files.data(CONFIG);
    if data.len() as u64 > MAX_MANIFEST_BYTES {
        return Err(reader.refuse("", format!("at most {MAX_MANIFEST_BYTES} bytes"), data.len().to_string()));
    }
    let root = json::parse(data).map_err(|got| reader.refuse("", "a JSON object", got))?;
    take(&reader, reader.root(&root)?)
}

impl Rule {
    /// Reads the rule of a model that must have one: HIS-2, HIS-3 and ORD-2.
    pub(crate) fn read(files: &Files) -> Result<Rule> {
        let mut rule = with_config(files, |reader, config| Rule::parse(files, reader, config))?;
        if files.manifest.lists(NORMS) {
            let [norms] = Place::find(files, NORMS)?;
            rule.norms = Some(norms);
        }
        if files.manifest.lists(FACTORS) {
            let [factors] = Place::find(files, FACTORS)?;
            rule.factors = Some(factors);
        }
        Ok(rule)
    }

    fn parse(files: &Files, reader: &Reader, config: &Object) -> Result<Rule> {
        let aggregates =
            [("sum", Aggregate::Sum), ("max", Aggregate::Max), ("last", Aggregate::Last), ("count", Aggregate::Count)];
        let aggregate = word(reader, config, "aggregate", aggregates)?;
        let object = reader.object(config, "weighting")?;
        let weightings = [
            ("none", Weighting::Plain),
            ("binary", Weighting::Binary),
            ("log", Weighting::Log),
            ("tf_idf", Weighting::TfIdf),
            ("bm25", Weighting::Bm25 { k1: 0.0 }),
        ];
        let mut weighting = word(reader, object, "name", weightings)?;
        let weighting_name = reader.text(object, "name")?.to_string();
        let aging = match object.get("half_life_days") {
            Some(Value::Null) => None,
            _ => {
                let days = number(reader, object, "half_life_days", "a finite number above 0", |days| days > 0.0)?;
                let half_life = days * MICROSECONDS_PER_DAY;
                Some(Aging { half_life, reference: reference_time(reader, object)? })
            }
        };
        if let Weighting::Bm25 { k1 } = &mut weighting {
            *k1 = number(reader, object, "k1", "a finite number of at least 0", |k1| k1 >= 0.0)?;
        }
        let decay = if files.manifest.with_history_order() { Decay::parse(reader, config)? } else { Decay::None };
        let (norms, factors) = match weighting {
            Weighting::TfIdf => (false, true),
            Weighting::Bm25 { .. } => (true, true),
            _ => (false, false),
        };
        if (files.manifest.lists(NORMS), files.manifest.lists(FACTORS)) != (norms, factors) {
            let expected = "a weighting of which the model has the files, and no others";
            return Err(reader.refuse("weighting: name", expected, shown(&weighting_name)));
        }
        Ok(Rule { aggregate, weighting, weighting_name, aging, norms: None, factors: None, decay })
    }
}

/// Takes a string that must be one of some; another one is of a later version.
fn word<T, const N: usize>(reader: &Reader, object: &Object, key: &str, words: [(&str, T); N]) -> Result<T> {
    let text = reader.text(object, key)?;
    let known = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let found = words.into_iter().find(|(word, _)| *word == text);
    found
        .map(|(_, value)| value)
        .ok_or_else(|| Error::new(Verdict::Version, reader.place, key, format!("one of {known}"), shown(text)))
}

fn number(reader: &Reader, object: &Object, key: &str, kind: &str, is_good: impl Fn(f64) -> bool) -> Result<f64> {
    let take = |value: &Value| value.float().filter(|number| number.is_finite() && is_good(*number));
    reader.member(object, key, kind, take)
}

fn reference_time(reader: &Reader, object: &Object) -> Result<i64> {
    let take = |value: &Value| time::parse(value.string()?);
    reader.member(object, "reference_time", "YYYY-MM-DDTHH:MM:SS.ffffffZ", take)
}

impl Decay {
    fn parse(reader: &Reader, config: &Object) -> Result<Decay> {
        let object = reader.object(config, "history_decay")?;
        let decays = [
            ("none", Decay::None),
            ("quadratic", Decay::Quadratic),
            ("exponential", Decay::Exponential { half_life_items: 0.0 }),
        ];
        let mut decay = word(reader, object, "name", decays)?;
        if let Decay::Exponential { half_life_items } = &mut decay {
            let kind = "a finite number above 0";
            *half_life_items = number(reader, object, "half_life_items", kind, |items| items > 0.0)?;
        }
        Ok(decay)
    }

    pub(crate) fn uses_order(&self) -> bool {
        !matches!(self, Decay::None)
    }

    /// Returns the weight of the item at a place, from 1, of a history of so many: ORD-5.
    pub(crate) fn weigh(&self, weight: f32, place: usize, length: usize) -> f32 {
        let factor = match self {
            Decay::None => return weight,
            Decay::Quadratic => {
                let share = place as f64 / length as f64;
                share * share
            }
            Decay::Exponential { half_life_items } => exp2(-((length - place) as f64 / half_life_items)),
        };
        let decayed = (f64::from(weight) * factor) as f32;
        if decayed == 0.0 {
            LEAST_WEIGHT
        } else {
            decayed
        }
    }
}

/// One event of a history, of an item that the model has.
#[derive(Clone, Copy)]
pub(crate) struct KnownEvent {
    pub(crate) item: u32,
    pub(crate) weight: f64,
    pub(crate) time: Option<i64>,
    pub(crate) place: usize, // in the request
}

/// One item of a history that is being weighed.
struct Weighed {
    item: u32,
    value: f64,
    time: Option<i64>, // the latest; none, if an event has none
    place: usize,      // of the last event without a time
    age: f64,          // in half-lives
}

/// Items, ascending, and their weights.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) items: Vec<u32>,
    pub(crate) weights: Vec<f32>,
}

impl History {
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.weights.clear();
    }

    pub(crate) fn push(&mut self, item: u32, weight: f32) {
        self.items.push(item);
        self.weights.push(weight);
    }
}

impl Rule {
    /// Sets `history` to what the events of a request become, in a model whose ids `name_of` says.
    pub(crate) fn weigh(
        &self,
        files: &Files,
        events: &mut [KnownEvent],
        now: Option<i64>,
        name_of: impl Fn(u32) -> String,
        history: &mut History,
    ) -> Result<()> {
        // Events without a time come last: true is above false.
        events.sort_unstable_by(|a, b| {
            let key = |event: &KnownEvent| (event.item, event.time.is_none(), event.time);
            key(a).cmp(&key(b)).then(a.weight.total_cmp(&b.weight))
        });
        let refuse = |step: &str, item: u32, expected: String, got: String| {
            Error::request(format!("{step}: item {}", shown(&name_of(item))), expected, got)
        };
        let mut items = Vec::with_capacity(events.len());
        for group in events.chunk_by(|a, b| a.item == b.item) {
            items.push(self.aggregate(group, now, refuse)?);
        }
        let (factor, norms) = self.arrays_for(files, &items)?;
        history.clear();
        for item in &items {
            let (x, weight) = self.weight_of(item, factor, norms);
            if !(weight > 0.0 && weight.is_finite()) {
                let step = format!("weighting {}", self.weighting_name);
                return Err(refuse(&step, item.item, "a weight above 0 that f32 holds".into(), x.to_string()));
            }
            history.push(item.item, weight);
        }
        if self.decay.uses_order() {
            self.decay_by_order(&items, &mut history.weights);
        }
        Ok(())
    }

    /// Makes one of the events of one item: HIS-6 and HIS-7.
    fn aggregate(
        &self,
        events: &[KnownEvent],
        now: Option<i64>,
        refuse: impl Fn(&str, u32, String, String) -> Error,
    ) -> Result<Weighed> {
        let last = events[events.len() - 1];
        let weights = events.iter().map(|event| event.weight);
        let mut value = match self.aggregate {
            Aggregate::Sum => weights.fold(0.0, |sum, weight| sum + weight),
            Aggregate::Max => weights.fold(0.0, f64::max),
            Aggregate::Last => last.weight,
            Aggregate::Count => events.len() as f64,
        };
        if !value.is_finite() {
            return Err(refuse("weight", last.item, "a finite sum".into(), "Infinity".into()));
        }
        if matches!(self.weighting, Weighting::Binary) {
            value = 1.0;
        }
        let undated = events.iter().filter(|event| event.time.is_none()).map(|event| event.place);
        let mut age = 0.0;
        if let Some(aging) = &self.aging {
            let today = now.unwrap_or(aging.reference);
            let latest = last.time.unwrap_or(today);
            if latest > today {
                let expected = format!("a time up to {today} microseconds after 1970");
                return Err(refuse("time", last.item, expected, latest.to_string()));
            }
            age = today.abs_diff(latest) as f64 / aging.half_life;
            value = (value * exp2(-age)).max(f64::MIN_POSITIVE);
        }
        Ok(Weighed { item: last.item, value, time: last.time, place: undated.max().unwrap_or(0), age })
    }

    /// Returns the factor of a history of these items, and the norms of all items, found sound where they are needed.
    fn arrays_for<'a>(&self, files: &'a Files, items: &[Weighed]) -> Result<(f64, &'a [[u8; 8]])> {
        let fault = |file: &str, expected: &str, got: f64| {
            Err(Error::new(Verdict::Csr, files.path(file), "", expected, got.to_string()).at(Stage::Predict))
        };
        let mut factor = 1.0;
        if let (Some(factors), Some(last)) = (&self.factors, items.len().checked_sub(1)) {
            // A history has no more items than the model.
            factor = factors.elements(files).get(last).map_or(f64::NAN, |bytes| f64::from_le_bytes(*bytes));
            if !factor.is_finite() {
                return fault(FACTORS, "finite numbers", factor);
            }
        }
        let norms: &[[u8; 8]] = self.norms.as_ref().map_or(&[], |norms| norms.elements(files));
        if self.norms.is_some() {
            for item in items {
                let norm = norm_of(norms, item.item);
                if !(norm >= 0.0 && norm.is_finite()) {
                    return fault(NORMS, "finite numbers of at least 0", norm);
                }
            }
        }
        Ok((factor, norms))
    }

    /// Returns the weight of an item before and after it is rounded: HIS-8 and HIS-9.
    fn weight_of(&self, item: &Weighed, factor: f64, norms: &[[u8; 8]]) -> (f64, f32) {
        let x = item.value;
        let x = match self.weighting {
            Weighting::Plain | Weighting::Binary => x,
            Weighting::Log => log1p(x),
            Weighting::TfIdf => x * factor,
            Weighting::Bm25 { k1 } => ((x * (k1 + 1.0)) / (x + norm_of(norms, item.item))) * factor,
        };
        let weight = x as f32;
        if weight == 0.0 && x > 0.0 && item.age > OLD_HALF_LIVES {
            return (x, LEAST_WEIGHT);
        }
        (x, weight)
    }

    /// Changes the weights of items by their order: ORD-4.
    fn decay_by_order(&self, items: &[Weighed], weights: &mut [f32]) {
        let mut order: Vec<usize> = (0..items.len()).collect();
        // Positions ascend with the items; those without a time come last, in the order of the request.
        order.sort_by_key(|place| {
            let item = &items[*place];
            (item.time.is_none(), item.time, if item.time.is_none() { item.place } else { 0 })
        });
        for (place, entry) in order.into_iter().enumerate() {
            weights[entry] = self.decay.weigh(weights[entry], place + 1, items.len());
        }
    }
}

fn norm_of(norms: &[[u8; 8]], item: u32) -> f64 {
    norms.get(item as usize).map_or(f64::NAN, |bytes| f64::from_le_bytes(*bytes))
}
