//! A connection to a server that says what was recorded, whatever it is asked.
//!
//! In: the recorded bytes. Out: what became of the connection. What the library asks before all is set up (its
//! capabilities, say, if the greeting does not tell them) is answered, so that it goes on; after that the recorded bytes
//! come, in pieces as the connection takes them, and then the server hangs up. Nothing is asked meanwhile, so that tags
//! in the recorded bytes, which are those of another connection, are nobody's.

use std::time::Duration;

use imap_duplex::types::{CloseReason, EventKind};
use imap_duplex::{Config, Error};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};

/// How many octets are on the way at the most.
const ON_THE_WAY: usize = 16 << 10;

/// How long it may take until all is read and the connection has ended. One that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The greeting of those that recorded none.
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
    pub(crate) heard_all: bool,
    /// How many events a limit left out.
    pub(crate) left_out: u64,
    /// Whether one of [`Limits`](imap_duplex::types::Limits) ended it. The reason names it.
    pub(crate) limited: bool,
}

/// The length of the greeting at the start of these bytes, if there is one (RFC 9051 section 7.1).
fn greeting(recorded: &[u8]) -> Option<usize> {
    let end = recorded.iter().position(|&octet| octet == b'\n')? + 1;
    let mut words =
        recorded[..end].split(|octet| octet.is_ascii_whitespace()).filter(|word| !word.is_empty());
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
        // It may hang up at any place; the outcome says why.
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
    // Without being read, what the library writes would be stuck; with it, it is nobody's concern.
    let ignoring = async {
        let mut line = Vec::new();
        while response.read_until(b'\n', &mut line).await.is_ok_and(|count| count > 0) {
            line.clear();
        }
    };
    // How the driver ends is told by the last event, too.
    let (fed, (unparsed, unknown, left_out, reason), _, ()) =
        tokio::join!(feeding, listening, driver, ignoring);
    // Until here: without a `Sender` the connection would have logged out.
    drop(imap);
    let limited = match &reason {
        CloseReason::Limit(_) => true,
        CloseReason::Protocol(why) => why.contains("Limits::"),
        _ => false,
    };
    let heard_all = fed && left_out == 0 && !limited && !matches!(reason, CloseReason::Protocol(_));
    let ended = (reason != CloseReason::Eof).then(|| reason.to_string());
    Outcome { unparsed, unknown, ended, heard_all, left_out, limited }
}

/// Greets, then says OK to whatever is asked. Never ends.
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
        heard_all: rest.is_empty() && !limited,
        left_out: 0,
        limited,
        ended: Some(ended),
    }
}
