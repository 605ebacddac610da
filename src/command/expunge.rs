//! EXPUNGE and UID EXPUNGE: permanent removal of messages (RFC 9051 sections 6.4.3 and 6.4.9).

use super::messages::MessageChunks;
use super::{Claim, Class, Command, FlagUse, Flow, Line, Messages, Report, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, RangeCollector, UidSet, Untagged};

/// Removes messages that have the flag `\Deleted`: all of them, or those among a set of UIDs.
#[derive(Clone, Debug)]
#[must_use]
pub struct Expunge {
    which: Option<Messages>,
    pieces: MessageChunks,
}

/// The messages that were removed while an EXPUNGE ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Expunged {
    /// How many.
    pub count: u64,
    /// Their UIDs, where the view has them.
    pub uids: UidSet,
}

impl Expunge {
    /// Removes all messages that have `\Deleted`, whichever client set it: `EXPUNGE`.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Expunge;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.submit(Expunge::all_deleted()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn all_deleted() -> Self {
        Self { which: None, pieces: MessageChunks::default() }
    }

    /// Removes those of these messages that have `\Deleted`: `UID EXPUNGE` (needs UIDPLUS, RFC
    /// 4315).
    ///
    /// ```no_run
    /// # use imap_duplex::command::Expunge;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.submit(Expunge::messages(inbox.newest(1))).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn messages(which: impl Into<Messages>) -> Self {
        Self { which: Some(which.into()), pieces: MessageChunks::default() }
    }

    /// The same, with a result that lists which of the messages are not there: they are searched
    /// for in the same round trip. The messages are named by UID.
    ///
    /// ```no_run
    /// # use imap_duplex::{UidSet, command::Expunge};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uids: UidSet) -> imap_duplex::Result<()> {
    /// let gone = inbox.submit(Expunge::messages(&uids).report()).await?;
    /// println!("{} are removed, {} had gone before", gone.result.count, gone.absent.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn report(self) -> Report<Self> {
        Report::new(self)
    }
}

impl Command for Expunge {
    type Item = Expunged;
    type Output = Expunged;

    fn name(&self) -> &str {
        "EXPUNGE"
    }

    fn class(&self) -> Class {
        // What is expunged hangs on \Deleted, so a STORE before it must have ended (RFC 9051
        // section 5.5).
        let class = Class::change()
            .answered_by_kinds(ResponseKinds::EXPUNGE)
            .with_flags(FlagUse::Writes)
            .in_mailbox();
        let class = class.changing_messages().ours();
        if self.which.is_some() { class.uid_only().about_messages() } else { class }
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.which.as_mut()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        let Some(which) = &self.which else {
            line.word("EXPUNGE");
            return Ok(Flow::Last);
        };
        if !session.can("UIDPLUS") {
            return Err(Error::unsupported("the server can't expunge chosen messages (UIDPLUS)"));
        }
        let (piece, flow) = self.pieces.next(which, session);
        line.command("EXPUNGE", &piece);
        Ok(flow)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match (response.answer(), &self.which) {
            (Answer::Expunge { uid: Some(_), .. } | Answer::Vanished { earlier: false, .. }, None) => {
                Claim::Whole
            }
            (Answer::Expunge { uid: None, .. }, None) => Claim::Part,
            (Answer::Expunge { uid: Some(uid), .. }, Some(which)) => which.claims(&(*uid).into()),
            (Answer::Vanished { uids, earlier: false }, Some(which)) => which.claims(uids),
            _ => Claim::No,
        }
    }

    fn item(response: Untagged) -> Option<Expunged> {
        match response.into_answer() {
            Answer::Expunge { uid, .. } => {
                Some(Expunged { count: 1, uids: uid.map(UidSet::from).unwrap_or_default() })
            }
            Answer::Vanished { uids, .. } => Some(Expunged { count: uids.len(), uids }),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Expunged>) -> Result<Expunged> {
        let (mut uids, mut count) = (RangeCollector::default(), 0);
        for one in items {
            count += one.count;
            uids.add_set(one.uids);
        }
        Ok(Expunged { count, uids: uids.finish() })
    }
}
