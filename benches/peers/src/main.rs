//! imap-duplex and other crates at the same work, by turns in one run, so that what the machine
//! does meanwhile hits all alike.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- parse          a table
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- parse --json   one object a row
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- session        a table
//! ```
//!
//! `all`: whole clients at eight workloads; see `whole/mod.rs`. On Linux.
//!
//! `memory [CONNECTIONS]`: what an idle connection of ours costs; see `memory.rs`.
//!
//! `crowd CONNECTIONS MESSAGES`: what so many idle connections take in one process; see `crowd.rs`.
//! On Linux.
//!
//! `huge GIB`: one body of that size, streamed to a file; see `huge.rs`. On Linux.
//!
//! `run` beside the manifest measures all that `docs/performance.md` has of this, and writes it
//! there.
//!
//! `session`: whole clients over a socket, each in a process of its own; see `session.rs`. On
//! Linux.
//!
//! `parse`: each crate cuts the same bytes of a server into responses, reads each into its types
//! and drops it. The figures are of the best of several rounds; allocations are counted, not
//! estimated.
//!
//! Instructions per byte, by callgrind (which must be installed). `once WORK CRATE` does the work a
//! single time, and `once WORK none` only makes the bytes; the figure is the difference of both
//! counts, divided by the printed number of bytes:
//!
//! ```text
//! cargo build --release --manifest-path benches/peers/Cargo.toml
//! for crate in none imap-duplex imap-proto imap-codec; do
//!   valgrind --tool=callgrind --callgrind-out-file=/dev/null \\
//!     benches/peers/target/release/imap-duplex-peers once flags $crate 2>&1 | grep -E "bytes|Collected"
//! done
//! ```

mod count;
mod crates;
mod crowd;
mod fill;
mod huge;
mod memory;
#[path = "../../recorded/mod.rs"]
mod recorded;
mod session;
mod whole;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crates::{CRATES, Crate};
use recorded::Work;

const USAGE: &str = "usage: imap-duplex-peers all [--json] [--rounds N] [--only W1,…] [--svg FILE] [--dovecot]\n       imap-duplex-peers parse [--json]\n       imap-duplex-peers session\n       imap-duplex-peers memory [CONNECTIONS]\n       imap-duplex-peers crowd CONNECTIONS MESSAGES [--json]\n       imap-duplex-peers huge GIB\n       imap-duplex-peers fill RESULTS DOCUMENT ABOUT\n       imap-duplex-peers once WORK CRATE";

/// How many rounds each crate has at each work.
const ROUNDS: usize = 15;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["parse"] => parse(false),
        ["parse", "--json"] => parse(true),
        ["once", work, peer] => return once(work, peer),
        ["session"] => {
            if let Err(error) = session::compare() {
                eprintln!("imap-duplex-peers: {error}");
                return ExitCode::FAILURE;
            }
        }
        ["all", ref rest @ ..] => match whole::all(rest) {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                eprintln!("imap-duplex-peers: {error}");
                return ExitCode::FAILURE;
            }
            None => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        },
        // What `all` starts for each client.
        ["whole-client", name, variant, work, port, certificate]
            if whole::client(name, variant, work, port, certificate).is_some() => {}
        // The two ends by themselves, for tools that look into one of them.
        ["serve", work] if session::serve_alone(work).is_some() => {}
        ["memory"] | ["memory", _] => {
            let connections = arguments.get(1).and_then(|n| n.parse().ok()).unwrap_or(200);
            if let Err(error) = memory::measure(connections) {
                eprintln!("imap-duplex-peers: {error}");
                return ExitCode::FAILURE;
            }
        }
        ["crowd", connections, messages, ref rest @ ..] => {
            let (connections, messages) = (connections.parse().ok(), messages.parse().ok());
            let Some((connections, messages)) = connections.zip(messages) else {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            };
            if let Err(error) = crowd::measure(connections, messages, rest == ["--json"]) {
                eprintln!("imap-duplex-peers: {error}");
                return ExitCode::FAILURE;
            }
        }
        ["crowd-server", messages, connections]
            if messages
                .parse()
                .ok()
                .zip(connections.parse().ok())
                .is_some_and(|(m, c)| crowd::serve(m, c).is_ok()) => {}
        ["huge", gib] if gib.parse::<u64>().is_ok_and(|gib| gib > 0) => {
            if let Err(error) = huge::measure(gib.parse().expect("a number")) {
                eprintln!("imap-duplex-peers: {error}");
                return ExitCode::FAILURE;
            }
        }
        // What `huge` starts for each way.
        ["huge-client", way, size, port] if huge::client(way, size, port).is_some() => {}
        ["fill", results, document, about] => {
            if let Err(error) = fill::fill(results, document, about) {
                eprintln!("imap-duplex-peers: {error}");
                return ExitCode::FAILURE;
            }
        }
        ["idle-server", messages] if messages.parse().map(memory::serve).is_ok() => {}
        // What `session` starts for each client.
        ["client", client, work, port] if session::client(client, work, port).is_some() => {}
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// What one crate reached at one work.
struct Row {
    work: &'static str,
    name: &'static str,
    mb_per_s: f64,
    allocs_per_response: f64,
}

fn parse(json: bool) {
    if !json {
        println!("{:<10} {:<14} {:>8} {:>16} {:>8}", "work", "crate", "MB/s", "allocs/response", "ratio");
    }
    for work in recorded::works() {
        let rows = measure(&work);
        let ours = rows.first().map_or(0.0, |row| row.mb_per_s);
        for Row { work, name, mb_per_s, allocs_per_response } in rows {
            if json {
                println!(
                    "{{\"work\":\"{work}\",\"crate\":\"{name}\",\"mb_per_s\":{mb_per_s:.1},\
                     \"allocs_per_response\":{allocs_per_response:.2}}}"
                );
            } else {
                let ratio = ours / mb_per_s;
                println!("{work:<10} {name:<14} {mb_per_s:>8.0} {allocs_per_response:>16.2} {ratio:>8.2}");
            }
        }
    }
}

/// All crates at this work, by turns.
fn measure(work: &Work) -> Vec<Row> {
    let mut best = [Duration::MAX; CRATES.len()];
    let mut allocs = [0; CRATES.len()];
    for round in 0..ROUNDS {
        // Each begins a round in its turn: none always runs in another's wake.
        for turn in 0..CRATES.len() {
            let which = (round + turn) % CRATES.len();
            let before = count::allocations();
            let begin = Instant::now();
            run(&CRATES[which], work);
            best[which] = best[which].min(begin.elapsed());
            allocs[which] = count::allocations() - before;
        }
    }
    let figures = |(which, peer): (usize, &Crate)| Row {
        work: work.name,
        name: peer.name,
        mb_per_s: work.bytes.len() as f64 / best[which].as_secs_f64() / 1e6,
        allocs_per_response: allocs[which] as f64 / work.rows as f64,
    };
    CRATES.iter().enumerate().map(figures).collect()
}

/// Makes a crate do the work. It must have read everything, or its figures would be meaningless.
fn run(peer: &Crate, work: &Work) {
    let read = (peer.parse)(black_box(&work.bytes));
    assert_eq!(read, work.rows, "{} reads all of {}", peer.name, work.name);
}

/// Does one work a single time by one crate, for tools that count.
fn once(work: &str, peer: &str) -> ExitCode {
    let found = recorded::works().into_iter().find(|known| known.name == work);
    let known = CRATES.iter().find(|known| known.name == peer);
    match (found, known) {
        (Some(work), Some(peer)) => run(peer, &work),
        (Some(_), None) if peer == "none" => {}
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    let bytes =
        recorded::works().into_iter().find(|known| known.name == work).map_or(0, |work| work.bytes.len());
    println!("{bytes} bytes");
    ExitCode::SUCCESS
}
