//! Writes a reply to the newest message, and leaves it among the drafts.
//!
//! ```text
//! cargo run --example draft
//! IMAP_PASSWORD=… cargo run --example draft -- imaps://alice@imap.example.org/INBOX
//! ```
//!
//! The text of the message is found and decoded, and quoted; what is attached is named; the mailbox
//! for drafts is found by its use, or by its name, or created. The crate mail-builder writes the
//! reply.

mod support;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use imap_duplex::account::{Account, FoundBy};
use imap_duplex::command::{Append, Items};
use imap_duplex::types::{Envelope, Flag, MailboxName, SpecialUse, Uid};
use mail_builder::MessageBuilder;
use mail_builder::headers::message_id::MessageId;
use support::account::AccountArgs;
use support::failure::Failure;
use support::output::Output;
use support::server::{Server, ServerArgs};
use support::{account, program, table};

/// Writes a reply to the newest message, and leaves it among the drafts
#[derive(Parser)]
#[command(
    name = "draft",
    override_usage = "draft [OPTIONS] [URL]",
    after_help = "The password is taken from the environment variable IMAP_PASSWORD, or from the URL."
)]
struct Args {
    /// What the reply says
    #[arg(long, default_value = "Thank you; I will look into it.")]
    text: String,

    #[command(flatten)]
    account: AccountArgs,

    #[command(flatten)]
    server: ServerArgs,
}

fn main() -> ExitCode {
    program::run("draft", run)
}

async fn run(args: Args) -> Result<(), Failure> {
    let server = args.server.server()?;
    let account = args.account.account(&server)?;
    let done = tokio::select! {
        done = work(&account, &server, &args.text) => done,
        () = program::end(None) => Ok(()),
    };
    account::end(&account).await;
    done
}

async fn work(account: &Account, server: &Server, text: &str) -> Result<(), Failure> {
    let mut output = Output::new(false);
    let inbox = account.mailbox(server.mailbox.as_str()).await?;
    let newest = inbox.fetch(inbox.newest(1), Items::envelope()).await?;
    let newest = newest.first().and_then(|row| Some((row.uid()?, row.envelope()?)));
    let Some((uid, envelope)) = newest else {
        return Err(Failure::new(format!("{} is empty", server.mailbox)));
    };
    let content = inbox.content(uid).await?;
    for attachment in content.attachments() {
        let (name, kind) = (attachment.name().unwrap_or("no name").escape_debug(), attachment.media_type());
        output.lines(&format!("attached: {name}, {kind}")).await?;
    }
    let quoted = content.text().await?.map(imap_duplex::mime::Text::into_string).unwrap_or_default();
    let reply = reply(envelope, text, &quoted, uid)?;
    drop(inbox);

    let found = account.special_use(SpecialUse::Drafts).await?;
    let by = match found.as_ref().map(|found| found.found_by) {
        Some(FoundBy::Name) => "by its name",
        Some(_) => "by its use",
        None => "created",
    };
    let name = found.map_or_else(|| MailboxName::new("Drafts"), |found| found.name);
    let session = account.session().await?;
    if by == "created" {
        session.create(&name).await?;
    }
    let appended = session.append(&name, Append::new(reply).flags([Flag::Draft, Flag::Seen])).await?;
    let at = appended.uid.map_or_else(String::new, |uid| format!(", uid {uid}"));
    output.lines(&format!("reply to uid {uid} {}\nin {name} ({by}){at}", table::heading(envelope))).await?;
    Ok(())
}

/// The reply as a message.
fn reply(envelope: &Envelope, text: &str, quoted: &str, uid: Uid) -> Result<Vec<u8>, Failure> {
    let to = envelope.reply_to().next().or_else(|| envelope.from().next());
    let address = to.as_ref().and_then(|to| to.email()).unwrap_or_default();
    let name = to.as_ref().and_then(|to| to.name()).unwrap_or_default().into_owned();
    let mut body = format!("{text}\n\n{} wrote:\n", if name.is_empty() { &address } else { &name });
    for line in quoted.lines() {
        _ = writeln!(body, "> {line}");
    }
    let subject = envelope.subject().unwrap_or_default();
    let is_reply = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    let subject = if is_reply { subject.into_owned() } else { format!("Re: {subject}") };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut message = MessageBuilder::new()
        .from("alice@example.org")
        .to((name.as_str(), address.as_str()))
        .subject(subject.as_str())
        .date(now.as_secs())
        // Else it would name this machine.
        .message_id(format!("{}.{uid}@example.org", now.as_nanos()))
        .text_body(body.as_str());
    if let Some(id) = envelope.message_id() {
        let id = id.trim_matches(['<', '>', ' ']).to_owned();
        message = message.in_reply_to(id.clone()).header("References", MessageId::from(id));
    }
    message.write_to_vec().map_err(|e| Failure::new(format!("the reply can't be written: {e}")))
}
