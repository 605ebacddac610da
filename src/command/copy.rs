//! COPY and MOVE (RFC 9051 sections 6.4.7 and 6.4.8), MOVE also where the server has none.

use super::messages::MessageChunks;
use super::{Claim, Class, Command, Effect, FlagUse, Flow, Line, Messages, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Code, CopyUid, Done, Flag, Flags, MailboxName, UidSet, Untagged};

/// How many ranges of messages that COPYUID has named are remembered.
const MAX_RANGES: usize = 100_000;

/// Copies messages to another mailbox, or moves them there.
///
/// Without MOVE on the server, a move is done as COPY, STORE `\Deleted` and UID EXPUNGE, each once
/// the one before has succeeded (RFC 6851 section 3.3 explains the order); without UIDPLUS too it
/// is refused, because EXPUNGE would remove other messages as well. Once its COPY has begun, such a
/// move is completed, cancelled or not: half of it would leave the messages in both mailboxes, or
/// marked `\Deleted` where they were. Only where the server says OK and has copied a part of the
/// messages (MESSAGELIMIT, RFC 9738) it ends with [`Partial`](crate::ErrorKind::Partial), and none
/// is removed.
///
/// A copy goes in one line, however many messages it names, since that is done in full or not at
/// all; [`in_pieces`](Self::in_pieces) allows several.
#[derive(Clone, Debug)]
#[must_use]
pub struct CopyMessages {
    which: Messages,
    to: MailboxName,
    step: Step,
    pieces: MessageChunks,
    /// Messages that a COPYUID has named.
    reported: UidSet,
    strict: bool,
    /// Whether it may go in several lines.
    in_pieces: bool,
    /// Whether the server reports what it copies; `None`: it has not been asked to.
    reports: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Copy,
    Move,
    /// Of a move without MOVE: the first step, then these.
    CopyFirst,
    MarkDeleted,
    ExpungeThem,
}

/// What a copy or a move gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Copied {
    /// The UIDs of the new messages, one entry for each line that was sent; empty if the server
    /// does not report them (it lacks UIDPLUS, or the other mailbox's UIDs are not persistent). An
    /// entry without [`pairs`](CopyUid::pairs) names the messages that were copied, but not their
    /// new UIDs.
    pub uids: Vec<CopyUid>,
    /// What is known of how many were copied.
    pub outcome: CopyOutcome,
}

impl Copied {
    /// Those of these messages that were not copied, because they are not there (any more), as far
    /// as the server has reported what it copied. `None`: it does not report that.
    ///
    /// ```no_run
    /// # use imap_duplex::types::UidSet;
    /// # async fn example(inbox: &imap_duplex::Mailbox, uids: UidSet) -> imap_duplex::Result<()> {
    /// let moved = inbox.move_to(&uids, "Archive").await?;
    /// if let Some(absent) = moved.absent(&uids).filter(|absent| !absent.is_empty()) {
    ///     println!("{absent} had gone already");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn absent(&self, asked: &UidSet) -> Option<UidSet> {
        match self.outcome {
            CopyOutcome::NotReported => None,
            CopyOutcome::Reported | CopyOutcome::NothingMatched => {
                let mut copied = UidSet::new();
                self.uids.iter().for_each(|one| copied.union_with(&one.from()));
                Some(asked.difference(&copied))
            }
        }
    }
}

/// What is known of how many messages were copied or moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CopyOutcome {
    /// The server has reported them.
    Reported,
    /// None was there: the server has UIDPLUS and reported none, or none was named. (A server may
    /// also leave the report out where the other mailbox's UIDs are not persistent, which hardly
    /// any server has.)
    NothingMatched,
    /// The server does not report that.
    #[default]
    NotReported,
}

impl CopyMessages {
    /// Copies these messages to this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::CopyMessages;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.submit(CopyMessages::copying(inbox.newest(1), "Archive")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn copying(which: impl Into<Messages>, to: impl Into<MailboxName>) -> Self {
        let (which, to) = (which.into(), to.into());
        Self {
            which,
            to,
            step: Step::Copy,
            pieces: MessageChunks::default(),
            reported: UidSet::new(),
            strict: false,
            in_pieces: false,
            reports: None,
        }
    }

    /// Moves these messages to this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::CopyMessages;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.submit(CopyMessages::moving(inbox.newest(1), "Archive")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn moving(which: impl Into<Messages>, to: impl Into<MailboxName>) -> Self {
        Self { step: Step::Move, ..Self::copying(which, to) }
    }

    /// Fails, unsent, with [`Unsupported`](crate::ErrorKind::Unsupported), where the server has no
    /// MOVE and a move would be done by steps.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Allows several lines where one would be longer than
    /// [`Limits::command_line`](crate::Limits::command_line), as sets with many gaps are: a server
    /// may refuse such a line, with BAD and nothing done. If one of several lines fails, the
    /// messages of those before it have been copied or moved: their OKs, with the UIDs, are
    /// [`Error::answers`](crate::Error::answers).
    ///
    /// ```no_run
    /// # use imap_duplex::{UidSet, command::CopyMessages};
    /// # async fn example(inbox: &imap_duplex::Mailbox, many: UidSet) -> imap_duplex::Result<()> {
    /// inbox.submit(CopyMessages::moving(many, "Archive").in_pieces()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn in_pieces(mut self) -> Self {
        self.in_pieces = true;
        self
    }

    fn is_move(&self) -> bool {
        self.step != Step::Copy
    }

    /// A MOVE reports its COPYUID before its end (RFC 6851 section 4.3), for those of its messages
    /// that exist, and once for each. A COPY's is in the tagged OK (RFC 4315 section 3); some
    /// servers send it as for a MOVE.
    fn claims_copied(&self, reported: &CopyUid) -> Claim {
        if reported.is_empty() {
            return Claim::Part;
        }
        match &self.which {
            Messages::Uids(set) => {
                let (from, more) = (reported.from(), !self.reported.is_empty());
                if !from.difference(set).is_empty() || more && !from.intersection(&self.reported).is_empty() {
                    Claim::No
                } else if self.is_move() {
                    Claim::Whole
                } else {
                    Claim::Part
                }
            }
            // Which UIDs these have is not known here.
            _ => Claim::Part,
        }
    }

    /// The step after this one's last line.
    fn after(&mut self, flow: Flow, next: Step) -> Flow {
        if flow == Flow::Last {
            self.step = next;
            self.pieces.restart();
        }
        Flow::AfterReply
    }
}

impl Command for CopyMessages {
    type Item = CopyUid;
    type Output = Copied;

    fn name(&self) -> &str {
        if self.is_move() { "MOVE" } else { "COPY" }
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.to)
    }

    fn class(&self) -> Class {
        let class = Class::change().about_messages().ours();
        if self.is_move() {
            let class = class
                .answered_by_kinds(ResponseKinds::CODES.and(ResponseKinds::EXPUNGE))
                .with_flags(FlagUse::Writes)
                .uid_only();
            class.changing_messages().with_effect(Effect::Move)
        } else {
            class.answered_by_kinds(ResponseKinds::CODES).with_flags(FlagUse::Reads)
        }
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        Some(&mut self.which)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.reports = Some(session.can("UIDPLUS"));
        if self.step == Step::Move && !session.can("MOVE") {
            if self.strict {
                return Err(Error::unsupported("the server can't move messages at once (MOVE)"));
            }
            if !session.can("UIDPLUS") {
                return Err(Error::unsupported(
                    "the server has neither MOVE nor UIDPLUS, so that a move could remove other messages as well",
                ));
            }
            self.step = Step::CopyFirst;
        }
        let is_whole = !self.in_pieces && !matches!(self.step, Step::MarkDeleted | Step::ExpungeThem);
        let bytes = if is_whole { usize::MAX } else { session.command_line };
        let (piece, flow) = self.pieces.next_of(&self.which, bytes);
        match self.step {
            Step::Copy | Step::Move => {
                line.command(self.name(), &piece).mailbox(&self.to);
                Ok(flow)
            }
            Step::CopyFirst => {
                line.command("COPY", &piece).mailbox(&self.to);
                Ok(self.after(flow, Step::MarkDeleted))
            }
            Step::MarkDeleted => {
                line.command("STORE", &piece).word("+FLAGS.SILENT").flags(&Flags::from(Flag::Deleted));
                Ok(self.after(flow, Step::ExpungeThem))
            }
            Step::ExpungeThem => {
                line.command("EXPUNGE", &piece);
                Ok(flow)
            }
        }
    }

    fn builds_on_the_whole(&self) -> bool {
        // What has been marked was copied before, so it can be expunged whatever the rest is.
        let marks = self.step == Step::MarkDeleted && self.pieces.has_begun();
        !marks && self.step != Step::ExpungeThem
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::Status(status) => match &status.code {
                Some(Code::CopyUid(reported)) => self.claims_copied(reported),
                _ => Claim::No,
            },
            Answer::Expunge { uid: Some(uid), .. } if self.is_move() => self.which.claims(&(*uid).into()),
            Answer::Vanished { uids, earlier: false } if self.is_move() => self.which.claims(uids),
            _ => Claim::No,
        }
    }

    fn received(&mut self, response: &Untagged) {
        if let Answer::Status(status) = response.answer()
            && let Some(Code::CopyUid(reported)) = &status.code
            && self.reported.ranges().len() <= MAX_RANGES
        {
            self.reported.union_with(&reported.from());
        }
    }

    fn item(response: Untagged) -> Option<CopyUid> {
        match response.into_answer() {
            Answer::Status(status) => copy_uid_of(status.code),
            _ => None,
        }
    }

    fn finish(self, done: Done, items: Vec<CopyUid>) -> Result<Copied> {
        let tagged = done.earlier.into_iter().chain([done.status]).filter_map(|s| copy_uid_of(s.code));
        let uids: Vec<CopyUid> = items.into_iter().chain(tagged).collect();
        let outcome = match self.reports {
            _ if !uids.is_empty() => CopyOutcome::Reported,
            Some(false) => CopyOutcome::NotReported,
            _ => CopyOutcome::NothingMatched,
        };
        Ok(Copied { uids, outcome })
    }
}

fn copy_uid_of(code: Option<Code>) -> Option<CopyUid> {
    match code {
        Some(Code::CopyUid(reported)) if !reported.is_empty() => Some(reported),
        _ => None,
    }
}
