//! An IMAP server in memory, for tests and demonstrations (feature `testing`).
//!
//! A mail program needs a mailbox to be tested with. A test starts this server in one line,
//! connects to it by a pipe or by a loopback port, and controls both ends: what the program does by
//! IMAP, and what changes in the mailbox from outside.
//!
//! ```
//! use imap_duplex::Config;
//! use imap_duplex::command::Store;
//! use imap_duplex::testing::Server;
//! use imap_duplex::types::{EventKind, Flag};
//!
//! # #[tokio::main(flavor = "current_thread")] // in a test: #[tokio::test]
//! # async fn main() -> imap_duplex::Result<()> {
//! let server = Server::new();
//! let config = Config::new("localhost").plaintext().login(server.user(), server.password());
//! let (imap, mut events) = config.connect_over(server.connect()).await?;
//! let inbox = imap.select("INBOX").await?;
//!
//! // Mail arrives, as from another program: the client is notified while it idles.
//! let uid = server.deliver("INBOX", "From: zoe@example.org\r\nSubject: Hello\r\n\r\nWorld\r\n");
//! while let Some(event) = events.next().await {
//!     if let EventKind::Arrived { uid: new, .. } = event.kind {
//!         inbox.store(new, Store::add([Flag::Flagged])).await?; // as a bot would do
//!         break;
//!     }
//! }
//!
//! // The true state of the mailbox.
//! let stored = server.mailbox("INBOX").unwrap();
//! assert!(stored.message(uid).unwrap().flags.contains(&Flag::Flagged));
//! # Ok(())
//! # }
//! ```
//!
//! # A test of a program
//!
//! Let the program receive its connection from outside: a function that takes a
//! [`Config`](crate::Config) and a byte stream, or the halves that `connect_over` returns, can be
//! tested without a port. A program that can only dial gets the address of [`Server::listen`]. Each
//! test starts a server of its own: that takes well under a millisecond.
//!
//! ```
//! use std::time::Duration;
//! use imap_duplex::testing::Server;
//! use imap_duplex::{Config, Receiver, Sender};
//!
//! /// The program: archives all new mail, until the connection ends.
//! async fn bot(imap: Sender, mut events: Receiver) -> imap_duplex::Result<()> {
//!     let inbox = imap.select("INBOX").await?;
//!     while let Some(event) = events.next().await {
//!         if let imap_duplex::types::EventKind::Arrived { uid, .. } = event.kind {
//!             inbox.move_to(uid, "Archive").await?;
//!         }
//!     }
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> imap_duplex::Result<()> {
//! // The test. With `#[tokio::test(start_paused = true)]` the hour below takes no time.
//! # tokio::time::pause();
//! let server = Server::new();
//! server.create("Archive");
//! let config = Config::new("localhost").plaintext().login(server.user(), server.password());
//! let (imap, events) = config.connect_over(server.connect()).await?;
//! let bot = tokio::spawn(bot(imap, events));
//! tokio::time::sleep(Duration::from_secs(3600)).await;
//! server.deliver("INBOX", "Subject: Hello\r\n\r\n");
//! tokio::time::sleep(Duration::from_secs(1)).await;
//! assert_eq!(server.mailbox("INBOX").unwrap().messages.len(), 0);
//! assert_eq!(server.mailbox("Archive").unwrap().messages.len(), 1);
//!
//! drop(server); // says BYE: the bot's stream ends
//! bot.await.unwrap()?;
//! # Ok(())
//! # }
//! ```
//!
//! **Virtual time.** [`Server::connect`] uses no sockets, and all waiting is tokio's. So in paused
//! time (`tokio::time::pause`, or `start_paused`) hours pass in an instant, as soon as no task has
//! anything else to do: renewals of IDLE, time-outs, a server that is [slow](Hook::delay). The
//! server's dates advance with tokio's clock; [`Builder::at`] sets the start.
//!
//! # When things go wrong
//!
//! [`Server::on`] changes the answer to the next command of a kind, and [`Server::say`] sends bytes
//! at once.
//!
//! ```
//! # use std::time::Duration;
//! # use imap_duplex::testing::Server;
//! # use imap_duplex::types::Code;
//! # use imap_duplex::{Config, ErrorKind};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> imap_duplex::Result<()> {
//! # let server = Server::new();
//! # let config = Config::new("localhost").plaintext().login(server.user(), server.password());
//! # let (imap, _events) = config.connect_over(server.connect()).await?;
//! server.on("STATUS").no_with(Code::InUse, "try later"); // NO, once
//! server.on("LIST").before("* OK by the way\r\n").delay(Duration::from_millis(10));
//! server.on("SELECT").cut_after(40); // the connection ends in the middle of the answer
//! server.split_writes(Some(1)); // each byte by itself
//!
//! let error = imap.status("INBOX", imap_duplex::command::StatusItems::counts()).await.unwrap_err();
//! assert_eq!(error.code(), Some(&Code::InUse));
//! assert_eq!(imap.list("*").await?.len(), 4);
//! assert_eq!(imap.select("INBOX").await.unwrap_err().kind(), ErrorKind::Closed);
//! # Ok(())
//! # }
//! ```
//!
//! # Other servers
//!
//! Servers differ, and some have bugs. Each [`Quirk`] is a behaviour of one of them, which
//! [`Builder::quirk`] switches on: a program can be tested with each.
//!
//! # Supported features
//!
//! IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051), with the [`EXTENSIONS`], each of which can be
//! switched [off](Builder::without): then its commands are answered with BAD and it is not
//! advertised. LOGIN and AUTHENTICATE PLAIN, other [`MECHANISMS`], or those
//! that a test [gives](Builder::sasl) it; TLS from the first byte or by
//! STARTTLS with a certificate made on demand (feature `rustls`). Any number of users, mailboxes
//! and sessions.
//!
//! Each session has its own numbering of the selected mailbox, which changes only when the session
//! is notified of others' changes: new messages and flags with the next command, removals when RFC
//! 9051 section 7.5.1 allows them, all of it at once while the client idles. Until then a message
//! that another session has expunged can be fetched.
//!
//! It does not use the client's code for reading and writing, so that a misunderstanding of IMAP in
//! one does not hide the same in the other. The library's own tests run against it and against
//! Dovecot.
//!
//! # Limitations
//!
//! It is no mail server for people's mail. Everything is in memory and dropped with the last
//! [`Server`]; passwords are stored and compared in the clear. There is no namespace but the user's
//! own: rights are kept and returned, not enforced. Messages are stored exactly as given: end their
//! lines with `\r\n`.

mod account;
mod annotations;
mod builder;
mod capability;
mod changes;
mod clock;
mod connected;
mod deflate;
mod io;
mod labels;
mod listen;
mod log;
mod mailbox;
mod mime;
mod names;
mod notification;
mod quirks;
mod sasl;
mod script;
mod search;
mod server;
mod session;
#[cfg(feature = "rustls")]
mod tls;
mod url;
mod watch;
mod world;

pub use account::{Account, StoredMailbox, StoredMessage};
pub use builder::Builder;
pub use capability::EXTENSIONS;
pub use connected::SessionHandle;
pub use log::LoggedCommand;
pub use quirks::Quirk;
pub use sasl::{MECHANISMS, SaslTurn};
pub use script::Hook;
pub use server::Server;
#[cfg(feature = "rustls")]
pub use tls::Certificate;
