//! A connection to a server that sends a recording, whatever it is asked.
//!
//! In: the recorded bytes. Out: what became of the connection. The library's commands until the
//! connection is ready (CAPABILITY, say, if the greeting lacks the capabilities) are answered;
//! after that the recorded bytes are sent, in pieces as the connection takes them, and then the
//! server hangs up. No command is in flight meanwhile, so that tags in the recorded bytes, which
//! are those of another connection, match none.

use std::time::Duration;

use imap_duplex::types::{CloseReason, EventKind};
use imap_duplex::{Config, Error};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};

/// How many bytes are in transit at most.
const ON_THE_WAY: usize = 16 << 10;

/// How long it may take until everything is read and the connection has ended. If it takes longer,
/// it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The greeting for recordings without one.
const GREETING: &[u8] = b"* PREAUTH [CAPABILITY IMAP4rev1] replayed\r\n";

/// What became of the connection.
pub(crate) struct Outcome {
    /// Events of responses that can't be read.
    pub(crate) unparsed: usize,
    /// Events of responses of a kind that is not known.
    pub(crate) unknown: usize,
    /// Why it ended; `None`: the server hung up behind the last recorded byte, as it was to.
    pub(crate) ended: Option<String>,
    /// Whether it read all that was recorded, and left out no event: its counts can be compared.
    pub(crate) received_all: bool,
    /// How many events a limit left out.
    pub(crate) left_out: u64,
    /// Whether one of [`Limits`](imap_duplex::types::Limits) ended it. The reason names it.
    pub(crate) limited: bool,
}

/// The length of the greeting at the start of these bytes, if there is one (RFC 9051 section 7.1).
fn greeting(recorded: &[u8]) -> Option<usize> {
    let end = recorded.iter().position(|&byte| byte == b'\n')? + 1;
    let mut words = recorded[..end].split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let star = words.next() == Some(b"*");
    let word = words.next()?;
    let known = [&b"OK"[..], b"PREAUTH", b"BYE"].iter().any(|known| word.eq_ignore_ascii_case(known));
    (star && known).then_some(end)
}

/// Feeds these bytes to a connection.
///
/// # Errors
/// The connection did not end: a fault of the library.
pub(crate) async fn feed(recorded: &[u8]) -> Result<Outcome, String> {
    let outcome = tokio::time::timeout(PATIENCE, connect(recorded)).await;
    outcome.map_err(|_| format!("the connection had not ended after {PATIENCE:?}"))
}

async fn connect(recorded: &[u8]) -> Outcome {
    let (client, server) = duplex(ON_THE_WAY);
    let (response, mut said) = split(server);
    let mut response = BufReader::new(response);
    let (first, rest) = match greeting(recorded) {
        Some(end) => recorded.split_at(end),
        None => (GREETING, recorded),
    };
    let config = Config::new("replay").plaintext().auto_idle(false);
    // The server's side never ends by itself.
    let connected = tokio::select! {
        connected = config.handshake(client) => connected,
        () = welcome(&mut response, &mut said, first) => unreachable!("it waits for ever at its end"),
    };
    let (imap, mut events, driver) = match connected {
        Ok(connected) => connected,
        Err(error) => return turned_away(&error, rest),
    };
    let feeding = async {
        // The connection may end at any place; the outcome has the reason.
        let all = said.write_all(rest).await.is_ok();
        let _ = said.shutdown().await;
        all
    };
    let listening = async {
        let (mut unparsed, mut unknown, mut left_out, mut reason) = (0, 0, 0, CloseReason::Dropped);
        while let Some(event) = events.next().await {
            match event.kind {
                EventKind::Unparsed { .. } => unparsed += 1,
                EventKind::Unknown { .. } => unknown += 1,
                EventKind::Lagged(lag) => left_out += lag.events,
                EventKind::Closed { reason: why, .. } => reason = why,
                _ => {}
            }
        }
        (unparsed, unknown, left_out, reason)
    };
    // The library's output must be read, or it would block; its content is not needed.
    let ignoring = async {
        let mut line = Vec::new();
        while response.read_until(b'\n', &mut line).await.is_ok_and(|count| count > 0) {
            line.clear();
        }
    };
    // The last event reports the end of the driver, too.
    let (fed, (unparsed, unknown, left_out, reason), _, ()) =
        tokio::join!(feeding, listening, driver, ignoring);
    // Until here: without a `Sender` the connection would have logged out.
    drop(imap);
    let limited = match &reason {
        CloseReason::Limit(_) => true,
        CloseReason::Protocol(why) => why.contains("Limits::"),
        _ => false,
    };
    let received_all = fed && left_out == 0 && !limited && !matches!(reason, CloseReason::Protocol(_));
    let ended = (reason != CloseReason::Eof).then(|| reason.to_string());
    Outcome { unparsed, unknown, ended, received_all, left_out, limited }
}

/// Greets, then answers OK to every command. Never ends.
async fn welcome(
    response: &mut BufReader<ReadHalf<DuplexStream>>,
    said: &mut WriteHalf<DuplexStream>,
    greeting: &[u8],
) {
    let mut line = Vec::new();
    let _ = said.write_all(greeting).await;
    while response.read_until(b'\n', &mut line).await.is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&line).into_owned();
        line.clear();
        let (tag, command) = text.split_once(' ').unwrap_or((&text, ""));
        let data = if command.trim_end() == "CAPABILITY" { "* CAPABILITY IMAP4rev1\r\n" } else { "" };
        let _ = said.write_all(format!("{data}{tag} OK done\r\n").as_bytes()).await;
    }
    std::future::pending::<()>().await;
}

/// The greeting was a BYE, or could not be read.
fn turned_away(error: &Error, rest: &[u8]) -> Outcome {
    let ended = error.to_string();
    let limited = ended.contains("Limits::");
    Outcome {
        unparsed: 0,
        unknown: 0,
        received_all: rest.is_empty() && !limited,
        left_out: 0,
        limited,
        ended: Some(ended),
    }
}
