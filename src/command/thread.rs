//! THREAD: the messages that a query finds, as conversations (RFC 5256), always by UID.

use super::{Claim, Class, Command, Flow, Line, Messages, ResponseKinds, Search, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, Threads, Untagged};

/// How messages are put together into threads (RFC 5256 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThreadBy {
    /// By Message-ID, In-Reply-To and References, and by subject where these are missing; as trees.
    References,
    /// By subject; the messages of a thread are all below its first.
    OrderedSubject,
    /// By Message-ID, In-Reply-To and References alone, the threads in the order of their newest
    /// messages (`REFS`, of Dovecot and others).
    Refs,
}

impl ThreadBy {
    fn name(self) -> &'static str {
        match self {
            Self::References => "REFERENCES",
            Self::OrderedSubject => "ORDEREDSUBJECT",
            Self::Refs => "REFS",
        }
    }
}

/// `UID THREAD` (RFC 5256). Needs `THREAD=` and the way of [`ThreadBy`].
///
/// The result is flat, each message with its depth: however deep a server nests, reading it
/// recurses nowhere.
#[derive(Clone, Debug)]
#[must_use]
pub struct Thread {
    query: Search,
    by: ThreadBy,
}

impl Thread {
    /// Puts what this query finds into threads.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Search, Thread, ThreadBy};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let threads = inbox.submit(Thread::new(Search::all(), ThreadBy::References)).await?;
    /// for node in &threads {
    ///     println!("{:width$}{:?}", "", node.uid(), width = node.depth as usize * 2);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(query: impl Into<Search>, by: ThreadBy) -> Self {
        Self { query: query.into(), by }
    }
}

impl Command for Thread {
    type Item = Threads;
    type Output = Threads;

    fn name(&self) -> &str {
        "THREAD"
    }

    fn class(&self) -> Class {
        Class::query().answered_by_kinds(ResponseKinds::THREAD).in_mailbox().with_search(&self.query).ours()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.query.within()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        let capability = format!("THREAD={}", self.by.name());
        if !session.can(&capability) {
            return Err(Error::unsupported(format!("the server lacks {capability}")));
        }
        line.word("UID").word("THREAD").word(self.by.name()).word("UTF-8");
        self.query.encode_checked(line, session, false)?;
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        if matches!(response.answer(), Answer::Thread(_)) { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<Threads> {
        match response.into_answer() {
            Answer::Thread(threads) => Some(threads),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Threads>) -> Result<Threads> {
        let mut all = Threads::default();
        items.into_iter().for_each(|more| all.append(more));
        Ok(all)
    }
}
