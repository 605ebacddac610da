//! A handle on one selection of a mailbox: what is known of it, read from memory.
//!
//! In: the state that the driver publishes for this selection. Out: its counts, its snapshot, the
//! state to resume from. Its commands are in `mailbox/commands.rs`; operations of several commands
//! are in `mailbox/copy_or_create.rs` and `mailbox/search_latest.rs`.

mod commands;
mod copy_or_create;
mod search_latest;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

pub use self::search_latest::LatestSearch;
use super::Sender;
use crate::engine::{ReadyOutcome, SelectionHandle};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{
    Event, MailboxName, MailboxProperties, MailboxState, ModSeq, SelectionId, Seq, SeqSet, Uid, UidValidity,
};
use crate::view::Snapshot;

/// A handle on one *selection* of a mailbox; message commands hang off it. Cheap to clone.
///
/// What is submitted through it runs in that selection and no other: once the selection has ended
/// (another mailbox was selected, or this one closed), it fails, unsent, with
/// [`SelectionEnded`](crate::ErrorKind::SelectionEnded); what else can happen to a command:
/// [`Sender`]. A server that does only a part at once fails it with
/// [`Partial`](crate::ErrorKind::Partial). Dropping handles never unselects.
///
/// # Messages, UIDs and flags
///
/// A message is named by its [`Uid`]: a number that it keeps as long as it is in this mailbox, and
/// that no later message gets. [`search`](Self::search) gives the UIDs of what you look for;
/// [`fetch`](Self::fetch) reads of them what you name by
/// [`Items`](crate::command::Items), a few or thousands in one command.
///
/// *Flags* are the marks on a message: `\Seen` (read), `\Flagged` (starred), `\Answered`, `\Draft`,
/// `\Deleted`, and words of your own. [`store`](Self::store) sets and clears them.
///
/// To put a message away, [`move_to`](Self::move_to) another mailbox: a mail program's *delete*
/// is a move to the mailbox that [`Sender::mailbox_for`] finds for deleted messages. To remove it
/// for good takes two steps: set `\Deleted` by [`store`](Self::store), then
/// [`expunge`](Self::expunge). [`copy`](Self::copy) leaves it where it is;
/// [`Sender::append`] puts in a message of your own.
///
/// Its own properties ([`exists`](Self::exists), [`snapshot`](Self::snapshot) and so on) are read
/// from memory, without a command, and stay readable after the selection, or the connection, has
/// ended.
///
/// ```no_run
/// # async fn example(imap: imap_duplex::Sender) -> imap_duplex::Result<()> {
/// use imap_duplex::command::{Items, Search, Store};
/// use imap_duplex::types::Flag;
///
/// let inbox = imap.select("INBOX").await?;
/// let unseen = inbox.search(Search::unseen()).await?;
/// for message in inbox.fetch(&unseen, Items::envelope()).await? {
///     println!("{:?}", message.envelope().and_then(|e| e.subject()));
/// }
/// inbox.store(&unseen, Store::add([Flag::Seen])).await?;
/// # Ok(())
/// # }
/// ```
pub struct Mailbox {
    sender: Sender,
    selection_handle: Arc<SelectionHandle>,
}

impl Mailbox {
    pub(super) fn new(sender: Sender, selection_handle: Arc<SelectionHandle>) -> Self {
        selection_handle.add_handle();
        Self { sender, selection_handle }
    }

    /// The largest literal that the connection's limits allow.
    pub(super) fn largest_literal(&self) -> usize {
        self.sender.shared().largest_literal()
    }

    /// The same selection, through another sender of its connection.
    #[cfg(feature = "account")]
    pub(crate) fn through(&self, sender: Sender) -> Self {
        Self::new(sender, self.selection_handle.clone())
    }

    /// Submits a command that another connection of the account has left.
    #[cfg(feature = "account")]
    pub(crate) fn take_over(&self, moving: crate::engine::Moving) {
        super::submit::take_over(&self.sender, moving, Some(&self.selection_handle));
    }

    /// The mailbox's name.
    ///
    /// ```no_run
    /// # fn example(inbox: &imap_duplex::Mailbox) {
    /// println!("{} has {} messages", inbox.name(), inbox.exists());
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &MailboxName {
        &self.selection_handle.place().mailbox
    }

    /// Which selection of it this is.
    ///
    /// ```no_run
    /// # fn example(inbox: &imap_duplex::Mailbox) {
    /// let selection = inbox.selection();
    /// assert_eq!(selection, inbox.clone().selection()); // clones share the selection
    /// # }
    /// ```
    #[must_use]
    pub fn selection(&self) -> SelectionId {
        self.selection_handle.id()
    }

    /// The number of messages, as the server last reported it; 0 until SELECT is answered.
    ///
    /// ```no_run
    /// # fn example(inbox: &imap_duplex::Mailbox) {
    /// println!("{} messages", inbox.exists());
    /// # }
    /// ```
    #[must_use]
    pub fn exists(&self) -> u32 {
        self.selection_handle.then().exists
    }

    /// The numbers of its newest messages, at most this many: the last ones, as they are now. None
    /// until SELECT is answered.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::Items, Mailbox};
    /// # fn example(inbox: &Mailbox) {
    /// let newest = inbox.fetch(inbox.newest(20), Items::envelope());
    /// # let _ = newest;
    /// # }
    /// ```
    #[must_use]
    pub fn newest(&self, count: u32) -> SeqSet {
        let exists = self.exists();
        let first = Seq::new(exists.saturating_sub(count).saturating_add(1));
        match (first, Seq::new(exists)) {
            (Some(first), Some(last)) if first <= last => (first..=last).into(),
            _ => SeqSet::new(),
        }
    }

    /// The UIDVALIDITY of the mailbox; `None` until SELECT is answered, or if the server does not
    /// send it.
    ///
    /// ```no_run
    /// # fn example(inbox: &imap_duplex::Mailbox) {
    /// if let Some(uid_validity) = inbox.uid_validity() {
    ///     println!("store UIDs together with {uid_validity}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn uid_validity(&self) -> Option<UidValidity> {
        self.selection_handle.latest()?.snapshot.uid_validity()
    }

    /// UIDNEXT: no future message has a UID below this, as the server last reported; `None` until
    /// SELECT is answered, or if the server does not send it.
    ///
    /// ```no_run
    /// # fn example(inbox: &imap_duplex::Mailbox) {
    /// if let Some(next) = inbox.uid_next() {
    ///     println!("new messages will have UIDs from {next} on");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn uid_next(&self) -> Option<Uid> {
        self.selection_handle.get().uid_next
    }

    /// The highest mod-sequence that the server last reported (RFC 7162 section 3.1.2.1); `None`
    /// until SELECT is answered, or if the server has no mod-sequences.
    ///
    /// ```no_run
    /// # fn example(inbox: &imap_duplex::Mailbox) {
    /// let since = inbox.highest_mod_seq();
    /// println!("changes can be asked for since {since:?}");
    /// # }
    /// ```
    #[must_use]
    pub fn highest_mod_seq(&self) -> Option<ModSeq> {
        self.selection_handle.get().highest_mod_seq
    }

    /// What else the server has said of it: which flags it has, and which of them last; its id.
    /// Those of an empty answer until SELECT is answered; flags that appear later are in it, too.
    ///
    /// ```no_run
    /// # use imap_duplex::Mailbox;
    /// # fn example(inbox: &Mailbox) {
    /// let properties = inbox.properties();
    /// println!("{} {:?}", properties.flags, properties.mailbox_id);
    /// # }
    /// ```
    #[doc(alias = "PERMANENTFLAGS")]
    #[doc(alias = "FLAGS")]
    #[must_use]
    pub fn properties(&self) -> MailboxProperties {
        MailboxProperties::clone(&self.selection_handle.properties())
    }

    /// Its messages as they are known at this moment, by number: an immutable snapshot, untouched
    /// by what changes later. O(1).
    ///
    /// It is empty until SELECT is answered, and the last one after the selection has ended. It
    /// includes everything that the server reported before an event or a result that you have seen.
    ///
    /// ```no_run
    /// # async fn example(inbox: imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// use imap_duplex::command::Items;
    /// let before = inbox.snapshot();
    /// let first_ten = inbox.fetch(before.seqs(1..=10), Items::envelope()).await?;
    /// // Some time later:
    /// let changes = before.diff(&inbox.snapshot());
    /// println!("{} arrived, {} expunged", changes.arrived.len(), changes.expunged.len());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.selection_handle
            .latest()
            .map_or_else(|| Snapshot::empty(self.selection_handle.place().clone()), |latest| latest.snapshot)
    }

    /// Waits until the view has everything that [`ViewSync`](crate::types::ViewSync) asks for: the
    /// UID of each message, and its flags if they are wanted. From then on
    /// [`snapshot`](Self::snapshot) is complete and [`state`](Self::state) is available, and the
    /// server's reports keep both up to date. With [`ViewSync::Off`](crate::types::ViewSync::Off)
    /// there is nothing to fetch: the mailbox is ready once SELECT has been answered.
    ///
    /// The event is [`Ready`](crate::types::EventKind::Ready): it is in the stream before this
    /// returns.
    ///
    /// Cancel safe: nothing is lost if it is dropped.
    ///
    /// # Errors
    /// If the mailbox could not be selected, with the server's text; if the selection or the
    /// connection ends before the view is complete, or had ended before; if the server refuses to
    /// send UIDs or flags ([`Incomplete`](crate::ErrorKind::Incomplete)): the client asks again
    /// when messages arrive or are expunged.
    ///
    /// ```no_run
    /// # async fn example(imap: imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let inbox = imap.select("INBOX").await?;
    /// inbox.ready().await?;
    /// let state = inbox.state();
    /// # let _ = state;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ready(&self) -> Result<()> {
        let refusal = match poll_fn(|cx| self.selection_handle.poll_ready(cx)).await {
            ReadyOutcome::Complete => return Ok(()),
            ReadyOutcome::Refused => {
                let why = format!(
                    "the server refuses to send all UIDs or flags of the messages in {}",
                    self.name()
                );
                return Err(Error::new(ErrorKind::Incomplete, why));
            }
            ReadyOutcome::Ended(refusal) => refusal,
        };
        // If the connection has ended, that is the cause of every other failure.
        let closed = self.sender.shared().closed().map(|reason| Error::closed(&reason));
        Err(refusal.or(closed).unwrap_or_else(|| {
            let why = format!(
                "the selection of {} ended before the UIDs and flags of all its messages were known",
                self.name()
            );
            Error::new(ErrorKind::SelectionEnded, why)
        }))
    }

    /// What is known of its messages at this moment, to be kept and given to the next
    /// [`Select::resume`](crate::Select::resume).
    ///
    /// `None` until the view is complete ([`ready`](Self::ready) waits for that): all UIDs, and the
    /// flags, where [`ViewSync::Flags`](crate::types::ViewSync::Flags) was asked for. A selection
    /// that resumes from an earlier state has that state until all changes since then are in the
    /// event stream. The same holds while the client queries flags that a STORE changed and the
    /// server did not send. Also `None` if the server sends no UIDVALIDITY, or the view is off. The
    /// state's mod-sequence covers only what is in the state, and may be lower than the newest that
    /// the server has sent: it rises when the server has been asked what has changed, which is done
    /// before each IDLE (never without [`auto_idle`](crate::Config::auto_idle)), since servers may
    /// report one change and not another before it (Dovecot, while a FETCH ends). As long as the
    /// server refuses to answer, the state stays as it was. O(n) in the messages.
    ///
    /// # To miss nothing
    ///
    /// The state is that of this moment: it may contain changes whose events are still unread in
    /// the [`Receiver`](crate::Receiver). A program that stores it and ends before it has read them
    /// does not get them again. So store a state once all earlier events have been processed:
    /// submit a NOOP after taking the state, and wait until the stream reports the NOOP's end. Then
    /// each message is processed at least once, however often the connection breaks or the program
    /// is killed.
    ///
    /// ```no_run
    /// use imap_duplex::command::{Items, Search};
    /// use imap_duplex::types::{CommandId, EventKind, MailboxState, UidSet};
    /// use imap_duplex::{Config, Mailbox, Result, Select};
    ///
    /// /// What the program is there for.
    /// async fn see(inbox: &Mailbox, new: UidSet) -> Result<()> {
    ///     let mut rows = inbox.fetch(new, Items::envelope()).stream();
    ///     while let Some(row) = rows.next().await {
    ///         println!("{:?}", row?.envelope().and_then(|e| e.subject()));
    ///     }
    ///     Ok(())
    /// }
    ///
    /// /// Follows INBOX until the connection ends. Call it again then, with what it has left in `saved`.
    /// async fn follow(config: &Config, saved: &mut Option<MailboxState>) -> Result<()> {
    ///     let (imap, mut events) = config.connect().await?;
    ///     let mut select = Select::new("INBOX");
    ///     if let Some(state) = saved.clone() {
    ///         select = select.resume(state);
    ///     }
    ///     let inbox = imap.select(select).await?;
    ///     let mut seen = match saved {
    ///         Some(state) => state.uids.clone(),
    ///         // What is there already has no event.
    ///         None => {
    ///             let there = inbox.search(Search::all()).await?.into_uids();
    ///             see(&inbox, there.clone()).await?;
    ///             there
    ///         }
    ///     };
    ///     // A state, and the NOOP behind it.
    ///     let mut mark: Option<(CommandId, MailboxState)> = None;
    ///     let mut has_changed = true;
    ///     loop {
    ///         if has_changed
    ///             && mark.is_none()
    ///             && let Some(state) = inbox.state()
    ///         {
    ///             mark = Some((imap.noop().detach(), state));
    ///             has_changed = false;
    ///         }
    ///         let Some(event) = events.next().await else { return Ok(()) };
    ///         let new = match event.kind {
    ///             EventKind::Arrived { uid, .. } => uid.into(),
    ///             // Some of these were left out; what came is in the snapshot.
    ///             EventKind::Lagged(_) => inbox.snapshot().uids(),
    ///             EventKind::Completed { .. } => {
    ///                 if let Some((_, state)) = mark.take_if(|(noop, _)| event.cause == Some(*noop)) {
    ///                     *saved = Some(state); // and to disk
    ///                 }
    ///                 continue;
    ///             }
    ///             EventKind::Expunged { .. } | EventKind::FlagsChanged { .. } | EventKind::Resumed { .. } => {
    ///                 has_changed = true;
    ///                 continue;
    ///             }
    ///             _ => continue,
    ///         };
    ///         let unseen = new.difference(&seen);
    ///         see(&inbox, unseen.clone()).await?;
    ///         seen.union_with(&unseen);
    ///         has_changed = true;
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn state(&self) -> Option<MailboxState> {
        let resumed = self.selection_handle.resume().cloned();
        let Some(latest) = self.selection_handle.latest() else { return resumed };
        let uid_validity = latest.snapshot.uid_validity()?;
        if !latest.in_step {
            return resumed.filter(|state| state.uid_validity == uid_validity);
        }
        let mut state = MailboxState::new(uid_validity);
        state.highest_mod_seq = latest.mod_seq;
        state.uids = latest.snapshot.uids();
        state.flags = latest.snapshot.flag_groups();
        Some(state)
    }

    /// The highest mod-sequence that the server has reported, whatever [`state`](Self::state)
    /// claims.
    #[cfg(feature = "account")]
    pub(crate) fn reported_mod_seq(&self) -> Option<ModSeq> {
        self.selection_handle.latest()?.reported
    }

    /// The view, if it has all changes up to this mod-sequence.
    #[cfg(feature = "store")]
    pub(crate) fn in_step(&self) -> Option<(Snapshot, Option<ModSeq>)> {
        let latest = self.selection_handle.latest()?;
        latest.in_step.then_some((latest.snapshot, latest.mod_seq))
    }

    /// Whether the mailbox is read-only, as the server last reported (`[READ-ONLY]`,
    /// `[READ-WRITE]`; else by [`examine`](Sender::examine)): then [`store`](Self::store),
    /// [`move_to`](Self::move_to) and [`expunge`](Self::expunge) fail, unsent, with
    /// [`ReadOnly`](crate::ErrorKind::ReadOnly). `false` until SELECT is answered.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// if !inbox.is_read_only() {
    ///     inbox.expunge_deleted().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.selection_handle.get().read_only
    }

    /// Whether the selection has ended, so that nothing can be submitted through this handle any
    /// more.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// if inbox.has_ended() {
    ///     inbox.sender().select(inbox.name().clone()).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.selection_handle.has_ended()
    }

    /// The connection that it is selected on.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let folders = inbox.sender().list("*").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }
}

impl Clone for Mailbox {
    fn clone(&self) -> Self {
        Self::new(self.sender.clone(), self.selection_handle.clone())
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.selection_handle.drop_handle();
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("name", self.name())
            .field("selection", &self.selection())
            .field("exists", &self.exists())
            .finish_non_exhaustive()
    }
}

impl Event {
    /// Whether it is about this selection of this mailbox.
    #[must_use]
    pub fn is_in(&self, mailbox: &Mailbox) -> bool {
        self.place.as_ref().is_some_and(|place| place.selection == Some(mailbox.selection()))
    }
}
