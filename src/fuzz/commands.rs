//! The client's commands with arguments from a fuzzer's bytes, and what each means to a server.

use bytes::Bytes;

use super::answers::uids;
use super::builders::any_builder;
use super::chooser::Chooser;
use super::logins::about_logins;
use super::mailbox_commands::about_mailboxes;
use super::message_commands::about_messages;
use super::rows::flags;
use super::selecting::about_selections;
use super::session_commands::about_session;
use crate::command::{self, Items, Session};
use crate::types::{AnnotationScope, Flag, MailboxName, ModSeq, Part, Section, Timestamp};
use crate::wire::request::{AppendMessage, Change, Command, FetchItem, Numbers, Part as Partial, SearchKey};

/// Capabilities of servers, in sets that change the forms that may be written.
const SERVERS: [&[&str]; 4] = [
    &["IMAP4rev1", "ID", "UIDPLUS", "MOVE", "BINARY"],
    &["IMAP4rev1", "LITERAL+", "ID", "ESEARCH", "CONDSTORE", "UIDPLUS", "MOVE", "BINARY", "MULTIAPPEND"],
    &["IMAP4rev1", "LITERAL-", "ID", "UIDPLUS", "MOVE", "UTF8=ACCEPT"],
    &["IMAP4rev2", "ID"],
];

fn session(from: &mut Chooser<'_>) -> Session {
    let kind = from.below(SERVERS.len());
    let enabled = if kind == 2 { vec!["UTF8=ACCEPT".to_owned()] } else { Vec::new() };
    Session {
        capabilities: SERVERS[kind].iter().collect(),
        enabled,
        command_line: 8000,
        messages: 1000,
        ..Session::default()
    }
}

/// Makes one command, writes it and parses the output.
pub(super) fn command(from: &mut Chooser<'_>) {
    let session = &session(from);
    match from.below(18) {
        0 => {
            let (user, password) = (from.text(), from.text());
            let meant = Command::Login { user: user.clone().into(), password: password.clone().into() };
            from.same(command::Login::connecting(user, password.into()), session, &meant);
        }
        1 => {
            let name = from.text();
            let meant = Command::Create { mailbox: MailboxName::new(&*name), params: Vec::new() };
            from.same(command::Create::new(&*name), session, &meant);
        }
        2 => {
            let name = from.text();
            let read = from.read(command::Delete::new(&*name), session);
            assert!(read.is_some() || name.contains(['\0', '\r', '\n']), "{name:?} can be written");
            assert!(read.is_none_or(|read| read == Command::Delete(MailboxName::new(name))));
        }
        3 => {
            let (old, new) = (MailboxName::new(from.text()), MailboxName::new(from.text()));
            let meant = Command::Rename { from: old.clone(), to: new.clone() };
            from.same(command::Rename::new(old, new), session, &meant);
        }
        4 => {
            let name = MailboxName::new(from.text());
            from.same(command::Subscribe::new(name.clone()), session, &Command::Subscribe(name.clone()));
            from.same(command::Subscribe::unsubscribe(name.clone()), session, &Command::Unsubscribe(name));
        }
        5 => {
            let items = ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"].map(String::from).to_vec();
            let mailbox = MailboxName::new(from.text());
            let command = command::StatusCommand::new(mailbox.clone(), command::StatusItems::counts());
            from.same(command, session, &Command::Status { mailbox, items });
        }
        6 => list(from, session),
        7 => append(from, session),
        8 => search(from, session),
        9 => fetch(from, session),
        10 => store(from, session),
        11 => notify(from, session),
        12 => about_mailboxes(from, session),
        13 => about_messages(from, session),
        14 => about_session(from, session),
        15 => about_selections(from, session),
        16 => about_logins(from, session),
        _ => {
            let (field, value) = (from.text(), from.text());
            let meant = Command::Id(vec![(field.clone().into(), Some(value.clone().into()))]);
            from.same(command::Id::nothing().field(field, value), session, &meant);
            any_builder(from, session);
        }
    }
}

fn list(from: &mut Chooser<'_>, session: &Session) {
    let (reference, pattern, subscribed) = (from.text(), from.text(), from.yes());
    let list = command::List::new(&*pattern).under(&*reference);
    let Some(read) = from.read(if subscribed { list.subscribed() } else { list }, session) else { return };
    let Command::List(read) = read else { panic!("{read:?}") };
    let names = (MailboxName::new(reference), vec![MailboxName::new(pattern)]);
    assert_eq!((read.reference, read.patterns), names);
    assert_eq!(subscribed, read.lsub || !read.select.is_empty());
}

fn append(from: &mut Chooser<'_>, session: &Session) {
    let (mailbox, data, flags) = (MailboxName::new(from.text()), from.bytes(), flags(from));
    let date = Timestamp::new(from.small().into(), 90);
    let mut append = command::Append::new(data.clone()).to(mailbox.clone()).flags(flags.clone());
    if let Some(date) = date {
        append = append.internal_date(date);
    }
    let binary = data.contains(&0);
    let message =
        AppendMessage { flags, date, data, binary, utf8: false, pieces: Vec::new(), annotations: Vec::new() };
    if session.can("MULTIAPPEND") {
        let twice = command::AppendAll::new(mailbox.clone(), [append.clone(), append.clone()]);
        let messages = vec![message.clone(), message.clone()];
        from.same(twice, session, &Command::Append { mailbox: mailbox.clone(), messages });
    }
    from.same(append, session, &Command::Append { mailbox, messages: vec![message] });
}

fn search(from: &mut Chooser<'_>, session: &Session) {
    use command::Search;
    let (text, name, keyword) = (from.text(), from.text(), from.text());
    let command =
        Search::subject(&*text).or(Search::header(&*name, &*text).not()).and(Search::keyword(&*keyword));
    let Some(read) = from.read(command, session) else { return };
    let Command::Search(read) = read else { panic!("{read:?}") };
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let not = SearchKey::Not(Box::new(SearchKey::Header(bytes(&name), bytes(&text))));
    let or = SearchKey::Or(Box::new((SearchKey::Text("SUBJECT", bytes(&text)), not)));
    assert_eq!(read.keys, [or, SearchKey::Keyword("KEYWORD", keyword)]);
    assert!(read.uid);
    finding(from);
}

/// Keys of every sort, and SORT and THREAD of them: one command, or none.
fn finding(from: &mut Chooser<'_>) {
    use command::{Search, Sort, SortKey, Thread, ThreadBy};
    let capabilities = ["IMAP4rev1 WITHIN CONDSTORE SAVEDATE OBJECTID FILTERS X-GM-EXT-1 SEARCH=FUZZY \
        ESEARCH SORT ESORT THREAD=REFERENCES PARTIAL LITERAL+"];
    let session = Session {
        capabilities: capabilities[0].split_whitespace().collect(),
        command_line: 8000,
        ..Session::default()
    };
    let text = from.text();
    let query = match from.below(9) {
        0 => Search::email_id(text),
        1 => Search::thread_id(text).unseen(),
        2 => Search::filter(text),
        3 => Search::gmail(text),
        4 => Search::gmail_label(text) & Search::seen(),
        5 => Search::without_keyword(&*text) | Search::text(text),
        6 => Search::flag_changed_since(&*text, ModSeq::new(from.positive().into()).unwrap_or(ModSeq::MIN)),
        7 => Search::flag_changed_in(AnnotationScope::Private, &*text, ModSeq::MIN).unseen(),
        _ => Search::subject(text).fuzzy(),
    };
    let sort = Sort::new(query.clone(), SortKey::Size);
    if let Some(read) = from.read(sort, &session) {
        assert!(matches!(read, Command::Sort(sort) if sort.uid && sort.charset == "UTF-8"));
    }
    let sort = Sort::new(query.clone(), SortKey::Size).returning().min().count();
    if let Some(read) = from.read(sort, &session) {
        assert!(matches!(read, Command::Sort(sort) if sort.returned.as_ref().map(Vec::len) == Some(2)));
    }
    if let Some(read) = from.read(Thread::new(query.clone(), ThreadBy::References), &session) {
        assert!(matches!(read, Command::Thread(thread) if thread.uid && thread.charset == "UTF-8"));
    }
    if let Some(read) = from.read(query.returning().count().min(), &session) {
        assert!(matches!(read, Command::Search(search) if search.returned.as_ref().map(Vec::len) == Some(2)));
    }
}

fn fetch(from: &mut Chooser<'_>, session: &Session) {
    let (set, names) = (uids(from), from.some(3, Chooser::text));
    let section = match from.below(4) {
        0 => Section::Full,
        1 => Section::Header,
        2 => Section::header_fields(names),
        _ => Section::header_fields_not(names),
    };
    let section = match Part::from_numbers(from.list(3, Chooser::positive)) {
        Some(part) => section.of(part),
        None => section,
    };
    let part = from.maybe(|from| Partial { origin: from.small().into(), length: from.positive() });
    let wanted = match part {
        Some(part) => Items::partial(section.clone(), part.origin, part.length),
        None => Items::section(section.clone()),
    };
    let writable = section.is_writable();
    let Some(read) = from.read(command::Fetch::new(set.clone(), wanted.flags()), session) else {
        assert!(!writable, "{section:?} can be written");
        return;
    };
    let Command::Fetch(read) = read else { panic!("{read:?}") };
    let data = FetchItem::Section { name: "BODY.PEEK".to_owned(), section, part };
    other_item(from, session);
    assert_eq!((read.uid, read.which.to_set()), (true, Some(set)));
    assert_eq!(read.items, [FetchItem::Name("FLAGS".to_owned()), data]);
}

/// Names of other atoms than extensions have are no items to the server's grammar; one command they
/// are all the same.
pub(super) fn is_item(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

/// An item of any name is that item, or is refused.
fn other_item(from: &mut Chooser<'_>, session: &Session) {
    let name = from.text();
    let part = Section::Part(Part::new(from.positive()));
    let cut = Items::binary_partial(part.clone(), from.small().into(), from.positive());
    let headers =
        cut.header_fields(from.some(2, Chooser::text)).header_fields_not(from.some(2, Chooser::text));
    let fetch = command::Fetch::new(uids(from), headers);
    if let Some(read) = from.read(fetch, session) {
        let Command::Fetch(read) = read else { panic!("{read:?}") };
        assert_eq!(read.items.len(), 3);
    }
    let items = Items::other(&name).binary(part.clone()).binary_size(part.clone());
    let fetch = command::Fetch::new(uids(from), items);
    if !is_item(&name) {
        drop(from.lines_of(fetch, session));
        return;
    }
    let Some(read) = from.read(fetch, session) else { return };
    let Command::Fetch(read) = read else { panic!("{read:?}") };
    let section =
        |name: &str| FetchItem::Section { name: name.to_owned(), section: part.clone(), part: None };
    let [other, peek, size] = &read.items[..] else { panic!("{read:?}") };
    assert_eq!(*other, FetchItem::Name(name.to_ascii_uppercase()));
    assert_eq!((peek, size), (&section("BINARY.PEEK"), &section("BINARY.SIZE")));
}

fn notify(from: &mut Chooser<'_>, session: &Session) {
    use command::{Notify, NotifyEvent};
    let names: Vec<_> = from.some(3, Chooser::text).into_iter().map(MailboxName::new).collect();
    let session = Session {
        capabilities: session.capabilities().iter().chain(["NOTIFY"]).collect(),
        ..session.clone()
    };
    let Some(read) = from.read(Notify::set().mailboxes(names.clone(), NotifyEvent::MESSAGES), &session)
    else {
        return;
    };
    let Command::Notify(Some(read)) = read else { panic!("{read:?}") };
    assert_eq!(read.groups.len(), 2);
    assert_eq!(read.groups[1].names, names);
}

fn store(from: &mut Chooser<'_>, session: &Session) {
    let (set, flag) = (uids(from), Flag::new(&from.text()));
    let (store, change) = match from.below(3) {
        0 => (command::Store::add(flag.clone()), Change::Add),
        1 => (command::Store::remove(flag.clone()), Change::Remove),
        _ => (command::Store::replace(flag.clone()), Change::Replace),
    };
    let store = store.of(set.clone());
    if let Some(read) = from.read(store, session) {
        let Command::Store(read) = read else { panic!("{read:?}") };
        assert_eq!((read.which.to_set(), read.change, read.flags), (Some(set.clone()), change, flag.into()));
    }
    let (moving, name) = (from.yes(), MailboxName::new(from.text()));
    let copy = match moving {
        true => command::CopyMessages::moving(set.clone(), name.clone()),
        false => command::CopyMessages::copying(set.clone(), name.clone()),
    };
    if let Some(read) = from.read(copy, session) {
        let Command::Copy { uid: true, moving: m, which, to } = read else { panic!("{read:?}") };
        assert_eq!((which.to_set(), m, to), (Some(set), moving, name));
    }
    let all = uids(from);
    let expunged = from.read(command::Expunge::messages(all), session);
    assert!(matches!(expunged, Some(Command::UidExpunge(Numbers::Ranges(_)))), "{expunged:?}");
}
