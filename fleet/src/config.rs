//! How a fleet is set up: a file, overridden by the environment, overridden by flags.
//!
//! In: TOML. Out: checked figures; one that can't work is an error before anything starts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Result};

/// The set-up of a fleet. All workers of a fleet use the same `ttl`.
///
/// ```toml
/// database = "postgres://fleet@db.example.org/fleet"
/// nats = "nats://nats.example.org:4222"
/// key_file = "/etc/fleet/key"     # 32 bytes in base64, for sealed credentials
/// http = "127.0.0.1:8080"
/// ttl = 30                        # seconds
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FleetConfig {
    /// Where PostgreSQL is: a URL or a line of `key=value`, as libpq reads them.
    pub database: String,
    /// The certificates, as PEM, of the authorities that PostgreSQL's may be of; those of the
    /// system without it. A server that offers TLS is spoken to by TLS, and its certificate is
    /// checked;
    /// `sslmode=require` in `database` asks for it, `sslmode=disable` goes without.
    pub database_ca: Option<PathBuf>,
    /// Where NATS is, with JetStream.
    pub nats: String,
    /// The certificates, as PEM, of the authorities that NATS's may be of, besides those of the
    /// system. TLS is used where `nats` begins with `tls://`, or the server asks for it.
    pub nats_ca: Option<PathBuf>,
    /// The name of the stream.
    pub stream: String,
    /// The first word of each subject.
    pub prefix: String,
    /// The file of the key that seals credentials.
    pub key_file: Option<PathBuf>,
    /// Where the page, `/healthz` and `/metrics` are served; nowhere without it.
    pub http: Option<SocketAddr>,
    /// The worker's name on the page.
    pub name: String,
    /// How many accounts a worker holds at most.
    pub max_accounts: u32,
    /// How many seconds a worker's leases last without being renewed. From 3.
    pub ttl: u64,
    /// How many events of a worker wait for JetStream's acknowledgement at most.
    pub window: usize,
    /// How many seconds JetStream remembers the identities of events: at least twice the TTL.
    pub duplicate_window: u64,
    /// How many seconds JetStream keeps events.
    pub max_age: u64,
    /// How many connections to PostgreSQL a worker has, besides the one of its heartbeat.
    pub database_connections: usize,
}

impl Default for FleetConfig {
    fn default() -> Self {
        Self {
            database: "postgres://localhost/fleet".into(),
            database_ca: None,
            nats: "nats://localhost:4222".into(),
            nats_ca: None,
            stream: "IMAP".into(),
            prefix: "imap".into(),
            key_file: None,
            http: None,
            name: format!("worker-{}", std::process::id()),
            max_accounts: 10_000,
            ttl: 30,
            window: 1024,
            duplicate_window: 300,
            max_age: 7 * 24 * 60 * 60,
            database_connections: 4,
        }
    }
}

impl FleetConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// If it can't be read, or has a key or a value that can't be.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(Error::io(shown.clone()))?;
        // The text of the file, which the error of `toml` repeats, may hold a password.
        toml::from_str(&text).map_err(|error| Error::invalid(format!("{shown}: {}", error.message())))
    }

    /// Whether it can work.
    ///
    /// # Errors
    /// With what is wrong and what is right.
    pub fn check(&self) -> Result<()> {
        if self.ttl < 3 {
            return Err(Error::invalid(format!("ttl is {} s; it has to be 3 s or more", self.ttl)));
        }
        if self.duplicate_window < 2 * self.ttl {
            return Err(Error::invalid(format!(
                "duplicate_window is {} s; with a ttl of {} s it has to be {} s or more, or an event \
                 that two workers publish would be delivered twice",
                self.duplicate_window,
                self.ttl,
                2 * self.ttl
            )));
        }
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        for (key, value) in [("stream", &self.stream), ("prefix", &self.prefix)] {
            if !is_word(value) {
                return Err(Error::invalid(format!(
                    "{key} is {value:?}; it consists of letters, digits, - and _"
                )));
            }
        }
        if self.window == 0 || self.database_connections == 0 || self.max_accounts == 0 {
            return Err(Error::invalid("window, database_connections and max_accounts begin at 1"));
        }
        Ok(())
    }

    /// How long leases last.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        Duration::from_secs(self.ttl)
    }

    /// How often leases are renewed: three times while they last.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.ttl() / 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shorter_than_two_leases_is_refused() {
        let config = FleetConfig { ttl: 200, ..FleetConfig::default() };
        let error = config.check().expect_err("300 s are less than 400").to_string();
        assert!(error.contains("400 s or more"), "{error}");
        assert!(FleetConfig::default().check().is_ok());
        assert!(FleetConfig { prefix: "a.b".into(), ..FleetConfig::default() }.check().is_err());
    }

    #[test]
    fn an_error_in_the_file_shows_none_of_its_text() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fleet.toml");
        std::fs::write(&path, "database = \"postgres://u:hunter2@h/d\"\nttl = \"x\"\n").expect("written");
        let error = FleetConfig::read(&path).expect_err("ttl is no text").to_string();
        assert!(!error.contains("hunter2") && error.contains("fleet.toml"), "{error}");
    }
}
