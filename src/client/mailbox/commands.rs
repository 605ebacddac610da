//! The commands of a mailbox handle: a method for each command about messages.
//!
//! In: arguments. Out: a token at once; the command runs in the handle's selection or fails,
//! unsent.

use super::Mailbox;
use crate::client::submit::submit;
use crate::client::{Body, Submit, Token};
use crate::command::{
    Append, BatchUids, CancelUpdates, Checkpoint, Close, CopyMessages, Expunge, Fetch, FetchReport, Idle,
    Items, Messages, Replace, SaveSearch, Search, SearchReturn, Sort, SortOrder, Store, StoreAnnotations,
    StoreLabels, StoreUnchanged, Thread, ThreadBy, Unselect,
};
use crate::types::{CommandId, MailboxName, ModSeq, Section, Uid};

impl Mailbox {
    /// Submits a command that is about this mailbox's messages.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let unseen = inbox.submit(Search::unseen()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn submit<S: Submit>(&self, command: S) -> Token<S> {
        submit(&self.sender, command, Some(&self.selection_handle))
    }

    /// Fetches data of messages, such as who wrote what and when ([`Items::envelope`]), or the
    /// whole of each ([`Items::body`]): `FETCH` (RFC 9051 section 6.4.5). Which messages: UIDs, a
    /// result of [`search`](Self::search), or [`newest`](Self::newest). UIDs that are not there are
    /// passed over, as the server does without a word; [`Fetch::report`] lists them. Nothing is
    /// marked as read unless that is asked for ([`Items::marking_seen`]).
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// for message in inbox.fetch(inbox.newest(10), Items::envelope().flags()).await? {
    ///     println!("{:?}", message.envelope().and_then(|e| e.subject()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UID FETCH")]
    pub fn fetch(&self, which: impl Into<Messages>, items: impl Into<Items>) -> Token<Fetch> {
        self.submit(Fetch::new(which, items))
    }

    /// Fetches data of those messages that have changed since this mod-sequence, and the UIDs of
    /// those that have gone since then: `UID FETCH … (CHANGEDSINCE … VANISHED)` (RFC 7162 section
    /// 3.2.6). Needs QRESYNC, enabled, as it is by default where the server has it. What is shown
    /// in the [snapshot](Self::snapshot) needs no such command: the library follows that by itself.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Items;
    /// # use imap_duplex::types::ModSeq;
    /// # async fn example(inbox: &imap_duplex::Mailbox, since: ModSeq) -> imap_duplex::Result<()> {
    /// let changes = inbox.changes(.., Items::flags(), since).await?;
    /// println!("{} have changed, {} are gone", changes.messages.len(), changes.vanished.len());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UID FETCH")]
    #[doc(alias = "CHANGEDSINCE")]
    pub fn changes(
        &self,
        which: impl Into<Messages>,
        items: impl Into<Items>,
        since: ModSeq,
    ) -> Token<FetchReport> {
        self.submit(Fetch::new(which, items).changed_since(since).report().vanished())
    }

    /// Reads a message, or a part of it, in pieces: in little memory, whatever its size, as a
    /// reader and as a stream. See [`Body`]. It leaves `\Seen` alone.
    ///
    /// ```no_run
    /// # use imap_duplex::types::{Section, Uid};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uid: Uid) -> std::io::Result<()> {
    /// let mut file = tokio::fs::File::create("message.eml").await?;
    /// let bytes = tokio::io::copy_buf(&mut inbox.body(uid, Section::Full), &mut file).await?;
    /// println!("{bytes} bytes");
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(&self, uid: Uid, section: Section) -> Body {
        Body::new(self.clone(), uid, section)
    }

    /// Finds messages, and gives their UIDs: `SEARCH` (RFC 9051 section 6.4.4). The server looks,
    /// so that nothing has to be fetched for it.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let found = inbox.search(Search::unseen().and(Search::from("alice"))).await?;
    /// println!("{} messages", found.len());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UID SEARCH")]
    pub fn search(&self, query: impl Into<Search>) -> Token<Search> {
        self.submit(query.into())
    }

    /// Counts messages: `SEARCH RETURN (COUNT)`. For more of such a result, MIN and MAX, a page, or
    /// one that is kept up to date: [`Search::returning`].
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// println!("{:?} unseen", inbox.count(Search::unseen()).await?.count);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "COUNT")]
    pub fn count(&self, query: impl Into<Search>) -> Token<SearchReturn> {
        self.submit(query.into().returning().count())
    }

    /// Ends the updates of a search's result: `CANCELUPDATE` (RFC 5267 section 4.3.5). See
    /// [`SearchReturn::update`].
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let search = inbox.submit(Search::unseen().returning().all().update());
    /// let id = search.id();
    /// println!("{:?}", search.await?.all); // changes are events with `id` as their cause
    /// inbox.cancel_updates(id).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "CANCELUPDATE")]
    pub fn cancel_updates(&self, search: CommandId) -> Token<CancelUpdates> {
        self.submit(CancelUpdates::new(search))
    }

    /// Finds messages and sorts them: `SORT` (RFC 5256), by UID. Needs SORT.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Search, SortKey, SortOrder};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let newest_first = SortOrder::descending(SortKey::Date);
    /// let sorted = inbox.sort(Search::undeleted(), newest_first).await?;
    /// let uids: Vec<_> = sorted.numbers.uids().collect();
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UID SORT")]
    pub fn sort(&self, query: impl Into<Search>, order: impl Into<SortOrder>) -> Token<Sort> {
        self.submit(Sort::new(query, order))
    }

    /// Finds messages and puts them into conversations: `THREAD` (RFC 5256), by UID. Needs THREAD=
    /// and the way.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Search, ThreadBy};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let threads = inbox.thread(Search::all(), ThreadBy::References).await?;
    /// println!("{} conversations", threads.len());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UID THREAD")]
    pub fn thread(&self, query: impl Into<Search>, by: ThreadBy) -> Token<Thread> {
        self.submit(Thread::new(query, by))
    }

    /// Finds messages and leaves the result with the server: `SEARCH RETURN (SAVE)` (RFC 5182). By
    /// [`Token::saved`] further commands can name them at once, so that a search and what is to be
    /// done with its result take one round trip; see [`SavedSearch`](crate::command::SavedSearch).
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let search = inbox.save(Search::seen());
    /// let archived = inbox.copy(&search.saved(), "Archive").await?; // in the same round trip
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "SAVE")]
    pub fn save(&self, query: impl Into<Search>) -> Token<SaveSearch> {
        self.submit(SaveSearch::new(query))
    }

    /// Changes flags of messages, such as `\Seen` once they are read: `STORE` (RFC 9051 section
    /// 6.4.6). Where the mailbox is open for [reading alone](Self::is_read_only) it fails, unsent.
    /// Gives the rows that the server answered with; the changes are events as well, a silent
    /// STORE's too. UIDs that are not there are passed over. No answer to a STORE says which, since
    /// servers leave rows out for other reasons, too: what is there is in the
    /// [view](Self::snapshot).
    ///
    /// ```no_run
    /// # use imap_duplex::{command::Store, types::Flag};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.store(inbox.newest(1), Store::add([Flag::Flagged])).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UID STORE")]
    pub fn store(&self, which: impl Into<Messages>, change: Store) -> Token<Store> {
        self.submit(change.of(which))
    }

    /// Changes flags of those messages that have not changed since this mod-sequence: `STORE …
    /// (UNCHANGEDSINCE …)` (RFC 7162 section 3.1.3). Needs CONDSTORE. The result names those that
    /// were left alone, because others have changed them. Where the mailbox is open for [reading
    /// alone](Self::is_read_only) it fails, unsent.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::Store, types::{Flag, ModSeq, Uid}};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uid: Uid, seen: ModSeq) -> imap_duplex::Result<()> {
    /// let stored = inbox.store_unchanged(uid, Store::add(["$Claimed"]), seen).await?;
    /// if stored.modified.contains(uid) {
    ///     println!("another client was faster");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UNCHANGEDSINCE")]
    pub fn store_unchanged(
        &self,
        which: impl Into<Messages>,
        change: Store,
        since: ModSeq,
    ) -> Token<StoreUnchanged> {
        self.submit(change.of(which).unchanged_since(since))
    }

    /// Changes Gmail's labels of messages: `STORE … X-GM-LABELS`. Needs X-GM-EXT-1. Where the
    /// mailbox is open for [reading alone](Self::is_read_only) it fails, unsent.
    ///
    /// ```no_run
    /// # use imap_duplex::command::StoreLabels;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.store_labels(inbox.newest(1), StoreLabels::add(["Receipts"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "X-GM-LABELS")]
    pub fn store_labels(&self, which: impl Into<Messages>, change: StoreLabels) -> Token<StoreLabels> {
        self.submit(change.of(which))
    }

    /// Sets or removes annotations of messages: `STORE … ANNOTATION` (RFC 5257 section 4.5). Needs
    /// ANNOTATE-EXPERIMENT-1. Where the mailbox is open for [reading alone](Self::is_read_only) it
    /// fails, unsent.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::StoreAnnotations, types::AnnotationScope};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let note = StoreAnnotations::set("/comment", AnnotationScope::Private, "Answer by Friday");
    /// inbox.store_annotations(inbox.newest(1), note).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "ANNOTATION")]
    pub fn store_annotations(
        &self,
        which: impl Into<Messages>,
        change: StoreAnnotations,
    ) -> Token<StoreAnnotations> {
        self.submit(change.of(which))
    }

    /// Copies messages to another mailbox: `COPY` (RFC 9051 section 6.4.7), all of them or none;
    /// see [`CopyMessages`]. UIDs that are not there are passed over:
    /// [`Copied::absent`](crate::command::Copied::absent) lists them. This one may be open for
    /// reading alone.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let copied = inbox.copy(inbox.newest(1), "Archive").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UID COPY")]
    pub fn copy(&self, which: impl Into<Messages>, to: impl Into<MailboxName>) -> Token<CopyMessages> {
        self.submit(CopyMessages::copying(which, to))
    }

    /// Moves messages to another mailbox: `MOVE` (RFC 9051 section 6.4.8), or what amounts to it;
    /// see [`CopyMessages`]. Where the mailbox is open for [reading alone](Self::is_read_only) it
    /// fails, unsent.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let moved = inbox.move_to(inbox.newest(1), "Archive").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("MOVE", "UID MOVE"))]
    pub fn move_to(&self, which: impl Into<Messages>, to: impl Into<MailboxName>) -> Token<CopyMessages> {
        self.submit(CopyMessages::moving(which, to))
    }

    /// Stores a message in the place of one of these: `REPLACE` (RFC 8508), both or neither. The
    /// new one goes into this mailbox, or with [`Replace`] into another. Needs REPLACE. Where the
    /// mailbox is open for [reading alone](Self::is_read_only) it fails, unsent.
    ///
    /// ```no_run
    /// # async fn example(drafts: &imap_duplex::Mailbox, uid: imap_duplex::types::Uid) -> imap_duplex::Result<()> {
    /// let appended = drafts.replace(uid, "Subject: hello\r\n\r\nNearly done.\r\n").await?;
    /// println!("saved again as {:?}", appended.uid);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UID REPLACE")]
    pub fn replace(&self, old: Uid, new: impl Into<Append>) -> Token<Replace> {
        self.submit(Replace::new(old, new.into().to(self.name().clone())))
    }

    /// Cuts the mailbox into ranges of UIDs with about so many messages each, 500 or more:
    /// `UIDBATCHES` (RFC 10022). Needs UIDBATCHES. [`BatchUids::only`] asks for some of them.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let batches = inbox.uid_batches(2000).await?.batches;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UIDBATCHES")]
    pub fn uid_batches(&self, size: u32) -> Token<BatchUids> {
        self.submit(BatchUids::of(size))
    }

    /// Permanently removes those of these messages that have `\Deleted`: `UID EXPUNGE` (RFC 9051
    /// section 6.4.9). Where the mailbox is [read-only](Self::is_read_only) it fails, unsent.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let done = inbox.search(Search::deleted()).await?;
    /// inbox.expunge(&done).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UID EXPUNGE")]
    pub fn expunge(&self, which: impl Into<Messages>) -> Token<Expunge> {
        self.submit(Expunge::messages(which))
    }

    /// Permanently removes all messages that have `\Deleted`, whichever client set it: `EXPUNGE`
    /// (RFC 9051 section 6.4.3). Where the mailbox is [read-only](Self::is_read_only) it fails,
    /// unsent.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::Store, types::Flag};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.store(inbox.newest(1), Store::add([Flag::Deleted])).await?;
    /// inbox.expunge_deleted().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "EXPUNGE")]
    pub fn expunge_deleted(&self) -> Token<Expunge> {
        self.submit(Expunge::all_deleted())
    }

    /// Asks the server to put the mailbox in order, whatever that is: `CHECK` (RFC 3501 section
    /// 6.4.1), which most servers take for a NOOP. Whether the server is still there:
    /// [`Sender::check`](crate::Sender::check).
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.checkpoint().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "CHECK")]
    pub fn checkpoint(&self) -> Token<Checkpoint> {
        self.submit(Checkpoint)
    }

    /// Ends the selection and leaves all messages: `UNSELECT` (RFC 9051 section 6.4.2). Also on a
    /// server without UNSELECT: see [`Unselect`].
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.unselect().await?; // messages marked `\Deleted` stay
    /// # Ok(())
    /// # }
    /// ```
    pub fn unselect(&self) -> Token<Unselect> {
        self.submit(Unselect::new())
    }

    /// Removes all messages that have `\Deleted`, without reporting which, and ends the selection:
    /// `CLOSE` (RFC 9051 section 6.4.1). Where the mailbox is [read-only](Self::is_read_only) it
    /// removes none.
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.close().await?; // removes messages marked `\Deleted`
    /// # Ok(())
    /// # }
    /// ```
    pub fn close(&self) -> Token<Close> {
        self.submit(Close)
    }

    /// Runs IDLE by hand (RFC 2177): for connections whose automatic IDLE is off. It is ended by
    /// [`cancel`](Token::cancel), by the next submission, or by the server; also by a query of the
    /// library's own, such as for the UID of a new message ([`ViewSync`](crate::types::ViewSync)).
    ///
    /// ```no_run
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let idle = inbox.idle(); // changes are events on the `Receiver`
    /// tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    /// idle.cancel();
    /// # Ok(())
    /// # }
    /// ```
    pub fn idle(&self) -> Token<Idle> {
        self.submit(Idle)
    }
}
