//! The examples that stay connected, as processes: killed at random, their connections cut, their
//! server restarted. Against the embedded server, and against Dovecot.
//!
//! What they have done is looked at by sessions and programs that use nothing of this library.

#![allow(clippy::print_stdout, reason = "figures of longer runs, by hand")]

#[path = "../support/mod.rs"]
mod support;

mod bot;
#[cfg(target_os = "linux")]
mod clock;
mod draft;
mod mirror;
mod watch;

use std::net::SocketAddr;
use std::time::Duration;

use imap_duplex::testing;
use support::dovecot::{Dovecot, Options};
use support::other::Other;
use support::{PASSWORD, fresh_user};

/// How long a test may take on a machine that is busy.
pub(crate) const LIMIT: Duration = Duration::from_secs(240);

/// A policy for tests: short pauses.
pub(crate) const POLICY: &str = r#"{"min_backoff":{"secs":0,"nanos":50000000},"max_backoff":{"secs":0,"nanos":400000000},
    "max_redials":100000,"stable_after":{"secs":1,"nanos":0},"host_spacing":{"secs":0,"nanos":1000000}}"#;

/// A server with a user of its own.
pub(crate) enum World {
    Embedded(testing::Server, SocketAddr),
    Dovecot(Box<Dovecot>, String),
}

impl World {
    pub(crate) async fn embedded() -> Self {
        let server = testing::Server::builder().any_user(PASSWORD).no_tls().start();
        let address = server.listen().await.expect("a port");
        Self::Embedded(server, address)
    }

    pub(crate) fn dovecot() -> Self {
        let options = Options { no_tls: true, ..Options::default() };
        Self::Dovecot(Box::new(Dovecot::with(&options)), fresh_user())
    }

    pub(crate) fn user(&self) -> &str {
        match self {
            Self::Embedded(server, _) => server.user(),
            Self::Dovecot(_, user) => user,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Embedded(_, address) => *address,
            Self::Dovecot(server, _) => server.plain_addr(),
        }
    }

    /// The same by another port, such as that of a proxy.
    pub(crate) fn url(&self, port: u16) -> String {
        format!("imap://{}:{PASSWORD}@127.0.0.1:{port}/", self.user())
    }

    /// A session that uses nothing of the library.
    pub(crate) async fn session(&self) -> Other {
        let mut other = Other::connect(self.address()).await;
        other.login(self.user()).await;
        other
    }
}

/// Random numbers that are the same in each run, unless a seed is given.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(what: &str) -> Self {
        let seed = std::env::var("IMAP_DUPLEX_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1u64);
        Self(what.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))))
    }

    /// A number below this.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(crate) fn millis(&mut self, bound: u64) -> Duration {
        Duration::from_millis(self.below(bound))
    }
}

/// How much is to be done: a number of the environment, for longer runs by hand.
pub(crate) fn amount(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
