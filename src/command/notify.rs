//! NOTIFY: which changes of which mailboxes the server is to report, at any time (RFC 5465).
//!
//! In: sets of mailboxes, each with its events. Out: `NOTIFY SET`, checked against the rules of RFC
//! 5465 sections 5, 6 and 8 before it is sent, always with a part for the selected mailbox, since
//! the server would report nothing of it otherwise (section 3.1); and the counts that the server
//! sent with its OK.

use super::mailboxes::NameSet;
use super::{Claim, Class, Command, Effect, Flow, Items, Line, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, MailboxName, MailboxStatus, Untagged};

/// What the server can be asked to report (RFC 5465 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotifyEvent {
    /// New messages. Only together with [`MessageExpunge`](Self::MessageExpunge).
    MessageNew,
    /// Expunged messages. Only together with [`MessageNew`](Self::MessageNew).
    MessageExpunge,
    /// Changed flags. Only together with the two above. For a mailbox that is not selected the
    /// report is a new mod-sequence (with CONDSTORE or QRESYNC enabled) or another count of unseen
    /// messages.
    FlagChange,
    /// Annotations of messages changed. Only together with the first two; few servers have it.
    AnnotationChange,
    /// A mailbox was made, renamed or deleted.
    MailboxName,
    /// A mailbox was subscribed to or unsubscribed from. Together with
    /// [`MailboxName`](Self::MailboxName) a server reports both in one way, so
    /// [`MailboxCreated`](crate::types::EventKind::MailboxCreated) is emitted as well, and an
    /// unsubscription is seen only of mailboxes that were listed or reported as subscribed to
    /// before.
    SubscriptionChange,
    /// Annotations of a mailbox changed (RFC 5464).
    MailboxMetadataChange,
    /// Annotations of the server changed (RFC 5464).
    ServerMetadataChange,
}

impl NotifyEvent {
    /// New messages, expunged messages, and changes of flags.
    pub const MESSAGES: [Self; 3] = [Self::MessageNew, Self::MessageExpunge, Self::FlagChange];
    /// Mailboxes that are created, deleted, renamed, and subscribed to.
    pub const MAILBOXES: [Self; 2] = [Self::MailboxName, Self::SubscriptionChange];

    fn word(self) -> &'static str {
        match self {
            Self::MessageNew => "MessageNew",
            Self::MessageExpunge => "MessageExpunge",
            Self::FlagChange => "FlagChange",
            Self::AnnotationChange => "AnnotationChange",
            Self::MailboxName => "MailboxName",
            Self::SubscriptionChange => "SubscriptionChange",
            Self::MailboxMetadataChange => "MailboxMetadataChange",
            Self::ServerMetadataChange => "ServerMetadataChange",
        }
    }
}

/// How the server is to report changes of the selected mailbox, whichever that is (RFC 5465 section
/// 6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct SelectedNotify {
    when: When,
    items: Option<Items>,
    annotations: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Delayed,
    Immediate,
    Never,
}

impl SelectedNotify {
    /// `SELECTED-DELAYED`, the default: as without NOTIFY. Removals are reported while a command
    /// runs that allows it; IDLE does, so with automatic IDLE they are reported as they happen.
    ///
    /// ```
    /// # use imap_duplex::command::{Items, Notify, NotifyEvent, SelectedNotify};
    /// // The envelope of each message that arrives in the selected mailbox, unasked.
    /// let selected = SelectedNotify::delayed().fetching(Items::envelope());
    /// let watch = Notify::set().personal(NotifyEvent::MESSAGES).selected(selected);
    /// # let _ = watch;
    /// ```
    #[doc(alias = "SELECTED-DELAYED")]
    pub fn delayed() -> Self {
        Self { when: When::Delayed, items: None, annotations: false }
    }

    /// `SELECTED`: everything at once, removals too, whatever command is running. Sequence numbers
    /// can shift at any time then, so commands that name messages by number are sent by UID, or
    /// fail unsent where the UID is not known (RFC 5465 section 5.3).
    ///
    /// ```
    /// # use imap_duplex::command::{Items, Notify, NotifyEvent, SelectedNotify};
    /// let watch = Notify::set().selected(SelectedNotify::immediate());
    /// # let _ = watch;
    /// ```
    #[doc(alias = "SELECTED")]
    pub fn immediate() -> Self {
        Self { when: When::Immediate, items: None, annotations: false }
    }

    /// The server reports nothing of the selected mailbox, neither by IDLE nor by NOOP (RFC 5465
    /// section 3.1): the view stays as it was. Use it only if the program does not need the view.
    ///
    /// ```
    /// # use imap_duplex::command::{Items, Notify, NotifyEvent, SelectedNotify};
    /// // The other mailboxes alone.
    /// let watch = Notify::set().personal(NotifyEvent::MESSAGES).selected(SelectedNotify::silent());
    /// # let _ = watch;
    /// ```
    pub fn silent() -> Self {
        Self { when: When::Never, items: None, annotations: false }
    }

    /// And these items of each new message; they are reported as
    /// [`Data`](crate::types::EventKind::Data) events. Sections of parts and items that would set
    /// `\Seen` are refused (RFC 5465 section 5.2).
    pub fn fetching(mut self, items: Items) -> Self {
        self.items = Some(items);
        self
    }

    /// And which annotations of its messages change (RFC 5257, RFC 5465 section 5.5), as
    /// [`Data`](crate::types::EventKind::Data) events without their values; needs
    /// ANNOTATE-EXPERIMENT-1. New messages, removals and changes of flags are reported in any case:
    /// the view lives by them.
    ///
    /// ```
    /// # use imap_duplex::command::{Notify, SelectedNotify};
    /// let watch = Notify::set().selected(SelectedNotify::delayed().with_annotations());
    /// # let _ = watch;
    /// ```
    #[doc(alias = "AnnotationChange")]
    pub fn with_annotations(mut self) -> Self {
        self.annotations = true;
        self
    }
}

/// A set of mailboxes (RFC 5465 sections 6.2 to 6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    Inboxes,
    Personal,
    Subscribed,
    Subtree(Vec<MailboxName>),
    Mailboxes(Vec<MailboxName>),
}

impl Which {
    fn may_hold(&self, name: &MailboxName) -> bool {
        match self {
            // Only the server can resolve these.
            Self::Inboxes | Self::Personal | Self::Subscribed => true,
            Self::Subtree(roots) => roots.iter().any(|root| name.as_str().starts_with(root.as_str())),
            Self::Mailboxes(names) => names.contains(name),
        }
    }

    fn encode(&self, line: &mut Line) -> Result<()> {
        let (word, names) = match self {
            Self::Inboxes => ("inboxes", None),
            Self::Personal => ("personal", None),
            Self::Subscribed => ("subscribed", None),
            Self::Subtree(names) => ("subtree", Some(names)),
            Self::Mailboxes(names) => ("mailboxes", Some(names)),
        };
        line.word(word);
        match names.map(Vec::as_slice) {
            None => {}
            Some([]) => return Err(Error::invalid(format!("no mailbox is named: {word} needs one"))),
            Some([name]) => _ = line.mailbox(name),
            Some(names) => {
                line.open();
                for name in names {
                    line.mailbox(name);
                }
                line.close();
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    which: Which,
    events: Vec<NotifyEvent>,
}

/// `NOTIFY` (RFC 5465): the server reports changes of other mailboxes too, at any time. They are
/// events: [`Status`](crate::types::EventKind::Status),
/// [`MailboxCreated`](crate::types::EventKind::MailboxCreated) and similar ones.
///
/// Each NOTIFY replaces the one before. All that is sent has the selected mailbox in it, [as you
/// choose](Notify::selected), for else that would fall silent.
///
/// ```
/// use imap_duplex::command::{Notify, NotifyEvent, SelectedNotify};
/// // New mail anywhere, and what becomes of mailboxes below "Lists"; first of all the counts as
/// // they are.
/// let watch = Notify::set()
///     .personal(NotifyEvent::MESSAGES)
///     .subtree(["Lists"], NotifyEvent::MAILBOXES)
///     .status();
/// // And of the selected mailbox all at once.
/// let watch = watch.selected(SelectedNotify::immediate());
/// # let _ = watch;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Notify {
    selected: SelectedNotify,
    status: bool,
    groups: Vec<Group>,
    /// A request resent by the engine: the counts that follow are changes, and no answer.
    again: bool,
    /// Mailboxes whose counts have been received: later counts are changes.
    received: NameSet,
}

impl Notify {
    /// Mailboxes are to be watched: name them by the methods below. Where none is named, the
    /// selected mailbox alone is reported, as before the first NOTIFY: so that is how watching the
    /// others ends.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Notify, NotifyEvent};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.notify(Notify::set().personal(NotifyEvent::MESSAGES)).await?;
    /// // And no more of that.
    /// imap.notify(Notify::set()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set() -> Self {
        let (selected, received) = (SelectedNotify::delayed(), NameSet::default());
        Self { selected, status: false, groups: Vec::new(), again: false, received }
    }

    /// Nothing at all is to be reported, of the selected mailbox neither: `NOTIFY NONE` (RFC 5465
    /// section 3.1). The view stays as it was, as with [`SelectedNotify::silent`]. What ends the
    /// watching of other mailboxes alone is [`set`](Self::set) without any.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Notify;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.notify(Notify::none()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "NOTIFY NONE")]
    pub fn none() -> Self {
        Self::set().selected(SelectedNotify::silent())
    }

    /// And asks for the counts of all watched mailboxes at once: they are the command's result.
    pub fn status(mut self) -> Self {
        self.status = true;
        self
    }

    /// And these events of the mailboxes into which mail may be delivered.
    pub fn inboxes(self, events: impl IntoIterator<Item = NotifyEvent>) -> Self {
        self.watch(Which::Inboxes, events)
    }

    /// And these events of all mailboxes of the user's own.
    pub fn personal(self, events: impl IntoIterator<Item = NotifyEvent>) -> Self {
        self.watch(Which::Personal, events)
    }

    /// And these events of all mailboxes that the user has subscribed to.
    pub fn subscribed(self, events: impl IntoIterator<Item = NotifyEvent>) -> Self {
        self.watch(Which::Subscribed, events)
    }

    /// And these events of the mailboxes with these names and of all below them.
    pub fn subtree<N: Into<MailboxName>>(
        self,
        names: impl IntoIterator<Item = N>,
        events: impl IntoIterator<Item = NotifyEvent>,
    ) -> Self {
        self.watch(Which::Subtree(names.into_iter().map(Into::into).collect()), events)
    }

    /// And these events of the mailboxes with these names; `*` and `%` stand for themselves.
    pub fn mailboxes<N: Into<MailboxName>>(
        self,
        names: impl IntoIterator<Item = N>,
        events: impl IntoIterator<Item = NotifyEvent>,
    ) -> Self {
        self.watch(Which::Mailboxes(names.into_iter().map(Into::into).collect()), events)
    }

    /// How the selected mailbox is reported; [`SelectedNotify::delayed`] by default.
    pub fn selected(mut self, selected: SelectedNotify) -> Self {
        self.selected = selected;
        self
    }

    fn watch(mut self, which: Which, events: impl IntoIterator<Item = NotifyEvent>) -> Self {
        let mut all: Vec<NotifyEvent> = Vec::new();
        for event in events {
            if !all.contains(&event) {
                all.push(event);
            }
        }
        self.groups.push(Group { which, events: all });
        self
    }

    /// The same request, to be resent after the server has dropped it: the counts are changes then.
    pub(crate) fn again(&self) -> Self {
        let (selected, groups) = (self.selected.clone(), self.groups.clone());
        Self { selected, status: true, groups, again: true, received: NameSet::default() }
    }

    /// What is left if the server will not watch the other mailboxes.
    pub(crate) fn selected_alone(&self) -> Self {
        Self { groups: Vec::new(), ..self.again() }
    }

    /// Whether other mailboxes are watched.
    pub(crate) fn watches(&self) -> bool {
        self.groups.iter().any(|group| !group.events.is_empty())
    }

    /// Whether the server may move sequence numbers at any time (RFC 5465 section 5.3).
    pub(crate) fn moves_numbers(&self) -> bool {
        self.selected.when == When::Immediate
    }

    /// Whether nothing is reported of the selected mailbox.
    pub(crate) fn silences_selected(&self) -> bool {
        self.selected.when == When::Never
    }

    /// Whether nothing at all is asked for.
    pub(crate) fn is_silent(&self) -> bool {
        self.silences_selected() && !self.watches()
    }

    /// Whether this event was asked for, of whichever mailbox.
    pub(crate) fn asks(&self, event: NotifyEvent) -> bool {
        self.groups.iter().any(|group| group.events.contains(&event))
    }

    /// Whether messages of this mailbox may be watched; and if so, whether their flags are, too.
    pub(crate) fn watches_messages_of(&self, name: &MailboxName) -> Option<bool> {
        // Several sets can contain it (RFC 5465 section 6).
        let has = |event| self.groups.iter().any(|g| g.events.contains(&event) && g.which.may_hold(name));
        has(NotifyEvent::MessageNew).then(|| has(NotifyEvent::FlagChange))
    }

    /// Whether counts of this mailbox may be part of the answer.
    fn may_answer_for(&self, name: &MailboxName) -> bool {
        let has_messages = |group: &Group| group.events.contains(&NotifyEvent::MessageNew);
        self.status && self.groups.iter().any(|group| has_messages(group) && group.which.may_hold(name))
    }

    /// The part of the selected mailbox (RFC 5465 section 6.1); nothing if it is to be silent.
    fn encode_selected(&self, line: &mut Line, session: &Session) -> Result<()> {
        let SelectedNotify { when, items, annotations } = &self.selected;
        let word = match when {
            When::Delayed => "selected-delayed",
            When::Immediate => "selected",
            When::Never if items.is_some() || *annotations => {
                return Err(Error::invalid(
                    "items of new messages, or annotations, can't be reported of a mailbox that is silent",
                ));
            }
            When::Never => return Ok(()),
        };
        line.open().word(word).open().word("MessageNew");
        if let Some(items) = items {
            items.check_notify(session)?;
            items.encode(line, false);
        }
        line.word("MessageExpunge").word("FlagChange");
        if *annotations {
            if !session.can("ANNOTATE-EXPERIMENT-1") {
                return Err(Error::unsupported("the server has no annotations of messages (RFC 5257)"));
            }
            line.word("AnnotationChange");
        }
        line.close().close();
        Ok(())
    }
}

impl Group {
    /// RFC 5465 section 5: what the server would answer with BAD.
    fn check(&self) -> Result<()> {
        use NotifyEvent::{AnnotationChange, FlagChange, MessageExpunge, MessageNew};
        let has = |event| self.events.contains(&event);
        if has(MessageNew) != has(MessageExpunge) {
            return Err(Error::invalid(
                "MessageNew and MessageExpunge go together only (RFC 5465 section 5)",
            ));
        }
        if (has(FlagChange) || has(AnnotationChange)) && !has(MessageNew) {
            return Err(Error::invalid(
                "FlagChange and AnnotationChange need MessageNew and MessageExpunge (RFC 5465 section 5)",
            ));
        }
        Ok(())
    }

    fn encode(&self, line: &mut Line) -> Result<()> {
        self.check()?;
        line.open();
        self.which.encode(line)?;
        if self.events.is_empty() {
            line.word("NONE");
        } else {
            line.open();
            for event in &self.events {
                line.word(event.word());
            }
            line.close();
        }
        line.close();
        Ok(())
    }
}

impl Command for Notify {
    type Item = MailboxStatus;
    type Output = Vec<MailboxStatus>;

    fn name(&self) -> &str {
        "NOTIFY"
    }

    fn class(&self) -> Class {
        // Alone: the STATUS responses up to its OK can answer nothing else then, and no command is
        // under way as numbers begin to move.
        let class = Class { alone: true, ..Class::change().answered_by_kinds(ResponseKinds::STATUS) };
        class.with_effect(Effect::Notify(Box::new(self.clone())))
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("NOTIFY") {
            return Err(Error::unsupported("the server has no NOTIFY (RFC 5465)"));
        }
        line.word("NOTIFY");
        if self.groups.is_empty() && self.selected.when == When::Never {
            // There is nothing that a SET could name.
            line.word("NONE");
            return Ok(Flow::Last);
        }
        line.word("SET");
        if self.status && !self.groups.is_empty() {
            line.word("STATUS");
        }
        self.encode_selected(line, session)?;
        self.groups.iter().try_for_each(|group| group.encode(line))?;
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::MailboxStatus(status) if !self.again && self.may_answer_for(&status.name) => {
                // A second one of the same mailbox reports a change.
                if self.received.contains(&status.name) { Claim::No } else { Claim::Whole }
            }
            _ => Claim::No,
        }
    }

    fn received(&mut self, response: &Untagged) {
        if let Answer::MailboxStatus(status) = response.answer() {
            self.received.insert(&status.name);
        }
    }

    fn item(response: Untagged) -> Option<MailboxStatus> {
        match response.into_answer() {
            Answer::MailboxStatus(status) => Some(*status),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<MailboxStatus>) -> Result<Vec<MailboxStatus>> {
        Ok(items)
    }
}
