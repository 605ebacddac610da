//! Each way there is to put a command together, in chains that a fuzzer's bytes choose: the server
//! parses one command, or the client refuses to write it. A test sees to it that none is left out.

use super::answers::uids;
use super::chooser::Chooser;
use super::rows::flags;
use crate::command::{self, Append, Items, PartialRange, Search, SearchScope, Session, SortKey, StatusItems};
use crate::types::AnnotationScope::{Private, Shared};
use crate::types::{Date, MailboxName, ModSeq, Part, Section};
use crate::wire::request::Command;

/// What the server has, beside what it has otherwise: all that a builder may need.
const MORE: &str = "ANNOTATE-EXPERIMENT-1 APPENDLIMIT BINARY CONDSTORE CONTEXT=SEARCH CONTEXT=SORT \
                    CREATE-SPECIAL-USE ESEARCH ESORT FILTERS I18NLEVEL=2 LIST-EXTENDED LIST-METADATA LIST-MYRIGHTS \
                    LIST-STATUS METADATA METADATA-SERVER MOVE MULTIAPPEND MULTISEARCH NOTIFY OBJECTID PARTIAL PREVIEW \
                    QUOTA QUOTA=RES-STORAGE QUOTASET SAVEDATE SEARCH=FUZZY SORT SORT=DISPLAY SPECIAL-USE STATUS=SIZE \
                    SUBMISSION UIDPLUS URLAUTH WITHIN X-GM-EXT-1";

/// Makes one such command, writes it and parses the output.
pub(super) fn any_builder(from: &mut Chooser<'_>, known: &Session) {
    let capabilities = known.capabilities().iter().chain(MORE.split_whitespace()).collect();
    let session = &Session { capabilities, ..known.clone() };
    match from.below(8) {
        0 => items(from, session),
        1 => keys(from, session),
        2 => listing(from, session),
        3 => watching(from, session),
        4 => counts(from, session),
        5 => reports(from, session),
        6 => orders(from, session),
        _ => others(from, session),
    }
}

/// One of these functions, as the bytes say.
fn step<T>(from: &mut Chooser<'_>, to: T, all: &[fn(T, &mut Chooser<'_>) -> T]) -> T {
    all[from.below(all.len())](to, from)
}

fn section(from: &mut Chooser<'_>) -> Section {
    match from.below(3) {
        0 => Section::Full,
        1 => Section::Text,
        _ => Section::Part(Part::new(from.positive())),
    }
}

fn items(from: &mut Chooser<'_>, session: &Session) {
    let first: [fn(&mut Chooser<'_>) -> Items; 27] = [
        |_| Items::new(),
        |_| Items::flags(),
        |_| Items::envelope(),
        |_| Items::overview(),
        |_| Items::fast(),
        |_| Items::full(),
        |_| Items::internal_date(),
        |_| Items::size(),
        |_| Items::mod_seq(),
        |_| Items::body(),
        |_| Items::body_structure(),
        |_| Items::header(),
        |_| Items::text(),
        |from| Items::mime(Part::new(from.positive())),
        |from| Items::part(Part::new(from.positive())),
        |from| Items::header_fields(from.some(2, Chooser::text)),
        |from| Items::header_fields_not(from.some(2, Chooser::text)),
        |from| Items::partial(section(from), from.large(), from.positive()),
        |from| Items::binary_partial(section(from), from.large(), from.positive()),
        |_| Items::preview(),
        |_| Items::lazy_preview(),
        |_| Items::save_date(),
        |_| Items::email_id().and(Items::thread_id()),
        |_| Items::gmail_labels(),
        |_| Items::gmail_msg_id(),
        |_| Items::gmail_thread_id(),
        |from| Items::annotations(command::AnnotationItems::of([from.text()]).sizes()),
    ];
    let mut chain = first[from.below(first.len())](from);
    for _ in 0..from.below(6) {
        chain = step(
            from,
            chain,
            &[
                |items, _| items.marking_seen(),
                |items, _| items.envelope().full().fast().overview(),
                |items, _| items.internal_date().size().mod_seq(),
                |items, _| items.body().body_structure().header().text(),
                |items, from| items.mime(Part::new(from.positive())).part(Part::new(from.positive())),
                |items, from| {
                    items.section(section(from)).partial(section(from), from.large(), from.positive())
                },
                |items, from| items.header_fields(from.some(2, Chooser::text)),
                |items, from| items.header_fields_not(from.some(2, Chooser::text)),
                |items, from| items.binary(section(from)).binary_size(section(from)),
                |items, from| items.binary_partial(section(from), from.large(), from.positive()),
                |items, _| items.preview(),
                |items, _| items.lazy_preview(),
                |items, _| items.save_date().email_id().thread_id(),
                |items, _| items.gmail_labels().gmail_msg_id().gmail_thread_id(),
                |items, from| items.annotations(command::AnnotationItems::of([from.text()]).only(Shared)),
            ],
        );
    }
    let which = uids(from);
    let read = from.read(command::Fetch::new(which, chain), session);
    assert!(matches!(read, None | Some(Command::Fetch(_))), "{read:?}");
}

fn date(from: &mut Chooser<'_>) -> Date {
    let date = Date::new(1990 + u16::from(from.byte()), 1 + from.byte() % 12, 1 + from.byte() % 28);
    date.expect("each month has as many days")
}

fn keys(from: &mut Chooser<'_>, session: &Session) {
    let mut session = session.clone();
    // Keys about `\Recent` are of IMAP4rev1.
    session.enabled.retain(|name| name != "IMAP4rev2");
    let first: [fn(&mut Chooser<'_>) -> Search; 12] = [
        |_| Search::all(),
        |from| Search::before(date(from)),
        |from| Search::sent_since(date(from)),
        |from| Search::saved_before(date(from)),
        |from| Search::saved_on(date(from)),
        |from| Search::saved_since(date(from)),
        |_| Search::save_date_supported(),
        |from| Search::gmail_msg_id(from.large()),
        |from| Search::gmail_thread_id(from.large()),
        |from| Search::messages(uids(from)),
        |from| Search::raw(format!("X-KEY {}", from.word())),
        |_| Search::seen().answered().flagged(),
    ];
    let mut query = first[from.below(first.len())](from);
    for _ in 0..from.below(6) {
        query = step(
            from,
            query,
            &[
                |query, from| query.before(date(from)).since(date(from)).on(date(from)),
                |query, from| query.sent_since(date(from)).sent_before(date(from)).sent_on(date(from)),
                |query, from| query.saved_before(date(from)).saved_on(date(from)).saved_since(date(from)),
                |query, _| query.save_date_supported().answered().flagged().seen(),
                |query, _| query.recent_unseen().all(),
                |query, from| query.email_id(from.text()).thread_id(from.text()),
                |query, from| query.gmail(from.text()).gmail_label(from.text()),
                |query, from| query.gmail_msg_id(from.large()).gmail_thread_id(from.large()),
                |query, from| query.header(from.text(), from.text()).subject(from.text()),
                |query, from| query.larger(from.large()).smaller(from.large()),
                |query, from| query.older(std::time::Duration::from_secs(from.large())),
                |query, from| query.younger(std::time::Duration::from_secs(from.large())),
                |query, from| query.flag_changed_since(from.word(), ModSeq::MIN),
                |query, from| query.flag_changed_in(Private, from.word(), ModSeq::MIN),
                |query, _| query.fuzzy(),
                |query, from| query & Search::to(from.text()),
                |query, from| query | Search::cc(from.text()),
                |query, _| !query,
            ],
        );
    }
    // The server's grammar has no keys of a user's own.
    drop(from.lines_of(query.clone(), &session));
    drop(from.lines_of(command::SaveSearchCommand::from(command::SaveSearch::new(query.clone())), &session));
    drop(from.lines_of(query.returning().context().count(), &session));
}

fn listing(from: &mut Chooser<'_>, session: &Session) {
    let mut list = command::List::new(from.text());
    for _ in 0..from.below(6) {
        list = step(
            from,
            list,
            &[
                |list, from| list.or(from.text()),
                |list, from| list.under(from.text()),
                |list, _| list.subscribed().recursive_match(),
                |list, _| list.remote(),
                |list, _| list.special_use(),
                |list, _| list.with_children(),
                |list, _| list.with_subscriptions(),
                |list, _| list.with_special_use(),
                |list, _| list.with_my_rights(),
                |list, _| list.with_status(StatusItems::counts().uid_next().size()),
                |list, from| list.with_metadata(from.list(2, Chooser::text)),
                |list, _| list.strict(),
                |list, _| list.lsub(),
            ],
        );
    }
    let read = from.read(list, session);
    assert!(matches!(read, None | Some(Command::List(_))), "{read:?}");
}

fn watching(from: &mut Chooser<'_>, session: &Session) {
    use command::{Notify, NotifyEvent, SelectedNotify};
    if from.below(8) == 0 {
        from.same(Notify::none(), session, &Command::Notify(None));
    }
    let mut watch = Notify::set();
    for _ in 0..from.below(6) {
        watch = step(
            from,
            watch,
            &[
                |watch, _| watch.status(),
                |watch, _| watch.inboxes(NotifyEvent::MESSAGES),
                |watch, _| watch.personal(NotifyEvent::MAILBOXES),
                |watch, _| watch.subscribed(NotifyEvent::MESSAGES),
                |watch, from| watch.subtree(from.some(2, Chooser::text), NotifyEvent::MAILBOXES),
                |watch, from| watch.mailboxes(from.some(2, Chooser::text), NotifyEvent::MESSAGES),
                |watch, _| watch.selected(SelectedNotify::delayed().with_annotations()),
                |watch, _| watch.selected(SelectedNotify::immediate().fetching(Items::flags())),
                |watch, _| watch.selected(SelectedNotify::silent()),
            ],
        );
    }
    let read = from.read(watch, session);
    assert!(matches!(read, None | Some(Command::Notify(_))), "{read:?}");
}

fn counts(from: &mut Chooser<'_>, session: &Session) {
    let first: [fn() -> StatusItems; 12] = [
        StatusItems::new,
        StatusItems::counts,
        StatusItems::messages,
        StatusItems::recent,
        StatusItems::uid_next,
        StatusItems::uid_validity,
        StatusItems::unseen,
        StatusItems::size,
        StatusItems::append_limit,
        StatusItems::highest_mod_seq,
        StatusItems::mailbox_id,
        StatusItems::deleted_storage,
    ];
    let mut items = first[from.below(first.len())]();
    for _ in 0..from.below(5) {
        items = step(
            from,
            items,
            &[
                |items, _| items.counts().messages().recent().unseen(),
                |items, _| items.uid_next().uid_validity(),
                |items, _| items.append_limit().mailbox_id(),
                |items, _| items.deleted().deleted_storage().size().highest_mod_seq(),
                |items, _| items.and(&StatusItems::unseen()),
                |items, from| items.other(from.word()),
            ],
        );
    }
    let mailbox = MailboxName::new(from.text());
    let read = from.read(command::StatusCommand::new(mailbox, items), session);
    assert!(matches!(read, None | Some(Command::Status { .. })), "{read:?}");
}

/// A command that reports what it has done to which messages is written as without the report; a
/// search for those that there are may come first.
fn reports(from: &mut Chooser<'_>, session: &Session) {
    let (which, flags, labels) = (uids(from), flags(from), from.some(2, Chooser::text));
    let since = ModSeq::new(from.large()).unwrap_or(ModSeq::MIN);
    let store = match from.below(3) {
        0 => command::Store::add(flags),
        1 => command::Store::remove(flags),
        _ => command::Store::replace(flags),
    };
    let store = if from.yes() { store.silent() } else { store }.of(which.clone());
    let unchanged = store.clone().unchanged_since(since);
    let labels = command::StoreLabels::add(labels).of(which.clone());
    let note = command::StoreAnnotations::unset("/comment", Private).of(which.clone());
    let (later_labels, note) = (labels.clone().unchanged_since(since), note.unchanged_since(since));
    let fetch = command::Fetch::new(which.clone(), Items::flags()).strict();
    let (some, all) = (command::Expunge::messages(which), command::Expunge::all_deleted());
    for (plain, reported) in [
        (from.lines_of(store.clone(), session), from.lines_of(store.report(), session)),
        (from.lines_of(unchanged.clone(), session), from.lines_of(unchanged.report(), session)),
        (from.lines_of(labels.clone(), session), from.lines_of(labels.report(), session)),
        (from.lines_of(later_labels.clone(), session), from.lines_of(later_labels.report(), session)),
        (from.lines_of(note.clone(), session), from.lines_of(note.report(), session)),
        (from.lines_of(fetch.clone(), session), from.lines_of(fetch.report(), session)),
        (from.lines_of(some.clone(), session), from.lines_of(some.report(), session)),
        (from.lines_of(all.clone(), session), from.lines_of(all.report(), session)),
    ] {
        let Some(first) = reported.strip_suffix(&*plain) else { panic!("{plain:?}: {reported:?}") };
        assert!(
            first.len() <= 1 && first.iter().all(|line| line.starts_with(b"A1 UID SEARCH ")),
            "{first:?}"
        );
    }
}

fn orders(from: &mut Chooser<'_>, session: &Session) {
    use SortKey::{Arrival, Cc, Date, DisplayFrom, DisplayTo, From, Size, Subject, To};
    let all = [Arrival, Cc, Date, DisplayFrom, DisplayTo, From, Size, Subject, To];
    let mut order = match from.yes() {
        true => command::SortOrder::by(from.one_of(&all)),
        false => command::SortOrder::descending(from.one_of(&all)),
    };
    for _ in 0..from.below(4) {
        let key = from.one_of(&all);
        order = if from.yes() { order.then(key) } else { order.then_descending(key) };
    }
    let (query, part) = (Search::text(from.text()), PartialRange::from_first(1..=from.positive()));
    let sort = command::Sort::new(query, order);
    let returning = sort.clone().returning().min().max().all().count().relevancy();
    let returning = if from.yes() { returning.context() } else { returning.update().strict() };
    for sort in [sort.clone(), sort.clone().context().partial(part), sort.strict()] {
        let read = from.read(sort, session);
        assert!(matches!(read, None | Some(Command::Sort(_))), "{read:?}");
    }
    for sort in [returning.clone(), returning.partial(part)] {
        let read = from.read(sort, session);
        assert!(matches!(read, None | Some(Command::Sort(_))), "{read:?}");
    }
}

fn others(from: &mut Chooser<'_>, session: &Session) {
    let (mailbox, which, text) = (MailboxName::new(from.text()), uids(from), from.text());
    let two = [Append::new(from.bytes()), Append::new(text.clone())];
    let without = Session {
        capabilities: session.capabilities().iter().filter(|name| *name != "MULTIAPPEND").collect(),
        ..session.clone()
    };
    let each = command::AppendAll::new(mailbox.clone(), two).one_by_one();
    for line in from.lines_of(each, &without) {
        assert!(line.starts_with(b"A1 APPEND "), "{}", line.escape_ascii());
    }
    for copy in [
        command::CopyMessages::copying(which.clone(), mailbox.clone()).in_pieces(),
        command::CopyMessages::moving(which, mailbox.clone()).in_pieces().strict(),
    ] {
        let read = from.read(copy, session);
        assert!(matches!(read, None | Some(Command::Copy { .. })), "{read:?}");
    }
    from.other(command::Comparators::active(), session);
    from.other(command::Language::all(), session);
    from.other(command::ResetKey::of_all(), session);
    let value = from.bytes();
    from.other(command::SetMetadata::of_server().set(&*text, value).unset(&*text), session);
    let quota = command::SetQuota::of(&*text).storage(from.large() >> 1).mailboxes(from.large() >> 1);
    from.other(quota, session);
    let scope = SearchScope::inboxes().and(SearchScope::subscribed()).and(SearchScope::personal());
    let scope = if from.yes() { scope } else { scope.and(SearchScope::selected()) };
    let read = from.read(command::SearchIn::new(scope, Search::body(&*text)), session);
    assert!(matches!(read, None | Some(Command::SearchIn(_))), "{read:?}");
}
