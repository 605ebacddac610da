//! An async IMAP client in two halves.
//!
//! Commands go out through one half, the [`Sender`], and each returns a [`Token`] at once: a future of its
//! result. Everything the server says of its own accord comes in on the other half, the [`Receiver`]: one stream
//! of [`Event`](types::Event)s, whether or not a command is running. Many commands are in flight together.
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
//!     println!("{:?}: {:?}", message.uid(), message.envelope().and_then(|e| e.subject()));
//! }
//! imap.logout().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # How to hold it
//!
//! - [`Config`] says what to connect to; its `connect` spawns the [`Driver`], the one task that owns the
//!   connection. `handshake` leaves it to you where the driver runs.
//! - A [`Mailbox`] is a handle on one *selection* of a mailbox. Commands about messages hang off it, and run in
//!   that selection or fail, unsent.
//! - A token can be awaited, read as a [stream](Token::stream), [detached](Token::detach) so that its data comes on
//!   the event stream, or [cancelled](Token::cancel).
//! - Think in [`Uid`](types::Uid)s: they stay. Sequence numbers ([`Seq`](types::Seq)) shift whenever a message goes.
//!   Events and rows carry both.
//! - While there is nothing to do the connection idles by itself (RFC 2177), so that news comes as it happens.
//! - A search and what is to be done with its result take one round trip if the result [stays](Mailbox::save) with the server.
//! - What becomes of other mailboxes is told by servers with NOTIFY (RFC 5465), if you [ask for it](Sender::notify); the
//!   selected mailbox is told of in any case.
//! - A response that is not understood can be looked into by [`replay`], from its bytes alone.
//! - A message goes up from memory, or from a reader of any size in a window of little memory
//!   ([streamed uploads](command::Append#streamed-uploads)).
//! - What has no command here can be sent as a [raw line](Sender::raw), or as a [`Command`] of your own.
//!
//! # What you may rely on
//!
//! 1. **Submitting never waits for the network.** A method of [`Sender`] or [`Mailbox`] registers its command and
//!    returns the token at once; commands go out in the order of the calls. Past
//!    [`Limits::commands`](types::Limits::commands) the token fails with [`QueueFull`](ErrorKind::QueueFull), unsent;
//!    [`Sender::ready`] waits for room.
//! 2. **Registered before sent.** No answer can come too early to be known.
//! 3. **One owner.** Data that answers a question goes to exactly one command, found by its content, or to none and
//!    is then an event. Never to two, never to a command that did not ask.
//! 4. **A change is always an event**, whoever caused it, and whether or not the server tells it: the effect of a
//!    silent STORE is told too. If a command surely caused it, the event's `cause` says so. Completions of your commands
//!    are events as well.
//! 5. **Wire order.** Events come in the order in which the server said them. When a token resolves, all that came before
//!    its last line is in the stream already.
//! 6. **The right mailbox.** Every event and every piece of data says which mailbox and which selection it belongs to. A
//!    message command runs only in the selection through which it was submitted.
//! 7. **UIDs, not numbers.** Results, removals and flag changes carry the UID beside the number, wherever it can be known;
//!    where it cannot, it is `None`, never a guess.
//! 8. **No ambiguity.** What RFC 9051 section 5.5 allows is pipelined, what it forbids is held back; you need not know
//!    the rule.
//! 9. **Dropping is safe.** Dropping a token before its first byte is written withdraws a command that only reads; one
//!    that changes something goes out all the same, unless it was [cancelled](Token::cancel) in time. Once sent, a command
//!    runs to its end and disturbs nothing after it; only a [streamed upload](command::Append#streamed-uploads) whose source
//!    fails may cost the connection. When the last `Sender`, `Mailbox` and `Receiver` are gone and what was
//!    submitted is done, the connection logs out. Every future of this crate is cancel-safe.
//! 10. **A slow reader blocks nobody.** Of events, past [`Limits::events`](types::Limits::events), later counts and flags
//!     take the place of earlier ones, and then news that can be asked again is left out behind one [`Lagged`](types::EventKind::Lagged); alerts, renames and the ends of detached commands
//!     are kept, up to [`Limits::unread`](types::Limits::unread). A [stream](Token::stream) or a detached result that is
//!     read slowly holds the server back, but only while no other command is queued or in flight, and never longer than
//!     [`Limits::hold`](types::Limits::hold) without a row being read; after that its rows are kept up to
//!     [`Limits::unread`](types::Limits::unread), and past it that result alone ends, with
//!     [`Overrun`](ErrorKind::Overrun). So `while let Some(m) = rows.next().await { inbox.move_to(..).await? }` always
//!     ends. An awaited result is collected whole, up to [`Limits::result`](types::Limits::result).
//! 11. **Everything ends.** When the connection ends, every token resolves with the same cause, and says by
//!     [`was_sent`](Error::was_sent) how much of its command had been written; the last event is
//!     [`Closed`](types::EventKind::Closed).
//! 12. **Nothing is silently partial.** NO and BAD are errors with their code and text, and what came before them is in
//!     [`Error::answers`]; a result that the server has cut short is [`Partial`](ErrorKind::Partial), with where to
//!     [go on](Error::resume_below); rows that could not be read are reported with their bytes; a lost connection is never an
//!     empty result.
//! 13. **A server cannot hurt you.** No bytes make this crate panic, allocate beyond its [`Limits`](types::Limits) or
//!     loop. A response that can't be read is an event with its bytes, and the connection goes on unless the framing itself
//!     is lost.
//! 14. **You cannot hurt the server.** No argument, whatever bytes it has, can smuggle a second command.
//! 15. **Secrets stay secret**: in `Debug`, errors and traces.
//!
//! # Mailboxes over time
//!
//! The connection keeps a view of the selected mailbox: which message has which number, UID, flags. [`Mailbox::snapshot`]
//! gives it as it is at this moment, in O(1), and nothing that happens later shifts its numbers; [`Snapshot::diff`] tells
//! what lies between two. [`types::Fill`] says how much the view is to learn by itself. [`Mailbox::state`] is what to keep,
//! and [`Select::resume`] goes on from it: what came, went and changed meanwhile is told by events that say
//! [`away`](types::Event::away), up to [`Resumed`](types::EventKind::Resumed).
//!
//! # What is not there yet
//!
//! SASL mechanisms beyond PLAIN, COMPRESS, native TLS, reconnects, a local store. See the README.
//!
//! # Features
//!
//! - `rustls` (default): TLS by rustls with ring; certificates are checked by the platform's verifier.
//! - `serde`: `Serialize` for events and what they hold; an event is one flat JSON object.
//! - `testing`: an IMAP server in memory, for tests and demonstrations: the module `testing`.

mod client;
pub mod command;
mod engine;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod net;
pub mod replay;
#[cfg(feature = "testing")]
pub mod testing;
pub mod types;
mod view;
mod wire;

pub use client::{Driver, Mailbox, Receiver, Rows, Select, Sender, Token};
pub use command::Command;
pub use error::{Error, ErrorKind, Result, Sent};
pub use net::{Config, Timeouts};
pub use view::{Changed, Diff, Known, Snapshot};

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
