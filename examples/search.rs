//! Looks for messages, and shows them as they are found.
//!
//! ```text
//! cargo run --example search
//! IMAP_PASSWORD=… cargo run --example search -- imaps://alice@imap.example.org/Archive --from ann --since 1-Feb-2026
//! ```
//!
//! Without conditions it runs several searches at once, in one round trip: what is unread, flagged,
//! large, and what arrived in the last week. Each answer is routed to its own token.

mod support;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use imap_duplex::Mailbox;
use imap_duplex::command::{Items, Search, SearchResult};
use imap_duplex::types::{Date, Message, Timestamp};
use support::failure::Failure;
use support::output::Output;
use support::server::ServerArgs;
use support::{program, table};

/// Looks for messages that fit all conditions
#[derive(Parser)]
#[command(
    name = "search",
    override_usage = "search [OPTIONS] [URL]",
    after_help = "The password is taken from the environment variable IMAP_PASSWORD, or from the URL."
)]
struct Args {
    /// From somebody with this in the name or the address
    #[arg(long, value_name = "TEXT")]
    from: Option<String>,

    /// With this in the subject
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,

    /// With this anywhere
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,

    /// Received on this day or later, such as 1-Feb-2026
    #[arg(long, value_name = "DATE")]
    since: Option<Date>,

    /// Not read yet
    #[arg(long)]
    unseen: bool,

    /// Show at most so many, the newest
    #[arg(long, value_name = "N", default_value_t = 20)]
    count: usize,

    #[command(flatten)]
    server: ServerArgs,
}

fn main() -> ExitCode {
    program::run("search", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    let server = args.server.server()?;
    let (imap, events) = server.connect().await?;
    drop(events);
    let done = async {
        let inbox = imap.examine(&server.mailbox).await?;
        let mut output = Output::new(false);
        // All are under way before the first is waited for.
        let searches: Vec<_> =
            searches(&args).into_iter().map(|(what, search)| (what, inbox.search(search))).collect();
        for (what, found) in searches {
            let found = found.await?;
            let heading =
                format!("{what}: {}", if found.is_empty() { "none".into() } else { found.len().to_string() });
            output.lines(&heading).await?;
            if !found.is_empty() {
                let rows = rows(&inbox, &found, args.count).await?;
                output.lines(&format!("{}\n", table::messages(&rows))).await?;
            }
        }
        imap.logout().await?;
        Ok(())
    };
    tokio::select! {
        done = done => done,
        () = program::end(None) => Ok(()),
    }
}

/// What is asked for, each with a name for people.
fn searches(args: &Args) -> Vec<(&'static str, Search)> {
    let Args { from, subject, text, since, unseen, .. } = args;
    let all = [
        from.clone().map(Search::from),
        subject.clone().map(Search::subject),
        text.clone().map(Search::text),
        since.map(Search::since),
        unseen.then(Search::unseen),
    ];
    if let Some(wanted) = all.into_iter().flatten().reduce(Search::and) {
        return vec![("found", wanted)];
    }
    let mut several = vec![
        ("unread", Search::unseen()),
        ("flagged", Search::flagged()),
        ("larger than 1 MB", Search::larger(1_000_000)),
    ];
    several.extend(days_ago(7).map(|day| ("of the last week", Search::since(day))));
    several
}

fn days_ago(days: i64) -> Option<Date> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let seconds = i64::try_from(now.as_secs()).ok()? - days * 86_400;
    Timestamp::new(seconds, 0).map(Timestamp::date)
}

/// The newest of those found.
async fn rows(inbox: &Mailbox, found: &SearchResult, count: usize) -> Result<Vec<Message>, Failure> {
    let newest: Vec<_> = found.iter().rev().take(count).collect();
    let mut rows = inbox.fetch(newest.as_slice(), Items::envelope().flags().internal_date()).stream();
    let mut messages = Vec::new();
    while let Some(row) = rows.next().await {
        messages.push(row?);
    }
    Ok(messages)
}
