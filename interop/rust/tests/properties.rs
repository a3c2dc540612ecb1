//! Random models and requests against dense sums, and bytes that are changed at random.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::fs;

use common::{random_content, suite, Content, Drawn, Folder};
use mlcore::{Event, Filter, Item, Model, Options, RecommendOptions, Request, Subject, Verdict};

/// An item of a list: its id, the bits of its score, whether it was filled in, and the bits of its shares.
type Listed = (String, u64, bool, Vec<(String, u64)>);

/// The list of a history by the words of the format, with an array for everything.
fn dense(content: &Content, history: &[(i32, f32)], request: &Request) -> Vec<Listed> {
    let options = &request.options;
    let num_items = content.items.len();
    let mut terms: Vec<Vec<(i32, f64)>> = vec![Vec::new(); num_items];
    for (item, weight) in history {
        for (other, value) in &content.similarity[*item as usize] {
            terms[*other as usize].push((*item, f64::from(*weight) * f64::from(*value)));
        }
    }
    let scores: Vec<f64> = terms.iter().map(|terms| terms.iter().fold(0.0, |sum, (_, term)| sum + term)).collect();
    let seen: Vec<bool> = (0..num_items).map(|item| history.iter().any(|(seen, _)| *seen as usize == item)).collect();
    let allowed = |item: usize| {
        let id = &content.items[item];
        options.include.as_ref().is_none_or(|include| include.iter().any(|known| known == id))
            && !options.exclude.iter().any(|known| known == id)
            && options.filter.as_ref().is_none_or(|filter| admitted(content, filter, item))
    };
    let mut candidates: Vec<usize> = (0..num_items)
        .filter(|item| !terms[*item].is_empty() && allowed(*item) && (options.include_seen || !seen[*item]))
        .collect();
    candidates.sort_by(|a, b| scores[*b].partial_cmp(&scores[*a]).unwrap().then(a.cmp(b)));
    let counts = content.counts();
    let popularity = |item: usize| content.decayed.as_ref().map_or(counts[item] as f64, |decayed| decayed[item]);
    let mut popular: Vec<usize> =
        (0..num_items).filter(|item| popularity(*item) > 0.0 && allowed(*item) && !seen[*item]).collect();
    popular.sort_by(|a, b| popularity(*b).partial_cmp(&popularity(*a)).unwrap().then(a.cmp(b)));

    let mut held: HashMap<(usize, i32), usize> = HashMap::new();
    let mut list: Vec<(usize, bool)> = Vec::new();
    let ranked = candidates.into_iter().map(|item| (item, false));
    let filled = popular.into_iter().map(|item| (item, true)).filter(|_| options.fill);
    for (item, is_filled) in ranked.chain(filled) {
        if list.len() == request.n || list.iter().any(|(listed, _)| *listed == item) {
            continue;
        }
        let caps = options.filter.iter().flat_map(|filter| &filter.at_most);
        let groups: Vec<((usize, i32), usize)> = caps
            .map(|(column, most)| {
                let column = column_of(content, column);
                ((column, content.attributes.as_ref().unwrap().codes[column][item]), *most)
            })
            .filter(|((_, code), _)| *code >= 0)
            .collect();
        if groups.iter().all(|(group, most)| held.get(group).unwrap_or(&0) < most) {
            groups.iter().for_each(|(group, _)| *held.entry(*group).or_default() += 1);
            list.push((item, is_filled));
        }
    }
    let shown = |(item, is_filled): (usize, bool)| {
        let because = terms[item].iter().filter(|_| options.explain && !is_filled);
        let because = because.map(|(seen, term)| (content.items[*seen as usize].clone(), term.to_bits())).collect();
        let score = if is_filled { 0.0 } else { scores[item] };
        (content.items[item].clone(), score.to_bits(), is_filled, because)
    };
    list.into_iter().map(shown).collect()
}

fn column_of(content: &Content, name: &str) -> usize {
    content.attributes.as_ref().unwrap().columns.iter().position(|known| known == name).unwrap()
}

fn admitted(content: &Content, filter: &Filter, item: usize) -> bool {
    let Some(attributes) = &content.attributes else { return true };
    let holds = |(column, values): (&std::borrow::Cow<str>, &Vec<std::borrow::Cow<str>>)| {
        let code = attributes.codes[column_of(content, column)][item];
        code >= 0 && values.iter().any(|value| *value == attributes.values[code as usize])
    };
    let is_there = filter.available_at.is_none_or(|now| {
        let (from, until) = attributes.times.as_ref().unwrap();
        (from[item] == i64::MIN || from[item] <= now) && (until[item] == i64::MIN || now < until[item])
    });
    filter.any_of.iter().all(holds) && !filter.none_of.iter().any(holds) && is_there
}

fn shown(items: &[Item]) -> Vec<Listed> {
    let shares = |item: &Item| {
        let shares = item.because.iter().flatten();
        shares.map(|share| (share.id.clone(), share.share.to_bits())).collect()
    };
    items.iter().map(|item| (item.id.clone(), item.score.to_bits(), item.filled, shares(item))).collect()
}

fn some<'a>(drawn: &mut Drawn, things: &'a [String]) -> Vec<std::borrow::Cow<'a, str>> {
    let mut some: Vec<_> = things.iter().filter(|_| drawn.once_in(3)).map(|id| id.as_str().into()).collect();
    if drawn.once_in(4) {
        some.push("nobody's".into());
    }
    some
}

fn random_options<'a>(drawn: &mut Drawn, content: &'a Content) -> RecommendOptions<'a> {
    let mut options = RecommendOptions {
        include_seen: drawn.once_in(3),
        fill: drawn.once_in(2),
        explain: drawn.once_in(2),
        final_weights: drawn.once_in(2), // changes nothing in a model without a rule
        ..Default::default()
    };
    if drawn.once_in(3) {
        options.include = Some(some(drawn, &content.items));
    }
    if drawn.once_in(3) {
        options.exclude = some(drawn, &content.items);
    }
    if let Some(attributes) = content.attributes.as_ref().filter(|_| drawn.once_in(2)) {
        let lists = |drawn: &mut Drawn| -> BTreeMap<_, _> {
            let columns = attributes.columns.iter().filter(|_| drawn.once_in(3)).collect::<Vec<_>>();
            columns.into_iter().map(|column| (column.as_str().into(), some(drawn, &attributes.values))).collect()
        };
        let (any_of, none_of) = (lists(drawn), lists(drawn));
        let columns = attributes.columns.iter().filter(|_| drawn.once_in(2)).collect::<Vec<_>>();
        let at_most = columns.into_iter().map(|column| (column.as_str().into(), 1 + drawn.below(3))).collect();
        let moment = attributes.times.as_ref().filter(|_| drawn.once_in(2)).map(|_| drawn.below(10) as i64);
        options.filter = Some(Filter { any_of, none_of, available_at: moment, at_most });
    }
    options
}

#[test]
fn lists_are_those_of_dense_sums() {
    let mut drawn = Drawn::new(1);
    let mut lists = 0;
    for round in 0..150 {
        let content = random_content(&mut drawn);
        let folder = Folder::new();
        content.write(&folder.0);
        let model = Model::open_with(&folder.0, Options { mmap: round % 2 == 0 }).expect("a model");
        model.verify().expect("a sound model");
        for _ in 0..20 {
            let n = [1, 2, 3, 10, 1000][drawn.below(5)];
            let options = random_options(&mut drawn, &content);
            let (subject, history) = if content.items.is_empty() || drawn.once_in(3) {
                let Some(user) = (!content.users.is_empty()).then(|| drawn.below(content.users.len())) else {
                    continue;
                };
                (Subject::User(content.users[user].as_str().into()), content.histories[user].clone())
            } else if drawn.once_in(3) {
                let item = drawn.below(content.items.len());
                (Subject::Item(content.items[item].as_str().into()), vec![(item as i32, 1.0)])
            } else {
                let items = (0..content.items.len()).filter(|_| drawn.once_in(4)).collect::<Vec<_>>();
                let history: Vec<(i32, f32)> = items.iter().map(|item| (*item as i32, drawn.weight())).collect();
                let event = |(item, weight): &(i32, f32)| {
                    Event::new(content.items[*item as usize].as_str(), f64::from(*weight)).at(5)
                };
                let mut events: Vec<Event> = history.iter().map(event).collect();
                events.reverse();
                events.push(Event::new("nobody's", 1.0));
                (Subject::History(events), history)
            };
            let request = Request { subject, n, options };
            let items = model.answer(&request).expect("a list");
            assert_eq!(shown(&items), dense(&content, &history, &request), "{request:?}");
            let (mut line, mut expected) = (String::from("before"), String::from("before"));
            model.append_answer(&mut line, "u", &request).expect("a line");
            mlcore::append_prediction(&mut expected, "u", &items);
            assert_eq!(line, expected);
            lists += 1;
        }
    }
    assert!(lists > 2000, "{lists}");
}

#[test]
fn changed_bytes_give_an_answer_or_a_verdict() {
    let mut drawn = Drawn::new(2);
    let sources = ["valid/good", "valid/attributes_with_rule", "valid/worked_example"].map(|name| suite().join(name));
    let sources: Vec<_> = sources.iter().map(|source| source.join("model")).filter(|source| source.exists()).collect();
    assert!(!sources.is_empty());
    let requests: [&[u8]; 5] = [
        br#"{"id": "a", "user": "ann", "n": 10, "fill": true, "explain": true}"#,
        br#"{"id": "b", "item": "apple", "n": 10, "filter": {"at_most": {"brand": 1}}}"#,
        br#"{"id": "c", "history": [["apple", 1, 5], ["bread", 2]], "n": 3, "include_seen": true}"#,
        br#"{"id": "d", "user": "u", "n": 10, "exclude": ["a"], "fill": true}"#,
        br#"{"id": "e", "history": [["a", 1]], "weights": "final", "n": 1, "explain": true}"#,
    ];
    let (mut refused, mut answered) = (0, 0);
    for round in 0..1500 {
        let folder = Folder::new();
        let mut files: Vec<_> =
            fs::read_dir(drawn.one_of(&sources)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in &files {
            fs::copy(file, folder.0.join(file.file_name().unwrap())).unwrap();
        }
        let file = folder.0.join(drawn.one_of(&files).file_name().unwrap());
        let mut bytes = fs::read(&file).unwrap();
        for _ in 0..1 + drawn.below(3) {
            let place = drawn.below(bytes.len());
            match drawn.below(8) {
                0 => bytes.truncate(place),
                1 => bytes.insert(place, drawn.number() as u8),
                2 => bytes.fill(drawn.number() as u8),
                _ => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << drawn.below(8)),
            }
        }
        fs::write(&file, bytes).unwrap();
        match Model::open_with(&folder.0, Options { mmap: round % 2 == 0 }) {
            Ok(model) => {
                for line in requests {
                    let (_, request) = Request::parse(line);
                    let _ = request.and_then(|request| model.answer(&request));
                }
                let _ = model.verify();
                answered += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 300 && answered > 300, "{refused} {answered}");
}

#[test]
fn changed_requests_give_a_request_or_its_verdict() {
    let mut drawn = Drawn::new(3);
    let line = r#"{"id": "r\u00e9", "history": [["a", 1e0, 1767268800000000], ["\ud83d\ude00", 1]], "n": 2, "weights": "final",
        "filter": {"any_of": {"b": ["x"]}, "available_at": -1, "at_most": {"b": 1}}, "include": [], "fill": true}"#;
    assert!(Request::parse(line.as_bytes()).1.is_ok());
    let pieces =
        ["{", "}", "[", "]", "\"", "\\", ",", ":", "null", "1e999", "-0", "\\u", "\\ud800", "é", "\u{0}", "3.0"];
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut bytes = line.as_bytes().to_vec();
        for _ in 0..1 + drawn.below(2) {
            let place = drawn.below(bytes.len());
            let piece = drawn.one_of(&pieces).bytes();
            bytes.splice(place..(place + drawn.below(3)).min(bytes.len()), piece);
        }
        if let Err(error) = Request::parse(&bytes).1 {
            assert_eq!(error.verdict, Verdict::Request);
            refused += 1;
        }
    }
    assert!(refused > 10_000, "{refused}");
}
