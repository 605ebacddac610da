//! Whole clients at work, W1 to W8, against a replay server: each in a process of its own, by
//! turns, so that what the machine does meanwhile hits all alike. On Linux.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- all [--json] [--rounds N] \
//!   [--only W1,W4] [--svg FILE] [--dovecot]
//! ```
//!
//! With `--dovecot` the server is a private Dovecot, for the works that it can be asked for.
//!
//! In: a work and a contender. Out: medians of all rounds; as a table for documents, as a JSON
//! object a row, as a plot. The measured time begins behind the login and includes SELECT.
//!
//! ```text
//! this process ─> server.rs (a thread a connection) <─ loopback ─> a client's process
//!       ^                                                               │ measure.rs
//!       └──────────────────── figures, by its output <──────────────────┘
//! ```

mod async_imap;
mod dovecot;
mod floor;
mod imap_next;
mod io_imap;
mod lines;
mod link;
mod measure;
mod ours;
mod plot;
mod rust_imap;
mod server;
mod work;

use std::process::Command;
use std::sync::Arc;

use dovecot::Dovecot;
use link::{Address, Identity};
use measure::Figures;
pub use measure::{of_files, peak, resident};
use server::Server;
use work::{WORKS, Work};

/// How many commands those that can have in flight in W5p: as many as fit 40,000 a second into the
/// round trip.
const IN_FLIGHT: usize = 1000;

/// Who is compared: a crate, and how it runs.
struct Contender {
    name: &'static str,
    /// Words: `current` or `multi` (the runtime), `main` or `task` (where the work is), `view` or
    /// `off`; `literals` (read while they come); `tls`. None of a blocking crate in clear text.
    variant: &'static str,
    /// The works that it does, if not all.
    only: Option<&'static [&'static str]>,
}

impl Contender {
    const fn new(name: &'static str, variant: &'static str, only: Option<&'static [&'static str]>) -> Self {
        Self { name, variant, only }
    }

    fn does(&self, work: Work) -> bool {
        self.only.is_none_or(|only| only.contains(&work.name))
    }

    fn is(&self, word: &str) -> bool {
        self.variant.split(' ').any(|part| part == word)
    }
}

/// The client that only counts bytes.
const FLOOR: &str = "floor";

/// What depends on the runtime.
const RUNTIME: Option<&[&str]> = Some(&["W1", "W2", "W3", "W4", "W5"]);
/// What a client can do that has one command in flight, and ends IDLE at each change.
const ONE_BY_ONE: Option<&[&str]> = Some(&["W1", "W2", "W3", "W4", "W5", "W7", "W8"]);

/// What can be read while it comes.
const BODIES: Option<&[&str]> = Some(&["W3", "W4"]);

/// What is measured over TLS, too.
const TLS: Option<&[&str]> = Some(&["W1", "W3", "W5"]);

const CONTENDERS: [Contender; 21] = [
    Contender::new("imap-duplex", "current off", None),
    Contender::new("imap-duplex", "current view", None),
    Contender::new("imap-duplex", "current off literals", BODIES),
    Contender::new("imap-duplex", "multi main off", RUNTIME),
    Contender::new("imap-duplex", "multi main view", RUNTIME),
    Contender::new("imap-duplex", "multi task view", RUNTIME),
    Contender::new("async-imap", "current", ONE_BY_ONE),
    Contender::new("async-imap", "multi main", RUNTIME),
    Contender::new("async-imap", "multi task", RUNTIME),
    Contender::new("imap-next", "current", None),
    Contender::new("io-imap", "", ONE_BY_ONE),
    Contender::new("rust-imap", "", ONE_BY_ONE),
    Contender::new(FLOOR, "", None),
    Contender::new("imap-duplex", "current off tls", TLS),
    Contender::new("imap-duplex", "current view tls", TLS),
    Contender::new("imap-duplex", "multi task view tls", TLS),
    Contender::new("async-imap", "current tls", TLS),
    Contender::new("imap-next", "current tls", TLS),
    Contender::new("io-imap", "tls", TLS),
    Contender::new("rust-imap", "tls", TLS),
    Contender::new(FLOOR, "tls", TLS),
];

/// One line of the result.
pub struct Row {
    pub work: Work,
    pub name: &'static str,
    pub variant: &'static str,
    pub cpu_ms: f64,
    pub wall_ms: f64,
    pub peak_kb: u64,
    pub allocations: u64,
    pub switches: u64,
}

/// Compares all, as the arguments say. `None`: they make no sense.
pub fn all(arguments: &[&str]) -> Option<std::io::Result<()>> {
    let (mut is_json, mut is_dovecot, mut rounds, mut svg, mut only) = (false, false, 5_usize, None, None);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match *argument {
            "--json" => is_json = true,
            "--rounds" => rounds = arguments.next()?.parse().ok().filter(|n| *n > 0)?,
            "--svg" => svg = Some(*arguments.next()?),
            "--dovecot" => is_dovecot = true,
            "--only" => only = Some(arguments.next()?.split(',').collect::<Vec<_>>()),
            _ => return None,
        }
    }
    let wanted = |work: &Work| only.as_ref().is_none_or(|only| only.contains(&work.name));
    let works = WORKS.into_iter().filter(wanted);
    let works = works.filter(|work| !is_dovecot || dovecot::WORKS.contains(&work.name));
    Some(compare(works, rounds, is_json, is_dovecot, svg))
}

fn compare(
    works: impl Iterator<Item = Work>,
    rounds: usize,
    is_json: bool,
    is_dovecot: bool,
    svg: Option<&str>,
) -> std::io::Result<()> {
    if !is_json {
        println!(
            "| work | crate | variant | CPU ms | wall ms | peak kB | allocations | switches | CPU, of the floor |"
        );
        println!("|---|---|---|--:|--:|--:|--:|--:|--:|");
    }
    let mut all = Vec::new();
    for work in works {
        let rows = measured(work, rounds, is_dovecot)?;
        let floor = rows.iter().find(|row| (row.name, row.variant) == (FLOOR, ""));
        let floor = floor.map(|row| row.cpu_ms.max(0.01));
        for row in &rows {
            let Row { name, variant, cpu_ms, wall_ms, peak_kb, allocations, switches, .. } = row;
            if is_json {
                let server = if is_dovecot { ",\"server\":\"Dovecot\"" } else { "" };
                println!(
                    "{{\"work\":\"{}\"{server},\"crate\":\"{name}\",\"variant\":\"{variant}\",\"cpu_ms\":{cpu_ms:.2},\
                     \"wall_ms\":{wall_ms:.3},\"peak_kb\":{peak_kb},\"allocs\":{allocations},\"switches\":{switches}}}",
                    work.name
                );
            } else {
                let ratio = floor.map(|floor| format!("{:.1}", cpu_ms / floor)).unwrap_or_default();
                println!(
                    "| {} | {name} | {variant} | {cpu_ms:.1} | {wall_ms:.3} | {peak_kb} | {allocations} | {switches} | {ratio} |",
                    work.name
                );
            }
        }
        all.extend(rows);
    }
    svg.map_or(Ok(()), |file| std::fs::write(file, plot::drawn(&all)))
}

/// All contenders at this work, by turns; the floor last.
fn measured(work: Work, rounds: usize, is_dovecot: bool) -> std::io::Result<Vec<Row>> {
    let dovecot = is_dovecot.then(|| Dovecot::start(work)).transpose()?;
    let answer = Arc::new(if is_dovecot { Vec::new() } else { work::answer(work) });
    // The floor knows the replay server's words, which alone has TLS.
    let replayed = |contender: &Contender| contender.name == FLOOR || contender.is("tls");
    let does = |contender: &&Contender| contender.does(work) && !(is_dovecot && replayed(contender));
    let those: Vec<&Contender> = CONTENDERS.iter().filter(does).collect();
    let mut figures = vec![Vec::new(); those.len()];
    for round in 0..rounds {
        // Each begins a round in its turn: none always runs in another's wake.
        for turn in 0..those.len() {
            let which = (round + turn) % those.len();
            figures[which].push(run(work, &answer, dovecot.as_ref(), those[which])?);
        }
    }
    let row = |(contender, figures): (&&Contender, &Vec<Figures>)| Row {
        work,
        name: contender.name,
        variant: contender.variant,
        cpu_ms: median(figures, |it| it.cpu) as f64 / 1e6,
        wall_ms: median(figures, |it| it.wall) as f64 / 1e6,
        peak_kb: median(figures, |it| it.peak),
        allocations: median(figures, |it| it.allocations),
        switches: median(figures, |it| it.switches),
    };
    Ok(those.iter().zip(&figures).map(row).collect())
}

fn median(all: &[Figures], of: impl Fn(&Figures) -> u64) -> u64 {
    let mut values: Vec<u64> = all.iter().map(of).collect();
    values.sort_unstable();
    values[values.len() / 2]
}

/// One client in a process of its own.
fn run(
    work: Work,
    answer: &Arc<Vec<u8>>,
    dovecot: Option<&Dovecot>,
    contender: &Contender,
) -> std::io::Result<Figures> {
    let identity = contender.is("tls").then(Identity::get);
    let server = if dovecot.is_some() { None } else { Some(Server::start(work, answer.clone(), identity)?) };
    let port = dovecot.map(|dovecot| dovecot.port).or(server.as_ref().map(|server| server.port));
    let Contender { name, variant, .. } = contender;
    let port = port.unwrap_or_default().to_string();
    let certificate = identity.map_or("", |identity| &identity.certificate);
    let arguments = ["whole-client", name, variant, work.name, &port, certificate];
    let output = Command::new(std::env::current_exe()?).args(arguments).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let words: Vec<u64> = printed.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match (output.status.success(), &words[..]) {
        (true, &[cpu, wall, peak, allocations, switches]) => {
            let wall = match work.name {
                "W6" => wall.saturating_sub(server.map_or(0, |server| server.sent())) / work.count as u64,
                _ => wall,
            };
            Ok(Figures { cpu, wall, peak, allocations, switches })
        }
        _ => Err(std::io::Error::other(format!(
            "{name} {variant} at {}: {printed}{}",
            work.name,
            String::from_utf8_lossy(&output.stderr)
        ))),
    }
}

/// Does one work as this client, in this process, and prints what it took. `certificate`: the
/// server's, in hexadecimal; empty without TLS. `None`: no such client.
pub fn client(name: &str, variant: &str, work: &str, port: &str, certificate: &str) -> Option<()> {
    let work = work::named(work)?;
    let contender = CONTENDERS.iter().find(|known| known.name == name && known.variant == variant)?;
    let server = Address::new(port.parse().ok()?, certificate);
    let figures = match name {
        FLOOR => floor::run(work, &server),
        "rust-imap" => rust_imap::run(work, &server),
        "io-imap" => io_imap::run(work, &server),
        _ => in_runtime(contender, work, server),
    };
    let Figures { cpu, wall, peak, allocations, switches } = figures;
    println!("{cpu} {wall} {peak} {allocations} {switches}");
    Some(())
}

fn in_runtime(contender: &Contender, work: Work, server: Address) -> Figures {
    let mut builder = if contender.is("multi") {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder.enable_all().build().expect("a runtime");
    let (name, is_view_on, in_parts) = (contender.name, contender.is("view"), contender.is("literals"));
    let whole = async move {
        match name {
            "imap-duplex" => ours::run(work, &server, is_view_on, in_parts).await,
            "async-imap" => async_imap::run(work, &server).await,
            _ => imap_next::run(work, &server).await,
        }
    };
    let is_task = contender.is("task");
    runtime
        .block_on(async { if is_task { tokio::spawn(whole).await.expect("it ends") } else { whole.await } })
}
