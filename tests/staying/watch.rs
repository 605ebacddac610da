//! `watch --all` over the restart of its server.

use std::time::Duration;

use imap_duplex::testing::Server;
use serde_json::Value;
use tokio::time::sleep;

use crate::support::cutter::Cutter;
use crate::support::program::{Program, event};
use crate::support::within;
use crate::{LIMIT, POLICY, World};

const MESSAGE: &[u8] = b"From: zoe@example.org\r\nSubject: hello\r\n\r\nhello\r\n";

/// The next object of this name about this mailbox.
async fn of(watch: &mut Program, name: &str, mailbox: &str) -> Value {
    loop {
        let object = event(&watch.line().await);
        if object["event"] == name && (mailbox.is_empty() || object["mailbox"] == mailbox) {
            return object;
        }
    }
}

/// Follows INBOX and Work, over `restart`, which ends all connections and comes back.
async fn survives(world: &mut World, port: u16, restart: impl AsyncFnOnce(&mut World)) {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.json");
    std::fs::write(&policy, POLICY).expect("a file");
    let mut other = world.session().await;
    other.command("CREATE Work").await;
    other.append("INBOX", "", MESSAGE).await;
    let url = world.url(port);
    let arguments =
        ["--all", "--json", "--interval", "1", "--policy", policy.to_str().expect("UTF-8"), url.as_str()];
    let mut watch = Program::start("watch", &arguments);
    of(&mut watch, "connected", "").await;
    // In any order.
    let mut missing = vec!["INBOX", "Work"];
    while !missing.is_empty() {
        let object = of(&mut watch, "in_step", "").await;
        missing.retain(|name| object["mailbox"] != *name);
    }
    assert!(of(&mut watch, "all_in_step", "").await["mailboxes"].as_u64() >= Some(2));
    other.append("INBOX", "", MESSAGE).await;
    assert_eq!(of(&mut watch, "arrived", "INBOX").await["uid"], 2);
    other.append("Work", "", MESSAGE).await;
    assert_eq!(of(&mut watch, "arrived", "Work").await["uid"], 1);
    other.select("INBOX").await;
    other.store("1", "+FLAGS (\\Flagged)").await;
    let flags = of(&mut watch, "flags_changed", "INBOX").await;
    assert!(
        flags["uid"] == 1 && flags["flags"].as_array().is_some_and(|it| it.contains(&"\\Flagged".into()))
    );
    drop(other);

    restart(world).await;
    of(&mut watch, "disconnected", "").await;
    of(&mut watch, "connected", "").await;
    let mut missing = vec![("INBOX", 3), ("Work", 2)];
    while !missing.is_empty() {
        let object = of(&mut watch, "arrived", "").await;
        let before = missing.len();
        missing.retain(|(name, uid)| object["mailbox"] != *name || object["uid"] != *uid);
        assert!(missing.len() < before, "it was delivered before: {object}");
    }
    // And only then.
    of(&mut watch, "all_in_step", "").await;
    let mut other = world.session().await;
    other.command("RENAME Work Job").await;
    assert_eq!(of(&mut watch, "mailbox_renamed", "Job").await["from"], "Work");
    other.select("INBOX").await;
    other.remove("1").await;
    assert_eq!(of(&mut watch, "removed", "INBOX").await["uid"], 1);
    let ended = watch.interrupt().await;
    assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn watch_all_survives_the_restart_of_dovecot() {
    within(LIMIT, async {
        let mut world = World::dovecot();
        let port = world.address().port();
        survives(&mut world, port, async |world: &mut World| {
            let World::Dovecot(server, user) = world else { unreachable!("it is one") };
            server.stop();
            sleep(Duration::from_millis(300)).await;
            server.start_again();
            for mailbox in ["INBOX", "Work"] {
                server.deliver(user, mailbox, MESSAGE).await;
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn watch_all_survives_an_embedded_server_that_is_away() {
    within(LIMIT, async {
        let mut world = World::embedded().await;
        let cutter = Cutter::start(world.address()).await;
        survives(&mut world, cutter.port(), async |world: &mut World| {
            cutter.set_away(true);
            assert!(cutter.cut() > 0);
            let World::Embedded(server, _) = world else { unreachable!("it is one") };
            server.deliver("INBOX", MESSAGE);
            server.deliver("Work", MESSAGE);
            sleep(Duration::from_millis(500)).await;
            cutter.set_away(false);
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn watch_all_plays_a_scene_by_itself() {
    within(LIMIT, async {
        let mut watch = Program::start("watch", &["--all", "--json"]);
        assert_eq!(of(&mut watch, "arrived", "INBOX").await["uid"], 9);
        of(&mut watch, "disconnected", "").await;
        of(&mut watch, "connected", "").await;
        assert_eq!(watch.interrupt().await.status.code(), Some(0));
        // For people.
        let ended = Program::start("watch", &["--all", "--for", "2"]).end().await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""));
        assert!(ended.rest.contains(&"connected".to_owned()), "{:?}", ended.rest);
        assert!(ended.rest.contains(&"INBOX: uid 9 arrived".to_owned()), "{:?}", ended.rest);
        // A wrong password ends nothing, but is said.
        let server = Server::builder().no_tls().start();
        let listening = server.listen().await.expect("a port");
        let url = format!("imap://{}:wrong@127.0.0.1:{}/", server.user(), listening.port());
        let ended = Program::start("watch", &["--all", "--json", "--for", "2", &url]).end().await;
        assert!(ended.rest.iter().any(|line| line.contains("not_connected")), "{:?}", ended.rest);
    })
    .await;
}
