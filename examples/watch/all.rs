//! `watch --all`: what happens in all mailboxes of the account, across connections that end.
//!
//! In: the changes of the account's watch, and its status. Out: one line for each, as JSON for
//! programs or as text for people.

use std::time::Duration;

use imap_duplex::account::{
    Account, AccountState, AccountStatus, Change, ChangeKind, MemoryStore, StatusReceiver, Watch,
    WatchStatusReceiver,
};
use imap_duplex::testing;
use imap_duplex::types::{Flag, Uid};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::support::account::{self, AccountArgs};
use super::support::demo;
use super::support::failure::Failure;
use super::support::output::Output;
use super::support::server::Server;

/// Prints what happens, until the reader of the output is gone.
pub(crate) async fn watch(
    server: &Server,
    args: &AccountArgs,
    interval: Option<Duration>,
    json: bool,
    end: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let account = args.account(server)?;
    let mut all = Watch::all().follow(&server.mailbox);
    if let Some(interval) = interval {
        all = all.interval(interval);
    }
    let printing = tokio::select! {
        printed = print(&account, all, Output::new(json), json) => printed,
        () = play(server.embedded.clone()) => Ok(()),
        () = end => Ok(()),
    };
    account::end(&account).await;
    printing
}

async fn print(account: &Account, all: Watch, mut output: Output, json: bool) -> Result<(), Failure> {
    let mut connection = Connection { status: account.status(), connected: false };
    let mut changes = account.watch(all, MemoryStore::new()).await?;
    let mut all = All { status: changes.status(), in_step: false };
    loop {
        let line = tokio::select! {
            // What became of the connection before what it brings.
            biased;
            object = connection.changed() => object,
            object = all.changed() => object,
            change = changes.next() => match change {
                Some(Ok(change)) => {
                    changes.ack(&change).await?;
                    Some(object(&change))
                }
                Some(Err(error)) => {
                    // Of one mailbox or of all.
                    let mailbox = error.mailbox().cloned();
                    let reason = Failure::from(error).to_string();
                    Some(match mailbox {
                        Some(mailbox) => json!({"event": "error", "mailbox": mailbox, "reason": reason}),
                        None => json!({"event": "error", "reason": reason}),
                    })
                }
                None => return Ok(()),
            },
        };
        match line {
            Some(object) if json => output.lines(&object.to_string()).await?,
            Some(object) => output.lines(&for_people(&object)).await?,
            None => {}
        }
    }
}

/// Whether the account is connected.
struct Connection {
    status: StatusReceiver,
    connected: bool,
}

impl Connection {
    /// Waits until it is no more, or is again; `None` for what needs no line.
    async fn changed(&mut self) -> Option<Value> {
        let Some(AccountStatus { state, .. }) = self.status.changed().await else {
            // The changes end, too.
            return std::future::pending().await;
        };
        let before = self.connected;
        match (&state, before) {
            (AccountState::Connected, false) => {
                self.connected = true;
                Some(json!({"event": "connected"}))
            }
            (AccountState::Waiting { error, .. } | AccountState::Parked { error, .. }, _) => {
                self.connected = false;
                let name = if before { "disconnected" } else { "not_connected" };
                let mut object = json!({"event": name, "reason": Failure::from(error).to_string()});
                if let Some(pause) = state.pause() {
                    object["retry_in"] = json!(pause.as_secs_f64());
                }
                Some(object)
            }
            (AccountState::Connecting | AccountState::Idle, true) => {
                self.connected = false;
                Some(json!({"event": "disconnected"}))
            }
            _ => None,
        }
    }
}

/// Whether all mailboxes are in step.
struct All {
    status: WatchStatusReceiver,
    in_step: bool,
}

impl All {
    /// Waits until they are or are not; `None` for what needs no line.
    async fn changed(&mut self) -> Option<Value> {
        let Some(status) = self.status.changed().await else {
            // The changes end, too.
            return std::future::pending().await;
        };
        let before = std::mem::replace(&mut self.in_step, status.in_step);
        (status.in_step && !before).then(|| json!({"event": "all_in_step", "mailboxes": status.mailboxes}))
    }
}

/// A change in the form of the library's events.
fn object(change: &Change) -> Value {
    let name = match &change.kind {
        ChangeKind::Arrived { .. } => "arrived",
        ChangeKind::FlagsChanged { .. } => "flags_changed",
        ChangeKind::Expunged { .. } => "removed",
        ChangeKind::Created => "mailbox_created",
        ChangeKind::Renamed { .. } => "mailbox_renamed",
        ChangeKind::Deleted => "mailbox_deleted",
        ChangeKind::Reset => "uid_validity_changed",
        ChangeKind::InStep => "in_step",
        _ => "changed",
    };
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| _ = object.insert(name.to_owned(), value);
    put("event", json!(name));
    put("mailbox", json!(change.mailbox));
    if let Some(uid) = change.uid() {
        put("uid", json!(uid));
    }
    match &change.kind {
        ChangeKind::Arrived { flags: Some(flags), .. } | ChangeKind::FlagsChanged { flags, .. } => {
            put("flags", json!(flags));
        }
        ChangeKind::Renamed { from, .. } => put("from", json!(from)),
        ChangeKind::Reset => {
            if let Some(uid_validity) = change.uid_validity {
                put("uid_validity", json!(uid_validity));
            }
        }
        _ => {}
    }
    if let Some(mod_seq) = change.mod_seq {
        put("mod_seq", json!(mod_seq));
    }
    Value::Object(object)
}

/// The same in words.
fn for_people(object: &Value) -> String {
    let text = |name: &str| object[name].as_str().unwrap_or_default().escape_debug().to_string();
    let (mailbox, uid) = (text("mailbox"), &object["uid"]);
    let flags = || {
        let flags = object["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        flags.collect::<Vec<_>>().join(" ")
    };
    match object["event"].as_str().unwrap_or_default() {
        "arrived" => format!("{mailbox}: uid {uid} arrived"),
        "removed" => format!("{mailbox}: uid {uid} was expunged"),
        "flags_changed" => format!("{mailbox}: uid {uid} has flags ({})", flags()),
        "mailbox_renamed" => format!("{mailbox}: renamed from {}", text("from")),
        "in_step" => format!("{mailbox}: in step"),
        "all_in_step" => format!("all {} mailboxes in step", object["mailboxes"]),
        "connected" => "connected".into(),
        "error" => text("reason"),
        name if object["reason"].is_string() => format!("{}: {}", name.replace('_', " "), text("reason")),
        name if mailbox.is_empty() => name.replace('_', " "),
        name => format!("{mailbox}: {}", name.replace('_', " ").replace("mailbox ", "")),
    }
}

/// For the embedded server: other clients at work, and the server goes away for a moment.
async fn play(server: Option<testing::Server>) {
    let Some(server) = server else { return std::future::pending().await };
    let step = || sleep(Duration::from_millis(700));
    let uid = |number| Uid::new(number).unwrap_or(Uid::MIN);
    step().await;
    demo::deliver(&server, "INBOX", "Ann Lee <ann@example.org>", "Re: Lunch on Thursday?");
    step().await;
    demo::deliver(&server, "Projects", "Carla Ruiz <carla@example.com>", "The pier: drawings");
    step().await;
    server.add_flags("INBOX", uid(4), [Flag::Flagged]);
    step().await;
    server.disconnect(true);
    server.create("Pier");
    demo::deliver(&server, "Pier", "Carla Ruiz <carla@example.com>", "While the line was dead");
    server.expunge("INBOX", uid(2));
    step().await;
    server.rename("Pier", "Pier 2027");
    for number in 4712.. {
        sleep(Duration::from_secs(5)).await;
        demo::deliver(&server, "INBOX", "Build <build@example.org>", &format!("Build {number} is green"));
    }
}
