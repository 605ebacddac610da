//! `mail --sync` and `mail --list`: the program as scripts run it, against the embedded server and
//! Dovecot.

use std::path::Path;
use std::time::Duration;

use imap_duplex::Config;
use imap_duplex::account::Account;
use imap_duplex::store::{OperationState, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, Uid};
use serde_json::{Value, json};

use crate::support::dovecot::Dovecot;
use crate::support::program::{Ended, Program};
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(120);

/// A server with some mail, and its URL.
async fn server() -> (Server, String) {
    let server = Server::builder().no_tls().start();
    for number in 1..=5 {
        server.deliver("INBOX", message(number));
    }
    let port = server.listen().await.expect("a port").port();
    let url = format!("imap://{}:{}@127.0.0.1:{port}/", server.user(), server.password());
    (server, url)
}

fn message(number: u32) -> String {
    format!(
        "From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: number {number}\r\n\
         Message-ID: <{number}@example.org>\r\n\r\nText {number}.\r\n"
    )
}

async fn end(arguments: &[&str]) -> Ended {
    Program::start("mail", arguments).end().await
}

/// The one object that it printed.
async fn object(arguments: &[&str]) -> Value {
    let ended = end(arguments).await;
    assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{arguments:?}");
    let [line] = &ended.rest[..] else { panic!("one line is wanted: {:?}", ended.rest) };
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))
}

/// What a sync of this store counted, and that it took some bytes.
async fn sync(store: &str, more: &[&str]) -> Value {
    let mut object = object(&[&["--store", store, "--sync", "--json"], more].concat()).await;
    let bytes = ["bytes_in", "bytes_out"].map(|name| object[name].take().as_u64().expect("a number"));
    assert!(bytes.iter().all(|bytes| *bytes > 50), "{bytes:?}");
    object.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    object
}

fn file(folder: &Path) -> String {
    folder.join("mail.store").to_str().expect("UTF-8").to_owned()
}

#[tokio::test]
async fn a_sync_says_what_it_has_changed() {
    within(LIMIT, async {
        let (server, url) = server().await;
        let folder = tempfile::tempdir().expect("a folder");
        let store = file(folder.path());
        let counts = |messages: u32, new: u32, changed: u32, removed: u32| {
            json!({"mailboxes": 4, "messages": messages, "new": new, "changed": changed, "removed": removed, "parked": 0})
        };
        assert_eq!(sync(&store, &[&url]).await, counts(5, 5, 0, 0));
        assert_eq!(sync(&store, &[&url]).await, counts(5, 0, 0, 0));
        let uid = |number| Uid::new(number).expect("not zero");
        server.deliver("INBOX", message(6));
        server.deliver("Sent", message(7));
        server.add_flags("INBOX", uid(1), Flag::Seen);
        server.expunge("INBOX", uid(2));
        server.expunge("INBOX", uid(3));
        assert_eq!(sync(&store, &[&url]).await, counts(5, 2, 1, 2));

        let ended = end(&["--store", &store, "--sync", &url]).await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.errors);
        assert!(ended.rest.join("\n").starts_with("4 mailboxes, 5 messages: 0 new, 0 changed, 0 removed; "));
    })
    .await;
}

#[tokio::test]
async fn a_sync_sends_what_is_queued_and_counts_what_is_refused() {
    within(LIMIT, async {
        let (server, url) = server().await;
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(folder.path());
        sync(&path, &[&url]).await;
        let store = Store::open(&path).await.expect("a store");
        let newest = store.search("subject:number").await.expect("readable");
        let trash = store.mailbox_named("Trash").await.expect("there is one").id();
        store.flag([newest[0].id], Flag::Flagged, Flags::new()).await.expect("queued");
        store.move_to([newest[1].id], trash).await.expect("queued");
        drop(store);
        server.on("UID MOVE").no("that is for the gardener").always();
        let object = sync(&path, &[&url]).await;
        assert_eq!(object["parked"], 1, "{object}");
        let inbox = server.mailbox("INBOX").expect("there is one");
        assert!(inbox.messages[4].flags.contains(&Flag::Flagged));
        assert_eq!(inbox.messages.len(), 5);
        let store = Store::read(&path).await.expect("a store");
        let parked = store.operations().await.expect("readable");
        assert_eq!((parked.len(), parked[0].state), (1, OperationState::Parked));
    })
    .await;
}

#[tokio::test]
async fn a_list_comes_from_the_store_alone() {
    within(LIMIT, async {
        let (server, url) = server().await;
        let folder = tempfile::tempdir().expect("a folder");
        let store = file(folder.path());
        sync(&store, &[&url]).await;
        drop(server);
        // Another program may have it open.
        let _owner = Store::open(&store).await.expect("a store");
        let page = object(&["--store", &store, "--list", "INBOX", "--json", "--count", "2"]).await;
        assert_eq!(page["mailbox"], "INBOX");
        let subjects: Vec<_> =
            page["messages"].as_array().expect("a list").iter().map(|m| &m["subject"]).collect();
        assert_eq!(subjects, ["number 5", "number 4"]);
        assert_eq!(page["messages"][0]["from"][0]["email"], "ann@example.org");
        let ended = end(&["--store", &store, "--list", "INBOX"]).await;
        assert_eq!(ended.rest.len(), 5, "{:?} {}", ended.rest, ended.errors);
        assert!(
            ended.rest[4].starts_with("*   ") && ended.rest[4].ends_with("number 1"),
            "{}",
            ended.rest[4]
        );
        let ended = end(&["--store", &store, "--list", "Drafts"]).await;
        assert_eq!((ended.status.code(), ended.rest.len()), (Some(0), 0));
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_said_in_a_line() {
    within(LIMIT, async {
        let (server, url) = server().await;
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(folder.path());
        sync(&path, &[&url]).await;
        let owner = Store::open(&path).await.expect("a store");
        let missing = format!("{path}.missing");
        let nothing = "imap://alice:secret@127.0.0.1:1/";
        let wrong = url.replace(server.password(), "wrong");
        for (arguments, what) in [
            (&["--store", &path, "--list", "Pier"][..], "there is no mailbox Pier"),
            (&["--store", &missing, "--list", "INBOX"], "mail.store.missing: "),
            (&["--store", &path, "--sync", &url], "another program"),
            (&["--store", &missing, "--sync", nothing], "127.0.0.1"),
            (&["--store", &missing, "--sync", &wrong], "AUTHENTICATE"),
            (&["--json", &url], "--json is for --sync and --list"),
            (&[&url], "a terminal is needed (--sync and --list work without one)"),
        ] {
            let ended = end(arguments).await;
            let is_line = ended.errors.starts_with("mail: ") && ended.errors.lines().count() == 1;
            assert!(is_line && ended.errors.contains(what), "{arguments:?}: {}", ended.errors);
            assert!(
                ended.status.code() == Some(1) && ended.rest.is_empty(),
                "{arguments:?}: {:?}",
                ended.rest
            );
            assert!(!ended.errors.contains("wrong"), "{}", ended.errors);
        }
        drop(owner);
    })
    .await;
}

#[tokio::test]
async fn dovecot_is_kept_in_step() {
    within(LIMIT, async {
        let dovecot = Dovecot::start();
        let user = "mail";
        for number in 1..=30 {
            dovecot.deliver(user, "INBOX", message(number).as_bytes()).await;
        }
        let mut other = dovecot.session(user).await;
        other.command("CREATE Archive").await;
        let folder = tempfile::tempdir().expect("a folder");
        let store = file(folder.path());
        let ca = dovecot.ca_pem();
        let url = format!("imaps://{user}@localhost:{}/", dovecot.tls_addr().port());
        let server = ["--ca", ca.to_str().expect("UTF-8"), &url];
        let first = sync(&store, &server).await;
        assert_eq!([&first["mailboxes"], &first["messages"], &first["new"]], [5, 30, 30]);
        other.select("INBOX").await;
        other.store("1:4", "+FLAGS (\\Flagged)").await;
        other.command("UID MOVE 29:30 Archive").await;
        dovecot.deliver(user, "INBOX", message(31).as_bytes()).await;
        let second = sync(&store, &server).await;
        assert_eq!(
            [&second["messages"], &second["new"], &second["changed"], &second["removed"]],
            [31, 3, 4, 2],
            "two that were moved are new there and gone here"
        );
        let third = sync(&store, &server).await;
        assert_eq!([&third["new"], &third["changed"], &third["removed"]], [0, 0, 0]);

        // What is done here is there.
        let here = Store::open(&store).await.expect("a store");
        let newest = here.search("subject:31").await.expect("readable");
        let archive = here.mailbox_named("Archive").await.expect("there is one").id();
        here.move_to([newest[0].id], archive).await.expect("queued");
        drop(here);
        assert_eq!(sync(&store, &server).await["parked"], 0);
        other.command("NOOP").await;
        let status = other.command("STATUS Archive (MESSAGES)").await;
        assert!(format!("{status:?}").contains("MESSAGES 3"), "{status:?}");
        let page = object(&["--store", &store, "--list", "Archive", "--json"]).await;
        assert_eq!(page["messages"].as_array().map(Vec::len), Some(3));
    })
    .await;
}

/// The account's own figures are those that are printed.
#[tokio::test]
async fn bytes_are_those_of_the_connection() {
    within(LIMIT, async {
        let (server, url) = server().await;
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(folder.path());
        let first = object(&["--store", &path, "--sync", "--json", &url]).await;
        let second = object(&["--store", &path, "--sync", "--json", &url]).await;
        let bytes = |object: &Value| object["bytes_in"].as_u64().expect("a number");
        assert!(bytes(&second) < bytes(&first), "{first} {second}");
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let embedded = server.clone();
        let connector = move |_| {
            let stream = embedded.connect();
            async move { Ok(stream) }
        };
        let account = Account::builder(config).connector(connector).open();
        let store = Store::open(folder.path().join("other.store")).await.expect("a store");
        let attachment = store.attach(&account).await.expect("attached");
        attachment.in_step().await.expect("in step");
        attachment.stop().await;
        let traffic = account.traffic().await;
        // The same work; dates and addresses differ by a few bytes.
        let (here, there) = (traffic.bytes_received, bytes(&first));
        assert!(here.abs_diff(there) < here / 2, "{here} here, {there} there");
    })
    .await;
}
