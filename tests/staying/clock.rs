//! `watch --all` while the wall clock is set: back, ahead, and back again. Against Dovecot; the
//! clock is that of the program alone, by libfaketime, and what counts time stays as it is.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::support::cutter::Cutter;
use crate::support::program::{Program, command, event};
use crate::support::within;
use crate::{LIMIT, World};

const MESSAGE: &[u8] = b"From: zoe@example.org\r\nSubject: hello\r\n\r\nhello\r\n";

/// The library that stands between a program and its clock.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("a folder").filter_map(Result::ok);
    let all = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    all.into_iter().find(|path| path.exists()).expect("libfaketime is missing: `tests/run` installs it")
}

/// Until a message of this UID has arrived; the connection has to stay.
async fn arrived(watch: &mut Program, mailbox: &str, uid: u32) {
    let waiting = async {
        loop {
            let object = event(&watch.line().await);
            assert_ne!(object["event"], "disconnected", "{object}");
            if object["event"] == "arrived" && object["mailbox"] == mailbox && object["uid"] == uid {
                return;
            }
        }
    };
    // Dovecot reports within half a second; and a sweep comes each five.
    timeout(Duration::from_secs(15), waiting).await.unwrap_or_else(|_| panic!("{mailbox} {uid}: in time"));
}

#[tokio::test]
async fn watch_all_is_neither_hasty_nor_late_when_the_clock_is_set() {
    within(LIMIT, async {
        let world = World::dovecot();
        let cutter = Cutter::start(world.address()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let clock = folder.path().join("clock");
        let set = |to: &str| std::fs::write(&clock, format!("{to}\n")).expect("a file");
        set("+0");
        let mut other = world.session().await;
        other.command("CREATE Work").await;
        let url = world.url(cutter.port());
        let mut program = command("watch", &["--all", "--json", "--interval", "5", &url]);
        program.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", &clock);
        program.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let mut watch = Program::spawn(program);
        while event(&watch.line().await)["event"] != "all_in_step" {}
        sleep(Duration::from_secs(5)).await;
        let start = cutter.lines().len();
        sleep(Duration::from_secs(15)).await;
        let usual = cutter.lines().len() - start;
        for (number, setting) in (1..).zip(["-1h", "+2d", "-30d", "+0"]) {
            let before = cutter.lines().len();
            set(setting);
            sleep(Duration::from_secs(5)).await;
            other.append("INBOX", "", MESSAGE).await;
            arrived(&mut watch, "INBOX", number).await;
            other.append("Work", "", MESSAGE).await;
            arrived(&mut watch, "Work", number).await;
            sleep(Duration::from_secs(5)).await;
            // A check, a sweep and looks: as much as else, and no more than that once again.
            let lines = cutter.lines().len() - before;
            assert!(lines <= 2 * usual + 40, "{setting}: {lines} lines, {usual} in 15 s before");
        }
        let logins =
            cutter.lines().iter().filter(|line| line.contains("LOGIN") || line.contains("AUTH")).count();
        assert!(logins <= 3, "{logins} logins");
        assert_eq!(watch.interrupt().await.status.code(), Some(0));
    })
    .await;
}
