//! What it is worth to have many commands in flight: the same work twice, once waiting for each
//! answer before the next command, once all at once; and how long each took.
//!
//! ```text
//! cargo run --example pipeline
//! IMAP_PASSWORD=… cargo run --example pipeline -- imaps://alice@imap.example.org/
//! ```
//!
//! Without a URL there is a link between that takes 50 ms for a round trip, as from one end of
//! Europe to the other. It only reads.

mod support;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use imap_duplex::command::{Items, Search, StatusItems};
use imap_duplex::types::{MailboxName, Seq};
use imap_duplex::{Error, Mailbox, Sender};
use support::failure::Failure;
use support::output::Output;
use support::server::{Server, ServerArgs};
use support::{demo, link, program};

/// Bytes a second over the link to the embedded server.
const RATE: u32 = 10_000_000;

/// Does the same work one command at a time and with all in flight, and shows how long each took
#[derive(Parser)]
#[command(
    name = "pipeline",
    override_usage = "pipeline [OPTIONS] [URL]",
    after_help = "The password is taken from the environment variable IMAP_PASSWORD, or from the URL."
)]
struct Args {
    /// How long a round trip takes over the link to the server within this program
    #[arg(long, value_name = "MS", default_value_t = 50)]
    round_trip: u64,

    /// How many messages are looked at, one command each
    #[arg(long, value_name = "N", default_value_t = 20)]
    messages: u32,

    #[command(flatten)]
    server: ServerArgs,
}

/// One piece of work, and how long it took each way.
struct Row {
    work: &'static str,
    commands: usize,
    one_by_one: Duration,
    in_flight: Duration,
}

fn main() -> ExitCode {
    program::run("pipeline", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    let server = args.server.server()?;
    let round_trip = Duration::from_millis(args.round_trip);
    let mut output = Output::new(false);
    // Without automatic IDLE, which would begin and end between two commands.
    let config = server.config.clone().auto_idle(false);
    let connected = match &server.embedded {
        Some(embedded) => {
            let missing = args.messages.saturating_sub(8);
            for number in 0..missing {
                demo::deliver(embedded, "INBOX", "Build <build@example.org>", &format!("Build {number}"));
            }
            output.lines(&format!("a link with a round trip of {round_trip:?}, to a server within")).await?;
            config.connect_over(link::slow(embedded.connect(), round_trip, RATE)).await
        }
        None => config.connect().await,
    };
    let (imap, events) = connected.map_err(|error| server.explain(&error))?;
    // What happens meanwhile is of no interest here.
    drop(events);

    let end = program::end(None);
    let rows = tokio::select! {
        rows = work(&imap, &server, args.messages) => rows?,
        () = end => return Ok(()),
    };
    imap.logout().await?;
    output.lines(&table(&rows)).await?;
    Ok(())
}

async fn work(imap: &Sender, server: &Server, count: u32) -> Result<Vec<Row>, Error> {
    let folders: Vec<MailboxName> =
        imap.list("*").await?.into_iter().filter(|f| f.is_selectable()).map(|f| f.name).take(10).collect();
    let mut rows = Vec::new();

    let counts = || StatusItems::new().messages().unseen();
    let start = Instant::now();
    for folder in &folders {
        imap.status(folder, counts()).await?;
    }
    let one_by_one = start.elapsed();
    let start = Instant::now();
    let tokens: Vec<_> = folders.iter().map(|folder| imap.status(folder, counts())).collect();
    for token in tokens {
        token.await?;
    }
    let in_flight = start.elapsed();
    rows.push(Row { work: "counts of each mailbox", commands: folders.len(), one_by_one, in_flight });

    let start = Instant::now();
    let inbox = imap.examine(&server.mailbox).await?;
    let found = inbox.search(Search::all()).await?;
    inbox.fetch(found, Items::new().flags().size()).await?;
    let one_by_one = start.elapsed();
    // SEARCH is sent before SELECT is answered: the token's mailbox is available at once.
    let start = Instant::now();
    let opening = imap.examine(&server.mailbox);
    let found = opening.mailbox().search(Search::all());
    let all = opening.mailbox().fetch(imap_duplex::types::Uid::MIN.., Items::new().flags().size());
    let inbox = opening.await?;
    found.await?;
    all.await?;
    let in_flight = start.elapsed();
    rows.push(Row { work: "open, search, list", commands: 3, one_by_one, in_flight });

    rows.push(bodies(&inbox, count).await?);
    Ok(rows)
}

/// The newest messages' headers and texts, each by a command of its own.
async fn bodies(inbox: &Mailbox, count: u32) -> Result<Row, Error> {
    let last = inbox.exists();
    let first = last.saturating_sub(count.saturating_sub(1)).max(1);
    let numbers = || (first..=last).filter_map(Seq::new);
    let fetch = |seq: Seq| inbox.fetch(seq..=seq, Items::envelope().and(Items::body()));
    let start = Instant::now();
    for seq in numbers() {
        fetch(seq).await?;
    }
    let one_by_one = start.elapsed();
    let start = Instant::now();
    let tokens: Vec<_> = numbers().map(fetch).collect();
    let commands = tokens.len();
    for token in tokens {
        token.await?;
    }
    let in_flight = start.elapsed();
    Ok(Row { work: "messages, a command each", commands, one_by_one, in_flight })
}

fn table(rows: &[Row]) -> String {
    let sum = |of: fn(&Row) -> Duration| rows.iter().map(of).sum::<Duration>();
    let all = Row {
        work: "all of it",
        commands: rows.iter().map(|row| row.commands).sum(),
        one_by_one: sum(|row| row.one_by_one),
        in_flight: sum(|row| row.in_flight),
    };
    let mut text =
        format!("\n{:25} {:>8}  {:>12}  {:>12}  {:>7}", "", "COMMANDS", "ONE BY ONE", "IN FLIGHT", "");
    for row in rows.iter().chain([&all]) {
        let faster = row.one_by_one.as_secs_f64() / row.in_flight.as_secs_f64().max(1e-6);
        text += &format!(
            "\n{:25} {:>8}  {:>9} ms  {:>9} ms  {faster:>6.1}x",
            row.work,
            row.commands,
            row.one_by_one.as_millis(),
            row.in_flight.as_millis(),
        );
    }
    text
}
