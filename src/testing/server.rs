//! The handle of a server for tests.

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
use super::notification::Urgent;
#[cfg(feature = "rustls")]
use super::quirks::Quirk;
use super::script::Hook;
use super::session::Session;
#[cfg(feature = "rustls")]
use super::tls::{Certificate, Tls};
use super::world::{Shared, World};

/// The capacity of a pipe in bytes, for each direction.
const PIPE: usize = 64 * 1024;

/// An IMAP server in memory: see the [module](super) for its uses.
///
/// This is a handle: its clones are the same server, which ends when the last of them is dropped,
/// with a BYE for each connected client. All methods can be called from any thread, with or without
/// a runtime, except those that say otherwise. It is also an [`Account`], that of its first user.
#[derive(Clone, Debug)]
pub struct Server {
    account: Account,
    held: Arc<Shutdown>,
}

/// The state dropped with the last handle.
#[derive(Debug)]
struct Shutdown {
    shared: Shared,
    password: String,
    #[cfg(feature = "rustls")]
    tls: Tls,
}

impl Drop for Shutdown {
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
    /// A server with all its extensions, and one user, who has an empty INBOX, Drafts, Sent and
    /// Trash.
    #[must_use]
    pub fn new() -> Self {
        Builder::default().start()
    }

    /// A builder for a configured server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn of(world: World, (user, password): (String, String)) -> Self {
        #[cfg(feature = "rustls")]
        let tls = Tls::new(world.settings.quirks.has(Quirk::SelfSigned));
        let shared = Shared::new(world);
        let account = Account::new(shared.clone(), user);
        let held = Shutdown {
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

    /// The account of another user, which is created with this password if missing.
    #[must_use]
    pub fn account(&self, user: &str, password: &str) -> Account {
        let mut world = self.held.shared.lock();
        if !world.users.contains_key(user) {
            world.add_user(user, password);
        }
        drop(world);
        Account::new(self.held.shared.clone(), user.to_owned())
    }

    /// The client's end of a new connection, for
    /// [`Config::connect_over`](crate::Config::connect_over). It involves no port and no socket, so
    /// that it works in paused time as well. The session runs on the current runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    #[track_caller]
    pub fn connect(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(PIPE);
        let security = self.security(false);
        let session = Session::new(self.held.shared.clone(), security.can_tls());
        tokio::spawn(serve(session, Box::new(server), security));
        client
    }

    /// Listens on a free port of 127.0.0.1, on the current runtime, and returns the address.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn listen(&self) -> io::Result<SocketAddr> {
        self.listen_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Listens on this address. STARTTLS works there, with the feature `rustls`.
    ///
    /// # Errors
    /// If the address is not available.
    pub async fn listen_on(&self, address: impl Into<SocketAddr>) -> io::Result<SocketAddr> {
        listen::listen(self.held.shared.clone(), address.into(), self.security(false)).await
    }

    /// Listens on this address, port 0 for a free one, for clients that begin with TLS.
    ///
    /// # Errors
    /// If the address is not available, or no certificate could be made.
    #[cfg(feature = "rustls")]
    pub async fn listen_tls(&self, address: impl Into<SocketAddr>) -> io::Result<SocketAddr> {
        // Now, so that a failure is returned here instead of ending connections.
        self.certificate()?;
        let security = self.security(true);
        listen::listen(self.held.shared.clone(), address.into(), security).await
    }

    /// The certificate that a client has to trust for TLS with this server. It is made on demand.
    ///
    /// # Errors
    /// If none could be made: the system has no random numbers.
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

    /// Changes the answer to the next command of this name (`"FETCH"`, `"UID FETCH"`, `"*"` for
    /// any), from any client. Several hooks for the same command are used one after the other.
    ///
    /// Hooks apply to whole commands. They do not see the `DONE` that ends IDLE, the lines of
    /// AUTHENTICATE after the first, and requests to send a literal, which are answered earlier
    /// (see [`refuse_literals`](Self::refuse_literals)): an APPEND is refused after its message.
    ///
    /// # Panics
    /// If there is no command of this name. Names that begin with `X` are accepted.
    #[must_use = "say what the server is to do"]
    #[track_caller]
    pub fn on(&self, command: &str) -> Hook {
        Hook::new(self.held.shared.clone(), command)
    }

    /// Sends these bytes at once to each client, whatever it is doing:
    /// `server.say("* OK [ALERT] hello\r\n")`. Only a [`delay`](Hook::delay) in progress comes
    /// first.
    pub fn say(&self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.held
            .shared
            .lock()
            .lines
            .values_mut()
            .for_each(|line| line.push_urgent(Urgent::Raw(bytes.clone())));
    }

    /// Limits the bytes of one write, 1 for each byte by itself; `None` for no limit.
    pub fn split_writes(&self, bytes: Option<usize>) {
        self.held.shared.lock().script.split = bytes;
    }

    /// Refuses synchronizing literals: each is answered with NO.
    pub fn refuse_literals(&self, refuse: bool) {
        self.held.shared.lock().script.refuse_literals = refuse;
    }

    /// Advertises these capabilities from now on, whatever the server supports; `None` for its own.
    pub fn claim<S: Into<String>>(&self, names: Option<Vec<S>>) {
        let names = names.map(|names| names.into_iter().map(Into::into).collect());
        self.held.shared.lock().settings.claimed = names;
    }

    /// The connected clients.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionHandle> {
        let ids: Vec<_> = self.held.shared.lock().lines.keys().copied().collect();
        ids.into_iter().map(|id| SessionHandle::new(self.held.shared.clone(), id)).collect()
    }

    /// The commands received, in order, at most the latest 100,000; without passwords.
    #[must_use]
    pub fn received(&self) -> Vec<LoggedCommand> {
        self.held.shared.lock().commands.iter().cloned().collect()
    }

    /// Ends each connection, without a BYE if `silently`. Clients may connect again.
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
