//! Commands that put messages somewhere, or find and change them by extensions, with arguments from
//! a fuzzer's bytes: the server parses what was meant, or the client refuses to write it.

use std::time::Duration;

use super::answers::uids;
use super::arguments::{assert_mailbox, assert_text};
use super::chooser::Chooser;
use super::rows::flags;
use super::uploads;
use crate::command::{self, Append, PartialRange, Search, SearchScope, Session};
use crate::types::AnnotationScope::{Private, Shared};
use crate::types::{Date, MailboxName, ModSeq, Uid};
use crate::wire::request::{Change, Command, FetchItem, SearchKey, SortBy, Value};

/// A session with a server that has all of it.
fn session(session: &Session, utf8: bool) -> Session {
    let more = [
        "ANNOTATE-EXPERIMENT-1",
        "BINARY",
        "CATENATE",
        "CONDSTORE",
        "CONTEXT=SEARCH",
        "ESEARCH",
        "ESORT",
        "MULTISEARCH",
        "PARTIAL",
        "REPLACE",
        "SEARCH=FUZZY",
        "SEARCHRES",
        "SORT",
        "UIDBATCHES",
        "UIDPLUS",
        "URLAUTH",
        "URLAUTH=BINARY",
        "X-GM-EXT-1",
    ];
    let mut enabled = session.enabled.clone();
    if utf8 {
        enabled.push("UTF8=ACCEPT".to_owned());
    }
    let capabilities = session.capabilities().iter().chain(more).collect();
    Session { capabilities, enabled, ..session.clone() }
}

/// Makes one such command, writes it and parses the output.
pub(super) fn about_messages(from: &mut Chooser<'_>, known: &Session) {
    let session = &session(known, from.yes());
    match from.below(11) {
        0 if from.yes() => uploads::catenate(from, session),
        0 => uploads::append(from, session),
        1 => replace(from, session),
        2 => urls(from, session),
        3 => search_in(from, session),
        4 => batches(from, session),
        5 => labels(from, session),
        6 => store_unchanged(from, session),
        7 => find(from),
        8 => annotations(from, session),
        9 => fetch(from, session),
        _ => search_return(from, session),
    }
}

fn replace(from: &mut Chooser<'_>, session: &Session) {
    let Some(old) = Uid::new(from.positive()) else { return };
    let (mailbox, flags, data) = (MailboxName::new(from.text()), flags(from), from.bytes());
    let new = Append::new(data.clone()).to(mailbox.clone()).flags(flags.clone());
    let Some(read) = from.read(command::Replace::new(old, new), session) else { return };
    let Command::Replace { uid, old: which, to, message } = read else { panic!("{read:?}") };
    assert_eq!((uid, which.to_set(), to), (true, Some(old.into()), mailbox));
    assert_eq!((message.flags, message.data), (flags, data));
}

fn urls(from: &mut Chooser<'_>, session: &Session) {
    let urls = from.some(3, Chooser::text);
    if let Some((name, arguments)) = from.other(command::GenUrlAuth::new(urls.clone()), session) {
        assert_eq!((name.as_str(), arguments.len()), ("GENURLAUTH", 2 * urls.len()));
        for (pair, url) in arguments.chunks(2).zip(&urls) {
            assert_text(&pair[0], url.as_bytes());
            assert_eq!(pair[1], Value::Word("INTERNAL".into()));
        }
    }
    if let Some((name, arguments)) = from.other(command::UrlFetch::new(urls.clone()), session) {
        assert_eq!((name.as_str(), arguments.len()), ("URLFETCH", urls.len()));
        arguments.iter().zip(&urls).for_each(|(argument, url)| assert_text(argument, url.as_bytes()));
    }
    let decoded = command::UrlFetch::new(urls.clone()).decoded().with_structure();
    if let Some((_, arguments)) = from.other(decoded, session) {
        assert_eq!(arguments.len(), urls.len());
        for (argument, url) in arguments.iter().zip(&urls) {
            let Value::List(items) = argument else { panic!("{argument:?}") };
            assert_text(&items[0], url.as_bytes());
            assert_eq!(items[1..], ["BODYPARTSTRUCTURE", "BINARY"].map(|item| Value::Word(item.into())));
        }
    }
    let mailbox = MailboxName::new(from.text());
    if let Some((name, arguments)) = from.other(command::ResetKey::of(mailbox.clone()), session) {
        assert_eq!((name.as_str(), arguments.len()), ("RESETKEY", 1));
        assert_mailbox(&arguments[0], &mailbox, session);
    }
}

fn search_in(from: &mut Chooser<'_>, session: &Session) {
    let names: Vec<_> = from.some(3, Chooser::text).into_iter().map(MailboxName::new).collect();
    let (filter, scope) = match from.below(3) {
        0 => ("mailboxes", SearchScope::mailboxes(names.clone())),
        1 => ("subtree", SearchScope::subtree(names.clone())),
        _ => ("subtree-one", SearchScope::subtree_one(names.clone())),
    };
    let (text, key) = (from.text(), from.text());
    let query = Search::subject(&*text).keyword(&*key);
    let scope = scope.and(SearchScope::personal());
    let Some(read) = from.read(command::SearchIn::new(scope, query), session) else { return };
    let Command::SearchIn(read) = read else { panic!("{read:?}") };
    let [(first, written), (last, _)] = &*read.scope else { panic!("{:?}", read.scope) };
    assert!(first.eq_ignore_ascii_case(filter) && last.eq_ignore_ascii_case("personal"), "{:?}", read.scope);
    assert_eq!((written, read.search.keys.len()), (&names, 2));
}

fn batches(from: &mut Chooser<'_>, session: &Session) {
    let (size, first, last) = (u32::from(from.byte()) * 8, u32::from(from.byte()), u32::from(from.byte()));
    let batches = command::BatchUids::of(size).only(first..=last);
    let Some((name, arguments)) = from.other(batches, session) else {
        assert!(
            size < 500
                || first == 0
                || first > last
                || (u64::from(last - first) + 1) * u64::from(size) > 100_000,
            "{size} {first}:{last} can be asked for"
        );
        return;
    };
    let [Value::Word(number), Value::Word(range)] = &*arguments else { panic!("{arguments:?}") };
    assert_eq!((name.as_str(), number), ("UIDBATCHES", &size.to_string()));
    assert_eq!(*range, PartialRange::from_first(first..=last).to_string());
}

/// What has changed and what has gone, and a part of what is there; and keys of a user's own.
fn fetch(from: &mut Chooser<'_>, session: &Session) {
    let mut session = session.clone();
    session.enabled.push("QRESYNC".to_owned());
    let (which, since) = (uids(from), ModSeq::new(from.large() >> 1).unwrap_or(ModSeq::MIN));
    let word = |text: &str| Value::Word(text.to_owned());
    let fetch = || command::Fetch::new(which.clone(), command::Items::flags());
    let changes = fetch().changed_since(since).report().vanished();
    if let Some(read) = from.read(changes, &session) {
        let Command::Fetch(read) = read else { panic!("{read:?}") };
        let meant = [word("CHANGEDSINCE"), word(&since.to_string()), word("VANISHED")];
        assert_eq!((read.which.to_set(), &*read.modifiers), (Some(which.clone()), &meant[..]));
    }
    let part = match (from.small(), from.small()) {
        (first, last) if from.yes() => PartialRange::from_last(first..=last),
        (first, last) => PartialRange::from_first(first..=last),
    };
    if let Some(read) = from.read(fetch().partial(part), &session) {
        let Command::Fetch(read) = read else { panic!("{read:?}") };
        let meant = [word("PARTIAL"), word(&part.to_string())];
        assert_eq!((read.which.to_set(), &*read.modifiers), (Some(which), &meant[..]));
    }
    // The server's grammar has no such keys; one command they are all the same.
    let text = from.text();
    for query in [Search::raw(&*text), !Search::raw(format!("X-KEY {text}")) | Search::seen()] {
        for line in from.lines_of(query, &session) {
            let shown = line.escape_ascii();
            assert!(line.starts_with(b"A1 UID SEARCH "), "{shown}");
            assert!(String::from_utf8_lossy(&line).contains(&text), "{shown}");
        }
    }
}

/// Annotations that are set, asked for, searched for and sorted by.
fn annotations(from: &mut Chooser<'_>, session: &Session) {
    let (which, entry, text) = (uids(from), from.text(), from.text());
    let (value, scope) = (from.bytes(), if from.yes() { Private } else { Shared });
    let second = from.text();
    let two = command::StoreAnnotations::unset(&*entry, scope).and_set(&*second, scope, value.clone());
    if let Some(read) = from.read(two.of(which.clone()), session) {
        let Command::StoreAnnotations(read) = read else { panic!("{read:?}") };
        let last = read.entries.last().expect("one at least");
        assert_eq!(last.0, second);
        assert_eq!(
            last.1.last(),
            Some(&(
                if scope == Private { "value.priv" } else { "value.shared" }.to_owned(),
                Some(value.clone())
            ))
        );
    }
    let store = command::StoreAnnotations::set(&*entry, scope, value.clone()).and_unset("/comment", scope);
    let suffix = if scope == Private { "value.priv" } else { "value.shared" };
    if let Some(read) = from.read(store.of(which.clone()), session) {
        let Command::StoreAnnotations(read) = read else { panic!("{read:?}") };
        let set = |name: &str, value| (name.to_owned(), vec![(suffix.to_owned(), value)]);
        let both = if entry == "/comment" {
            vec![set("/comment", None)]
        } else {
            vec![set(&entry, Some(value.clone())), set("/comment", None)]
        };
        assert_eq!((read.which.to_set(), read.entries), (Some(which.clone()), both));
    }
    let items = command::AnnotationItems::of([&*entry, "/*"]).only(scope).with_sizes();
    if let Some(read) = from.read(command::Fetch::new(which, command::Items::annotations(items)), session) {
        let Command::Fetch(read) = read else { panic!("{read:?}") };
        let [FetchItem::List(name, values)] = &*read.items else { panic!("{:?}", read.items) };
        let [Value::List(entries), Value::List(attributes)] = &**values else { panic!("{values:?}") };
        assert_eq!((name.as_str(), entries.len(), attributes.len()), ("ANNOTATION", 2, 2));
        assert_text(&entries[0], entry.as_bytes());
    }
    if let Some(read) = from.read(Search::annotation(&*entry, scope, &*text), session) {
        let Command::Search(read) = read else { panic!("{read:?}") };
        let [SearchKey::Annotation { entry: read_entry, attribute, text: wanted }] = &*read.keys else {
            panic!("{:?}", read.keys)
        };
        assert_eq!((read_entry, attribute.as_str()), (&entry, suffix));
        assert_eq!(wanted, text.as_bytes());
    }
    let order = command::SortOrder::by_annotation(&*entry, scope).then_annotation(&*text, scope);
    if let Some(read) = from.read(command::Sort::new(Search::all(), order), session) {
        let Command::Sort(read) = read else { panic!("{read:?}") };
        assert_eq!(read.criteria[0].by, SortBy::Annotation(entry.clone(), scope));
        assert_eq!(read.criteria[1].by, SortBy::Annotation(text.clone(), scope));
    }
    let append = Append::new(from.bytes()).annotation(&*entry, scope, value.clone());
    if let Some(Command::Append { messages, .. }) = from.read(append, session) {
        assert_eq!(messages[0].annotations, [(entry, vec![(suffix.to_owned(), Some(value))])]);
    }
}

fn labels(from: &mut Chooser<'_>, session: &Session) {
    let (which, labels) = (uids(from), from.some(3, Chooser::text));
    let (store, change) = match from.below(3) {
        0 => (command::StoreLabels::add(labels.clone()), Change::Add),
        1 => (command::StoreLabels::remove(labels.clone()), Change::Remove),
        _ => (command::StoreLabels::replace(labels.clone()), Change::Replace),
    };
    let Some(read) = from.read(store.of(which.clone()).silent(), session) else { return };
    let Command::StoreLabels(read) = read else { panic!("{read:?}") };
    assert_eq!((read.which.to_set(), read.change, read.silent), (Some(which), change, true));
    // INBOX is that in any case, as a mailbox's name.
    let meant: Vec<String> = labels.iter().map(|label| MailboxName::new(label).as_str().to_owned()).collect();
    assert_eq!(read.labels, meant);
}

fn store_unchanged(from: &mut Chooser<'_>, session: &Session) {
    let (set, flags, since) = (uids(from), flags(from), ModSeq::new(from.positive().into()));
    let Some(since) = since else { return };
    let store = command::Store::remove(flags.clone()).silent().of(set.clone()).unchanged_since(since);
    let Some(read) = from.read(store, session) else { return };
    let Command::Store(read) = read else { panic!("{read:?}") };
    assert_eq!((read.unchanged_since, read.silent, read.flags), (Some(since.get()), true, flags));
    assert_eq!(read.which.to_set(), Some(set));
}

/// Queries of plain keys, at a server without ESEARCH.
fn find(from: &mut Chooser<'_>) {
    let capabilities = ["IMAP4rev1", "CONDSTORE", "SORT", "THREAD=REFERENCES", "WITHIN"];
    let session =
        &Session { capabilities: capabilities.iter().collect(), command_line: 8000, ..Session::default() };
    let query = (0..from.below(4)).fold(key(from), |query, _| match from.below(3) {
        0 => query | key(from),
        1 => !query & key(from),
        _ => query & key(from),
    });
    let read = from.read(query.clone(), session);
    assert!(matches!(read, None | Some(Command::Search(_))), "{read:?}");
    let order = command::SortOrder::descending(command::SortKey::Date).then(command::SortKey::Arrival);
    let read = from.read(command::Sort::new(query.clone(), order), session);
    assert!(matches!(read, None | Some(Command::Sort(_))), "{read:?}");
    let read = from.read(command::Thread::new(query, command::ThreadBy::References), session);
    assert!(matches!(read, None | Some(Command::Thread(_))), "{read:?}");
}

fn key(from: &mut Chooser<'_>) -> Search {
    let date = |from: &mut Chooser<'_>| {
        let (month, day) = (1 + from.byte() % 12, 1 + from.byte() % 28);
        Date::new(1990 + u16::from(from.byte()), month, day)
    };
    match from.below(16) {
        0 => Search::from(from.text()),
        1 => Search::to(from.text()).cc(from.text()).bcc(from.text()),
        2 => Search::subject(from.text()).body(from.text()),
        3 => Search::text(from.text()),
        4 => Search::header(from.text(), from.text()),
        5 => Search::keyword(from.word()).without_keyword(from.text()),
        6 => Search::larger(from.large()).smaller(from.large()),
        7 => Search::older(Duration::from_secs(from.large())),
        8 => Search::younger(Duration::from_secs(from.small().into())),
        9 => ModSeq::new(from.large()).map_or(Search::all(), Search::changed_since),
        10 => Search::uids(uids(from)),
        11 => date(from).map_or(Search::seen(), |date| Search::since(date).sent_before(date)),
        12 => date(from).map_or(Search::flagged(), |date| Search::on(date).sent_on(date)),
        13 => Search::unseen().undeleted().undraft().unflagged().unanswered(),
        14 => Search::answered().deleted().draft().recent(),
        _ => Search::recent_unseen().not_recent(),
    }
}

/// What is returned of a search of the selected mailbox or of several, and left with the server.
fn search_return(from: &mut Chooser<'_>, session: &Session) {
    let query = Search::header(from.text(), from.text()).uids(uids(from));
    let part = PartialRange::last(from.positive());
    let (choice, how, mailbox) = (from.byte(), from.below(4), from.text());
    let has = |bit: u8| choice & 1 << bit != 0;
    let (mut asked, mut names) = (query.clone().fuzzy().returning(), Vec::new());
    for (bit, name) in ["MIN", "MAX", "COUNT", "ALL", "RELEVANCY", "PARTIAL"].into_iter().enumerate() {
        if !has(u8::try_from(bit).unwrap_or_default()) {
            continue;
        }
        asked = match name {
            "MIN" => asked.min(),
            "MAX" => asked.max(),
            "COUNT" => asked.count(),
            "ALL" => asked.all(),
            "RELEVANCY" => asked.relevancy(),
            _ => asked.partial(part),
        };
        names.push(name);
    }
    // Of all there is no part; and if nothing is asked for, it is all.
    names.retain(|name| *name != "PARTIAL" || !has(3));
    if !names.iter().any(|name| *name != "RELEVANCY") {
        names.push("ALL");
    }
    let read = match how {
        0 => from.read(command::SaveSearchCommand::from(asked.save()), session),
        1 => from.read(asked.in_scope(SearchScope::mailboxes([mailbox])), session),
        2 => from.read(asked.update(), session),
        _ => from.read(asked, session),
    };
    let read = match read {
        Some(Command::Search(read)) => read,
        Some(Command::SearchIn(read)) => read.search,
        None => return,
        Some(other) => panic!("{other:?}"),
    };
    names.extend(match how {
        0 => Some("SAVE"),
        2 => Some("UPDATE"),
        _ => None,
    });
    let mut written: Vec<_> = read.returned.iter().flatten().map(|option| option.name.as_str()).collect();
    if written.is_empty() {
        // RETURN may be left out for what is returned without it.
        written.push("ALL");
    }
    names.sort_unstable();
    written.sort_unstable();
    assert_eq!((read.uid, written), (true, names));
    // The name of a file of a saved search, and the same within a sort.
    if let Some(read) = from.read(command::Sort::new(query, command::SortKey::To).partial(part), session) {
        assert!(matches!(read, Command::Sort(sort) if sort.returned.is_some()));
    }
}
