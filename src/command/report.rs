//! STORE and EXPUNGE with a result that lists which of the messages are not there: their answers
//! alone don't say, since servers leave out rows that would report nothing new.
//!
//! In: such a command. Out: its own result, and of the UIDs that it names those without a message,
//! by a search that goes out just before it, in the same round trip.

use super::messages::MessageChunks;
use super::{Claim, Class, Command, Flow, Line, Messages, ResponseKinds, RowItems, Search, Session};
use crate::error::Result;
use crate::types::{Answer, Done, RangeCollector, StatusResponse, UidSet, Untagged};

/// A command whose result lists the messages that are not there: from
/// [`Store::report`](super::Store::report), [`Expunge::report`](super::Expunge::report) and their
/// like. ([`Fetch::report`](super::Fetch::report) and [`Copied::absent`](super::Copied::absent) do
/// it from the answers alone.)
#[derive(Clone, Debug)]
#[must_use]
pub struct Report<C> {
    command: C,
    /// The messages that are searched for: none before the first line, nor where no UIDs are named.
    asked: Messages,
    searches: MessageChunks,
    step: Step,
    /// How many lines of the search have no tagged response.
    unanswered: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    Search,
    Command,
}

/// What a [`Report`] gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reported<T> {
    /// The command's own result.
    pub result: T,
    /// The UIDs that were named and had no message when the server began. Empty where messages were
    /// named otherwise than by UID, or up to the last one.
    pub absent: UidSet,
}

impl<C> Report<C> {
    pub(super) fn new(command: C) -> Self {
        let (asked, searches) = (Messages::default(), MessageChunks::default());
        Self { command, asked, searches, step: Step::Nothing, unanswered: 0 }
    }
}

impl<C: Command + Clone> Report<C> {
    /// Refuses what the command would refuse, before the search goes out.
    fn begin(&mut self, session: &Session) -> Result<Step> {
        let mut line = Line::new(None, session);
        let mut command = self.command.clone();
        command.encode(&mut line, session)?;
        line.finish()?;
        let Some(Messages::Uids(set)) = command.messages().filter(|which| !which.is_open()) else {
            return Ok(Step::Command);
        };
        self.asked = Messages::Uids(std::mem::take(set));
        Ok(Step::Search)
    }
}

impl<C: Command + Clone> Command for Report<C> {
    type Item = Untagged;
    type Output = Reported<C::Output>;

    fn name(&self) -> &str {
        self.command.name()
    }

    fn class(&self) -> Class {
        let mut class = self.command.class().uid_only();
        class.answered_by = class.answered_by.and(ResponseKinds::SEARCH);
        // What the search finds is claimed as well.
        class.about = super::ClaimScope::Anything;
        class
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.command.messages()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if self.step == Step::Nothing {
            self.step = self.begin(session)?;
        }
        if self.step == Step::Command {
            return self.command.encode(line, session);
        }
        let (piece, flow) = self.searches.next(&self.asked, session);
        if flow == Flow::Last {
            self.step = Step::Command;
        }
        self.unanswered += 1;
        Search::encode_presence(line, &piece, session);
        Ok(Flow::More)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::Search(_) | Answer::ESearch(_) if self.unanswered > 0 => Search::all().claims(response),
            _ => self.command.claims(response),
        }
    }

    fn trim(&self, response: &mut Untagged) -> bool {
        self.command.trim(response)
    }

    fn items_of(&self, response: &Untagged) -> RowItems {
        self.command.items_of(response)
    }

    fn line_ended(&mut self, at: usize) {
        match at.checked_sub(self.unanswered) {
            Some(at) => self.command.line_ended(at),
            None => self.unanswered -= 1,
        }
    }

    fn received(&mut self, response: &Untagged) {
        self.command.received(response);
    }

    fn item(response: Untagged) -> Option<Untagged> {
        Some(response)
    }

    fn tolerates(&self, status: &StatusResponse) -> bool {
        self.command.tolerates(status)
    }

    fn finish(self, done: Done, items: Vec<Untagged>) -> Result<Self::Output> {
        let (mut there, mut pieces) = (RangeCollector::default(), Vec::new());
        for response in items {
            match response.answer() {
                Answer::Search(_) | Answer::ESearch(_) => {
                    let found = Search::item(response);
                    found.into_iter().for_each(|found| there.add_set(found.uids().clone()));
                }
                _ => pieces.extend(C::item(response)),
            }
        }
        let absent = match &self.asked {
            Messages::Uids(asked) => asked.difference(&there.finish()),
            _ => UidSet::new(),
        };
        Ok(Reported { result: self.command.finish(done, pieces)?, absent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{answered, lines, next_lines, refused, response, server};
    use crate::command::{Expunge, Store};
    use crate::types::{Flag, Seq, Uid};

    fn some() -> UidSet {
        "4:7".parse().unwrap()
    }

    fn seen() -> Store {
        Store::add([Flag::Seen])
    }

    #[test]
    fn a_search_goes_out_before_it() {
        let server = server(&["UIDPLUS", "ESEARCH"]);
        let store = seen().silent().of(some()).report();
        assert_eq!(
            lines(store, &server),
            ["UID SEARCH RETURN (ALL) UID 4:7", "UID STORE 4:7 +FLAGS.SILENT (\\Seen)"]
        );
        let expunge = Expunge::messages(some()).report();
        assert_eq!(lines(expunge, &server), ["UID SEARCH RETURN (ALL) UID 4:7", "UID EXPUNGE 4:7"]);
        // Nothing is absent of what goes on to the last message, nor of all.
        let open = Store::add([Flag::Seen]).of(Uid::new(4).unwrap()..).report();
        assert_eq!(lines(open, &server), ["UID STORE 4:* +FLAGS (\\Seen)"]);
        assert_eq!(lines(Expunge::all_deleted().report(), &server), ["EXPUNGE"]);
    }

    #[test]
    fn what_the_command_refuses_is_refused_before_the_search() {
        assert!(refused(Expunge::messages(some()).report(), &server(&[])).contains("UIDPLUS"));
        let wrong = Store::add([Flag::new("a b")]).of(some()).report();
        assert!(refused(wrong, &server(&[])).contains("flag"));
        let class = seen().of(Seq::MIN).report().class();
        assert!(class.by_uid && class.changes_messages);
    }

    #[test]
    fn what_the_search_does_not_find_is_absent() {
        let row = "* 2 FETCH (UID 6 FLAGS (\\Seen))";
        let stored = Store::add([Flag::Seen]).of(some()).report();
        let mut sent = stored.clone();
        next_lines(&mut sent, &server(&[]));
        let done = answered(sent.clone(), &["* SEARCH 5 6", row], "OK done").unwrap();
        assert_eq!((done.result.len(), done.absent.to_string()), (1, "4,7".to_owned()));
        // Of one that has not been sent nothing is known.
        assert!(answered(stored, &[], "OK done").unwrap().absent.is_empty());
        // Once it has been answered, others' searches are none of its own.
        sent.line_ended(0);
        assert_eq!(sent.claims(&response("* SEARCH 9")), Claim::No);
        assert_eq!(sent.claims(&response(row)), Claim::Whole);
        let mut expunge = Expunge::messages(some()).report();
        next_lines(&mut expunge, &server(&["UIDPLUS"]));
        let gone = answered(expunge, &["* SEARCH 4 5", "* VANISHED 4"], "OK done").unwrap();
        assert_eq!((gone.result.count, gone.absent.to_string()), (1, "6:7".to_owned()));
    }

    #[test]
    fn a_long_set_is_searched_for_in_pieces() {
        let set: UidSet = [3, 6, 9, 12, 15].into_iter().filter_map(Uid::new).collect();
        let short = Session { command_line: 8, ..server(&[]) };
        let mut store = seen().of(&set).report();
        assert_eq!(
            next_lines(&mut store, &short),
            [
                "UID SEARCH UID 3,6,9",
                "UID SEARCH UID 12,15",
                "UID STORE 3,6,9 +FLAGS (\\Seen)",
                "UID STORE 12,15 +FLAGS (\\Seen)"
            ]
        );
        // The second search, then the first STORE.
        store.line_ended(1);
        store.line_ended(1);
        let row = |uid: u32| response(&format!("* 1 FETCH (UID {uid} FLAGS (\\Seen))"));
        assert_eq!((store.claims(&row(6)), store.claims(&row(12))), (Claim::No, Claim::Whole));
        assert_eq!(store.claims(&response("* SEARCH 3")), Claim::Whole);
    }
}
