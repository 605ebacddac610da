//! SEARCH as a command: all messages that a query finds, by ESEARCH where the server has it.

use super::Search;
use crate::command::messages::Messages;
use crate::command::{Claim, Class, Command, Flow, Line, ResponseKinds, SearchResult, Session};
use crate::error::Result;
use crate::types::{Answer, Done, ModSeq, RangeCollector, UidSet, Untagged};

impl Search {
    /// Which of these messages are there.
    pub(in crate::command) fn encode_presence(line: &mut Line, which: &Messages, session: &Session) {
        line.word("UID").word("SEARCH");
        if session.can("ESEARCH") {
            line.word("RETURN").open().word("ALL").close();
        }
        line.word("UID").messages(which);
    }
}

impl Command for Search {
    type Item = SearchResult;
    type Output = SearchResult;

    fn name(&self) -> &str {
        "SEARCH"
    }

    fn class(&self) -> Class {
        Class::query().answered_by_kinds(ResponseKinds::SEARCH).in_mailbox().with_search(self).ours()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.within()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        line.word("UID").word("SEARCH");
        if session.can("ESEARCH") {
            line.word("RETURN").open().word("ALL").close();
        }
        self.encode_criteria(line, session, true)?;
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::Search(_) => Claim::Whole,
            // With a tag its owner is known already; without one only the kind identifies it.
            Answer::ESearch(found) if found.tag.is_none() && found.uid => Claim::Whole,
            Answer::ESearch(found) if found.tag.is_none() => Claim::Part,
            _ => Claim::No,
        }
    }

    fn trim(&self, response: &mut Untagged) -> bool {
        // The mod-sequence is the highest of all that was found, so it may be that of a message
        // left out.
        let trim = |uids: &mut UidSet, mod_seq: &mut Option<ModSeq>| {
            let found = uids.len();
            *uids = self.meant(std::mem::take(uids));
            *mod_seq = mod_seq.filter(|_| !uids.is_empty() && uids.len() == found);
        };
        match response.answer_mut() {
            Answer::Search(found) => trim(&mut found.numbers.0, &mut found.mod_seq),
            Answer::ESearch(found) => {
                if let Some(all) = &mut found.all {
                    trim(&mut all.0, &mut found.mod_seq);
                }
            }
            _ => {}
        }
        true
    }

    fn item(response: Untagged) -> Option<SearchResult> {
        match response.into_answer() {
            Answer::Search(found) => {
                Some(SearchResult { uids: found.numbers.into_uids(), mod_seq: found.mod_seq })
            }
            Answer::ESearch(found) => {
                let uids = found.all.unwrap_or_default().into_uids();
                Some(SearchResult { uids, mod_seq: found.mod_seq })
            }
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<SearchResult>) -> Result<SearchResult> {
        // Servers send the result in any number of pieces, in any order.
        let (mut uids, mut mod_seq) = (RangeCollector::default(), None);
        // A piece without one may have lost it to `trim`, and it may have been the highest of all
        // pieces.
        let lost = self.trims() && items.iter().any(|part| part.mod_seq.is_none());
        for part in items {
            uids.add_set(part.uids);
            mod_seq = mod_seq.max(part.mod_seq);
        }
        Ok(SearchResult { uids: uids.finish(), mod_seq: mod_seq.filter(|_| !lost) })
    }
}
