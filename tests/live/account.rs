//! A user of a server, with the library logged in and another session beside it.

use std::time::Duration;

use imap_duplex::command::Append;
use imap_duplex::types::{Flag, Uid};
use imap_duplex::{Config, Mailbox, Sender};

use crate::client::Events;
use crate::server::{Options, Server};
use crate::support::other::{Other, dial};
use crate::support::wire::{Log, Recorder};
use crate::support::{PASSWORD, fresh_user};

/// How long a test may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A plain message.
pub(crate) const MESSAGE: &str = "Date: Wed, 17 Jul 2024 02:23:25 -0700\r\nFrom: \"Zoe\" <zoe@example.org>\r\n\
    To: alice@example.org\r\nSubject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nIt is open {7}\r\n";

/// The client's two halves, its server, and its user's name.
pub(crate) struct Account {
    pub(crate) imap: Sender,
    pub(crate) events: Events,
    pub(crate) user: String,
    pub(crate) server: Server,
}

impl Account {
    /// Without IDLE, so that only what the test asks for is sent.
    pub(crate) async fn quiet() -> Self {
        Self::with(&Options::default(), |config| config.auto_idle(false)).await
    }

    /// As a program has it that asks for nothing in particular.
    pub(crate) async fn usual() -> Self {
        Self::with(&Options::default(), |config| config).await
    }

    /// With this server and this client.
    pub(crate) async fn with(options: &Options, adjust: impl FnOnce(Config) -> Config) -> Self {
        let server = Server::with(options);
        let user = fresh_user();
        let config = adjust(plain(&server, &user));
        let (imap, receiver) = config.connect().await.expect("the server takes this login");
        Self { imap, events: Events::strict(receiver), user, server }
    }

    /// Over a stream that records its traffic.
    pub(crate) async fn recorded(options: &Options, adjust: impl FnOnce(Config) -> Config) -> (Self, Log) {
        let server = Server::with(options);
        let user = fresh_user();
        let (stream, log) = Recorder::new(dial(server.plain_addr()).await);
        let config = adjust(plain(&server, &user));
        let (imap, receiver) = config.connect_over(stream).await.expect("the server takes this login");
        (Self { imap, events: Events::strict(receiver), user, server }, log)
    }

    /// Another session of the same user, with INBOX selected.
    pub(crate) async fn other(&self) -> Other {
        let mut other = self.server.session(&self.user).await;
        other.select("INBOX").await;
        other
    }

    /// Puts messages with these subjects into INBOX by another session, and gives their UIDs.
    pub(crate) async fn deliver(&self, subjects: &[&str]) -> Vec<Uid> {
        let mut other = self.server.session(&self.user).await;
        let mut uids = Vec::new();
        for subject in subjects {
            let message = MESSAGE.replace("hello", subject);
            let uid = other.append("INBOX", "", message.as_bytes()).await;
            uids.push(Uid::new(uid).expect("no UID is 0"));
        }
        other.logout().await;
        uids
    }

    /// Selects INBOX, and reads the events of that.
    pub(crate) async fn inbox(&mut self) -> Mailbox {
        let inbox = self.imap.select("INBOX").await.expect("everyone has an INBOX");
        self.events.until_brief("SELECT OK").await;
        inbox
    }

    /// Logs out and reads the events to their end.
    pub(crate) async fn finish(mut self) {
        self.imap.logout().await.expect("the server says goodbye");
        let (reason, _) = self.events.end().await;
        assert_eq!(reason, imap_duplex::types::CloseReason::Logout);
    }
}

/// How to log in to this server in the clear.
pub(crate) fn plain(server: &Server, user: &str) -> Config {
    let address = server.plain_addr();
    Config::new(address.ip().to_string()).port(address.port()).plaintext().login(user, PASSWORD)
}

/// A message with a flag, for APPEND.
pub(crate) fn flagged(subject: &str) -> Append {
    Append::new(MESSAGE.replace("hello", subject)).flags([Flag::Flagged])
}
