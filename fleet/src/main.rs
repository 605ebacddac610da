//! The program `fleet`: workers, accounts, what happens.
//!
//! In: flags, the environment, a file. Out: what the library does, in words or as JSON.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
#[cfg(feature = "demo")]
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use imap_duplex_fleet::worker::{Worker, pool};
use imap_duplex_fleet::{
    AccountSettings, Credential, Directory, Error, EventStream, FleetConfig, Overview, Result, SealingKey,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Follows the mailboxes of many IMAP accounts from many machines.
#[derive(Parser)]
#[command(name = "fleet", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    set_up: SetUp,
}

/// Flags go before the environment, which goes before the file.
#[derive(Args)]
struct SetUp {
    /// A file of `key = value`: database, nats, stream, prefix, key_file, http, name, ttl, …
    #[arg(long, global = true, env = "FLEET_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where PostgreSQL is.
    #[arg(long, global = true, env = "FLEET_DATABASE", value_name = "URL", hide_env_values = true)]
    database: Option<String>,
    /// The authorities of PostgreSQL's certificate, as PEM; the system's without it.
    #[arg(long, global = true, env = "FLEET_DATABASE_CA", value_name = "FILE")]
    database_ca: Option<PathBuf>,
    /// Where NATS is.
    #[arg(long, global = true, env = "FLEET_NATS", value_name = "URL", hide_env_values = true)]
    nats: Option<String>,
    /// More authorities of NATS's certificate, as PEM.
    #[arg(long, global = true, env = "FLEET_NATS_CA", value_name = "FILE")]
    nats_ca: Option<PathBuf>,
    /// The file of the key that seals credentials.
    #[arg(long, global = true, env = "FLEET_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The name of the stream.
    #[arg(long, global = true, env = "FLEET_STREAM", value_name = "NAME")]
    stream: Option<String>,
    /// The first word of each subject.
    #[arg(long, global = true, env = "FLEET_PREFIX", value_name = "WORD")]
    prefix: Option<String>,
    /// How long leases last without being renewed.
    #[arg(long, global = true, env = "FLEET_TTL", value_name = "SECONDS")]
    ttl: Option<u64>,
    /// How many events of a worker wait for NATS at most.
    #[arg(long, global = true, env = "FLEET_WINDOW", value_name = "N")]
    window: Option<usize>,
    /// How long NATS remembers the identities of events.
    #[arg(long, global = true, env = "FLEET_DUPLICATE_WINDOW", value_name = "SECONDS")]
    duplicate_window: Option<u64>,
    /// How long NATS keeps events.
    #[arg(long, global = true, env = "FLEET_MAX_AGE", value_name = "SECONDS")]
    max_age: Option<u64>,
    /// How many connections to PostgreSQL a worker has, besides its heartbeat's.
    #[arg(long, global = true, env = "FLEET_DATABASE_CONNECTIONS", value_name = "N")]
    database_connections: Option<usize>,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the tables, or brings them to the newest form.
    Migrate,
    /// Follows accounts until SIGTERM or Ctrl-C, then gives them back.
    Worker {
        /// Its name on the page.
        #[arg(long, env = "FLEET_NAME")]
        name: Option<String>,
        /// Where the page, /healthz and /metrics are.
        #[arg(long, env = "FLEET_HTTP", value_name = "ADDRESS:PORT")]
        http: Option<std::net::SocketAddr>,
        /// How many accounts it takes at most.
        #[arg(long, env = "FLEET_MAX_ACCOUNTS", value_name = "N")]
        max_accounts: Option<u32>,
    },
    /// Adds, removes, lists, parks or wakes accounts.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Shows events as they come, a JSON object a line.
    Tail {
        /// From the first event that is kept.
        #[arg(long)]
        all: bool,
    },
    /// Shows accounts and workers.
    Status {
        #[arg(long)]
        json: bool,
    },
    /// Makes a key that seals credentials.
    Key,
    /// Starts all that is needed, kills workers, and counts.
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// The consumer of the demonstration.
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    Consume {
        #[arg(long)]
        drop_one: bool,
    },
}

#[derive(Subcommand)]
enum AccountCommand {
    /// Adds an account. Without a flag for it the password is read from the standard input.
    Add {
        name: String,
        /// imaps://USER@HOST, or with a port imaps://USER@HOST:PORT; without a password.
        url: String,
        #[command(flatten)]
        secret: SecretArgs,
        /// No TLS: for a server on this machine.
        #[arg(long)]
        plaintext: bool,
        /// Only these mailboxes.
        #[arg(long = "mailbox", value_name = "NAME")]
        mailboxes: Vec<String>,
        /// Messages that are there already are events, too.
        #[arg(long)]
        from_start: bool,
        /// How often the mailboxes are compared, in seconds.
        #[arg(long, default_value_t = 60)]
        interval: u64,
    },
    /// Gives an account another secret, and wakes it.
    Secret {
        name: String,
        #[command(flatten)]
        secret: SecretArgs,
    },
    /// Removes an account and its cursors.
    Remove { name: String },
    /// Lists accounts, with the worker of each.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Lets no worker follow an account.
    Park { name: String },
    /// Lets a parked account be followed again.
    Wake { name: String },
}

#[derive(Args)]
#[group(multiple = false)]
struct SecretArgs {
    /// The workers read the secret from this file, at each login.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The workers read the secret from this variable of their environment.
    #[arg(long, value_name = "NAME")]
    secret_env: Option<String>,
}

#[cfg(feature = "demo")]
#[derive(Args)]
struct DemoArgs {
    /// Ends by itself after this many seconds.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Writes one JSON object in the end.
    #[arg(long)]
    json: bool,
    #[arg(long, default_value_t = 300, value_name = "N")]
    accounts: usize,
    #[arg(long, default_value_t = 3, value_name = "N")]
    workers: usize,
    /// How many changes are made a second.
    #[arg(long, default_value_t = 100, value_name = "N")]
    rate: u32,
    /// Seconds between two faults.
    #[arg(long, default_value_t = 6, value_name = "N")]
    pause: u64,
    /// Kills and stops everything, and cuts wires.
    #[arg(long)]
    chaos: bool,
    /// Where the page is.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    http: std::net::SocketAddr,
    /// The consumer keeps one event to itself: the demonstration has to fail.
    #[arg(long, hide = true)]
    drop_one: bool,
    /// A consumer of one's own: it is given NATS's address, and writes a JSON object a line with
    /// `sequence`, `known` (its identity came before) and `event`.
    #[arg(long, value_name = "PROGRAM")]
    consumer: Option<PathBuf>,
    /// The workers' wall clocks are hours apart; needs the program faketime.
    #[arg(long)]
    clocks: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,imap_duplex=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            _ = writeln!(std::io::stderr(), "fleet: {error}");
            ExitCode::FAILURE
        }
    }
}

fn say(text: impl std::fmt::Display) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Error::Io("the standard output".into(), error))
}

fn say_json(value: &impl serde::Serialize) -> Result<()> {
    say(serde_json::to_string(value).map_err(|error| Error::Invalid(error.to_string()))?)
}

fn set_up(args: &SetUp) -> Result<FleetConfig> {
    let mut config = match &args.config {
        Some(path) => FleetConfig::read(path)?,
        None => FleetConfig::default(),
    };
    config.database = args.database.clone().unwrap_or(config.database);
    config.nats = args.nats.clone().unwrap_or(config.nats);
    config.database_ca = args.database_ca.clone().or(config.database_ca);
    config.nats_ca = args.nats_ca.clone().or(config.nats_ca);
    config.key_file = args.key_file.clone().or(config.key_file);
    config.stream = args.stream.clone().unwrap_or(config.stream);
    config.prefix = args.prefix.clone().unwrap_or(config.prefix);
    config.ttl = args.ttl.unwrap_or(config.ttl);
    config.window = args.window.unwrap_or(config.window);
    config.duplicate_window = args.duplicate_window.unwrap_or(config.duplicate_window);
    config.max_age = args.max_age.unwrap_or(config.max_age);
    config.database_connections = args.database_connections.unwrap_or(config.database_connections);
    Ok(config)
}

async fn run(cli: Cli) -> Result<ExitCode> {
    let mut config = set_up(&cli.set_up)?;
    match cli.command {
        Command::Migrate => {
            let mut client = pool(&config)?.get().await.map_err(Error::from)?;
            let before = imap_duplex_fleet::migrate(&mut client).await?;
            say(format_args!("version {before} -> {}", imap_duplex_fleet::SCHEMA_VERSION))?;
        }
        Command::Worker { name, http, max_accounts } => {
            config.name = name.unwrap_or(config.name);
            config.http = http.or(config.http);
            config.max_accounts = max_accounts.unwrap_or(config.max_accounts);
            work(config).await?;
        }
        Command::Account(command) => account(&config, command).await?,
        Command::Tail { all } => tail(&config, all).await?,
        Command::Status { json } => status(&config, json).await?,
        Command::Key => say(SealingKey::generate()?)?,
        #[cfg(feature = "demo")]
        Command::Demo(args) => return demo(args).await,
        #[cfg(feature = "demo")]
        Command::Consume { drop_one } => imap_duplex_fleet::demo::consume(&config, drop_one).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Cancelled at the first SIGTERM or Ctrl-C; a second Ctrl-C ends the process.
fn stop_signal() -> Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error| Error::Io("signals".into(), error);
    let (mut term, mut interrupt) =
        (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?);
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        cancelled.cancel();
        interrupt.recv().await;
        std::process::exit(130);
    });
    Ok(stop)
}

async fn work(config: FleetConfig) -> Result<()> {
    let figures = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Error::Invalid(format!("figures can't be collected: {error}")))?;
    let stop = stop_signal()?;
    let http = config.http;
    let worker = Worker::open(config).await?;
    if let Some(address) = http {
        let local =
            imap_duplex_fleet::serve(address, worker.pool().clone(), Some(figures), stop.clone()).await?;
        tracing::info!("the page: http://{local}/");
    }
    worker.run(stop).await;
    Ok(())
}

fn credential(config: &FleetConfig, name: &str, args: SecretArgs) -> Result<Credential> {
    if let Some(path) = args.secret_file {
        let path =
            std::path::absolute(&path).map_err(|error| Error::Io(path.display().to_string(), error))?;
        return Ok(Credential::File(path));
    }
    if let Some(variable) = args.secret_env {
        return Ok(Credential::Env(variable));
    }
    let Some(key_file) = &config.key_file else {
        return Err(Error::Invalid(
            "a secret is stored sealed with a key: `fleet key > FILE`, then --key-file FILE; or say where the \
             workers find it: --secret-file, --secret-env"
                .into(),
        ));
    };
    let key = SealingKey::read(key_file)?;
    if std::io::stdin().is_terminal() {
        _ = write!(std::io::stderr(), "the secret of {name}, then Ctrl-D: ");
    }
    let mut secret = String::new();
    std::io::stdin()
        .take(64 * 1024)
        .read_to_string(&mut secret)
        .map_err(|error| Error::Io("the standard input".into(), error))?;
    let secret = secret.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(Error::Invalid("no secret came on the standard input".into()));
    }
    key.seal(name, secret)
}

async fn account(config: &FleetConfig, command: AccountCommand) -> Result<()> {
    let pool = pool(config)?;
    let directory = Directory::new(pool.clone());
    match command {
        AccountCommand::Add { name, url, secret, plaintext, mailboxes, from_start, interval } => {
            let mut settings = AccountSettings::new(url)?;
            settings.plaintext = plaintext;
            settings.watch.mailboxes = (!mailboxes.is_empty()).then_some(mailboxes);
            settings.watch.from_start = from_start;
            settings.watch.interval = interval;
            let credential = credential(config, &name, secret)?;
            directory.add(&name, &settings, &credential).await?;
        }
        AccountCommand::Secret { name, secret } => {
            let credential = credential(config, &name, secret)?;
            directory.set_credential(&name, &credential).await?;
        }
        AccountCommand::Remove { name } => directory.remove(&name).await?,
        AccountCommand::Park { name } => directory.park(&name, "parked by hand").await?,
        AccountCommand::Wake { name } => directory.wake(&name).await?,
        AccountCommand::List { json } => {
            for line in Overview::list(&pool, i64::MAX).await? {
                if json {
                    say_json(&line)?;
                } else {
                    let worker = line.worker.as_deref().unwrap_or("-");
                    let reason = line.reason.as_deref().unwrap_or("");
                    say(format_args!("{:<30} {:<8} {worker:<20} {reason}", line.name, line.state))?;
                }
            }
        }
    }
    Ok(())
}

async fn tail(config: &FleetConfig, all: bool) -> Result<()> {
    let stop = stop_signal()?;
    let mut tail = EventStream::open(config).await?.tail(all).await?;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            next = tail.next() => say_json(&next?.1)?,
        }
    }
}

async fn status(config: &FleetConfig, json: bool) -> Result<()> {
    let overview = Overview::read(&pool(config)?).await?;
    if json {
        return say_json(&overview);
    }
    say(format_args!(
        "{} accounts: {} followed, {} free, {} parked; {} events, {} waiting",
        overview.accounts, overview.leased, overview.free, overview.parked, overview.events, overview.waiting
    ))?;
    for worker in &overview.workers {
        let draining = if worker.draining { ", draining" } else { "" };
        say(format_args!(
            "  {:<20} {} accounts, {} events, renewed {:.1} s ago{draining}",
            worker.name, worker.accounts, worker.events, worker.renewed
        ))?;
    }
    for parked in &overview.parked_accounts {
        say(format_args!("  parked {}: {}", parked.name, parked.reason.as_deref().unwrap_or("")))?;
    }
    Ok(())
}

#[cfg(feature = "demo")]
async fn demo(args: DemoArgs) -> Result<ExitCode> {
    use imap_duplex_fleet::demo::{DemoOptions, run};
    let program = std::env::current_exe().map_err(|error| Error::Io("this program".into(), error))?;
    let mut options = DemoOptions::new(program);
    options.accounts = args.accounts.max(1);
    options.workers = args.workers.max(1);
    options.duration = args.seconds.map(Duration::from_secs);
    options.rate = args.rate;
    options.pause = Duration::from_secs(args.pause);
    options.chaos = args.chaos;
    options.http = args.http;
    options.drop_one = args.drop_one;
    options.consumer = args.consumer;
    options.clocks = args.clocks;
    options.progress = true;
    let summary = run(options, stop_signal()?).await?;
    if args.json {
        say_json(&summary)?;
    } else {
        say(format_args!(
            "{} events of {} accounts, {} lost, {} doubled; {} kills, {} other faults, taken over within {} ms",
            summary.delivered,
            summary.accounts,
            summary.lost,
            summary.duplicates,
            summary.kills,
            summary.faults,
            summary.takeover_ms
        ))?;
    }
    Ok(if summary.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
