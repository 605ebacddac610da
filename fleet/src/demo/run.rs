//! The demonstration from its beginning to its end.
//!
//! ```text
//!   servers ──> tables, accounts ──> workers, consumer ──> mail and faults ──> quiet ──> verdict
//! ```
//!
//! In: [`DemoOptions`]. Out: a [`Summary`].

use std::io::BufRead as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::consumer::Line;
use super::faults::{ALL, Done, Fault, Node, Parts};
use super::judge::Judge;
use super::mail::{Mail, account_name, password};
use super::proxy::Wire;
use super::workers::{self, WorkerProcess};
use crate::account::{AccountSettings, Directory};
use crate::config::FleetConfig;
use crate::credential::SealingKey;
use crate::error::{Error, Result};
use crate::overview::Overview;
use crate::services::{Nats, Postgres, missing_packages};
use crate::worker::pool;
use crate::{http, schema};

/// The leases of the demonstration are short, so that there is something to see.
const TTL: u64 = 4;
/// How long the fleet has to come to rest in the end.
const REST: Duration = Duration::from_secs(120);
/// How long no event comes before what is missing counts as lost: longer than leases and pauses.
const GIVE_UP: Duration = Duration::from_secs(30);
/// How long nothing may change before the verdict: what would be doubled comes within it.
const QUIET: Duration = Duration::from_secs(3);

/// How the demonstration runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DemoOptions {
    /// How many accounts.
    pub accounts: usize,
    /// How many workers.
    pub workers: usize,
    /// How long; until it is interrupted without it.
    pub duration: Option<Duration>,
    /// How many changes are made a second.
    pub rate: u32,
    /// How long between two faults.
    pub pause: Duration,
    /// All kinds of faults, not only kills and restarts of workers.
    pub chaos: bool,
    /// Where the page is.
    pub http: SocketAddr,
    /// The program whose workers are started: this one.
    pub program: PathBuf,
    /// The consumer keeps one event to itself: the verdict has to be that it was lost.
    pub drop_one: bool,
    /// A consumer in another language, in place of this program's own: it is given the address of
    /// NATS, and writes the same lines.
    pub consumer: Option<PathBuf>,
    /// The wall clocks of the workers are hours apart; needs the program `faketime`.
    pub clocks: bool,
    /// Progress is written to the standard error.
    pub progress: bool,
}

impl DemoOptions {
    /// Three workers, three hundred accounts, a kill or a restart every six seconds.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self {
            accounts: 300,
            workers: 3,
            duration: None,
            rate: 100,
            pause: Duration::from_secs(6),
            chaos: false,
            http: ([127, 0, 0, 1], 0).into(),
            program,
            drop_one: false,
            consumer: None,
            clocks: false,
            progress: false,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// How many accounts there were.
    pub accounts: usize,
    /// How many different events the consumer got.
    pub delivered: u64,
    /// How many it acknowledged, those included that JetStream delivered more than once.
    pub acknowledged: u64,
    /// How many messages and flags the events have otherwise than the mailboxes.
    pub lost: u64,
    /// How many changes came twice, past the identities.
    pub duplicates: u64,
    /// How many workers were killed.
    pub kills: u64,
    /// How many other faults there were.
    pub faults: u64,
    /// How long the accounts of a killed worker had none: the median, in milliseconds.
    pub takeover_ms: u64,
}

impl Summary {
    /// Nothing was lost or doubled.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.lost == 0 && self.duplicates == 0
    }
}

/// Runs the demonstration until its time is over or `stop` is cancelled.
///
/// # Errors
/// If PostgreSQL or NATS is not here, or something does not start.
pub async fn run(options: DemoOptions, stop: CancellationToken) -> Result<Summary> {
    let missing = missing_packages();
    if !missing.is_empty() {
        return Err(Error::invalid(format!(
            "the demonstration needs PostgreSQL and NATS; on Debian: apt-get install {}",
            missing.join(" ")
        )));
    }
    let folder = tempfile::Builder::new().prefix("fleet-demo-").tempdir().map_err(Error::io("a folder"))?;
    let mut stage = Stage::set(&options, &folder).await?;
    let mut consumer = Consumer::start(&options, &folder, &stage.config)?;
    let page_stop = CancellationToken::new();
    let page = http::serve(options.http, stage.parts.pool.clone(), None, page_stop.clone()).await?;
    if options.progress {
        progress(&format!(
            "{} accounts, {} workers; the page: http://{page}/",
            options.accounts, options.workers
        ));
    }
    for node in &mut stage.parts.nodes {
        node.process.start()?;
    }
    let mut done = Done::default();
    let mut judge = Judge::default();
    stage.act(&options, &stop, &mut consumer, &mut judge, &mut done).await?;
    let (lost, examples) = stage.rest(&mut consumer, &mut judge).await?;
    for example in examples {
        progress(&example);
    }
    for node in &mut stage.parts.nodes {
        node.process.end().await;
    }
    // What the workers had under way when they ended comes, too.
    sleep(Duration::from_millis(500)).await;
    consumer.drain(&mut judge);
    page_stop.cancel();
    Ok(Summary {
        accounts: options.accounts,
        delivered: judge.delivered,
        acknowledged: judge.acknowledged,
        lost,
        duplicates: judge.duplicates,
        kills: done.kills,
        faults: done.others,
        takeover_ms: done.takeover_ms(),
    })
}

/// All that the demonstration plays with.
struct Stage {
    config: FleetConfig,
    parts: Parts,
    mail: Mail,
}

impl Stage {
    async fn set(options: &DemoOptions, folder: &TempDir) -> Result<Self> {
        let (postgres, nats) = (Postgres::start()?, Nats::start()?);
        let key = SealingKey::generate()?;
        let key_file = folder.path().join("key");
        std::fs::write(&key_file, &key).map_err(Error::io("the key"))?;
        let config = FleetConfig {
            database: postgres.url(),
            nats: nats.url(),
            key_file: Some(key_file.clone()),
            ttl: TTL,
            name: "demo".into(),
            ..FleetConfig::default()
        };
        let pool = pool(&config)?;
        schema::migrate(&mut *pool.get().await?).await?;
        let mail = Mail::start(options.accounts).await?;
        add_accounts(
            &Directory::new(pool.clone()),
            &SealingKey::parse(&key)?,
            options.accounts,
            mail.address(),
        )
        .await?;
        let mut nodes = Vec::new();
        for number in 1..=options.workers {
            let to_postgres = Wire::to(postgres.address()).await?;
            let to_nats = Wire::to(nats.address()).await?;
            let set_up = format!(
                "database = \"postgres://postgres@{}/postgres\"\nnats = \"nats://{}\"\nkey_file = {key_file:?}\n\
                 ttl = {TTL}\nname = \"worker-{number}\"\n",
                to_postgres.address(),
                to_nats.address(),
            );
            let name = format!("worker-{number}");
            // Ahead and behind in turn.
            let clock = options.clocks.then(|| i64::try_from(number).unwrap_or(1) * [-3, 5][number % 2]);
            let process = WorkerProcess::new(&options.program, folder.path(), &name, &set_up, clock)?;
            nodes.push(Node { process, to_postgres, to_nats });
        }
        let ttl = Duration::from_secs(TTL);
        Ok(Self { config, parts: Parts { postgres, nats, nodes, pool, ttl }, mail })
    }

    /// Mail and faults, until the time is over.
    async fn act(
        &mut self,
        options: &DemoOptions,
        stop: &CancellationToken,
        consumer: &mut Consumer,
        judge: &mut Judge,
        done: &mut Done,
    ) -> Result<()> {
        let faults: &[Fault] = if options.chaos { &ALL } else { &[Fault::Kill, Fault::Restart] };
        let pool = self.parts.pool.clone();
        let over = async {
            match options.duration {
                Some(duration) => sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        let watching = async {
            let mut ticks = interval(Duration::from_secs(1));
            loop {
                ticks.tick().await;
                consumer.drain(judge);
                if options.progress {
                    show(&pool, judge).await;
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = over => Ok(()),
            result = self.parts.torment(faults, options.pause, done) => result,
            () = self.mail.run(options.rate) => Ok(()),
            () = watching => Ok(()),
        }
    }

    /// Everything works again, and nothing changes any more: waits until events and mailboxes
    /// agree.
    async fn rest(&mut self, consumer: &mut Consumer, judge: &mut Judge) -> Result<(u64, Vec<String>)> {
        // A fault may have been under way when the time was over.
        self.parts.mend().await?;
        let truth = self.mail.truth();
        let deadline = Instant::now() + REST;
        let mut agreed = None;
        let mut last_event = (judge.acknowledged, Instant::now());
        loop {
            sleep(Duration::from_millis(250)).await;
            consumer.drain(judge);
            let (lost, examples) = judge.lost(&truth);
            if lost > 0 {
                agreed = None;
            }
            let since: Instant = *agreed.get_or_insert_with(Instant::now);
            if judge.acknowledged != last_event.0 {
                last_event = (judge.acknowledged, Instant::now());
            }
            let is_over = last_event.1.elapsed() >= GIVE_UP || Instant::now() >= deadline;
            if (lost == 0 && since.elapsed() >= QUIET) || is_over {
                return Ok((lost, examples));
            }
        }
    }
}

async fn add_accounts(
    directory: &Directory,
    key: &SealingKey,
    accounts: usize,
    server: SocketAddr,
) -> Result<()> {
    for number in 0..accounts {
        let name = account_name(number);
        let mut settings = AccountSettings::new(format!("imap://{name}@{server}"))?;
        settings.plaintext = true;
        // Mail that comes before the first look counts, too.
        settings.watch.from_start = true;
        settings.watch.interval = 5;
        // The server is in this process, and takes what comes.
        settings.policy.host_spacing = Duration::from_millis(1);
        settings.policy.host_dials = 64;
        settings.policy.min_backoff = Duration::from_millis(200);
        settings.policy.max_backoff = Duration::from_secs(5);
        settings.policy.max_redials = 20;
        directory.add(&name, &settings, &key.seal(&name, &password(&name))?).await?;
    }
    Ok(())
}

/// The consumer that is a part of this program.
fn own_consumer(program: &Path, folder: &Path, config: &FleetConfig) -> Result<tokio::process::Command> {
    let set_up = folder.join("consumer.toml");
    let text = format!("nats = {:?}\nttl = {TTL}\nname = \"consumer\"\n", config.nats);
    std::fs::write(&set_up, text).map_err(Error::io("the consumer's set-up"))?;
    let mut command = workers::program(program);
    command.arg("consume").arg("--config").arg(set_up);
    Ok(command)
}

/// The consumer's process, and the lines that it has written.
struct Consumer {
    lines: mpsc::UnboundedReceiver<Line>,
    // Ends with this.
    _child: tokio::process::Child,
}

impl Consumer {
    fn start(options: &DemoOptions, folder: &TempDir, config: &FleetConfig) -> Result<Self> {
        let log = std::fs::File::create(folder.path().join("consumer.log")).map_err(Error::io("a log"))?;
        let (reader, writer) = std::io::pipe().map_err(Error::io("a pipe"))?;
        let mut command = match &options.consumer {
            Some(program) => {
                let mut command = tokio::process::Command::new(program);
                command.arg(&config.nats);
                command
            }
            None => own_consumer(&options.program, folder.path(), config)?,
        };
        if options.drop_one {
            command.arg("--drop-one");
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io("the consumer"))?;
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in std::io::BufReader::new(reader).lines().map_while(std::result::Result::ok) {
                match serde_json::from_str(&line) {
                    // No one reads them any more once the demonstration is over.
                    Ok(line) => _ = sender.send(line),
                    Err(error) => tracing::error!(%error, line, "the consumer wrote no event"),
                }
            }
        });
        Ok(Self { lines, _child: child })
    }

    fn drain(&mut self, judge: &mut Judge) {
        while let Ok(line) = self.lines.try_recv() {
            judge.add(&line);
        }
    }
}

async fn show(pool: &deadpool_postgres::Pool, judge: &Judge) {
    // PostgreSQL may have been killed just now.
    if let Ok(Ok(now)) = timeout(Duration::from_secs(1), Overview::read(pool)).await {
        let workers: Vec<String> =
            now.workers.iter().map(|worker| format!("{} {}", worker.name, worker.accounts)).collect();
        progress(&format!(
            "events {}  acknowledged {}  late {}  doubled {}  |  followed {} of {}  parked {}  |  {}",
            judge.delivered,
            judge.acknowledged,
            judge.late,
            judge.duplicates,
            now.leased,
            now.accounts,
            now.parked,
            workers.join("  ")
        ));
    }
}

fn progress(text: &str) {
    use std::io::Write as _;
    // Whoever does not read it does not stop the demonstration.
    _ = writeln!(std::io::stderr(), "{text}");
}
