//! Shows what happens to a mailbox while it happens: first the newest messages, then one line for each event, until
//! ctrl-c.
//!
//! ```text
//! IMAP_PASSWORD=… cargo run --example watch -- imaps://alice@imap.example.org/INBOX
//! ```
//!
//! It shows both halves at work: several commands in flight on the one, each with its token, and the stream of events
//! on the other, which needs no asking. With `--json` it lives on the event stream alone: commands are detached, and
//! their data comes as events too.

mod support;

use std::env;
use std::io::{self, ErrorKind, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use imap_duplex::command::{Fetch, Items, List, StatusItems, StatusOf};
use imap_duplex::types::{CloseReason, EventKind, Message, Seq};
use imap_duplex::{Error, Mailbox, Receiver, Sender, Token};
use support::failure::Failure;
use support::output::Output;
use support::server::{Server, ServerArgs};
use support::table;
use tokio::time::timeout;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// How long the server may take to say goodbye.
const PATIENCE: Duration = Duration::from_secs(5);

/// In how many parts the newest messages are fetched.
const PARTS: u32 = 3;

/// Shows what happens to a mailbox: the newest messages, then one line for each event, until ctrl-c
#[derive(Parser)]
#[command(
    name = "watch",
    override_usage = "watch [OPTIONS] URL",
    after_help = "The password is taken from the environment variable IMAP_PASSWORD, or from the URL \
                  (imaps://USER:PASSWORD@HOST/), where others on this machine may see it.\n\
                  The mailbox is INBOX if the URL names none; it is opened for reading alone.\n\
                  RUST_LOG=imap_duplex=debug tells on the standard error what goes on."
)]
struct Args {
    /// One JSON object a line, for programs
    #[arg(long)]
    json: bool,

    /// How many of the newest messages to show at the start
    #[arg(long, value_name = "N", default_value_t = 10)]
    count: u32,

    #[command(flatten)]
    server: ServerArgs,
}

/// Why the watching ended.
enum End {
    /// By ctrl-c, or the reader of our output has gone.
    Wanted,
    /// The connection has ended.
    Closed(CloseReason),
    Failed(Failure),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::Wanted,
            _ => Self::Failed(Failure::new(format!("the output can't be written: {error}"))),
        }
    }
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) if e.use_stderr() => return tell(&usage(&e)),
        Err(help) => {
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => return tell(&Failure::new(format!("the asynchronous runtime can't be started: {e}"))),
    };
    let result = runtime.block_on(run(&args));
    // A write to a reader that has stopped reading would keep it for ever.
    runtime.shutdown_background();
    result.map_or_else(|failure| tell(&failure), |()| ExitCode::SUCCESS)
}

fn tell(failure: &Failure) -> ExitCode {
    // If nobody hears it, nobody wants to.
    let _ = writeln!(io::stderr(), "watch: {failure}");
    ExitCode::FAILURE
}

/// What is wrong with the command line, in one line, and without a URL: there may be a password in it.
fn usage(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let what = if first.contains("://") { "there is a URL where none is expected" } else { first };
    Failure::new(what.strip_prefix("error: ").unwrap_or(what)).hint("--help tells more")
}

async fn run(args: &Args) -> Result<(), Failure> {
    log()?;
    let server = args.server.server()?;
    let mut interrupted = pin!(interrupted());
    let (imap, mut events) = tokio::select! {
        connected = server.config.connect() => connected.map_err(|e| server.explain(&e))?,
        () = &mut interrupted => return Ok(()),
    };
    let mut output = Output::new(args.json);
    let end = tokio::select! {
        end = watch(&imap, &mut events, &mut output, &server, args) => end,
        () = &mut interrupted => End::Wanted,
    };
    match end {
        End::Wanted => farewell(imap, events, Some(output)).await,
        End::Closed(reason) => Err(Failure::new(reason.to_string())),
        End::Failed(failure) => {
            // What went wrong first is what counts.
            let _ = farewell(imap, events, Some(output).filter(|_| args.json)).await;
            Err(failure)
        }
    }
}

/// Opens the mailbox and prints each event, the opening's too, until the connection ends.
async fn watch(
    imap: &Sender,
    events: &mut Receiver,
    output: &mut Output,
    server: &Server,
    args: &Args,
) -> End {
    let mut opening = pin!(open(imap, server, args));
    let mut opened = false;
    loop {
        let printed = tokio::select! {
            // Events first: what came before an answer is told before it.
            biased;
            event = events.next() => match event {
                Some(event) => {
                    if let EventKind::Closed { reason, .. } = &event.kind {
                        let reason = reason.clone();
                        return output.event(&event).await.map_or_else(End::from, |()| End::Closed(reason));
                    }
                    output.event(&event).await
                }
                None => return End::Closed(CloseReason::Dropped),
            },
            overview = &mut opening, if !opened => {
                opened = true;
                match overview {
                    Ok(Some(text)) => output.lines(&text).await,
                    Ok(None) => Ok(()),
                    Err(failure) => return End::Failed(failure),
                }
            }
        };
        if let Err(e) = printed {
            return e.into();
        }
    }
}

/// Opens the mailbox and asks for what people want to see first. `None` if it comes as events.
async fn open(imap: &Sender, server: &Server, args: &Args) -> Result<Option<String>, Failure> {
    // Three commands under way at once; STATUS before the mailbox is selected, as is proper (RFC 9051 section 6.3.11).
    let folders = imap.list("*");
    let counts = imap.status(&server.mailbox, StatusItems::new().messages().unseen());
    // For reading alone: looking on must not change anything, the \Recent flags neither.
    let inbox = imap.examine(&server.mailbox);
    if args.json {
        // Their data and their ends are events.
        folders.detach();
        counts.detach();
        let inbox = expected(inbox.await?, server)?;
        for part in fetch_newest(&inbox, args.count) {
            part.detach();
        }
        return Ok(None);
    }
    let inbox = match inbox.await {
        Ok(inbox) => expected(inbox, server)?,
        Err(error) => return Err(not_opened(&error, folders).await),
    };
    let newest = fetch_newest(&inbox, args.count);
    overview(folders, counts, newest).await.map(Some)
}

/// The mailbox, if it is still the one that the URL is about.
fn expected(inbox: Mailbox, server: &Server) -> Result<Mailbox, Failure> {
    match (server.uid_validity, inbox.uid_validity()) {
        (Some(wanted), Some(era)) if wanted != era.get() => {
            let what = format!("the URL is about UIDVALIDITY {wanted}, and that of the mailbox is {era} now");
            Err(Failure::new(what).hint("leave ;UIDVALIDITY= out of the URL"))
        }
        _ => Ok(inbox),
    }
}

/// The newest messages, in several commands at once; each part's answers find their own token.
fn fetch_newest(inbox: &Mailbox, count: u32) -> Vec<Token<Fetch>> {
    let last = inbox.exists();
    let count = count.min(last);
    // How many messages are before this part, in 64 bits: the server may say that there are 2^32 - 1.
    let before = |part: u32| u64::from(last - count) + u64::from(count) * u64::from(part) / u64::from(PARTS);
    let number = |n: u64| u32::try_from(n).ok().and_then(Seq::new);
    (0..PARTS)
        .filter_map(|part| Some(number(before(part) + 1)?..=number(before(part + 1))?))
        .filter(|part| !part.is_empty())
        .map(|part| inbox.fetch(part, Items::envelope().flags().internal_date()))
        .collect()
}

/// The answers, for people. Messages are what it is about; the rest is not worth failing for.
async fn overview(
    folders: Token<List>,
    counts: Token<StatusOf>,
    newest: Vec<Token<Fetch>>,
) -> Result<String, Failure> {
    let mut messages: Vec<Message> = Vec::new();
    for part in newest {
        messages.extend(part.await?);
    }
    let folders = folders.await.map_or_else(|e| format!("not told: {e}"), |all| table::names(&all));
    let unseen = match counts.await {
        Ok(counts) => counts.unseen.map_or_else(|| "not told".into(), |unseen| unseen.to_string()),
        Err(e) => format!("not told: {e}"),
    };
    let table = if messages.is_empty() { String::new() } else { table::messages(&messages) + "\n\n" };
    Ok(format!("mailboxes: {folders}\nunseen: {unseen}\n\n{table}watching; ctrl-c ends"))
}

/// Why the mailbox can't be opened, and which ones could be.
async fn not_opened(error: &Error, folders: Token<List>) -> Failure {
    let failure = Failure::new(error.to_string());
    if error.status().is_none() {
        return failure;
    }
    match folders.await {
        Ok(all) if !all.is_empty() => failure.hint(format!("the server has {}", table::names(&all))),
        _ => failure,
    }
}

/// Logs out, and prints the events that still come, the connection's end among them.
async fn farewell(imap: Sender, mut events: Receiver, output: Option<Output>) -> Result<(), Failure> {
    let logout = imap.logout();
    let rest = async {
        let mut output = output;
        while let Some(event) = events.next().await {
            let Some(out) = &mut output else { continue };
            if out.event(&event).await.is_err() {
                output = None;
            }
        }
    };
    let (done, _) = tokio::join!(timeout(PATIENCE, logout), timeout(PATIENCE, rest));
    match done {
        Ok(done) => Ok(done?),
        Err(_) => Err(Failure::new(format!("the server did not answer LOGOUT within {PATIENCE:?}"))),
    }
}

/// Resolves at ctrl-c, or when the system asks to end.
async fn interrupted() {
    #[cfg(unix)]
    let asked = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut asked) => asked.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let asked = std::future::pending::<Option<()>>();
    let pressed = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        _ = asked => {}
        () = pressed => {}
    }
}

/// Tells on the standard error what RUST_LOG asks for.
fn log() -> Result<(), Failure> {
    let Ok(wanted) = env::var("RUST_LOG") else { return Ok(()) };
    let targets: Targets = wanted
        .parse()
        .map_err(|e| Failure::new(format!("RUST_LOG: {e}")).hint("for example RUST_LOG=imap_duplex=debug"))?;
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry().with(layer.with_filter(targets)).init();
    Ok(())
}
