//! Accounts: the pool of connections and their leases, dialling again, credentials that are
//! refused, the end. Against the embedded server, in virtual time.

#[path = "../support/mod.rs"]
mod support;

mod anomalies;
mod arrivals;
mod contradictions;
mod conveniences;
mod credentials;
mod ends;
mod fleet;
mod half_open;
mod identities;
mod in_step;
mod ladder;
mod leases;
mod live;
mod many;
mod model;
mod moving;
mod redials;
mod rewritten;
mod selections;
mod several;
#[cfg(feature = "store")]
mod shared;
mod shutdown;
mod subscriptions;
mod unacknowledged;
mod watch;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::{Account, DialReason, Policy};
use imap_duplex::testing::Server;
use tokio::io::DuplexStream;
use tokio::time::Instant;

use self::rewritten::{Rewriting, Rule};

/// What a test may take, in virtual time.
pub(crate) const LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A server, and how it is dialled.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) server: Server,
    inner: Arc<Dials>,
}

struct Dials {
    start: Instant,
    times: Mutex<Vec<(Duration, DialReason)>>,
    /// So many of the next dials fail.
    away: AtomicUsize,
    /// What becomes of the server's lines, if they can be changed.
    rewriting: Option<Rewriting>,
}

impl World {
    pub(crate) fn new(server: Server) -> Self {
        Self::by(server, None)
    }

    /// A server whose lines [`rewrite`](Self::rewrite) changes.
    pub(crate) fn rewriting(server: Server) -> Self {
        Self::by(server, Some(Rewriting::default()))
    }

    fn by(server: Server, rewriting: Option<Rewriting>) -> Self {
        let (times, away) = (Mutex::default(), AtomicUsize::new(0));
        Self { server, inner: Arc::new(Dials { start: Instant::now(), times, away, rewriting }) }
    }

    /// What becomes of the server's lines from now on, on all connections.
    pub(crate) fn rewrite(&self, rule: Rule) {
        self.inner.rewriting.as_ref().expect("lines can be changed").set(rule);
    }

    pub(crate) fn config(&self) -> Config {
        self.config_with(self.server.password())
    }

    pub(crate) fn config_with(&self, password: &str) -> Config {
        // Each world has a gate of its own.
        let host = format!("{:p}.example.org", Arc::as_ptr(&self.inner));
        Config::new(host).plaintext().allow_plaintext_login(true).login(self.server.user(), password)
    }

    pub(crate) fn account(&self) -> Account {
        self.account_by(self.config(), Policy::default())
    }

    pub(crate) fn account_by(&self, config: Config, policy: Policy) -> Account {
        let world = self.clone();
        let connector = move |request: imap_duplex::account::DialRequest| {
            let stream = world.dial(request.reason);
            async move { stream }
        };
        Account::builder(config).policy(policy).connector(connector).open()
    }

    fn dial(&self, reason: DialReason) -> io::Result<DuplexStream> {
        self.inner
            .times
            .lock()
            .expect("no test panics while it holds it")
            .push((self.inner.start.elapsed(), reason));
        let left = self.inner.away.load(Ordering::Relaxed);
        self.inner.away.store(left.saturating_sub(1), Ordering::Relaxed);
        if left > 0 {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let stream = self.server.connect();
        Ok(match &self.inner.rewriting {
            Some(rewriting) => rewriting.through(stream),
            None => stream,
        })
    }

    /// Connections that there are carry nothing any more, and don't end.
    pub(crate) fn hang(&self) {
        self.inner.rewriting.as_ref().expect("connections can hang").hang();
    }

    /// The next so many dials fail.
    pub(crate) fn be_away(&self, dials: usize) {
        self.inner.away.store(dials, Ordering::Relaxed);
    }

    /// When it was dialled, in seconds.
    pub(crate) fn dials(&self) -> Vec<u64> {
        self.inner
            .times
            .lock()
            .expect("no test panics while it holds it")
            .iter()
            .map(|(at, _)| at.as_secs())
            .collect()
    }

    pub(crate) fn reasons(&self) -> Vec<DialReason> {
        self.inner
            .times
            .lock()
            .expect("no test panics while it holds it")
            .iter()
            .map(|(_, reason)| *reason)
            .collect()
    }

    /// How often the server has received this command.
    pub(crate) fn count(&self, command: &str) -> usize {
        self.server.received().iter().filter(|logged| logged.name == command).count()
    }
}
