//! Downloads all messages of a mailbox into a folder, one file each, with a progress bar.
//!
//! ```text
//! cargo run --example download
//! IMAP_PASSWORD=… cargo run --example download -- imaps://alice@imap.example.org/Archive --folder archive
//! ```
//!
//! Several commands are in flight, so that the connection is never idle; data is written as it
//! arrives, so that memory holds no more than those few; a large message is written while it is
//! read. A file that exists already is not fetched again.

mod support;

use std::collections::VecDeque;
use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use imap_duplex::command::{Fetch, Items};
use imap_duplex::types::{Flags, Section, Uid, UidSet};
use imap_duplex::{Body, ErrorKind, Mailbox, Rows, Sender};
use indicatif::{ProgressBar, ProgressStyle};
use support::failure::Failure;
use support::output::Output;
use support::server::{Server, ServerArgs};
use support::{demo, link, program, table};
use tokio::io::AsyncWriteExt;

/// How many FETCHes are in flight at once.
const IN_FLIGHT: usize = 4;
/// How much one FETCH asks for, in bytes; a larger message is read in pieces.
const BATCH: u64 = 256 * 1024;
/// The link to the embedded server: its round trip, and bytes a second.
const LINK: (Duration, u32) = (Duration::from_millis(50), 2_500_000);

/// Downloads all messages of a mailbox into a folder
#[derive(Parser)]
#[command(
    name = "download",
    override_usage = "download [OPTIONS] [URL]",
    after_help = "The password is taken from the environment variable IMAP_PASSWORD, or from the URL."
)]
struct Args {
    /// Where to; each message is a file with UIDVALIDITY and UID for a name, such as 1-4711.eml. A
    /// new temporary folder if none is named
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,

    #[command(flatten)]
    server: ServerArgs,
}

fn main() -> ExitCode {
    program::run("download", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    let server = args.server.server()?;
    let (imap, events) = match &server.embedded {
        Some(embedded) => {
            fill(embedded);
            let link = link::slow(embedded.connect(), LINK.0, LINK.1);
            server.config.connect_over(link).await.map_err(|error| server.explain(&error))?
        }
        None => server.connect().await?,
    };
    drop(events);
    let temporary = || env::temp_dir().join(format!("imap-duplex-download-{}", std::process::id()));
    let folder = args.folder.unwrap_or_else(temporary);
    tokio::select! {
        done = download(&imap, &server, &folder) => done,
        () = program::end(None) => Ok(()),
    }
}

/// Something to download: the mail of a year.
fn fill(server: &imap_duplex::testing::Server) {
    for day in 1..=365_u32 {
        let text =
            "Wind from the west, fair; nothing to report.\r\n".repeat(20 + (day as usize * 7919) % 800);
        let message = demo::message("Harbour <log@example.org>", &format!("Log of day {day}"), &text);
        server.deliver_with("INBOX", message, Flags::new(), demo::ago((365 - day) * 24));
    }
}

async fn download(imap: &Sender, server: &Server, folder: &Path) -> Result<(), Failure> {
    let start = Instant::now();
    let cannot = |e: std::io::Error| Failure::new(format!("{} can't be written: {e}", folder.display()));
    tokio::fs::create_dir_all(folder).await.map_err(cannot)?;
    let inbox = imap.examine(&server.mailbox).await?;
    let (wanted, there) = wanted(&inbox, folder).await?;
    let total: u64 = wanted.iter().map(|(_, size)| size).sum();
    let bar = ProgressBar::new(total);
    let style = "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} to go";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));

    let mut pieces = pieces(&wanted).into_iter();
    let ask = |piece: Piece| match piece {
        Piece::Batch(uids) => Download::Batch(inbox.fetch(uids, Items::body()).stream()),
        Piece::Large(uid, size) => {
            Download::Large(Box::new(inbox.body(uid, Section::Full).expecting(size).begin()))
        }
    };
    let mut in_flight: VecDeque<_> = pieces.by_ref().take(IN_FLIGHT).map(ask).collect();
    let mut written = 0_usize;
    while let Some(download) = in_flight.pop_front() {
        match download {
            Download::Batch(mut rows) => {
                while let Some(row) = rows.next().await {
                    let row = row?;
                    if let (Some(uid), Some(body)) = (row.uid(), row.body()) {
                        write(&path(folder, &inbox, uid), body).await.map_err(cannot)?;
                        bar.inc(body.len() as u64);
                        written += 1;
                    }
                }
            }
            Download::Large(body) => {
                let path = path(folder, &inbox, body.uid());
                written += usize::from(write_large(&path, *body, &bar).await?);
            }
        }
        in_flight.extend(pieces.next().map(ask));
    }
    bar.finish_and_clear();
    imap.logout().await?;

    let seconds = start.elapsed().as_secs_f64();
    let already = if there > 0 { format!("; {there} were there already") } else { String::new() };
    let text = format!(
        "{}, {:.1} MB in {seconds:.1} s, in {}{already}",
        table::count(written, "message"),
        total as f64 / 1e6,
        folder.display()
    );
    Output::new(false).lines(&text).await?;
    Ok(())
}

/// UID and size of what is to be fetched, and how many are here already.
async fn wanted(inbox: &Mailbox, folder: &Path) -> Result<(Vec<(Uid, u64)>, usize), Failure> {
    let (mut wanted, mut there) = (Vec::new(), 0);
    let mut rows = inbox.fetch(Uid::MIN.., Items::new().size()).stream();
    while let Some(row) = rows.next().await {
        let row = row?;
        let Some(uid) = row.uid() else { continue };
        match tokio::fs::metadata(path(folder, inbox, uid)).await {
            Ok(_) => there += 1,
            Err(_) => wanted.push((uid, row.size().unwrap_or(0))),
        }
    }
    Ok((wanted, there))
}

/// What is asked for at once: several messages, or one that is large, with its size.
enum Piece {
    Batch(UidSet),
    Large(Uid, u64),
}

/// The same, under way.
enum Download {
    Batch(Rows<Fetch>),
    Large(Box<Body>),
}

fn pieces(wanted: &[(Uid, u64)]) -> Vec<Piece> {
    let (mut all, mut batch, mut bytes) = (Vec::new(), UidSet::new(), 0);
    for &(uid, size) in wanted {
        if size > BATCH {
            all.push(Piece::Large(uid, size));
            continue;
        }
        if bytes > 0 && bytes + size > BATCH {
            all.push(Piece::Batch(std::mem::take(&mut batch)));
            bytes = 0;
        }
        batch.insert(uid);
        bytes += size;
    }
    if !batch.is_empty() {
        all.push(Piece::Batch(batch));
    }
    all
}

/// UIDs are valid with one UIDVALIDITY: with another they name other messages.
fn path(folder: &Path, inbox: &Mailbox, uid: Uid) -> PathBuf {
    let uid_validity = inbox.uid_validity().map_or_else(|| "0".into(), |it| it.to_string());
    folder.join(format!("{uid_validity}-{uid}.eml"))
}

/// Whole or not at all: what is cut off would be taken for the message next time.
async fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = path.with_extension("part");
    tokio::fs::write(&unfinished, bytes).await?;
    tokio::fs::rename(&unfinished, path).await
}

/// The same while it is read. Whether the message was still there.
async fn write_large(path: &Path, mut body: Body, bar: &ProgressBar) -> Result<bool, Failure> {
    let cannot = |e: std::io::Error| Failure::new(format!("{} can't be written: {e}", path.display()));
    let unfinished = path.with_extension("part");
    let mut file = tokio::fs::File::create(&unfinished).await.map_err(cannot)?;
    while let Some(bytes) = body.next().await {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::Expunged => {
                tokio::fs::remove_file(&unfinished).await.map_err(cannot)?;
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        file.write_all(&bytes).await.map_err(cannot)?;
        bar.inc(bytes.len() as u64);
    }
    file.flush().await.map_err(cannot)?;
    tokio::fs::rename(&unfinished, path).await.map_err(cannot)?;
    Ok(true)
}
