//! Shows what happens to a mailbox while it happens: first the newest messages, then one line for
//! each event, until ctrl-c.
//!
//! ```text
//! cargo run --example watch
//! IMAP_PASSWORD=… cargo run --example watch -- imaps://alice@imap.example.org/INBOX
//! ```
//!
//! Without a URL it starts a server within itself, and plays a short scene on it.
//!
//! It shows both halves at work: several commands in flight on the one, each with its token, and
//! the event stream on the other. With `--json` it uses the event stream alone: commands are
//! detached, and their data become events too. With `--all` it follows all mailboxes, and stays
//! when a connection ends: the account's watch ([`all`]).

#[path = "watch/all.rs"]
mod all;
#[path = "watch/scene.rs"]
mod scene;
mod support;

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use imap_duplex::command::{Fetch, Items, List, Notify, NotifyEvent, StatusCommand, StatusItems};
use imap_duplex::types::{CloseReason, EventKind, Message, Seq};
use imap_duplex::{Error, Mailbox, Receiver, Select, Sender, Token};
use scene::{Note, Scene};
use support::account::AccountArgs;
use support::failure::Failure;
use support::output::Output;
use support::server::{Server, ServerArgs};
use support::{program, table};
use tokio::time::timeout;

/// In how many parts the newest messages are fetched.
const PARTS: u32 = 3;

/// Shows what happens to a mailbox: the newest messages, then one line for each event, until ctrl-c
#[derive(Parser)]
#[command(
    name = "watch",
    override_usage = "watch [OPTIONS] [URL]",
    after_help = "The password is taken from the environment variable IMAP_PASSWORD, or from the URL \
                  (imaps://USER:PASSWORD@HOST/), where others on this machine may see it.\n\
                  The mailbox is INBOX if the URL names none; it is opened for reading alone.\n\
                  RUST_LOG=info tells on the standard error what becomes of the connection, RUST_LOG=imap_duplex=debug \
                  each command, too."
)]
struct Args {
    /// One JSON object a line, for programs
    #[arg(long)]
    json: bool,

    /// How many of the newest messages to show at the start
    #[arg(long, value_name = "N", default_value_t = 10)]
    count: u32,

    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = program::seconds)]
    time: Option<Duration>,

    /// Follow all mailboxes, and connect again when the server has gone away
    #[arg(long)]
    all: bool,

    /// With --all: compare the counts of all mailboxes this often, where the server reports nothing
    #[arg(long, value_name = "SECONDS", requires = "all", value_parser = program::seconds)]
    interval: Option<Duration>,

    #[command(flatten)]
    account: AccountArgs,

    #[command(flatten)]
    server: ServerArgs,
}

/// Why the watching ended.
enum End {
    /// By ctrl-c, or because the reader of our output is gone.
    Wanted,
    /// The connection has ended.
    Closed(CloseReason),
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        if failure.is_quiet() { Self::Wanted } else { Self::Failed(failure) }
    }
}

fn main() -> ExitCode {
    program::run("watch", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    let server = args.server.server()?;
    let mut end = pin!(program::end(args.time));
    if args.all {
        return all::watch(&server, &args.account, args.interval, args.json, end).await;
    }
    let (imap, mut events) = tokio::select! {
        connected = server.connect() => connected?,
        () = &mut end => return Ok(()),
    };
    let mut output = Output::new(args.json);
    let end = tokio::select! {
        end = watch(&imap, &mut events, &mut output, &server, &args) => end,
        () = &mut end => End::Wanted,
    };
    match end {
        End::Wanted => farewell(imap, events, Some(output)).await,
        End::Closed(reason) => Err(Failure::new(reason.to_string())),
        End::Failed(failure) => {
            // The first failure is the one that counts.
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
    let (scene, mut notes) = Scene::new();
    let mut scene = Some(scene);
    let mut overview = None;
    loop {
        let printed = tokio::select! {
            // Events first: what arrived before an answer is printed before it.
            biased;
            event = events.next() => match event {
                Some(event) => {
                    if let EventKind::Closed { reason, .. } = &event.kind {
                        let reason = reason.clone();
                        let printed = output.event(&event).await;
                        return printed.map_or_else(|e| Failure::from(e).into(), |()| End::Closed(reason));
                    }
                    output.event(&event).await
                }
                None => return End::Closed(CloseReason::Dropped),
            },
            answer = &mut opening, if !opened => {
                opened = true;
                match answer {
                    Ok(answer) => overview = Some(answer),
                    Err(failure) => return End::Failed(failure),
                }
                Ok(())
            }
            () = std::future::ready(()), if overview.is_some() => {
                let Some((inbox, text)) = overview.take() else { continue };
                if let Some((server, scene)) = server.embedded.clone().zip(scene.take()) {
                    tokio::spawn(scene.play(server, inbox));
                }
                match text {
                    Some(text) => output.lines(&text).await,
                    None => Ok(()),
                }
            }
            Some(note) = notes.recv() => print_note(note, output, args).await,
        };
        if let Err(e) = printed {
            return Failure::from(e).into();
        }
    }
}

/// What happens next in the scene, for people.
async fn print_note((text, printed): Note, output: &mut Output, args: &Args) -> std::io::Result<()> {
    if !args.json {
        output.lines(&format!("\n# {text}")).await?;
    }
    // It is gone if the scene is.
    let _ = printed.send(());
    Ok(())
}

/// Opens the mailbox and asks for what people want to see first. `None` if that is received as
/// events.
async fn open(imap: &Sender, server: &Server, args: &Args) -> Result<(Mailbox, Option<String>), Failure> {
    // Three commands under way at once; STATUS before the mailbox is selected, as is proper (RFC
    // 9051 section 6.3.11).
    let folders = imap.list("*");
    let counts = imap.status(&server.mailbox, StatusItems::new().messages().unseen());
    // For reading alone: looking on must not change anything, the \Recent flags neither. In the
    // scene we change things.
    let select = Select::new(&server.mailbox);
    let inbox = imap.select(if server.embedded.is_some() { select } else { select.read_only() });
    if args.json {
        // Their data and their ends are events.
        folders.detach();
        counts.detach();
        let inbox = expected(inbox.await?, server)?;
        for part in fetch_newest(&inbox, args.count) {
            part.detach();
        }
        watch_others(imap, server).await?;
        return Ok((inbox, None));
    }
    let inbox = match inbox.await {
        Ok(inbox) => expected(inbox, server)?,
        Err(error) => return Err(not_opened(&error, folders).await),
    };
    let newest = fetch_newest(&inbox, args.count);
    let text = overview(folders, counts, newest).await?;
    watch_others(imap, server).await?;
    Ok((inbox, Some(text)))
}

/// In the scene other mailboxes are watched, too.
async fn watch_others(imap: &Sender, server: &Server) -> Result<(), Failure> {
    if server.embedded.is_some() {
        let events = [NotifyEvent::MESSAGES.as_slice(), &NotifyEvent::MAILBOXES].concat();
        imap.notify(Notify::set().personal(events)).await?;
    }
    Ok(())
}

/// The mailbox, if it is still the one that the URL is about.
fn expected(inbox: Mailbox, server: &Server) -> Result<Mailbox, Failure> {
    match (server.uid_validity, inbox.uid_validity()) {
        (Some(wanted), Some(uid_validity)) if wanted != uid_validity.get() => {
            let what = format!(
                "the URL is about UIDVALIDITY {wanted}, and that of the mailbox is {uid_validity} now"
            );
            Err(Failure::new(what).hint("leave ;UIDVALIDITY= out of the URL"))
        }
        _ => Ok(inbox),
    }
}

/// The newest messages, in several commands at once; each part's answers find their own token.
fn fetch_newest(inbox: &Mailbox, count: u32) -> Vec<Token<Fetch>> {
    let last = inbox.exists();
    let count = count.min(last);
    // How many messages are before this part, in 64 bits: the server may report 2^32 - 1 of them.
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
    counts: Token<StatusCommand>,
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
    let failure = Failure::from(error);
    if error.status().is_none() {
        return failure;
    }
    match folders.await {
        Ok(all) if !all.is_empty() => failure.hint(format!("the server has {}", table::names(&all))),
        _ => failure,
    }
}

/// Logs out, and prints the remaining events, the connection's end among them.
async fn farewell(imap: Sender, mut events: Receiver, output: Option<Output>) -> Result<(), Failure> {
    let logout = program::log_out(&imap);
    let rest = async {
        let mut output = output;
        while let Some(event) = events.next().await {
            let Some(out) = &mut output else { continue };
            if out.event(&event).await.is_err() {
                output = None;
            }
        }
    };
    let (done, _) = tokio::join!(logout, timeout(program::PATIENCE, rest));
    done
}
