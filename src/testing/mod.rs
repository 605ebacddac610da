//! An IMAP server in memory, for tests and demonstrations (feature `testing`).
//!
//! A mail program needs a mailbox to be tried on. A test starts this server in one line, connects
//! to it by a pipe or by a loopback port, and has both ends in its hands: what the program does by
//! IMAP, and what happens to the mailbox from the outside.
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
//! // Mail comes, as from another program: the client is told of it while it idles.
//! let uid = server.deliver("INBOX", "From: zoe@example.org\r\nSubject: Hello\r\n\r\nWorld\r\n");
//! while let Some(event) = events.next().await {
//!     if let EventKind::Arrived { uid: new, .. } = event.kind {
//!         inbox.store(new, Store::add([Flag::Flagged])).await?; // what a bot would do
//!         break;
//!     }
//! }
//!
//! // And this is how the mailbox truly is.
//! let stored = server.mailbox("INBOX").unwrap();
//! assert!(stored.message(uid).unwrap().flags.contains(&Flag::Flagged));
//! # Ok(())
//! # }
//! ```
//!
//! # A test of a program
//!
//! Let the program have its connection from outside: a function that takes a
//! [`Config`](crate::Config) and a byte stream, or the halves that `connect_over` gives, can be
//! tested without a port. A program that can only dial is given [`Server::listen`]'s address. Each
//! test starts a server of its own: that costs well under a millisecond.
//!
//! ```
//! use std::time::Duration;
//! use imap_duplex::testing::Server;
//! use imap_duplex::{Config, Receiver, Sender};
//!
//! /// The program: files all new mail while_disconnected, until it is told to stop.
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
//! // The test. With `#[tokio::test(start_paused = true)]` the hour below takes no time at all.
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
//! **Virtual time.** Over [`Server::connect`] there are no sockets, and all waiting is tokio's. So
//! in paused time (`tokio::time::pause`, or `start_paused`) hours pass in an instant, as soon as
//! nothing else is left to do: renewals of IDLE, time-outs, a server that is [slow](Hook::delay).
//! The server's dates go on as tokio's clock does; [`Builder::at`] says where they begin.
//!
//! # When things go wrong
//!
//! [`Server::on`] says what is to be done otherwise at the next command of a kind, and
//! [`Server::say`] speaks at once.
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
//! server.split_writes(Some(1)); // each octet by itself
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
//! Servers differ, and some err. Each [`Quirk`] is what one of them does, to be switched on by
//! [`Builder::quirk`]: a program that is to work with all of them can be tried on each.
//!
//! # What it can
//!
//! IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051), with the [`EXTENSIONS`], each of which can be
//! switched [off](Builder::without): then its commands are BAD and nothing of it is said. LOGIN and
//! AUTHENTICATE PLAIN; TLS from the first octet or by STARTTLS with a certificate made on the spot
//! (feature `rustls`). Any number of users, mailboxes and sessions.
//!
//! Each session has its own numbering of the selected mailbox, which holds until the session is
//! told of what others did: new messages and flags with the next command, removals when RFC 9051
//! section 7.5.1 allows them, all of it at once while the client idles. A message that somebody
//! else has removed can be fetched until then.
//!
//! It does not use the client's code for reading and writing, so that a misunderstanding of IMAP in
//! one does not hide the same in the other. The library's own tests run against it and against
//! Dovecot.
//!
//! # What it is not
//!
//! A mail server for people's mail. All is in memory and goes with the last [`Server`]; passwords
//! are kept and compared as they are. There is no THREAD, METADATA, ACL, CATENATE or COMPRESS, and
//! no namespace but the user's own. Messages are stored octet by octet as they are given: end their
//! lines with `\r\n`.

mod account;
mod builder;
mod capability;
mod changes;
mod clock;
mod connected;
mod io;
mod listen;
mod log;
mod mailbox;
mod mime;
mod names;
mod quirks;
mod responder;
mod script;
mod search;
mod server;
mod session;
#[cfg(feature = "rustls")]
mod tls;
mod watch;
mod world;

pub use account::{Account, StoredMailbox, StoredMessage};
pub use builder::Builder;
pub use capability::EXTENSIONS;
pub use connected::SessionHandle;
pub use log::LoggedCommand;
pub use quirks::Quirk;
pub use script::Hook;
pub use server::Server;
#[cfg(feature = "rustls")]
pub use tls::Certificate;
