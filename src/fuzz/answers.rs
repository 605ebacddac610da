//! Answers of every kind except rows, made from a fuzzer's bytes, in the one form in which the
//! grammar returns them.

use super::chooser::Chooser;
use super::codes::status;
use super::rows::{flags, mod_seq};
use crate::types::{
    Acl, Answer, Comparator, ESearch, ListEntry, ListRights, MailboxName, MailboxStatus, Metadata,
    MetadataEntry, MetadataValue, MyRights, Namespace, Namespaces, NumberList, NumberSet, PartialResult,
    Quota, QuotaResource, QuotaRoot, ResultChange, Rights, SearchNumbers, Seq, SortResult, Threads, Uid,
    UidBatches, UidSet, UidValidity, UrlData,
};

/// An answer, and the name of its response.
pub(super) fn answer(from: &mut Chooser<'_>) -> (&'static str, Answer) {
    match from.below(29) {
        0 => {
            let status = status(from);
            (status.status.as_str(), Answer::Status(Box::new(status)))
        }
        1 => ("CAPABILITY", Answer::Capability(from.some(4, Chooser::word).into_iter().collect())),
        2 => ("ENABLED", Answer::Enabled(from.some(4, Chooser::word))),
        3 => ("ID", Answer::Id(from.list(4, |from| (from.text(), from.maybe(Chooser::text))))),
        4 => ("NAMESPACE", Answer::Namespace(Box::new(namespaces(from)))),
        5 => ("LANGUAGE", Answer::Language(from.some(3, Chooser::text))),
        6 => ("COMPARATOR", Answer::Comparator(Comparator::new(from.text(), from.list(3, Chooser::word)))),
        7 => ("GENURLAUTH", Answer::GenUrlAuth(from.some(3, Chooser::text))),
        8 => ("URLFETCH", Answer::UrlFetch(from.some(3, url))),
        9 => ("JMAPACCESS", Answer::JmapAccess(from.text())),
        10 => ("LIST", Answer::List(Box::new(list_entry(from)))),
        11 => ("LSUB", Answer::Lsub(Box::new(list_entry(from)))),
        12 => ("STATUS", Answer::MailboxStatus(Box::new(mailbox_status(from)))),
        13 => ("METADATA", Answer::Metadata(Box::new(metadata(from)))),
        14 => (
            "ACL",
            Answer::Acl(Box::new(Acl::new(mailbox(from), from.list(3, |from| (from.text(), rights(from)))))),
        ),
        15 => {
            let (name, who, required) = (mailbox(from), from.text(), rights(from));
            (
                "LISTRIGHTS",
                Answer::ListRights(Box::new(ListRights::new(name, who, required, from.list(3, rights)))),
            )
        }
        16 => ("MYRIGHTS", Answer::MyRights(Box::new(MyRights::new(mailbox(from), rights(from))))),
        17 => {
            let resource = |from: &mut Chooser<'_>| {
                QuotaResource::new(from.word(), from.maybe(Chooser::large), from.maybe(Chooser::large))
            };
            ("QUOTA", Answer::Quota(Quota::new(from.text(), from.list(3, resource))))
        }
        18 => ("QUOTAROOT", Answer::QuotaRoot(QuotaRoot::new(mailbox(from), from.list(3, Chooser::text)))),
        19 => ("FLAGS", Answer::Flags(flags(from))),
        20 => ("EXISTS", Answer::Exists(from.small())),
        21 => ("RECENT", Answer::Recent(from.small())),
        22 => ("EXPUNGE", Answer::Expunge { seq: Seq::new(from.positive()).expect("not 0"), uid: None }),
        23 => ("VANISHED", Answer::Vanished { earlier: from.yes(), uids: uids(from) }),
        24 => {
            let numbers = NumberSet(from.maybe(uids).unwrap_or_default());
            ("SEARCH", Answer::Search(SearchNumbers { numbers, mod_seq: from.maybe(mod_seq).flatten() }))
        }
        25 => ("ESEARCH", Answer::ESearch(Box::new(esearch(from)))),
        26 => {
            let numbers = from.list(9, Chooser::positive).into_iter().collect();
            ("SORT", Answer::Sort(SortResult { numbers, mod_seq: from.maybe(mod_seq).flatten() }))
        }
        27 => ("THREAD", Answer::Thread(threads(from))),
        _ => {
            let mut batches = NumberList::new();
            from.list(4, |from| batches.push(from.positive(), from.positive()));
            ("UIDBATCHES", Answer::UidBatches(UidBatches { tag: from.maybe(Chooser::text), batches }))
        }
    }
}

fn mailbox(from: &mut Chooser<'_>) -> MailboxName {
    MailboxName::new(if from.yes() { from.text() } else { "INBOX".to_owned() })
}

pub(super) fn uids(from: &mut Chooser<'_>) -> UidSet {
    let mut set = UidSet::new();
    from.ranges().iter().for_each(|&(first, last)| set.insert_raw(first, last));
    set
}

/// Ascending ranges in any order.
fn number_list(from: &mut Chooser<'_>) -> NumberList {
    let mut list = NumberList::new();
    from.ranges().iter().for_each(|&(first, last)| list.push(first, last));
    list
}

pub(super) fn validity(from: &mut Chooser<'_>) -> Option<UidValidity> {
    UidValidity::new(from.small())
}

fn rights(from: &mut Chooser<'_>) -> Rights {
    Rights::new(from.one_of(&["", "l", "lrs", "lrswipkxtea", "0", "nil"]))
}

fn list_entry(from: &mut Chooser<'_>) -> ListEntry {
    let mut entry = ListEntry::new(mailbox(from));
    entry.delimiter = from.maybe(|from| from.one_of(&['/', '.', '\\', '"', '^']));
    entry.attributes =
        from.list(3, |from| from.one_of(&["\\HasChildren", "\\Noselect", "\\Sent"]).to_owned());
    entry.old_name = from.maybe(mailbox);
    entry.child_info = from.list(2, Chooser::word);
    entry.extended = from.list(2, |from| (from.word(), from.raw()));
    entry
}

fn mailbox_status(from: &mut Chooser<'_>) -> MailboxStatus {
    let mut status = MailboxStatus::new(mailbox(from));
    for count in [&mut status.messages, &mut status.recent, &mut status.unseen, &mut status.deleted] {
        *count = from.maybe(Chooser::small);
    }
    for size in [&mut status.size, &mut status.deleted_storage, &mut status.append_limit] {
        *size = from.maybe(Chooser::large);
    }
    status.uid_next = Uid::new(from.small());
    status.uid_validity = validity(from);
    status.highest_mod_seq = from.maybe(mod_seq).flatten();
    status.mailbox_id = from.maybe(Chooser::word);
    status.other = from.list(2, |from| (from.word(), from.raw()));
    status
}

fn esearch(from: &mut Chooser<'_>) -> ESearch {
    let mut made = ESearch { uid: from.yes(), ..ESearch::default() };
    for number in [&mut made.min, &mut made.max, &mut made.count] {
        *number = from.maybe(Chooser::small);
    }
    if let Some(list) = from.maybe(number_list) {
        let ends: Vec<_> = list.ranges().collect();
        let ascending = ends.windows(2).all(|pair| pair[0].1 < pair[1].0);
        made.all = Some(list.to_set());
        made.sorted = (!ascending).then_some(list);
    }
    made.mod_seq = from.maybe(mod_seq).flatten();
    made.partial = from.maybe(|from| {
        let sign = if from.yes() { 1 } else { -1 };
        let range = (sign * i64::from(from.positive()), sign * i64::from(from.positive()));
        PartialResult::new(range, from.maybe(number_list).unwrap_or_default())
    });
    made.changes = from.list(4, |from| ResultChange::new(from.yes(), from.small(), number_list(from)));
    made.relevancy = from.list(4, |from| from.byte() % 101);
    made.tag = from.maybe(Chooser::text);
    made.mailbox = from.maybe(mailbox);
    made.uid_validity = validity(from);
    made.other = from.list(2, |from| (from.word(), from.raw()));
    made
}

/// Trees as THREAD can represent them: a missing message has two answers or more.
fn threads(from: &mut Chooser<'_>) -> Threads {
    let (mut threads, mut deepest) = (Threads::default(), 0);
    for _ in 0..from.below(40) {
        let depth = u32::from(from.byte()) % (deepest + 1);
        match from.small() {
            0 => {
                threads.push(depth, 0);
                threads.push(depth + 1, 7);
                threads.push(depth + 1, 8);
                deepest = depth + 2;
            }
            number => {
                threads.push(depth, number);
                deepest = depth + 1;
            }
        }
    }
    threads
}

fn namespaces(from: &mut Chooser<'_>) -> Namespaces {
    let one = |from: &mut Chooser<'_>| {
        let mut made = Namespace::new(from.text(), from.maybe(|from| from.one_of(&['/', '.', '\\'])));
        made.extensions = from.list(2, |from| (from.word(), from.some(3, Chooser::word)));
        made.translation = from.maybe(Chooser::text);
        made
    };
    let mut all = Namespaces::default();
    (all.personal, all.other_users, all.shared) = (from.list(2, one), from.list(2, one), from.list(2, one));
    all
}

fn metadata(from: &mut Chooser<'_>) -> Metadata {
    // An empty name stands for the server.
    let mailbox = Some(mailbox(from)).filter(|name| !name.as_str().is_empty());
    let entries = if from.yes() {
        from.some(3, |from| MetadataEntry::new(from.word(), MetadataValue::Changed))
    } else {
        from.some(3, |from| {
            let value = from.maybe(Chooser::bytes).map_or(MetadataValue::Unset, MetadataValue::Set);
            MetadataEntry::new(from.word(), value)
        })
    };
    Metadata::new(mailbox, entries)
}

fn url(from: &mut Chooser<'_>) -> UrlData {
    let mut made = UrlData::new(from.word(), from.maybe(Chooser::bytes));
    made.other = from.list(2, |from| (from.word(), from.raw().into()));
    made
}
