//! A small mail bot: looks at each new message, and flags it or moves it by a rule.
//!
//! ```text
//! cargo run --example bot
//! IMAP_PASSWORD=… cargo run --example bot -- imaps://alice@imap.example.org/ --from news@ --move-to Newsletters
//! ```
//!
//! It answers events: nothing is polled, and the work on one message does not delay the next. With
//! `--state FILE` it stays: it connects again when the server has gone away, and what it was killed
//! before it had done is done by the next run, and nothing twice ([`staying`]).
//! Without a URL new mail arrives in the embedded server, and two rules are at work.

#[path = "bot/staying.rs"]
mod staying;
mod support;

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use imap_duplex::command::{Items, Store};
use imap_duplex::types::{Envelope, EventKind, Flag, MailboxName, Uid};
use imap_duplex::{Error, Mailbox, Receiver, Sender};
use support::account::AccountArgs;
use support::failure::Failure;
use support::output::Output;
use support::server::{Server, ServerArgs};
use support::{demo, program, table};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Flags or moves each message that comes, by a rule
#[derive(Parser)]
#[command(
    name = "bot",
    override_usage = "bot [OPTIONS] [URL]",
    after_help = "A message must fit all conditions that are given.\n\
                  The password is taken from the environment variable IMAP_PASSWORD, or from the URL."
)]
struct Args {
    /// Messages from somebody with this in the name or the address
    #[arg(long, value_name = "TEXT")]
    from: Option<String>,

    /// Messages with this in the subject
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,

    /// Move them into this mailbox
    #[arg(long, value_name = "MAILBOX")]
    move_to: Option<String>,

    /// Give them this flag
    #[arg(long, value_name = "FLAG")]
    flag: Option<String>,

    /// Keep in this file which messages have been seen to, so that a later run goes on from there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    #[command(flatten)]
    account: AccountArgs,

    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS", value_parser = program::seconds)]
    time: Option<Duration>,

    #[command(flatten)]
    server: ServerArgs,
}

/// What is done with which messages.
#[derive(Clone)]
struct Rule {
    /// In small letters; empty for any.
    from: String,
    subject: String,
    flag: Option<Flag>,
    move_to: Option<MailboxName>,
}

impl Rule {
    fn fits(&self, envelope: &Envelope) -> bool {
        let from = envelope.from().map(|author| author.to_string().to_lowercase());
        let subject = envelope.subject().unwrap_or_default().to_lowercase();
        from.into_iter().any(|author| author.contains(&self.from)) && subject.contains(&self.subject)
    }
}

/// The rules of the command line; for the server within this program two of our own.
fn rules(args: &Args, embedded: bool) -> Result<Vec<Rule>, Failure> {
    let lower = |text: &Option<String>| text.as_deref().unwrap_or_default().to_lowercase();
    let rule = |from: &str, subject: &str| Rule {
        from: from.into(),
        subject: subject.into(),
        flag: None,
        move_to: None,
    };
    let given = Rule {
        flag: args.flag.as_deref().map(Flag::new),
        move_to: args.move_to.as_deref().map(MailboxName::new),
        ..rule(&lower(&args.from), &lower(&args.subject))
    };
    let has_condition = args.from.is_some() || args.subject.is_some();
    let has_action = given.flag.is_some() || given.move_to.is_some();
    match (has_condition, has_action) {
        (true, true) => Ok(vec![given]),
        (false, false) if embedded => Ok(vec![
            Rule { move_to: Some(MailboxName::new("Newsletters")), ..rule("news@", "") },
            Rule { flag: Some(Flag::Flagged), ..rule("build", "red") },
        ]),
        _ => Err(Failure::new("a rule is wanted").hint("such as --from news@ --move-to Newsletters")),
    }
}

fn main() -> ExitCode {
    program::run("bot", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    let server = args.server.server()?;
    let rules = rules(&args, server.embedded.is_some())?;
    // Whatever the server does or omits, it ends in time.
    let mut end = pin!(program::end(args.time));
    if let Some(state) = &args.state {
        let account = args.account.account(&server)?;
        let done = tokio::select! {
            done = staying::work(&account, state, &server, &rules) => done,
            () = end => Ok(()),
        };
        support::account::end(&account).await;
        return done;
    }
    let (imap, events) = tokio::select! {
        connected = server.connect() => connected?,
        () = &mut end => return Ok(()),
    };
    let done = tokio::select! {
        done = work(&imap, events, &server, &rules) => done,
        () = end => Ok(()),
    };
    if done.is_ok() {
        program::log_out(&imap).await?;
    }
    done
}

/// Creates the mailboxes that the rules name, and applies the rules to all new mail.
async fn work(imap: &Sender, events: Receiver, server: &Server, rules: &[Rule]) -> Result<(), Failure> {
    let mut output = Output::new(false);
    for name in rules.iter().filter_map(|rule| rule.move_to.as_ref()) {
        // It may be there already.
        let _ = imap.create(name).await;
    }
    let inbox = imap.select(&server.mailbox).await?;
    output.lines(&format!("waiting for mail in {}; ctrl-c ends", server.mailbox)).await?;
    // Ends a moment after the last mail has arrived.
    let mail = async {
        match server.embedded.clone() {
            Some(server) => mail(server).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        done = attend(&inbox, events, rules, &mut output) => done,
        () = mail => Ok(()),
    }
}

/// Looks at each new message, each in a task of its own.
async fn attend(
    inbox: &Mailbox,
    mut events: Receiver,
    rules: &[Rule],
    output: &mut Output,
) -> Result<(), Failure> {
    let (said, mut lines) = mpsc::unbounded_channel();
    loop {
        tokio::select! {
            event = events.next() => match event.map(|event| event.kind) {
                Some(EventKind::Arrived { uid, .. }) => {
                    let (inbox, rules, said) = (inbox.clone(), rules.to_vec(), said.clone());
                    tokio::spawn(async move {
                        let text = look(&inbox, uid, &rules).await.unwrap_or_else(|e| format!("uid {uid}: {e}"));
                        // The receiver is dropped when the program ends.
                        let _ = said.send(text);
                    });
                }
                Some(EventKind::Closed { reason, .. }) => return Err(Failure::new(reason.to_string())),
                Some(_) => {}
                None => return Ok(()),
            },
            Some(line) = lines.recv() => output.lines(&line).await?,
        }
    }
}

/// What has been done with a message, in words.
async fn look(inbox: &Mailbox, uid: Uid, rules: &[Rule]) -> Result<String, Error> {
    let rows = inbox.fetch(uid, Items::envelope()).await?;
    // It may be expunged by now.
    let Some(envelope) = rows.first().and_then(|row| row.envelope()) else {
        return Ok(format!("uid {uid} is gone"));
    };
    let mut text = format!("uid {uid} {}", table::heading(envelope));
    let Some(rule) = rules.iter().find(|rule| rule.fits(envelope)) else { return Ok(text) };
    // Flags first: they go with the message. Both are under way at once, and done in this order.
    let flagged = rule.flag.as_ref().map(|flag| inbox.store(uid, Store::add([flag.clone()])));
    let moved = rule.move_to.as_ref().map(|mailbox| inbox.move_to(uid, mailbox));
    if let Some(flagged) = flagged {
        flagged.await?;
        text +=
            &rule.flag.as_ref().map(|flag| format!("\n    flagged {}", flag.as_str())).unwrap_or_default();
    }
    if let Some(moved) = moved {
        moved.await?;
        text += &rule.move_to.as_ref().map(|name| format!("\n    moved to {name}")).unwrap_or_default();
    }
    Ok(text)
}

/// New mail for the embedded server.
async fn mail(server: imap_duplex::testing::Server) {
    for (from, subject) in [
        ("Ann Lee <ann@example.org>", "Re: Lunch on Thursday?"),
        ("Harbour News <news@example.net>", "What the tide brings"),
        ("Build <build@example.org>", "Build 4712 is green"),
        ("Build <build@example.org>", "Build 4713 is red"),
        ("Knots Weekly <news@example.com>", "The bowline"),
        ("Carla Ruiz <carla@example.com>", "Drawings of the pier"),
    ] {
        sleep(Duration::from_millis(600)).await;
        demo::deliver(&server, "INBOX", from, subject);
    }
    sleep(Duration::from_secs(1)).await;
}
