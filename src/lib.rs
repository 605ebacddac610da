//! An async IMAP client in two halves.
//!
//! Commands are submitted through one half, the [`Sender`], and each returns a [`Token`] at once: a
//! future of its result. Everything that the server sends unasked arrives at the other half, the
//! [`Receiver`]: one stream of [`Event`]s, whether or not a command is running. Many
//! commands are in flight together.
//!
//! # Quick start
//!
//! ```no_run
//! use imap_duplex::command::{Items, Search};
//! use imap_duplex::Config;
//!
//! # async fn example(password: String) -> imap_duplex::Result<()> {
//! let (imap, mut events) = Config::new("imap.example.org").login("alice", password).connect().await?;
//!
//! let folders = imap.list("*"); // three commands, one round trip
//! let inbox = imap.select("INBOX");
//! let unseen = inbox.mailbox().search(Search::unseen());
//!
//! tokio::spawn(async move {
//!     while let Some(event) = events.next().await {
//!         println!("{event}"); // INBOX: uid 4712 arrived
//!     }
//! });
//!
//! println!("{} folders", folders.await?.len());
//! let inbox = inbox.await?;
//! let mut rows = inbox.fetch(unseen.await?, Items::envelope().flags()).stream();
//! while let Some(message) = rows.next().await {
//!     let message = message?;
//!     if let (Some(uid), Some(envelope)) = (message.uid(), message.envelope()) {
//!         println!("{uid}: {}", envelope.subject().unwrap_or_default()); // 4711: Lunch on Thursday?
//!     }
//! }
//! imap.logout().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # A first program
//!
//! For readers new to IMAP: folders, a search, flags, a move, a message of one's own.
//!
//! ```
//! use imap_duplex::command::{Append, Items, Search, Store};
//! use imap_duplex::types::{Flag, SpecialUse};
//! use imap_duplex::{Config, Result, Sender};
//!
//! async fn bills(imap: &Sender) -> Result<()> {
//!     // Which folders there are; here they are called mailboxes.
//!     for mailbox in imap.list("*").await? {
//!         println!("{}", mailbox.name);
//!     }
//!     // Open one. All that is done with its messages is done by this handle.
//!     let inbox = imap.select("INBOX").await?;
//!     // The server searches, and answers with the UIDs of what fits: numbers that messages keep.
//!     let bills = inbox.search(Search::from("billing@example.org").unseen()).await?;
//!     for bill in inbox.fetch(&bills, Items::envelope().size()).await? {
//!         let subject = bill.envelope().and_then(|envelope| envelope.subject());
//!         println!("{}, {} bytes", subject.unwrap_or_default(), bill.size().unwrap_or_default());
//!     }
//!     // Mark them as read, and with a star; then put them away, into a mailbox made if need be.
//!     inbox.store(&bills, Store::add([Flag::Seen, Flag::Flagged])).await?;
//!     inbox.move_creating(bills.uids(), "Bills").await?;
//!     // A draft. It is stored with the server, not sent.
//!     let drafts = imap.mailbox_for(SpecialUse::Drafts).await?.unwrap_or("Drafts".into());
//!     let text = "To: billing@example.org\r\nSubject: Paid\r\n\r\nWith thanks.\r\n";
//!     imap.append(drafts, Append::new(text).flags([Flag::Draft, Flag::Seen])).await?;
//!     Ok(())
//! }
//!
//! async fn at_home() -> Result<()> {
//!     let (imap, _events) = Config::new("imap.example.org").login("alice", "secret").connect().await?;
//!     bills(&imap).await?;
//!     imap.logout().await
//! }
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! #     let server = imap_duplex::testing::Server::new();
//! #     let uid = server.deliver("INBOX", "From: billing@example.org\r\nSubject: October\r\n\r\n9.99\r\n");
//! #     let other = server.deliver("INBOX", "From: ann@example.org\r\n\r\nLunch?\r\n");
//! #     let config = Config::new("localhost").plaintext().login(server.user(), server.password());
//! #     let (imap, _events) = config.connect_over(server.connect()).await.unwrap();
//! #     bills(&imap).await.unwrap();
//! #     let inbox = server.mailbox("INBOX").unwrap();
//! #     assert!(inbox.message(uid).is_none() && inbox.message(other).unwrap().flags.is_empty());
//! #     let bill = &server.mailbox("Bills").unwrap().messages[0];
//! #     assert!(bill.flags.contains(&Flag::Flagged) && bill.flags.contains(&Flag::Seen));
//! #     assert!(server.mailbox("Drafts").unwrap().messages[0].flags.contains(&Flag::Draft));
//! #     bills(&imap).await.unwrap();
//! # });
//! ```
//!
//! # A second program
//!
//! What there is beside mail: storage quotas, sharing, annotations, and changes of mailboxes that
//! are not open. Not every server has all of it; what one lacks is refused, unsent.
//!
//! ```
//! use imap_duplex::command::{GetMetadata, Notify, NotifyEvent, SetAcl, SetMetadata};
//! use imap_duplex::types::{EventKind, Rights};
//! use imap_duplex::{ErrorKind, Receiver, Result, Sender};
//!
//! async fn share(imap: &Sender, events: &mut Receiver) -> Result<()> {
//!     imap.create("Plans").await?;
//!     match imap.quota_of("Plans").await {
//!         Ok(room) => println!("{:?}", room.quotas), // what is used, and what is allowed
//!         Err(error) if error.kind() == ErrorKind::Unsupported => println!("no limits are known"),
//!         Err(error) => return Err(error),
//!     }
//!     // Bob may read it. A note on it is for all who may.
//!     imap.set_acl(SetAcl::replace("Plans", "bob", Rights::to_read())).await?;
//!     imap.set_metadata(SetMetadata::of("Plans").set("/shared/comment", "For 2027")).await?;
//!     let notes = imap.metadata(GetMetadata::of("Plans", ["/shared/comment"])).await?;
//!     assert_eq!(notes.get("/shared/comment").map(|note| &note[..]), Some(&b"For 2027"[..]));
//!     // From now on its messages are counted by events, though it is not open.
//!     imap.notify(Notify::set().mailboxes(["Plans"], NotifyEvent::MESSAGES)).await?;
//!     while let Some(event) = events.next().await {
//!         if let EventKind::Status(status) = event.kind {
//!             println!("{}: {:?} messages", status.name, status.messages);
//!             break;
//!         }
//!     }
//!     Ok(())
//! }
//! # #[cfg(feature = "testing")]
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! #     let server = imap_duplex::testing::Server::new();
//! #     let config = imap_duplex::Config::new("localhost").plaintext().login(server.user(), server.password());
//! #     let (imap, mut events) = config.connect_over(server.connect()).await.unwrap();
//! #     let mail = async { loop {
//! #         tokio::time::sleep(std::time::Duration::from_millis(10)).await;
//! #         if server.mailbox("Plans").is_some() { server.deliver("Plans", "Subject: Summer\r\n\r\n"); }
//! #     } };
//! #     tokio::select! { () = mail => {}, done = share(&imap, &mut events) => done.unwrap() }
//! # });
//! ```
//!
//! # How do I …
//!
//! | | |
//! |---|---|
//! | connect by TLS | [`Config::new`], [`login`](Config::login), [`connect`](Config::connect) |
//! | connect by STARTTLS, or without encryption | [`Config::starttls`], [`opportunistic_tls`](Config::opportunistic_tls), [`plaintext`](Config::plaintext) |
//! | log in by a token of OAuth 2.0, and refresh it | [`Config::token`], [`credentials`](Config::credentials) |
//! | log in by a client certificate, or without a user | [`Config::external`], [`anonymous`](Config::anonymous) |
//! | decide how to log in | [`Config::mechanism`] with a [`Mechanism`] |
//! | log in by a mechanism of my own: Kerberos, NTLM | [`Config::sasl`] with a [`SaslMechanism`] |
//! | know what to do about a failure to get in | [`Error::remedy`], [`Error::hint`] |
//! | compress the connection | `Config::compress` |
//! | trust a self-signed certificate | [`Config::trust_certificate`] |
//! | identify the client by a certificate | [`Config::client_certificate`] |
//! | use the system's TLS, or a set-up of my own | [`Config::tls_backend`], `Config::rustls`, `Config::native_tls` |
//! | connect as a URL says | [`Config::from_url`], [`ImapUrl`] |
//! | connect by a Unix socket, or through a proxy | `Config::unix`, `Config::proxy` |
//! | connect over a stream of my own (a tunnel, a test) | [`Config::connect_over`]; by TLS over it [`Config::connect_through`] |
//! | stay connected: dial again, several connections, none too many | `account::Account` |
//! | follow all mailboxes, across failures and restarts | `account::Account::watch` |
//! | keep mailboxes on disk, in sync, usable offline | `store::Store` |
//! | list the mailboxes, show them as a tree | [`Sender::list`]; [`ListEntry::levels`](types::ListEntry::levels) |
//! | list them with counts, rights, special uses; only the subscribed ones | [`command::List`] |
//! | find the mailbox for drafts, sent or deleted mail | [`Sender::mailbox_for`]; whatever the server says of it, `account::Account::special_use` |
//! | make, rename, delete, subscribe to a mailbox | [`Sender::create`], [`rename`](Sender::rename), [`delete`](Sender::delete), [`subscribe`](Sender::subscribe) |
//! | name a mailbox as the server wants it: its prefix, its delimiter | [`Namespace::mailbox`](types::Namespace::mailbox) |
//! | count the messages, or the unread ones, of a mailbox | [`Sender::status`] |
//! | know how much of the storage quota is left | [`Sender::quota_of`] |
//! | share a mailbox, see who may do what | [`Sender::set_acl`], [`acl`](Sender::acl), [`my_rights`](Sender::my_rights) |
//! | annotate messages | [`Mailbox::store_annotations`]; [`Items::annotations`](command::Items::annotations) |
//! | annotate mailboxes | [`Sender::metadata`], [`set_metadata`](Sender::set_metadata) |
//! | open a mailbox | [`Sender::select`]; for reading alone [`Sender::examine`] |
//! | know which flags a mailbox keeps, its id | [`Mailbox::properties`] |
//! | search | [`Mailbox::search`] with a [`Search`](command::Search) |
//! | search while the user types | [`Mailbox::search_latest`] |
//! | count, or find the first and the last | [`Mailbox::count`], [`Search::returning`](command::Search::returning) |
//! | sort | [`Mailbox::sort`] by a [`SortOrder`](command::SortOrder) |
//! | a page of what is sorted, with the count of all | [`Sort::returning`](command::Sort::returning) |
//! | show conversations | [`Mailbox::thread`] |
//! | keep the result of a search up to date | [`SearchReturn::update`](command::SearchReturn::update), [`SortReturn::update`](command::SortReturn::update) |
//! | fetch headers, flags, bodies, attachments | [`Mailbox::fetch`] with [`Items`](command::Items) |
//! | fetch what has changed and what is gone since a mod-sequence | [`Mailbox::changes`] |
//! | fetch a page, the newest 50 say | [`Fetch::partial`](command::Fetch::partial) |
//! | know which UIDs are not there any more | `report` of [`Fetch`](command::Fetch::report), [`Store`](command::Store::report), [`Expunge`](command::Expunge::report) |
//! | read a large result as it arrives | [`Token::stream`] |
//! | show what a message says, list what is attached to it | `Mailbox::content` (feature `mime`) |
//! | read large messages as they arrive, in little memory | [`Token::stream_literals`] |
//! | read a large message, or an attachment, in little memory; decode it | [`Mailbox::body`], [`Body::decoded`] |
//! | follow the changes in the open mailbox | [`Receiver::next`]: [`Arrived`](types::EventKind::Arrived), [`Expunged`](types::EventKind::Expunged), [`FlagsChanged`](types::EventKind::FlagsChanged) |
//! | follow mailboxes that are not open | [`Sender::notify`] |
//! | idle | nothing: the connection does so [by itself](Config::auto_idle); by hand [`Mailbox::idle`] |
//! | mark as read, flag, label | [`Mailbox::store`] with [`Store::add`](command::Store::add) |
//! | change flags unless another client has | [`Mailbox::store_unchanged`] |
//! | change Gmail's labels | [`Mailbox::store_labels`] |
//! | copy, move | [`Mailbox::copy`], [`Mailbox::move_to`]; into a mailbox that may be missing [`Mailbox::move_creating`] |
//! | delete messages | [`Mailbox::store`] with [`Flag::Deleted`], then [`Mailbox::expunge`] |
//! | put a message into a mailbox | [`Sender::append`]; several [`append_all`](Sender::append_all), [`append_each`](Sender::append_each); a large one [streamed](command::Append#streamed-uploads) |
//! | put a message together of parts that the server has | [`Append::parts`](command::Append::parts) |
//! | save a draft again | [`Mailbox::replace`] |
//! | search several mailboxes | [`Sender::search_in`] |
//! | let others read a message by a URL | [`Sender::url_auth`], [`url_fetch`](Sender::url_fetch) |
//! | search and use the result in one round trip | [`Mailbox::save`] |
//! | show the mailbox as it is at this moment | [`Mailbox::snapshot`]; what changed since: [`Snapshot::diff`] |
//! | continue where I left off, after a restart or a lost connection | [`Mailbox::state`], [`Select::resume`] |
//! | know what went wrong, and what to do | [`Error::kind`], [`Error::code`], [`Error::hint`] |
//! | see what goes on | a subscriber of `tracing`: [the log](#the-log) |
//! | cancel a command | [`Token::cancel`]; or drop the token |
//! | send what has no method here | [`Sender::raw`], or a [`Command`] of my own |
//! | know whether the server is still there, after a change of networks | [`Sender::check`] |
//! | give one command a time limit | [`Token::timeout`] |
//! | bound memory and time | [`Limits`], [`Timeouts`] |
//! | test my program | the embedded server of the module `testing` (feature `testing`) |
//! | report bytes that can't be parsed | [`replay`] |
//!
//! # Concepts
//!
//! - [`Config`] says what to connect to; its [`connect`](Config::connect) spawns the [`Driver`],
//!   the one task that owns the connection. With [`handshake`](Config::handshake) you choose where
//!   the driver runs.
//! - A connection has one mailbox selected at a time (an IMAP limitation). A [`Mailbox`] is a
//!   handle on one *selection* of a mailbox. Message commands are its methods, and run in that
//!   selection or fail, unsent. Selecting another mailbox ends the selection before. Servers with
//!   NOTIFY (RFC 5465) report changes of other mailboxes if you [ask for it](Sender::notify); else
//!   open several connections.
//! - A [`Token`] can be awaited, read as a [stream](Token::stream), [detached](Token::detach) so
//!   that its data becomes events, or [cancelled](Token::cancel). It need not be polled: the
//!   command is under way as soon as it is submitted.
//! - Prefer [`Uid`]s: they are stable. Sequence numbers ([`Seq`]) shift
//!   whenever a message is expunged. Events and rows have both; a row is one message's data in the
//!   answer to a FETCH ([`Message`]).
//! - While there is nothing to do the connection idles by itself (RFC 2177), with a mailbox
//!   selected or without, so that changes arrive as they happen.
//! - A search and what is to be done with its result take one round trip if the result
//!   [stays](Mailbox::save) with the server.
//! - A message is uploaded from memory, or from a reader of any size in a small window of memory
//!   ([streamed uploads](command::Append#streamed-uploads)). It is read in pieces likewise:
//!   [`Mailbox::body`].
//! - What has no command here can be sent as a [raw line](Sender::raw), or as a [`Command`] of your
//!   own.
//! - A response that is not understood can be looked into by [`replay`], from its bytes alone.
//! - It runs on tokio, on either kind of runtime. Connecting needs one, with I/O and time switched
//!   on; handles can be used and dropped on any thread, inside a runtime or not.
//!
//! # What you may rely on
//!
//! Fifteen promises. The tests in `tests/contract` are named after them: `c01_…` to `c15_…`. Every
//! bound is named in [`Limits`], and how long anything is waited for in
//! [`Timeouts`].
//!
//! 1. **Submitting never waits for the network.** A method of [`Sender`] or [`Mailbox`] registers
//!    its command and returns the token at once. Commands are sent in the order of the calls,
//!    whichever clone or task made them; results may arrive in another order. At most
//!    [`Limits::commands`] are queued or in flight: past that the token
//!    fails with [`QueueFull`](ErrorKind::QueueFull), unsent, and [`Sender::ready`] waits for room.
//!    Any other error at that time (the connection has ended, an argument makes no sense) is
//!    returned by the token, too: no method panics for it.
//! 2. **Registered before sent.** A command is registered before its first byte is written, so no
//!    answer can arrive too early to be assigned.
//! 3. **One owner.** Data that answers a command is routed to exactly one command, found by its
//!    content, or to none and is then an event. Never to two, never to a command that did not ask.
//!    So commands of one kind can be in flight together, such as two FETCHes of the same message:
//!    each gets its own answer, the older one first. If a server then ends the younger one first,
//!    that one loses its result and fails with [`Protocol`](ErrorKind::Protocol), and such commands
//!    are sent to this server one at a time from then on.
//! 4. **A change is always an event**, whoever caused it: messages that arrive, are expunged or
//!    change their flags; mailboxes that are created, renamed, deleted, subscribed to. It is an
//!    event even where the server reports nothing, as for your own silent STORE. It is reported
//!    once, also if it was part of the answer to a command. If a command surely caused it, the
//!    event's [`cause`](types::Event::cause) is that command's [`id`](Token::id); in doubt it is
//!    `None`. Each command of yours that was sent, or failed before that, ends with an event as
//!    well ([`Completed`](types::EventKind::Completed), [`Failed`](types::EventKind::Failed)). One
//!    that was withdrawn in time does not. One that was refused as it was submitted does if it is
//!    detached. So a program can use the event stream alone, tokens alone, or both. Fewer
//!    changes of the selected mailbox are reported if you ask for fewer: with
//!    [`ViewSync::Off`], or [silenced](command::SelectedNotify::silent). For
//!    what a slow reader misses, see 10.
//! 5. **Wire order.** Events are in the order in which the server sent them. When a token resolves,
//!    all that was received before its last line is in the stream already, and in
//!    [`Mailbox::snapshot`]. What had to be queried first follows when it is known: of a new
//!    message the count is reported at once ([`Exists`](types::EventKind::Exists)), and
//!    [`Arrived`](types::EventKind::Arrived) once the server has sent its UID.
//! 6. **The right mailbox.** Every event and every piece of data names the mailbox and the
//!    selection that it belongs to. A message command runs only in the selection through which it
//!    was submitted; once that has ended, it fails with
//!    [`SelectionEnded`](ErrorKind::SelectionEnded), unsent.
//! 7. **UIDs, not numbers.** Results, removals and flag changes carry the UID beside the sequence
//!    number, wherever it can be known; where it cannot, it is `None`, never a guess. That is so
//!    for a message that was expunged before its UID was known, and with
//!    [`ViewSync::Off`] for everything that the server reports by number
//!    alone.
//! 8. **No ambiguity.** What RFC 9051 section 5.5 allows is pipelined, what it forbids is held
//!    back; you need not know the rule. A command that is held back holds back those after it.
//! 9. **Dropping is safe.** Dropping a token before its first byte is written withdraws a command
//!    that only reads; one that changes something is sent nevertheless, unless it was
//!    [cancelled](Token::cancel) in time. Once sent, a command runs to its end and disturbs nothing
//!    after it; only a [streamed upload](command::Append#streamed-uploads) whose source fails, or
//!    that is cancelled, may cost the connection. Dropping handles never unselects. When the last
//!    `Sender`, `Mailbox` and `Receiver` are dropped and what was submitted is done, the connection
//!    logs out; without a `Receiver` events are dropped. Every future of this crate is cancel-safe:
//!    a token can be awaited by reference, [`Sender::ready`] and both `next`s lose nothing when
//!    they are dropped, and a `connect` that is dropped closes its connection.
//! 10. **A slow reader blocks no command.** Of events, past
//!     [`Limits::events`], later counts and flags replace earlier ones; then
//!     changes that can be queried again are dropped, and each such place is marked by a
//!     [`Lagged`](types::EventKind::Lagged), which says [what to do](types::Lagged). Data and ends
//!     of detached commands, alerts and renames are never dropped. Past
//!     [`Limits::unread`] a result ends alone, with
//!     [`Overrun`](ErrorKind::Overrun); if as much of alerts, renames and ends is unread, the
//!     connection ends. A [stream](Token::stream) or a detached result that is read slowly holds
//!     the server back, but only while no other command is queued or in flight, and never longer
//!     than [`Limits::hold`] without a row being read; after that its rows are
//!     kept up to the same bound. The same holds for
//!     [streamed literals](Token::stream_literals); beyond the bound only that literal ends. So
//!     `while let Some(m) = rows.next().await { inbox.move_to(..).await? }` always ends. An awaited
//!     result is collected whole, up to [`Limits::result`].
//! 11. **Everything ends.** However and wherever the connection ends, every token resolves, each
//!     once, with the same [cause](Error::close_reason), and [`sent`](Error::sent) is how much of
//!     its command had been written; the last event is [`Closed`](types::EventKind::Closed), and
//!     after it the stream ends. While an answer is due, a server that is silent for
//!     [`Timeouts::silence`] counts as dead. A connection that dies in IDLE is found out within 12
//!     minutes ([`Timeouts::idle_renew`]), over TCP within 2 ([`Timeouts::keep_alive`]), and within
//!     25 s after the machine was asleep ([`Timeouts::suspend`]). Nothing is resent automatically.
//! 12. **Nothing is silently partial.** NO and BAD are errors with their code and text, and the
//!     data received before them is in [`Error::answers`]; a result that the server has truncated
//!     is [`Partial`](ErrorKind::Partial), with where to [continue](Error::resume_below); rows that
//!     could not be parsed make it [`Incomplete`](ErrorKind::Incomplete), with [their
//!     bytes](Error::unparsed); a lost connection is never an empty result. A stream yields the
//!     rows received, and the error last.
//! 13. **A server cannot hurt you.** No bytes make this crate panic, overflow its stack, allocate
//!     beyond its [`Limits`] or loop. A response that can't be parsed is an event
//!     with its bytes ([`Unparsed`](types::EventKind::Unparsed)), and the connection continues. It
//!     ends, with the reason, only if the framing itself is lost, a response or one of its literals
//!     is longer than allowed, or a mailbox has more messages than allowed.
//! 14. **You cannot hurt the server.** No argument, whatever bytes it has, can smuggle a second
//!     command. An argument that can't be written is refused with [`Invalid`](ErrorKind::Invalid),
//!     unsent.
//! 15. **Secrets stay secret**: passwords, tokens, and arguments marked as
//!     [secret](command::Secret), are not in `Debug`, errors or traces, and our own buffers of them
//!     are wiped after use. Passwords and tokens are sent unencrypted to this machine only, unless
//!     you [allow it](Config::allow_plaintext_login).
//!
//! # Mailboxes over time
//!
//! The connection keeps a view of the selected mailbox: each message's number, UID and flags.
//! [`Mailbox::snapshot`] gives it as it is at this moment, in O(1), and nothing that happens later
//! shifts its numbers; [`Snapshot::diff`] lists the differences between two. [`types::ViewSync`]
//! says how much of the view the client fetches by itself. [`Mailbox::ready`] waits until it has;
//! the event is [`Ready`](types::EventKind::Ready). [`Mailbox::state`] is what to store, and
//! [`Select::resume`] continues from it: messages that have arrived, were expunged or changed
//! meanwhile are reported by events marked
//! [`while_disconnected`](types::Event::while_disconnected), up to
//! [`Resumed`](types::EventKind::Resumed).
//!
//! # When the connection is lost
//!
//! A connection that has ended stays so. An `account::Account` (feature `account`) connects again
//! by itself, and its watch goes on where it was. By hand: connect again with the same [`Config`],
//! after a pause that grows, and go on where you were; [`Mailbox::state`] shows a program that does
//! so for weeks without missing a message.
//!
//! - [`Error::kind`] shows whether a retry makes sense: see [`ErrorKind`].
//! - A command that was [not sent](Sent::No) can be submitted again. One that was
//!   [sent](Sent::Fully) may have been carried out: check before a message is appended or moved
//!   twice.
//! - A `Mailbox` of the old connection stays readable (its last [`snapshot`](Mailbox::snapshot)
//!   too), and everything submitted through it fails.
//!
//! # The log
//!
//! By the crate `tracing`, target `imap_duplex`: at `info` the connection's life (connected,
//! encrypted, logged in, ready, closed and why), at `debug` each command with its mailbox, its
//! result and how long it took, the library's own too (`own=true`), IDLE, and which mailbox is
//! selected. Passwords, arguments and mail are not in it. Without a subscriber it costs next to
//! nothing. Spans: `connection` (server, user, bytes each way, how long it lasted) with `login`
//! in it, at `info`; `command` and `idle` (tag, mailbox, bytes sent, result, how long it took), at
//! `debug`.
//!
//! The traffic itself is at `trace`, target `imap_duplex::wire`: what is sent behind `C:`, what
//! comes behind `S:`, control characters escaped, no more than 1 KiB of a piece. LOGIN and
//! AUTHENTICATE with all that belongs to them, arguments marked [secret](command::Line::secret),
//! and what repeats one, are left out whole. All else is there: addresses, subjects, mail.
//!
//! ```sh
//! RUST_LOG=info program                                  # its connections' lives
//! RUST_LOG=imap_duplex=debug program                     # each command
//! RUST_LOG=imap_duplex=debug,imap_duplex::wire=trace program
//! ```
//!
//! [`Sender::stats`] has the numbers of one connection: bytes, commands, responses, what waits.
//! With the feature `metrics` those of all are reported through the crate `metrics`, by labels from
//! short lists, without names of accounts, hosts or mailboxes:
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `imap_connections` | gauge | `state`: `connecting`, `ready` |
//! | `imap_connects_total` | counter | `result`: `ok`, or the kind of error |
//! | `imap_commands_total` | counter | `verb` (what is not known here is `other`), `result` |
//! | `imap_command_seconds` | histogram | `verb` |
//! | `imap_bytes_total` | counter | `dir`: `in`, `out` |
//! | `imap_responses_total` | counter | |
//!
//! # What is not there yet
//!
//! See the README; `docs/commands.md` lists commands and extensions.
//!
//! # Features
//!
//! - `rustls` (default): TLS by rustls with ring; certificates are checked by the platform's
//!   verifier.
//! - `native-tls`: TLS by the system's own library, beside rustls or instead
//!   ([`Config::tls_backend`]).
//! - `account`: accounts that stay connected, with a pool of connections: the module `account`.
//! - `compress`: compressed connections (`Config::compress`).
//! - `discover`: host, port and kind of TLS from an address, by SRV records or an autoconfig file
//!   (`Discover`).
//! - `metrics`: connections, commands and bytes through the crate `metrics` ([the
//!   log](#the-log)).
//! - `mime`: the text of a message as a string, and its attachments: the module `mime`.
//! - `proxy`: SOCKS 5 and HTTP CONNECT proxies (`Config::proxy`).
//! - `serde`: [`Event`] as one flat JSON object, by `Serialize`; and both ways what a
//!   program keeps of mailboxes: [`MailboxState`], UIDs and sets of them,
//!   flags, names; and of its settings: [`Config`] without secrets, [`Limits`],
//!   [`Timeouts`].
//! - `store`: mailboxes in a file on this machine, usable offline: the module `store`.
//! - `testing`: an IMAP server in memory, for tests and demonstrations: the module `testing`.
//!
//! Which of them is how stable, and what a new version may change, is in the README.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "account")]
#[cfg_attr(docsrs, doc(cfg(feature = "account")))]
pub mod account;
mod client;
pub mod command;
#[cfg(test)]
mod cost;
mod engine;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "mime")]
#[cfg_attr(docsrs, doc(cfg(feature = "mime")))]
pub mod mime;
mod net;
pub mod replay;
#[cfg(feature = "store")]
#[cfg_attr(docsrs, doc(cfg(feature = "store")))]
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod types;
mod view;
mod wire;

pub use client::{
    Body, DecodedBody, Driver, LatestSearch, Mailbox, Receiver, Rows, Select, Sender, Stats, Submit, Token,
};
pub use client::{RowLiteral, RowPart, RowParts};
pub use command::Command;
pub use error::{Error, ErrorKind, Remedy, Result, Sent};
#[cfg(feature = "discover")]
#[cfg_attr(docsrs, doc(cfg(feature = "discover")))]
pub use net::{Candidate, Discover};
pub use net::{
    ClientCertificate, Config, CredentialReason, CredentialRequest, Credentials, ImapUrl, Mechanism,
    OwnMechanism, SaslExchange, SaslMechanism, SaslPlace, Timeouts, TlsBackend,
};
#[cfg(feature = "proxy")]
#[cfg_attr(docsrs, doc(cfg(feature = "proxy")))]
pub use net::{Proxy, ProxyKind};
pub use types::{
    Answer, Capabilities, Code, CommandId, Event, EventKind, Flag, Flags, Limits, MailboxName, MailboxState,
    MailboxStatus, Message, ModSeq, Part, Section, Seq, SeqSet, StatusResponse, Uid, UidSet, UidValidity,
    Untagged, ViewSync,
};
pub use view::{Changed, Diff, Snapshot, SnapshotIter, SnapshotMessage};

/// The crate of the connector that [`Config::native_tls`] takes.
#[cfg(feature = "native-tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "native-tls")))]
pub use async_native_tls;
/// The crate of the set-up that [`Config::rustls`] takes.
#[cfg(feature = "rustls")]
#[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
pub use tokio_rustls::rustls;

/// For this project's own benches; no part of the API.
#[cfg(feature = "__bench")]
#[doc(hidden)]
pub use view::bench as view_bench;
#[cfg(feature = "__bench")]
#[doc(hidden)]
pub use wire::bench;

/// The README's code, so that it is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
