//! The server as a test holds it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::DuplexStream;

use super::account::Account;
use super::builder::Builder;
use super::connected::SessionHandle;
use super::io::{Security, serve};
use super::listen;
use super::log::LoggedCommand;
#[cfg(feature = "rustls")]
use super::quirks::Quirk;
use super::responder::Urgent;
use super::script::Hook;
use super::session::Session;
#[cfg(feature = "rustls")]
use super::tls::{Certificate, Tls};
use super::world::{Shared, World};

/// How many octets each direction of a pipe holds.
const PIPE: usize = 64 * 1024;

/// An IMAP server in memory: see the [module](super) for what it is good for.
///
/// It is a handle: its clones are the same server, which goes when the last of them is dropped,
/// with a BYE for each client that is connected. All of its methods can be called from any thread,
/// with or without a runtime, but for those that say so. It is also an [`Account`], that of its
/// first user.
#[derive(Clone, Debug)]
pub struct Server {
    account: Account,
    held: Arc<HeapSize>,
}

/// What goes with the last handle.
#[derive(Debug)]
struct HeapSize {
    shared: Shared,
    password: String,
    #[cfg(feature = "rustls")]
    tls: Tls,
}

impl Drop for HeapSize {
    fn drop(&mut self) {
        self.shared.lock().end();
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Server {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

impl Server {
    /// A server with all that it can do, and one user, who has an empty INBOX, Drafts, Sent and
    /// Trash.
    #[must_use]
    pub fn new() -> Self {
        Builder::default().start()
    }

    /// A server of another kind.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn of(world: World, (user, password): (String, String)) -> Self {
        #[cfg(feature = "rustls")]
        let tls = Tls::new(world.settings.quirks.has(Quirk::SelfSigned));
        let shared = Shared::new(world);
        let account = Account::new(shared.clone(), user);
        let held = HeapSize {
            shared,
            password,
            #[cfg(feature = "rustls")]
            tls,
        };
        Self { account, held: Arc::new(held) }
    }

    /// The name of the first user.
    #[must_use]
    pub fn user(&self) -> &str {
        self.account.name()
    }

    /// The first user's password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.held.password
    }

    /// The account of another user; it is made, with this password, if there is none.
    #[must_use]
    pub fn account(&self, user: &str, password: &str) -> Account {
        let mut world = self.held.shared.lock();
        if !world.users.contains_key(user) {
            world.add_user(user, password);
        }
        drop(world);
        Account::new(self.held.shared.clone(), user.to_owned())
    }

    /// A new client's end of a connection, for
    /// [`Config::connect_over`](crate::Config::connect_over). No port and no socket is in it, so
    /// that it works in paused time as well. The session runs on the current runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    #[track_caller]
    pub fn connect(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(PIPE);
        let security = self.security(false);
        let session = Session::new(self.held.shared.clone(), security.can_tls(), false);
        tokio::spawn(serve(session, Box::new(server), security));
        client
    }

    /// Listens on a free port of 127.0.0.1, on the current runtime, and says which.
    ///
    /// # Errors
    /// There is no port.
    pub async fn listen(&self) -> io::Result<SocketAddr> {
        self.listen_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Listens on this address. STARTTLS can be done there, with the feature `rustls`.
    ///
    /// # Errors
    /// It is not to be had.
    pub async fn listen_on(&self, address: impl Into<SocketAddr>) -> io::Result<SocketAddr> {
        listen::listen(self.held.shared.clone(), address.into(), self.security(false)).await
    }

    /// Listens on this address, port 0 for a free one, for clients that begin with TLS.
    ///
    /// # Errors
    /// The address is not to be had, or no certificate could be made.
    #[cfg(feature = "rustls")]
    pub async fn listen_tls(&self, address: impl Into<SocketAddr>) -> io::Result<SocketAddr> {
        // Now, that a failure is not the clients'.
        self.certificate()?;
        let security = self.security(true);
        listen::listen(self.held.shared.clone(), address.into(), security).await
    }

    /// The certificate that a client has to trust for TLS with this server. It is made when it is
    /// first needed.
    ///
    /// # Errors
    /// None could be made: the system has no random numbers.
    #[cfg(feature = "rustls")]
    pub fn certificate(&self) -> io::Result<Certificate> {
        self.held.tls.certificate()
    }

    fn security(&self, implicit: bool) -> Security {
        #[cfg(feature = "rustls")]
        let offered = implicit || !self.held.shared.lock().settings.no_tls;
        Security {
            #[cfg(feature = "rustls")]
            tls: offered.then(|| self.held.tls.clone()),
            implicit,
        }
    }

    /// What the server does at the next command of this name (`"FETCH"`, `"UID FETCH"`, `"*"` for
    /// any), from whichever client. Several hooks for the same command are used one after the
    /// other.
    ///
    /// It is asked at whole commands. What is no command does not reach it: the `DONE` that ends
    /// IDLE, the lines of AUTHENTICATE behind the first, and the question whether a literal may
    /// come, which is answered before (see [`refuse_literals`](Self::refuse_literals)): an APPEND
    /// is refused behind its message.
    ///
    /// # Panics
    /// No command has such a name. Names that begin with `X` are taken as they are.
    #[must_use = "say what the server is to do"]
    #[track_caller]
    pub fn on(&self, command: &str) -> Hook {
        Hook::new(self.held.shared.clone(), command)
    }

    /// Says these octets at once to each client, whatever it is doing:
    /// `server.say("* OK [ALERT] hear me\r\n")`. Only behind a [`delay`](Hook::delay) it waits for
    /// that to be over.
    pub fn say(&self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.held
            .shared
            .lock()
            .lines
            .values_mut()
            .for_each(|line| line.push_urgent(Urgent::Raw(bytes.clone())));
    }

    /// Writes at most so many octets at once, 1 for each by itself; `None` for as many as there
    /// are.
    pub fn split_writes(&self, bytes: Option<usize>) {
        self.held.shared.lock().script.split = bytes;
    }

    /// Takes no literal that asks to be taken: each is answered with NO.
    pub fn refuse_literals(&self, refuse: bool) {
        self.held.shared.lock().script.refuse_literals = refuse;
    }

    /// From now on tells these capabilities, whatever it can do; `None` for the truth.
    pub fn claim<S: Into<String>>(&self, names: Option<Vec<S>>) {
        let names = names.map(|names| names.into_iter().map(Into::into).collect());
        self.held.shared.lock().settings.claimed = names;
    }

    /// Who is connected.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionHandle> {
        let ids: Vec<_> = self.held.shared.lock().lines.keys().copied().collect();
        ids.into_iter().map(|id| SessionHandle::new(self.held.shared.clone(), id)).collect()
    }

    /// The commands that have come, in their order, the latest 100,000 of them; passwords are left
    /// out.
    #[must_use]
    pub fn received(&self) -> Vec<LoggedCommand> {
        self.held.shared.lock().response.iter().cloned().collect()
    }

    /// Ends each connection, without a word if `silently`, else with a BYE. Clients may come again.
    pub fn disconnect(&self, silently: bool) {
        for session in self.sessions() {
            if silently {
                session.cut();
            } else {
                session.bye("Come back later");
            }
        }
    }
}
