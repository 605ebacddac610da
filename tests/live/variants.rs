//! The usual commands with servers that have fewer extensions: without QRESYNC and CONDSTORE,
//! without ESEARCH, without IDLE, without UIDPLUS, and with IMAP4rev1 alone.

use std::time::Duration;

use imap_duplex::command::{Items, List, Search, StatusItems, Store};
use imap_duplex::types::{EventKind, Flag};
use imap_duplex::{Config, Timeouts};

use crate::account::{Account, LIMIT, MESSAGE};
use crate::client::{brief, uid};
use crate::server::{Literals, Options};
use crate::support::within;

const ALL: &str = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT CHILDREN CONDSTORE QRESYNC ESEARCH \
    SEARCHRES MOVE SPECIAL-USE LIST-EXTENDED LIST-STATUS STATUS=SIZE BINARY";

/// All of that, less these.
pub(crate) fn without(names: &[&str]) -> Options {
    let left: Vec<_> = ALL.split_whitespace().filter(|name| !names.contains(name)).collect();
    Options { capability: Some(left.join(" ")), ..Options::default() }
}

/// A day's work: every kind of command, and what another session does meanwhile.
async fn work(options: Options) {
    work_by(options, |config| config).await;
}

async fn work_by(options: Options, configure: impl FnOnce(Config) -> Config) {
    let mut timeouts = Timeouts::default();
    // Where there is no IDLE.
    timeouts.poll_every = Duration::from_millis(300);
    let mut a = Account::with(&options, |config| configure(config.timeouts(timeouts))).await;
    let uids = a.deliver(&["one", "two", "three"]).await;
    a.imap.create("Archive").await.expect("CREATE");
    assert_eq!(a.imap.list("*").await.expect("LIST").len(), 5);
    let subscribed = a.imap.list(List::new("*").subscribed()).await.expect("LIST");
    assert_eq!(subscribed.len(), 3, "{subscribed:?}");

    let inbox = a.inbox().await;
    assert_eq!(inbox.exists(), 3);
    let found = inbox.search(Search::subject("two").or(Search::subject("Grüße"))).await.expect("SEARCH");
    assert_eq!(found.iter().collect::<Vec<_>>(), [uids[1]]);
    let rows = inbox.fetch(uids[0].., Items::envelope().flags().body_structure()).await.expect("FETCH");
    assert_eq!(rows.iter().filter_map(|row| row.uid()).collect::<Vec<_>>(), uids);
    let rows = inbox.store(uids[0], Store::add([Flag::Seen])).await.expect("STORE");
    assert!(rows[0].flags().expect("FLAGS").is_seen());
    inbox.store(uids[1], Store::add([Flag::Flagged]).silent()).await.expect("STORE");
    let reported = a.events.until("the silent change", |event| {
        event.name() == "flags_changed" && brief(event).contains(&format!("uid {} ", uids[1]))
    });
    reported.await;
    inbox.copy(uids[0], "Archive").await.expect("COPY");
    a.imap.append("Archive", MESSAGE).await.expect("APPEND");
    let status = a.imap.status("Archive", StatusItems::counts()).await.expect("STATUS");
    assert_eq!(status.messages, Some(2));
    if a.imap.capabilities().has("UIDPLUS") {
        inbox.move_to(uids[2], "Archive").await.expect("MOVE, or what amounts to it");
    } else {
        inbox.store(uids[2], Store::add([Flag::Deleted])).await.expect("STORE");
        let gone = inbox.expunge_deleted().await.expect("EXPUNGE");
        assert_eq!(gone.uids.iter().collect::<Vec<_>>(), [uids[2]]);
    }
    a.events.until_brief(&format!("removed 3 uid {}", uids[2])).await;
    assert_eq!(inbox.exists(), 2);

    // With no command of ours running.
    let mut other = a.other().await;
    let new = other.append("INBOX", "", MESSAGE.as_bytes()).await;
    let event = a.events.until_brief(&format!("arrived 3 uid {new}")).await;
    assert!(event.is_in(&inbox));
    other.store(&new.to_string(), "+FLAGS (\\Answered)").await;
    let changed = a.events.until("flags", |event| event.name() == "flags_changed").await;
    let EventKind::FlagsChanged { uid: reported, flags, .. } = &changed.kind else { panic!("{changed:?}") };
    assert_eq!(*reported, Some(uid(new)));
    assert!(flags.contains(&Flag::Answered), "{flags}");
    other.remove(&uids[0].to_string()).await;
    a.events.until_brief(&format!("removed 1 uid {}", uids[0])).await;
    assert_eq!(inbox.exists(), 2);

    let archive = a.imap.select("Archive").await.expect("SELECT");
    assert!(inbox.has_ended() && archive.exists() >= 2);
    archive.close().await.expect("CLOSE");
    a.imap.delete("Archive").await.expect("DELETE");
    a.finish().await;
}

#[tokio::test]
async fn with_all_that_dovecot_has() {
    within(LIMIT, work(Options::default())).await;
}

#[cfg(feature = "compress")]
#[tokio::test]
async fn with_all_of_it_compressed() {
    within(LIMIT, work_by(Options::default(), |config| config.compress(true))).await;
}

#[tokio::test]
async fn without_qresync_and_condstore() {
    within(LIMIT, work(without(&["QRESYNC", "CONDSTORE", "ENABLE"]))).await;
}

#[tokio::test]
async fn without_esearch() {
    within(LIMIT, work(without(&["ESEARCH", "SEARCHRES"]))).await;
}

#[tokio::test]
async fn without_idle() {
    within(LIMIT, work(without(&["IDLE"]))).await;
}

#[tokio::test]
async fn without_move() {
    within(LIMIT, work(without(&["MOVE"]))).await;
}

#[tokio::test]
async fn without_uidplus_and_unselect() {
    within(LIMIT, work(without(&["UIDPLUS", "UNSELECT", "MOVE"]))).await;
}

#[tokio::test]
async fn without_literals_that_do_not_wait() {
    within(LIMIT, work(Options { literals: Literals::Wait, ..Options::default() })).await;
}

#[tokio::test]
async fn with_imap4rev1_alone() {
    within(LIMIT, work(Options { capability: Some("IMAP4rev1".into()), ..Options::default() })).await;
}
