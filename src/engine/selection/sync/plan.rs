//! The next query: which UIDs the messages have, and their flags if these are wanted.
//!
//! In: what is known, what the server can do. Out: one query, or none.
//!
//! | state                                 | the server                | query                          |
//! |---------------------------------------|---------------------------|--------------------------------|
//! | UIDs unknown                          | UIDONLY is enabled        | by UID                         |
//! | UIDs of the newest unknown, no others | any                       | `UID FETCH n:* (FLAGS)`        |
//! | UIDs unknown                          | numbers may change        | by UID                         |
//! | UIDs unknown, a search was of no use  | any                       | `FETCH a:b (UID)`              |
//! | all UIDs unknown, of few messages     | any                       | `UID SEARCH ALL`               |
//! | UIDs unknown, else                    | any                       | `UID SEARCH a:b`, newest       |
//! | all UIDs known, nothing was reported  | UIDNEXT is beyond them    | `UID FETCH n:* (FLAGS)`        |
//! | all UIDs known, changes due           | has CONDSTORE             | `UID FETCH 1:* … CHANGEDSINCE` |
//! | all UIDs known, flags due or behind   | any                       | `UID FETCH … (FLAGS)`, newest  |

use std::sync::Arc;

use super::windows::{newest, newest_of};
use super::{Selection, SyncFacts, SyncState};
use crate::command::{Fetch, Items, Messages, ResolveUids, Search};
use crate::engine::events::Output;
use crate::engine::submit::{InternalRequest, Query, QueuePlace, SelectionHandle};
use crate::types::{EventKind, IncrementalSet, ModSeq, RangeCollector, Seq, SeqSet, Uid, UidSet, ViewSync};
use crate::view::View;

/// What is to be done next for the view.
#[derive(Debug, PartialEq)]
enum SyncStep {
    /// Nothing is lacking, or it has been asked.
    Nothing,
    /// Nothing is wanted.
    Off,
    /// The server does not report what is asked.
    Stalled,
    Ask(Question),
    /// All UIDs are known.
    UidsKnown,
}

/// A query for what the view lacks.
#[derive(Debug, PartialEq)]
enum Question {
    /// `UID FETCH n:* (FLAGS)`.
    NewMessages(Uid),
    /// `FETCH a:b (UID)`: each row has its own number, and none can change meanwhile (RFC 9051
    /// section 7.5.1). Or by UID.
    Rows(Messages),
    /// `UID SEARCH ALL`.
    AllUids,
    /// `UID SEARCH UID a:b`.
    UidsAmong(UidSet),
    /// `UID SEARCH a:b`.
    UidsOf(SeqSet),
    /// `UID FETCH 1:* (FLAGS) (CHANGEDSINCE n)`.
    Changes(ModSeq),
    /// `UID FETCH … (FLAGS)`.
    Flags(UidSet),
}

impl Question {
    fn request(self, handle: &Arc<SelectionHandle>) -> InternalRequest {
        let uids = || Query::Uids(RangeCollector::default());
        let place = match &self {
            // These may take long.
            Self::Rows(Messages::Seqs(_)) | Self::UidsOf(_) | Self::Flags(_) => QueuePlace::Background,
            _ => QueuePlace::Back,
        };
        let flags = Items::new().flags();
        let request = match self {
            Self::NewMessages(from) => InternalRequest::query(Query::Rows, Fetch::new(from.., flags), handle),
            Self::Rows(which) => InternalRequest::query(Query::Rows, Fetch::new(which, Items::new()), handle),
            Self::Changes(since) => InternalRequest::query(Query::ChangesSince, changed_since(since), handle),
            Self::Flags(of) => {
                let query = Query::MissingFlags(IncrementalSet::default());
                InternalRequest::query(query, Fetch::new(of, flags), handle)
            }
            Self::AllUids => InternalRequest::query(uids(), Search::all(), handle),
            Self::UidsAmong(set) => InternalRequest::query(uids(), Search::uids(set), handle),
            Self::UidsOf(seqs) => InternalRequest::query(uids(), ResolveUids::new(seqs), handle),
        };
        request.at(place)
    }
}

/// The flags that have changed since.
pub(super) fn changed_since(since: ModSeq) -> Fetch {
    Fetch::new(UidSet::from(Uid::MIN..), Items::new().flags()).changed_since(since)
}

/// What is next; `behind`: flags of known messages are to be asked.
fn next(sync: &SyncState, view: &View, behind: bool, facts: &SyncFacts) -> SyncStep {
    if facts.asked || sync.lacks_nothing(view) && !behind {
        // The end of what has been asked looks again.
        return SyncStep::Nothing;
    }
    if sync.wanted == ViewSync::Off {
        return SyncStep::Off;
    }
    let Some((first, last)) = view.unknown_before(sync.withheld_from).filter(|_| !sync.has_given_up()) else {
        let all = view.unknown().is_none() && !sync.has_given_up();
        return if all { SyncStep::UidsKnown } else { SyncStep::Stalled };
    };
    if facts.uid_only {
        return SyncStep::Ask(by_uid(view, first, last, false));
    }
    let new = newest(view, last, sync.complete, facts.at_once(facts.windows.flags));
    SyncStep::Ask(match new.filter(|_| !sync.unparsed_rows) {
        Some(from) => Question::NewMessages(from),
        None if facts.numbers_move => by_uid(view, first, last, sync.uids_by_rows),
        None => window(sync, view, first, last, facts.at_once(facts.windows.uids)),
    })
}

/// The UIDs of these messages, without a number in the query.
fn by_uid(view: &View, first: Seq, last: Seq, by_rows: bool) -> Question {
    let before = view.uid_before(first).map_or(0, Uid::get);
    let from = Uid::new(before.saturating_add(1)).unwrap_or(Uid::MIN);
    let set = match Seq::new(last.get().saturating_add(1)).and_then(|seq| view.uid(seq)) {
        // Those behind them are known: the server's limit stopped it there.
        Some(after) => UidSet::from(from..=Uid::new(after.get() - 1).map_or(from, |most| most.max(from))),
        None if by_rows || before > 0 => UidSet::from(from..),
        None => return Question::AllUids,
    };
    if by_rows { Question::Rows(set.into()) } else { Question::UidsAmong(set) }
}

/// The UIDs of the last of these messages, at most so many.
fn window(sync: &SyncState, view: &View, first: Seq, last: Seq, most: u32) -> Question {
    let len = view.len();
    let from = Seq::new(last.get().saturating_sub(most - 1)).map_or(first, |from| from.max(first));
    let window = SeqSet::from(from..=last);
    if sync.uids_by_rows {
        Question::Rows(window.into())
    } else if first.get() == 1 && last.get() == len && len <= most {
        Question::AllUids
    } else {
        Question::UidsOf(window)
    }
}

impl SyncState {
    /// What is next once all UIDs are known; the flags of `behind` are older than their
    /// mod-sequence.
    fn next_flags(&mut self, view: &View, behind: impl FnOnce() -> UidSet, most: u32) -> Option<Question> {
        if let Some(from) = self.unsure_from.take() {
            return Some(Question::NewMessages(from));
        }
        if let Some(since) = self.changes_since {
            return Some(Question::Changes(since));
        }
        let look = self.flags_due.is_empty() || self.flags_withheld.is_empty();
        if self.wanted == ViewSync::Flags && look && view.flags_unknown() > 0 {
            let unknown = view.uids_without_flags();
            let due = unknown.difference(&self.flags_withheld).difference(&self.unreadable.given_up);
            self.flags_due.union_with(&due);
            self.flags_withheld = unknown;
        }
        if self.flags_due.is_empty() {
            self.flags_due = behind();
        }
        // The newest first: they are the ones that are looked at.
        let window = newest_of(&self.flags_due, most);
        self.flags_due = self.flags_due.difference(&window);
        (!window.is_empty()).then_some(Question::Flags(window))
    }
}

impl Selection {
    /// Asks for what the view lacks, unless that has been asked already.
    pub(crate) fn continue_sync(&mut self, facts: &SyncFacts, out: &mut Output) {
        let behind = self.is_behind() && !facts.silent_change;
        let question = match next(&self.sync, &self.view, behind, facts) {
            SyncStep::Nothing => return,
            SyncStep::Off => return self.report_ready(out),
            SyncStep::Stalled => {
                self.handle.set_stalled(true);
                if self.sync.has_given_up() {
                    self.report_changed_by_number(out);
                }
                return;
            }
            SyncStep::Ask(question) => question,
            SyncStep::UidsKnown => {
                self.compare_with_prior(out);
                self.retry_flag_query();
                let behind = || if facts.silent_change { UidSet::new() } else { self.mod_seqs.behind() };
                let most = facts.at_once(facts.windows.flags);
                match self.sync.next_flags(&self.view, behind, most) {
                    Some(question) => question,
                    None => return self.on_complete(out),
                }
            }
        };
        self.requests.push(question.request(&self.handle));
    }

    /// All has been asked.
    fn on_complete(&mut self, out: &mut Output) {
        let first = !std::mem::replace(&mut self.sync.complete, true);
        self.sync.while_disconnected = false;
        self.unpublished |= first;
        if first && self.handle.resume().is_some() {
            self.report(EventKind::Resumed { exists: self.view.len() }, out);
        }
        self.report_ready(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::BatchSizes;
    use crate::types::Message;

    fn seq(n: u32) -> Seq {
        Seq::new(n).unwrap()
    }

    fn uids(set: &str) -> UidSet {
        set.parse().unwrap_or_default()
    }

    /// So many messages, of which these have known UIDs.
    fn view(exists: u32, known: &[(u32, u32)]) -> View {
        let mut view = View::opened(exists);
        for (n, uid) in known {
            view.learn(&Message { seq: Seq::new(*n), uid: Uid::new(*uid), ..Message::default() });
        }
        view
    }

    fn facts() -> SyncFacts {
        SyncFacts {
            asked: false,
            silent_change: false,
            uid_only: false,
            numbers_move: false,
            condstore: false,
            message_limit: None,
            windows: BatchSizes { uids: 4, flags: 2 },
        }
    }

    fn limited(limit: u32) -> SyncFacts {
        SyncFacts { message_limit: Some(limit), ..facts() }
    }

    #[test]
    fn the_next_query_follows_from_what_is_known_and_what_the_server_can_do() {
        use Question::*;
        let (asked, uid_only) =
            (SyncFacts { asked: true, ..facts() }, SyncFacts { uid_only: true, ..facts() });
        let numbers_move = SyncFacts { numbers_move: true, ..facts() };
        let new = || SyncState::new(ViewSync::Uids);
        let complete = || SyncState { complete: true, ..new() };
        let by_rows = || SyncState { uids_by_rows: true, ..new() };
        let unparsed = || SyncState { unparsed_rows: true, ..complete() };
        let refused = || SyncState { refusals: 2, ..new() };
        let withheld = || SyncState { withheld_from: Seq::new(1), ..new() };
        let (none, first_two): (&[_], &[_]) = (&[], &[(1, 10), (2, 20)]);
        let rows_of = |a, b| Rows(SeqSet::from(seq(a)..=seq(b)).into());
        let rows = [
            ("it is asked", new(), view(3, none), asked, SyncStep::Nothing),
            ("all is known", complete(), view(2, first_two), facts(), SyncStep::Nothing),
            ("nothing is wanted", SyncState::new(ViewSync::Off), view(3, none), facts(), SyncStep::Off),
            ("refused twice", refused(), view(3, none), facts(), SyncStep::Stalled),
            ("withheld", withheld(), view(3, none), facts(), SyncStep::Stalled),
            ("all UIDs are known", new(), view(2, first_two), facts(), SyncStep::UidsKnown),
            ("all of few", new(), view(3, none), facts(), SyncStep::Ask(AllUids)),
            (
                "the newest window",
                new(),
                view(9, none),
                facts(),
                SyncStep::Ask(UidsOf((seq(6)..=seq(9)).into())),
            ),
            ("a limit", new(), view(9, none), limited(1), SyncStep::Ask(UidsOf((seq(9)..=seq(9)).into()))),
            (
                "the rest of it",
                new(),
                view(5, &[(5, 50)]),
                facts(),
                SyncStep::Ask(UidsOf((seq(1)..=seq(4)).into())),
            ),
            ("a search failed", by_rows(), view(9, none), facts(), SyncStep::Ask(rows_of(6, 9))),
            (
                "new ones",
                new(),
                view(4, first_two),
                facts(),
                SyncStep::Ask(NewMessages(Uid::new(21).unwrap())),
            ),
            (
                "too many new ones",
                new(),
                view(5, first_two),
                facts(),
                SyncStep::Ask(UidsOf((seq(3)..=seq(5)).into())),
            ),
            ("new to an empty one", complete(), view(1, none), facts(), SyncStep::Ask(NewMessages(Uid::MIN))),
            (
                "new ones unread",
                unparsed(),
                view(3, first_two),
                facts(),
                SyncStep::Ask(UidsOf((seq(3)..=seq(3)).into())),
            ),
            ("no numbers", new(), view(4, first_two), uid_only, SyncStep::Ask(UidsAmong(uids("21:*")))),
        ];
        for (name, sync, view, facts, expected) in rows {
            assert_eq!(next(&sync, &view, false, &facts), expected, "{name}");
        }
        let moving = [
            ("no numbers to ask by", new(), view(9, none), AllUids),
            ("between known ones", new(), view(5, &[(1, 10), (5, 50)]), UidsAmong(uids("11:49"))),
            ("the same by rows", by_rows(), view(5, &[(1, 10), (5, 50)]), Rows(uids("11:49").into())),
            ("up to the last", by_rows(), view(9, none), Rows(uids("1:*").into())),
        ];
        for (name, sync, view, question) in moving {
            assert_eq!(next(&sync, &view, false, &numbers_move), SyncStep::Ask(question), "{name}");
        }
        assert_eq!(
            next(&complete(), &view(2, first_two), true, &facts()),
            SyncStep::UidsKnown,
            "flags are behind"
        );
    }

    #[test]
    fn flags_are_asked_the_newest_first_and_what_is_withheld_not_again() {
        let view = view(3, &[(1, 10), (2, 20), (3, 30)]);
        let mut sync = SyncState::new(ViewSync::Flags);
        let mut next = |behind: &str| sync.next_flags(&view, || uids(behind), 2);
        assert_eq!(next(""), Some(Question::Flags(uids("20,30"))));
        assert_eq!(next(""), Some(Question::Flags(uids("10"))));
        assert_eq!(next(""), None, "none of them were reported");
        assert_eq!(next("10"), Some(Question::Flags(uids("10"))), "a newer mod-sequence was reported");
        let mut sync = SyncState { changes_since: ModSeq::new(7), ..SyncState::new(ViewSync::Uids) };
        assert_eq!(sync.next_flags(&view, UidSet::new, 2), ModSeq::new(7).map(Question::Changes));
        sync.changes_since = None;
        assert_eq!(sync.next_flags(&view, UidSet::new, 2), None, "flags are not wanted");
    }
}
