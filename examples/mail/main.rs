//! A mail client for the terminal: all mail on this machine, with the network or without it.
//!
//! ```text
//! cargo run --example mail
//! IMAP_PASSWORD=… cargo run --example mail -- imaps://alice@imap.example.org/
//! IMAP_PASSWORD=… cargo run --example mail -- --store mail.store --sync --json imaps://alice@imap.example.org/
//! cargo run --example mail -- --store mail.store --list INBOX
//! ```
//!
//! Without a URL it starts a server within itself, on which mail keeps arriving. Lists, search and
//! messages come from a store (`imap_duplex::store`), which an account keeps in step; what the user
//! does is done there at once, and sent when there is a connection.
//!
//! ```text
//!   terminal ── keys ──> app (pure state) ── actions ──> work ──> store <── account <── server
//!       ^                 │    ^                           │
//!       └──── draw <──────┘    └───────── events ──────────┘
//! ```

mod app;
mod draw;
mod lively;
mod once;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use imap_duplex::account::Policy;
use imap_duplex::store::Store;
use support::account::AccountArgs;
use support::failure::Failure;
use support::program;
use support::server::{Server, ServerArgs};
use tokio::sync::mpsc::unbounded_channel;

/// A mail client for the terminal, with the network or without it
#[derive(Parser)]
#[command(
    name = "mail",
    override_usage = "mail [OPTIONS] [URL]",
    after_help = "The password is taken from the environment variable IMAP_PASSWORD, or from the URL.\n\
                  Without a URL a server within the program is used, on which mail keeps arriving.\n\
                  Nothing is ever sent by SMTP: replies are kept among the drafts."
)]
struct Args {
    /// Keep the mail in this file; without it, in one for all accounts in the user's data folder
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,

    /// Bring the store in step once, without a screen, and print what has changed
    #[arg(long, conflicts_with = "list")]
    sync: bool,

    /// Print the newest messages of this mailbox from the store, without the network
    #[arg(long, value_name = "MAILBOX")]
    list: Option<String>,

    /// How many messages --list prints
    #[arg(long, value_name = "N", default_value_t = 50)]
    count: u32,

    /// With --sync or --list: one JSON object, for programs
    #[arg(long)]
    json: bool,

    /// Fetch the whole messages of the newest N days in advance, to be read and searched offline
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u32,

    /// Whom replies are from, such as "Ann <ann@example.org>"; by default the user at the server
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,

    /// Where attachments are saved
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    save_to: PathBuf,

    #[command(flatten)]
    account: AccountArgs,

    #[command(flatten)]
    server: ServerArgs,
}

fn main() -> ExitCode {
    program::run("mail", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    if let Some(mailbox) = &args.list {
        let file = args.store.clone().map_or_else(default_store, Ok)?;
        return once::list(&file, mailbox, args.count, args.json).await;
    }
    if args.json && !args.sync {
        return Err(Failure::new("--json is for --sync and --list"));
    }
    if !args.sync {
        terminal::check()?;
    }
    let server = args.server.server()?;
    let folder; // As long as the program runs.
    let file = match (&args.store, &server.embedded) {
        (Some(file), _) => file.clone(),
        (None, None) => default_store()?,
        (None, Some(_)) => {
            folder = tempfile::tempdir().map_err(|e| Failure::new(format!("no temporary folder: {e}")))?;
            folder.path().join("mail.store")
        }
    };
    if let Some(embedded) = &server.embedded {
        lively::fill(embedded);
    }
    if args.sync {
        let account = args.account.account(&server)?;
        return once::sync(&file, &account, &server, args.json).await;
    }
    screen(args, server, &file).await
}

async fn screen(args: Args, server: Server, file: &Path) -> Result<(), Failure> {
    let store = Store::open(file).await?;
    let embedded = server.embedded.clone();
    let from = args.from.clone().unwrap_or_else(|| server.author());
    let name = server.author();
    let (events, mut happened) = unbounded_channel();
    let (actions, asked) = unbounded_channel();
    let saved = args.save_to.clone();
    let accounts = Box::new(move || args.account.account_by(&server, policy()));
    let link = work::Link::new(&store, accounts, args.days, events.clone()).await?;
    let worker = work::Worker { store, link, events, from: work::author(&from), saved };
    let worker = tokio::spawn(worker.run(asked));
    let shown = tokio::select! {
        shown = terminal::run(app::App::new(name), &actions, &mut happened) => shown,
        () = lively::play(embedded) => Ok(()),
    };
    drop(actions);
    // It logs out.
    _ = worker.await;
    shown
}

/// A user waits for the connection, and sees why there is none: it is tried again sooner than by a
/// program that runs by itself.
fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.max_backoff = Duration::from_secs(20);
    policy.max_redials = 12;
    policy
}

/// The store of a user who names none.
fn default_store() -> Result<PathBuf, Failure> {
    let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = given("XDG_DATA_HOME").or_else(|| given("LOCALAPPDATA"));
    let data = data.or_else(|| given("HOME").map(|home| home.join(".local/share")));
    let data =
        data.ok_or_else(|| Failure::new("there is no folder for the store").hint("--store FILE names one"))?;
    let folder = data.join("imap-duplex");
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    // Other users have no business with it.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(|e| Failure::new(format!("{} can't be made: {e}", folder.display())))?;
    Ok(folder.join("mail.store"))
}
