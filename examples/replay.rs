//! Replays recorded server bytes: prints what the library makes of each response in a file.
//!
//! ```text
//! cargo run --example replay -- recorded.imap
//! ```
//!
//! The bytes must be as they were on the wire, several responses a file; such a file, and what this
//! prints of it, is what a bug report about the reading of responses needs. They are read twice:
//! once by themselves, which gives the account that is printed (offset, length, and what was
//! understood), and once through a connection, which must take them without getting stuck, and must
//! count the same.
//!
//! The counts of the last line: `responses` are all whole ones, tagged ones and continuations among
//! them, and also one at which the framing is lost (a limit is passed), since the rest of the file
//! can't be read then. A greeting that the file lacks is supplied and not counted, nor is a
//! response that the file does not contain whole. `unparsed` are those that could not be parsed;
//! `other` are well-formed ones of an unknown kind.
//!
//! Where one of the connection's limits ends it, or drops events, a separate line names the limit
//! and the remedy; the counts are not compared then.
//!
//! The exit status is 0 if all was read, 1 if something was unparsed, 2 if there is nothing to
//! count: a file that can't be read, or a fault of the library.

#[path = "replay/connection.rs"]
mod connection;

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use imap_duplex::replay::{RecordedKind, RecordedResponse, Replay};
use imap_duplex::types::{Event, Limits};
use serde_json::{Map, Value, json};

/// Replays recorded server bytes: prints what the library makes of each response, and counts them
#[derive(Parser)]
#[command(name = "replay")]
struct Args {
    /// One JSON object a line, for programs
    #[arg(long)]
    json: bool,

    /// Bytes as a server sent them, one or more responses each
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What to do where a connection did not take all of a file.
const LIMITED: &str = "this is a bound of the client's, and no fault: a program that is to read such a server gives \
                       Config::limits a larger one than the default that is used here";

/// How many responses there were.
#[derive(Default)]
struct Counts {
    responses: usize,
    unparsed: usize,
    other: usize,
    /// Tagged responses and continuations: no command is in flight whose they could be.
    unsolicited: usize,
}

/// Why there is no result.
enum Failure {
    /// The reader of our output is gone.
    Unread,
    Fault(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Fault(format!("the output can't be written: {error}")),
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(counts) if counts.unparsed > 0 => ExitCode::FAILURE,
        Ok(_) | Err(Failure::Unread) => ExitCode::SUCCESS,
        Err(Failure::Fault(what)) => {
            // Without a receiver the result is not needed.
            let _ = writeln!(io::stderr(), "replay: {what}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<Counts, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|e| Failure::Fault(format!("the runtime can't be started: {e}")))?;
    let mut report = Report { out: io::BufWriter::new(io::stdout().lock()), json: args.json };
    let mut sum = Counts::default();
    for file in &args.files {
        let recorded = std::fs::read(file).map_err(|e| Failure::Fault(format!("{}: {e}", file.display())))?;
        if args.files.len() > 1 {
            report.file(file)?;
        }
        let counts = replay(&mut report, file, &recorded)?;
        report.out.flush()?;
        let outcome = runtime.block_on(connection::feed(&recorded));
        let outcome = outcome.map_err(|e| Failure::Fault(format!("{}: {e}", file.display())))?;
        if let Some(why) = &outcome.ended {
            report.note(file, "ended", &format!("the connection ended: {why}"))?;
        }
        if outcome.limited {
            report.note(file, "limit", LIMITED)?;
        }
        if outcome.left_out > 0 {
            let count = outcome.left_out;
            let what =
                format!("the connection left out {count} events (Limits::events, Limits::unread); {LIMITED}");
            report.note(file, "limit", &what)?;
        }
        // A line that ends or continues a command that was never sent is an event like an unparsed
        // one.
        let expected = (counts.unparsed + counts.unsolicited, counts.other);
        if outcome.received_all && (outcome.unparsed, outcome.unknown) != expected {
            let (unparsed, unknown) = (outcome.unparsed, outcome.unknown);
            let what = format!(
                "the connection reported {unparsed} lines as unparsed and of {unknown} as unknown, where {} and {} \
                 are right; please report this",
                expected.0, expected.1
            );
            return Err(Failure::Fault(format!("{}: {what}", file.display())));
        }
        sum.responses += counts.responses;
        sum.unparsed += counts.unparsed;
        sum.other += counts.other;
    }
    report.sum(&sum)?;
    Ok(sum)
}

/// Prints each response of a file.
fn replay(report: &mut Report<impl Write>, file: &Path, recorded: &[u8]) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let mut replay = Replay::new(recorded, &Limits::default());
    for response in replay.by_ref() {
        counts.responses += 1;
        counts.unparsed += usize::from(response.is_unparsed());
        counts.other += usize::from(response.is_other());
        counts.unsolicited += usize::from(matches!(
            response.what,
            RecordedKind::Tagged { .. } | RecordedKind::Continuation { .. }
        ));
        report.response(file, &response)?;
    }
    if let Some(begin) = replay.incomplete() {
        let left = recorded.len() - begin;
        report.note(file, "incomplete", &format!("incomplete: {left} octets at {begin} begin a response"))?;
    }
    Ok(counts)
}

/// What is printed.
struct Report<W> {
    out: W,
    json: bool,
}

impl<W: Write> Report<W> {
    /// The name of the next file.
    fn file(&mut self, file: &Path) -> io::Result<()> {
        // In JSON each line names it.
        if self.json { Ok(()) } else { writeln!(self.out, "{}:", file.display()) }
    }

    /// One line for one response.
    fn response(&mut self, file: &Path, response: &RecordedResponse) -> io::Result<()> {
        let event = response.event();
        let mut fields = fields_of(response, event.as_ref())?;
        if self.json {
            let place = json!({ "file": file.display().to_string(), "offset": response.offset, "octets": response.bytes });
            if let Value::Object(place) = place {
                fields.extend(place);
            }
            return writeln!(self.out, "{}", Value::Object(fields));
        }
        write!(self.out, "{:>8} {:>6}  ", response.offset, response.bytes)?;
        match (&response.what, event) {
            (RecordedKind::Untagged(untagged), _) if !response.is_other() => {
                for known in ["kind", "response", "event", "answer"] {
                    fields.remove(known);
                }
                writeln!(self.out, "{} {}", untagged.name(), Value::Object(fields))
            }
            (RecordedKind::Tagged { tag, status, .. }, _) => {
                writeln!(self.out, "{} {}", tag.escape_debug(), printable(&status.to_string()))
            }
            (RecordedKind::Continuation { text, .. }, _) => writeln!(self.out, "+ {}", text.escape_ascii()),
            (_, Some(event)) => writeln!(self.out, "{}", printable(&event.to_string())),
            (_, None) => writeln!(self.out),
        }
    }

    /// Something about a file as a whole.
    fn note(&mut self, file: &Path, name: &str, text: &str) -> io::Result<()> {
        match self.json {
            true => {
                let note = json!({ "file": file.display().to_string(), "note": name, "text": text });
                writeln!(self.out, "{note}")
            }
            false => writeln!(self.out, "{text}"),
        }
    }

    /// The last line.
    fn sum(&mut self, sum: &Counts) -> io::Result<()> {
        let Counts { responses, unparsed, other, .. } = sum;
        match self.json {
            true => {
                writeln!(self.out, r#"{{"responses":{responses},"unparsed":{unparsed},"other":{other}}}"#)?
            }
            false => writeln!(self.out, "responses {responses} unparsed {unparsed} other {other}")?,
        }
        self.out.flush()
    }
}

/// What was understood of a response, as fields; `event` is the event that it is.
fn fields_of(response: &RecordedResponse, event: Option<&Event>) -> io::Result<Map<String, Value>> {
    let mut fields = match event.map(serde_json::to_value).transpose()? {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let mut put = |name: &str, value: Value| fields.insert(name.into(), value);
    match &response.what {
        RecordedKind::Untagged(untagged) => {
            put("kind", if response.is_other() { "other" } else { "untagged" }.into());
            // A LIST has its mailbox under this name.
            put("response", untagged.name().into());
        }
        RecordedKind::Tagged { tag, status, .. } => {
            put("kind", "tagged".into());
            put("tag", tag.as_str().into());
            put("status", status.status.as_str().into());
            if let Some(code) = &status.code {
                put("code", code.to_string().into());
            }
            put("text", status.text.as_str().into());
        }
        RecordedKind::Continuation { text, .. } => {
            put("kind", "continuation".into());
            put("text", text.escape_ascii().to_string().into());
        }
        RecordedKind::Lost { .. } => {
            put("kind", "lost".into());
        }
        _ => {
            put("kind", "unparsed".into());
        }
    }
    Ok(fields)
}

/// The server's text on a person's terminal: without control characters.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
