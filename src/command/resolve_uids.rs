//! `UID SEARCH` of messages by their numbers: which UIDs they have. The engine's own, to fill the
//! view in by windows.

use super::{Claim, Class, Command, Flow, Line, Messages, ResponseKinds, Search, Session};
use crate::error::Result;
use crate::types::{Done, SeqSet, Untagged};

/// Asks for the UIDs of the messages with these numbers (RFC 9051 section 6.4.4, `sequence-set` as
/// a key).
pub(crate) struct ResolveUids(Messages);

impl ResolveUids {
    pub(crate) fn new(numbers: SeqSet) -> Self {
        Self(Messages::Seqs(numbers))
    }
}

impl Command for ResolveUids {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "SEARCH"
    }

    fn class(&self) -> Class {
        // A server may send EXPUNGE during a UID SEARCH, numbers in it or not (RFC 9051 section
        // 7.5.1).
        Class::query().answered_by_kinds(ResponseKinds::SEARCH).in_mailbox().ours()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        Some(&mut self.0)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        line.word("UID").word("SEARCH");
        if session.can("ESEARCH") {
            line.word("RETURN").open().word("ALL").close();
        }
        line.messages(&self.0);
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        Search::all().claims(response)
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}
