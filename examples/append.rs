//! Appends messages to a mailbox, all uploads in flight at once, and prints their UIDs.
//!
//! ```text
//! cargo run --example append
//! IMAP_PASSWORD=… cargo run --example append -- imaps://alice@imap.example.org/Archive one.eml two.eml
//! ```
//!
//! Without arguments it appends some messages of its own to the embedded server, whose INBOX is
//! selected meanwhile: the new messages are events, too.

mod support;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use imap_duplex::command::{Append, StatusItems};
use imap_duplex::types::{EventKind, Flag, Flags};
use imap_duplex::{Receiver, Sender, Token};
use support::failure::Failure;
use support::output::Output;
use support::server::{Server, ServerArgs};
use support::{demo, program, table};
use tokio::time::timeout;

/// How long to wait for the events of the appended messages.
const PATIENCE: Duration = Duration::from_secs(5);

/// Puts messages into a mailbox, all at once
#[derive(Parser)]
#[command(
    name = "append",
    override_usage = "append [OPTIONS] [URL FILE…]",
    after_help = "The password is taken from the environment variable IMAP_PASSWORD, or from the URL.\n\
                  A file holds one message as RFC 5322 has it; line ends may be those of this system."
)]
struct Args {
    /// As read already
    #[arg(long)]
    seen: bool,

    #[command(flatten)]
    server: ServerArgs,

    /// The messages
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    program::run("append", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    let server = args.server.server()?;
    let messages = messages(&args, &server).await?;
    let (imap, events) = server.connect().await?;
    tokio::select! {
        done = put(&imap, events, &server, &args, messages) => done,
        () = program::end(None) => Ok(()),
    }
}

/// Name and bytes of each message.
async fn messages(args: &Args, server: &Server) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    if server.embedded.is_some() {
        let made = (1..=12).map(|page| {
            let subject = format!("Log book, page {page}");
            let text = "Wind from the west, fair.\r\n".repeat(page * 400);
            (subject.clone(), demo::message("Alice <alice@example.org>", &subject, &text).into_bytes())
        });
        return Ok(made.collect());
    }
    if args.files.is_empty() {
        return Err(Failure::new("no message is named").hint("files stand behind the URL"));
    }
    let mut all = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        let bytes =
            tokio::fs::read(file).await.map_err(|e| Failure::new(format!("{name} can't be read: {e}")))?;
        all.push((name, with_crlf(&bytes)));
    }
    Ok(all)
}

async fn put(
    imap: &Sender,
    events: Receiver,
    server: &Server,
    args: &Args,
    messages: Vec<(String, Vec<u8>)>,
) -> Result<(), Failure> {
    let mut output = Output::new(false);
    // Whether there is such a mailbox is asked first: a long way for nothing else.
    imap.status(server.mailbox.as_str(), StatusItems::new().messages()).await?;
    let watched = match &server.embedded {
        Some(_) => Some(imap.select(&server.mailbox).await?),
        None => None,
    };
    let flags: Flags = args.seen.then_some(Flag::Seen).into_iter().collect();
    let uploads: Vec<(String, usize, Token<Append>)> = messages
        .into_iter()
        .map(|(name, bytes)| {
            let length = bytes.len();
            let message = Append::new(bytes).flags(flags.clone());
            (name, length, imap.append(server.mailbox.as_str(), message))
        })
        .collect();
    let (what, are) = (
        table::count(uploads.len(), "message"),
        if uploads.len() == 1 { "is on its" } else { "are on their" },
    );
    output.lines(&format!("{what} {are} way to {}", server.mailbox)).await?;
    let expected = uploads.len();
    for (name, length, upload) in uploads {
        let uid = upload.await?.uid.map_or_else(|| "its UID is not told".into(), |uid| format!("uid {uid}"));
        output.lines(&format!("{name}: {length} octets, {uid}")).await?;
    }
    if watched.is_some() {
        output.lines("\nand on the event stream:").await?;
        // If some events got lost, that is no reason to wait for ever.
        timeout(PATIENCE, arrivals(events, &mut output, expected)).await.unwrap_or(Ok(()))?;
    }
    imap.logout().await?;
    Ok(())
}

/// Prints the events up to so many arrivals.
async fn arrivals(mut events: Receiver, output: &mut Output, expected: usize) -> Result<(), Failure> {
    let mut arrived = 0;
    while let Some(event) = events.next().await {
        if let EventKind::Arrived { .. } = event.kind {
            arrived += 1;
            output.event(&event).await?;
        }
        if arrived == expected {
            break;
        }
    }
    Ok(())
}

/// With CRLF at each line's end, as IMAP wants it.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(text) => {
                all.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
                all.extend_from_slice(b"\r\n");
            }
            None => all.extend_from_slice(line),
        }
    }
    all
}
