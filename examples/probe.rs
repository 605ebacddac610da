//! Shows what a server can do: tries each extension that it advertises, in a scratch mailbox that
//! is made for that and removed again.
//!
//! ```text
//! cargo run --example probe
//! IMAP_PASSWORD=… cargo run --example probe -- imaps://alice@imap.example.org --json
//! ```
//!
//! A row says which command was tried, whether it worked, how many round trips that took, and what
//! came back. Round trips are counted in the traffic: commands that are under way at once take one,
//! a command that the library sends in several steps takes several, and where a row has a
//! connection of its own, its login and its end count as well.
//!
//! What is offered before the login comes first, on connections of its own: STARTTLS, and a login
//! by each mechanism for which the command line has what it needs. No password goes another way
//! than the first one did.
//!
//! An OK alone is no success: what was asked for has to come back, and is what the row shows. Where
//! nothing has to come, as where no mailbox has a special use, and nothing does, the row is
//! skipped.
//!
//! What would change more than the scratch mailbox is not tried; nor is what the server gives no
//! hold on, or may refuse: such rows are skipped, and say why. If a row fails, so does the program,
//! in the end: all others are tried, over another connection if the server has ended this one.
//! Skipped for other reasons are:
//!
//! - what the library has no command for, which are vendors' own: at Cyrus SCAN, XCONVERSATIONS,
//!   X-REPLICATION and X-SIEVE-MAILBOX;
//! - what a server does by itself, without a command for it: INPROGRESS, IMAPSIEVE, and
//!   NO_ATOMIC_RENAME, which says what is not done;
//! - what is about the login, but offered after it alone: LOGINDISABLED;
//! - the mechanisms that the library does not have (AUTH=CRAM-MD5), or that the command line has
//!   nothing for;
//! - what the server has no room for now, such as another connection.
//!
//! Ctrl-c ends it, and what it has made is removed all the same. A probe that is killed can't do
//! that: the next one does, an hour later.
//!
//! At Gmail a mailbox is a label, and its messages outlive it: they are moved to the trash and
//! expunged there. They are known by their Message-IDs, which no other messages have.

#[path = "probe/appends.rs"]
mod appends;
#[path = "probe/before.rs"]
mod before;
#[path = "probe/checks.rs"]
mod checks;
#[path = "probe/gmail.rs"]
mod gmail;
#[path = "probe/items.rs"]
mod items;
#[path = "probe/mailboxes.rs"]
mod mailboxes;
#[path = "probe/proof.rs"]
mod proof;
#[path = "probe/scratch.rs"]
mod scratch;
mod support;
#[path = "probe/trials.rs"]
mod trials;
#[path = "probe/trips.rs"]
mod trips;
#[path = "probe/untyped.rs"]
mod untyped;
#[path = "probe/urls.rs"]
mod urls;

use std::process::ExitCode;

use checks::Outcome;
use clap::Parser;
use imap_duplex::Sender;
use scratch::Scratch;
use support::failure::Failure;
use support::output::Output;
use support::program;
use support::server::{Server, ServerArgs};

/// Tries each extension that a server advertises
#[derive(Parser)]
#[command(
    name = "probe",
    override_usage = "probe [OPTIONS] [URL]",
    after_help = "The password is taken from the environment variable IMAP_PASSWORD, or from the URL.\n\
                  A mailbox with a name of its own is made, and removed at the end; nothing else is changed."
)]
struct Args {
    /// One JSON object a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerArgs,
}

/// A capability, the command by which it was tried, and what came of it.
struct Row {
    capability: String,
    command: &'static str,
    outcome: Outcome,
}

fn main() -> ExitCode {
    program::run_observed("probe", vec![trips::counter()], run)
}

async fn run(args: Args) -> Result<(), Failure> {
    let mut server = args.server.server()?;
    server.config = server.config.auto_idle(false);
    let (imap, events) = server.connect().await?;
    drop(events);
    let mut rows = Vec::new();
    let (name, mut scratch) = (scratch::name(&imap).await, None);
    // What can't be removed was not made by this one.
    let _ = scratch::remove_stale(&imap, &server.user, &name).await;
    let tried = tokio::select! {
        tried = try_all(&server, &imap, &name, &mut scratch, &mut rows) => tried,
        () = program::end(None) => Err(Failure::new("interrupted")),
    };
    // The one that is left of them.
    let imap = scratch.as_ref().map_or(imap, |scratch| scratch.imap.clone());
    // Whatever has happened.
    let removed = remove(&server, &imap, &name, scratch).await;
    let mut output = Output::new(args.json);
    output.lines(&if args.json { json(&rows) } else { table(&rows) }).await?;
    tried?;
    removed?;
    program::log_out(&imap).await?;
    match rows.iter().filter(|row| matches!(row.outcome, Outcome::Failed { .. })).count() {
        0 => Ok(()),
        failed => Err(Failure::new(format!("{failed} of {} did not work", rows.len()))),
    }
}

async fn try_all(
    server: &Server,
    imap: &Sender,
    name: &str,
    scratch: &mut Option<Scratch>,
    rows: &mut Vec<Row>,
) -> Result<(), Failure> {
    let (offered, known) = (before::offered(server).await?, imap.capabilities());
    let before = offered.names().into_iter().filter(|name| before::is_of_login(name) || !known.has(name));
    let after = known.iter().filter(|name| before::is_of_login(name)).map(str::to_owned);
    let mut tried: Vec<String> = Vec::new();
    for name in before.chain(after) {
        if tried.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            continue;
        }
        let (command, outcome) = before::try_out(server, &offered, &name).await;
        rows.push(Row { capability: name.clone(), command, outcome });
        tried.push(name);
    }
    let scratch = scratch.insert(Scratch::make(imap.clone(), &server.user, name).await?);
    for name in known.iter().filter(|name| !before::is_of_login(name)) {
        let (command, outcome, lost) = checks::try_out(server, scratch, name).await;
        rows.push(Row { capability: name.to_owned(), command, outcome });
        if lost {
            scratch.connect_again(server).await?;
        }
    }
    Ok(())
}

/// Removes what was made; over another connection if this one is broken, or does not answer.
async fn remove(server: &Server, imap: &Sender, name: &str, scratch: Option<Scratch>) -> Result<(), Failure> {
    // Each label takes several commands.
    let patience = program::PATIENCE * if imap.capabilities().has("X-GM-EXT-1") { 20 } else { 3 };
    let here = async {
        if let Some(scratch) = scratch {
            let _ = scratch.inbox.unselect().await;
        }
        scratch::remove(imap, &server.user, name).await
    };
    if let Ok(Ok(())) = tokio::time::timeout(patience, here).await {
        return Ok(());
    }
    let again = async {
        let (imap, events) = server.connect().await?;
        drop(events);
        scratch::remove(&imap, &server.user, name).await?;
        program::log_out(&imap).await
    };
    match tokio::time::timeout(patience, again).await {
        Ok(removed) => removed,
        Err(_) => Err(Failure::new(format!("the server does not let {name} be removed"))),
    }
}

/// For people: one line for each, in columns.
fn table(rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> usize, least: usize| rows.iter().map(of).max().unwrap_or(0).max(least);
    let first = width(|row| row.capability.chars().count(), 10);
    let second = width(|row| row.command.chars().count(), 7);
    let mut lines = vec![format!("{:first$}  {:second$}  WORKED  TRIPS  ANSWER", "CAPABILITY", "COMMAND")];
    for Row { capability, command, outcome } in rows {
        let (worked, trips, answer) = match outcome {
            Outcome::Worked { round_trips, answer } => ("yes", round_trips.to_string(), answer),
            Outcome::Failed { round_trips, why } => ("no", round_trips.to_string(), why),
            Outcome::Skipped { why } => ("skipped", String::new(), why),
        };
        let answer: String = answer.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        let line = format!("{capability:first$}  {command:second$}  {worked:7} {trips:>5}  {answer}");
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// For programs: one object for each.
fn json(rows: &[Row]) -> String {
    let object = |Row { capability, command, outcome }: &Row| {
        let mut object = serde_json::json!({ "capability": capability, "command": command });
        match outcome {
            Outcome::Worked { round_trips, answer } => {
                object["worked"] = true.into();
                object["round_trips"] = (*round_trips).into();
                object["answer"] = answer.as_str().into();
            }
            Outcome::Failed { round_trips, why } => {
                object["worked"] = false.into();
                object["round_trips"] = (*round_trips).into();
                object["answer"] = why.as_str().into();
            }
            Outcome::Skipped { why } => {
                object["worked"] = "skipped".into();
                object["why"] = why.as_str().into();
            }
        }
        object.to_string()
    };
    rows.iter().map(object).collect::<Vec<_>>().join("\n")
}
