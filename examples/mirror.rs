//! Mirrors an account into Maildirs, one a mailbox, and keeps them up to date.
//!
//! ```text
//! cargo run --example mirror
//! IMAP_PASSWORD=… cargo run --example mirror -- imaps://alice@imap.example.org/ mail --state mail.json --follow
//! ```
//!
//! It can be killed at any moment: a message is in its Maildir whole or not at all, its file's name
//! says which message it is, and the next run compares what there is with the mailbox. With
//! `--state` only what has changed since is asked for. It changes nothing on the server.

#[path = "mirror/maildir.rs"]
mod maildir;
#[path = "mirror/pass.rs"]
mod pass;
#[path = "mirror/state.rs"]
mod state;
mod support;

use std::collections::BTreeSet;
use std::env;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use imap_duplex::account::{ChangeKind, Changes, MemoryStore, Watch};
use imap_duplex::types::MailboxName;
use pass::{Mirror, Outcome};
use serde_json::json;
use support::account::AccountArgs;
use support::failure::Failure;
use support::output::Output;
use support::server::{Server, ServerArgs};
use support::{account, demo, program};
use tokio::time::{sleep, timeout};

/// How long changes that come together are collected.
const BURST: Duration = Duration::from_millis(100);
/// The pause after a failure that may pass.
const PAUSE: Duration = Duration::from_secs(2);

/// Mirrors an account into Maildirs, one a mailbox
#[derive(Parser)]
#[command(
    name = "mirror",
    override_usage = "mirror [OPTIONS] [URL] [FOLDER]",
    after_help = "The folder has a Maildir for each mailbox, at the mailbox's path; messages that it did not put \
                  there are left alone. A new temporary folder if none is named.\n\
                  The password is taken from the environment variable IMAP_PASSWORD, or from the URL."
)]
struct Args {
    /// Stay, and mirror what changes
    #[arg(long)]
    follow: bool,

    /// Keep in this file how far each mailbox has been mirrored, so that a later run asks for less
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// One JSON object a line, for programs
    #[arg(long)]
    json: bool,

    /// With --follow: compare the counts of all mailboxes this often, where the server reports
    /// nothing
    #[arg(long, value_name = "SECONDS", requires = "follow", value_parser = program::seconds)]
    interval: Option<Duration>,

    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = program::seconds)]
    time: Option<Duration>,

    #[command(flatten)]
    account: AccountArgs,

    #[command(flatten)]
    server: ServerArgs,

    /// Where to
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    program::run("mirror", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    let server = args.server.server()?;
    let temporary = || env::temp_dir().join(format!("imap-duplex-mirror-{}", std::process::id()));
    let folder = args.folder.clone().unwrap_or_else(temporary);
    let account = args.account.account(&server)?;
    let mut mirror = Mirror::open(account.clone(), folder, args.state.clone())?;
    let mut output = Output::new(args.json);
    let mut end = pin!(program::end(args.time));
    let done = tokio::select! {
        done = work(&mut mirror, &mut output, &server, &args) => done,
        () = play(&server) => Ok(()),
        () = &mut end => Ok(()),
    };
    account::end(&account).await;
    done
}

async fn work(mirror: &mut Mirror, output: &mut Output, server: &Server, args: &Args) -> Result<(), Failure> {
    if !args.json {
        output.lines(&format!("into {}", mirror.folder().display())).await?;
    }
    if !args.follow {
        return once(mirror, output, args.json).await;
    }
    let mut watch = Watch::all().follow(&server.mailbox);
    if let Some(interval) = args.interval {
        watch = watch.interval(interval);
    }
    // What was acknowledged need not be kept: what there is in the Maildirs says more.
    let changes = mirror.account().watch(watch, MemoryStore::new()).await?;
    follow(mirror, output, changes, args.json).await
}

/// All mailboxes, one after the other; then the sums.
async fn once(mirror: &mut Mirror, output: &mut Output, json: bool) -> Result<(), Failure> {
    let mut failed = None;
    for name in mirror.list().await? {
        let outcome = loop {
            match mirror.pass(&name).await {
                Ok(outcome) => break outcome,
                Err(failure) if failure.may_pass() => sleep(PAUSE).await,
                Err(failure) => {
                    output.lines(&line(&name, Err(&failure.to_string()), json)).await?;
                    failed = Some(failure);
                    break Outcome::default();
                }
            }
        };
        if outcome != Outcome::default() {
            output.lines(&line(&name, Ok(&outcome), json)).await?;
        }
    }
    output.lines(&mirror.sums().await.to_string()).await?;
    failed.map_or(Ok(()), |failure| Err(failure.into()))
}

/// Passes over the mailboxes in which something has changed, as long as the account lasts. In the
/// beginning that is each of them: the watch says of each that it is in step with it.
async fn follow(
    mirror: &mut Mirror,
    output: &mut Output,
    mut changes: Changes,
    json: bool,
) -> Result<(), Failure> {
    let mut dirty: BTreeSet<MailboxName> = BTreeSet::new();
    let mut is_listed = false;
    loop {
        let mut next = changes.next().await;
        while let Some(change) = next {
            match change {
                Ok(change) => {
                    match &change.kind {
                        ChangeKind::Renamed { from, .. } => {
                            mirror.renamed(from, &change.mailbox)?;
                            is_listed = false;
                        }
                        ChangeKind::Created | ChangeKind::Deleted => is_listed = false,
                        _ => {}
                    }
                    if change.kind != ChangeKind::Deleted {
                        dirty.insert(change.mailbox.clone());
                    }
                    changes.ack(&change).await?;
                }
                // A mailbox that may not be read keeps back no others.
                Err(error) => match error.mailbox().cloned() {
                    Some(name) => {
                        let reason = Failure::from(error).to_string();
                        output.lines(&line(&name, Err(&reason), json)).await?;
                    }
                    None => return Err(error.into()),
                },
            }
            next = match timeout(BURST, changes.next()).await {
                Ok(None) => return Ok(()),
                Ok(next) => next,
                Err(_) => None,
            };
        }
        while !is_listed || !dirty.is_empty() {
            let done = catch_up(mirror, output, &mut dirty, &mut is_listed, json).await;
            match done {
                Err(failure) if failure.may_pass() => sleep(PAUSE).await,
                done => done?,
            }
        }
    }
}

/// One pass over what is to be looked into.
async fn catch_up(
    mirror: &mut Mirror,
    output: &mut Output,
    dirty: &mut BTreeSet<MailboxName>,
    is_listed: &mut bool,
    json: bool,
) -> Result<(), pass::Error> {
    if !*is_listed {
        let listed = mirror.list().await?;
        dirty.retain(|name| listed.contains(name));
        *is_listed = true;
    }
    while let Some(name) = dirty.first().cloned() {
        let outcome = mirror.pass(&name).await;
        if let Err(failure) = &outcome
            && failure.may_pass()
        {
            return Err(pass::Error::clone(failure));
        }
        dirty.remove(&name);
        let outcome = outcome.map_err(|failure| failure.to_string());
        if outcome.as_ref() != Ok(&Outcome::default()) {
            output.lines(&line(&name, outcome.as_ref().map_err(String::as_str), json)).await?;
        }
        if json {
            output.lines(&json!({"event": "in_step", "mailbox": name}).to_string()).await?;
        }
    }
    Ok(())
}

/// What a pass has done, or why it has failed.
fn line(name: &MailboxName, outcome: Result<&Outcome, &str>, json: bool) -> String {
    match outcome {
        Ok(Outcome { new, changed, removed }) if json => {
            let object = json!({"event": "mirrored", "mailbox": name, "new": new, "changed": changed, "removed": removed});
            object.to_string()
        }
        Ok(Outcome { new, changed, removed }) => {
            format!("{}: {new} new, {changed} changed, {removed} removed", name.as_str().escape_debug())
        }
        Err(reason) if json => json!({"event": "error", "mailbox": name, "reason": reason}).to_string(),
        Err(reason) => format!("{}: {reason}", name.as_str().escape_debug()),
    }
}

/// For the embedded server and --follow: mail now and then.
async fn play(server: &Server) {
    let Some(server) = &server.embedded else { return std::future::pending().await };
    for number in 4712.. {
        sleep(Duration::from_secs(3)).await;
        demo::deliver(server, "INBOX", "Build <build@example.org>", &format!("Build {number} is green"));
    }
}
