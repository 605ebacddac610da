//! The embedded server by itself: for trying a mail program, or the other examples, without an
//! account.
//!
//! ```text
//! cargo run --example serve -- --port 1143 --mail 5
//! curl --user alice:secret 'imap://127.0.0.1:1143/INBOX?ALL'
//! ```
//!
//! Everything is in memory, and lost when it ends.

mod support;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use imap_duplex::testing::Server;
use support::failure::Failure;
use support::output::Output;
use support::{demo, program};
use tokio::time::{MissedTickBehavior, interval};

/// Runs a mail server in memory, with a user and some mail, until ctrl-c
#[derive(Parser)]
#[command(
    name = "serve",
    after_help = "Only programs on this machine reach it: it listens on 127.0.0.1.\n\
                  It is for tests and for trying things: nothing is kept."
)]
struct Args {
    /// Where it listens; a free port if none is named
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,

    /// TLS from the first byte, with a certificate made on the spot
    #[arg(long)]
    tls: bool,

    /// Write the certificate, which clients must trust, into this file; without --tls, STARTTLS is
    /// offered then
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Take this token of the user's, by XOAUTH2 and OAUTHBEARER
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// Begin with empty mailboxes
    #[arg(long)]
    empty: bool,

    /// A mail comes every so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = program::seconds)]
    mail: Option<Duration>,

    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = program::seconds)]
    time: Option<Duration>,
}

/// The mechanisms that are offered in any case.
const BY_PASSWORD: [&str; 7] =
    ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "ANONYMOUS"];

fn main() -> ExitCode {
    program::run("serve", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    // Programs would do STARTTLS where it is offered, and refuse a certificate that they don't
    // know.
    let offers_tls = args.tls || args.ca.is_some();
    let by_token = if args.token.is_some() { &["XOAUTH2", "OAUTHBEARER"][..] } else { &[] };
    let builder = Server::builder().mechanisms(BY_PASSWORD.iter().chain(by_token).copied());
    let server = if offers_tls { builder } else { builder.no_tls() }.start();
    if let Some(token) = args.token {
        server.set_token(token);
    }
    if !args.empty {
        demo::fill(&server);
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listening = if args.tls { server.listen_tls(address).await } else { server.listen_on(address).await };
    let address = listening.map_err(|e| Failure::new(format!("{address} is not to be had: {e}")))?;
    if let Some(file) = &args.ca {
        let certificate = server.certificate().map_err(|e| Failure::new(e.to_string()))?;
        fs::write(file, certificate.pem())
            .map_err(|e| Failure::new(format!("{} can't be written: {e}", file.display())))?;
    }

    let (user, password) = (server.user(), server.password());
    let scheme = if args.tls { "imaps" } else { "imap" };
    // A certificate is for names, and this is in it.
    let url = format!("{scheme}://{user}:{password}@localhost:{}/INBOX", address.port());
    let trust_certificate =
        args.ca.as_ref().map(|file| format!("--ca {} ", file.display())).unwrap_or_default();
    let mut output = Output::new(false);
    output
        .lines(&format!(
            "listening on {address}{}\nuser:     {user}\npassword: {password}\nURL:      {url}\n\n\
             cargo run --example watch -- {trust_certificate}{url}\n\nctrl-c ends",
            match (args.tls, offers_tls) {
                (true, _) => ", TLS",
                (false, true) => ", STARTTLS",
                (false, false) => "",
            }
        ))
        .await?;
    tokio::select! {
        () = program::end(args.time) => Ok(()),
        done = deliver(&server, args.mail, &mut output) => done,
    }
}

/// Delivers new mail, if asked to.
async fn deliver(server: &Server, every: Option<Duration>, output: &mut Output) -> Result<(), Failure> {
    let Some(period) = every else { return std::future::pending().await };
    let mut ticks = pin!(interval(period));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    for number in 4712.. {
        ticks.tick().await;
        let subject = format!("Build {number} is green");
        let uid = demo::deliver(server, "INBOX", "Build <build@example.org>", &subject);
        output.lines(&format!("delivered: INBOX, uid {uid}, {subject}")).await?;
    }
    Ok(())
}
