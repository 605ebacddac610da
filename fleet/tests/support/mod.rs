//! What the tests share: servers of their own, and a fleet with its tables.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(missing_docs, unreachable_pub, missing_debug_implementations, reason = "the tests' own")]

use std::time::Duration;

use deadpool_postgres::Pool;
use imap_duplex_fleet::services::{Nats, Postgres};
use imap_duplex_fleet::worker::{Worker, pool};
use imap_duplex_fleet::{AccountSettings, Directory, FleetConfig, LeaseTable, SealingKey, migrate};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The leases of the tests are as short as they may be.
pub const TTL: u64 = 3;

/// A database with the fleet's tables.
pub struct Database {
    pub postgres: Postgres,
    pub config: FleetConfig,
    pub pool: Pool,
}

impl Database {
    pub async fn new() -> Self {
        let postgres = Postgres::start().expect("PostgreSQL; `tests/run fleet` installs it");
        let mut config = FleetConfig::default();
        config.database = postgres.url();
        config.ttl = TTL;
        config.database_connections = 8;
        let pool = pool(&config).expect("an address");
        migrate(&mut pool.get().await.expect("a connection")).await.expect("the tables");
        Self { postgres, config, pool }
    }

    pub fn directory(&self) -> Directory {
        Directory::new(self.pool.clone())
    }

    pub fn leases(&self) -> LeaseTable {
        LeaseTable::new(self.pool.clone(), Duration::from_secs(TTL))
    }

    /// Adds accounts `user0` and so on, at a server that is not there.
    pub async fn add_accounts(&self, count: usize) {
        let text = SealingKey::generate().expect("random bytes");
        let key = SealingKey::parse(&text).expect("a key");
        for number in 0..count {
            let name = format!("user{number}");
            let settings = AccountSettings::new(format!("imap://{name}@localhost:9")).expect("a URL");
            let credential = key.seal(&name, "secret").expect("sealed");
            self.directory().add(&name, &settings, &credential).await.expect("added");
        }
    }
}

/// A fleet: database, NATS, a key.
pub struct Fleet {
    pub database: Database,
    pub nats: Nats,
    pub key: SealingKey,
    folder: tempfile::TempDir,
}

impl Fleet {
    pub async fn new() -> Self {
        let mut database = Database::new().await;
        let nats = Nats::start().expect("nats-server; `tests/run fleet` installs it");
        let folder = tempfile::tempdir().expect("a folder");
        let text = SealingKey::generate().expect("random bytes");
        std::fs::write(folder.path().join("key"), &text).expect("written");
        database.config.nats = nats.url();
        database.config.key_file = Some(folder.path().join("key"));
        Self { database, nats, key: SealingKey::parse(&text).expect("a key"), folder }
    }

    /// Adds an account of this user at this server.
    pub async fn add(&self, name: &str, url: String, password: &str) {
        let mut settings = AccountSettings::new(url).expect("a URL");
        settings.plaintext = true;
        settings.watch.from_start = true;
        settings.watch.interval = 2;
        settings.policy.refusal_pause = Duration::from_millis(100);
        settings.policy.min_backoff = Duration::from_millis(100);
        settings.policy.max_redials = 20;
        settings.policy.host_spacing = Duration::from_millis(1);
        let credential = self.key.seal(name, password).expect("sealed");
        self.database.directory().add(name, &settings, &credential).await.expect("added");
    }

    /// The set-up of a worker of this name, as a file.
    pub fn write_config(&self, name: &str) -> std::path::PathBuf {
        let path = self.folder.path().join(format!("{name}.toml"));
        let config = &self.database.config;
        let key = self.folder.path().join("key");
        let text = format!(
            "database = {:?}\nnats = {:?}\nkey_file = {key:?}\nttl = {TTL}\nname = {name:?}\n",
            config.database, config.nats
        );
        std::fs::write(&path, text).expect("written");
        path
    }

    /// A worker in this process.
    pub async fn worker(&self, name: &str) -> Running {
        let mut config = self.database.config.clone();
        config.name = name.to_owned();
        let worker = Worker::open(config).await.expect("a worker");
        let stop = CancellationToken::new();
        let task = tokio::spawn(worker.run(stop.clone()));
        Running { stop, task }
    }
}

/// A worker that runs.
pub struct Running {
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

impl Running {
    /// Asks it to end, and waits until it has.
    pub async fn end(self) {
        self.stop.cancel();
        within(40, self.task).await.expect("no panic");
    }
}

/// The result of a future, which may take so many seconds.
pub async fn within<T>(seconds: u64, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(seconds), future).await.expect("in time")
}

/// Waits until this is so.
pub async fn until<F: Future<Output = bool>>(seconds: u64, what: &str, mut condition: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    while !condition().await {
        assert!(tokio::time::Instant::now() < deadline, "not in {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
