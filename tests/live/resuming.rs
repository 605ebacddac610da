//! Resuming from a state: what happened to a mailbox while disconnected, with QRESYNC, with
//! CONDSTORE alone, and with neither.

use std::time::Duration;

use imap_duplex::command::{Items, Store};
use imap_duplex::types::{EventKind, Flag, Flags, MailboxState, Seq, ViewSync};
use imap_duplex::{Mailbox, Select};

use crate::account::{Account, LIMIT, MESSAGE};
use crate::client::{brief, uid};
use crate::server::Options;
use crate::support::wire::Log;
use crate::support::within;
use crate::variants::without;

/// The state, as soon as all its parts are known.
async fn state_of(inbox: &Mailbox) -> MailboxState {
    inbox.ready().await.expect("the view becomes complete");
    inbox.state().expect("from then on there is one")
}

/// Selects INBOX again, to resume from this state; and the events of the time since, in order.
async fn resume(a: &mut Account, mailbox: &str, state: MailboxState) -> (Mailbox, Vec<String>) {
    let mailbox = a.imap.select(Select::new(mailbox).resume(state)).await.expect("SELECT");
    let mut reported = Vec::new();
    loop {
        let event = a.events.next().await;
        match event.kind {
            EventKind::Resumed { .. } => return (mailbox, reported),
            _ if event.while_disconnected => reported.push(brief(&event)),
            _ => {}
        }
    }
}

/// All of this session's SELECTs and FETCHes, without their tags.
fn asked(log: &Log) -> Vec<String> {
    let lines = log.writes().join("");
    let lines = lines.lines().filter_map(|line| line.split_once(' ')).map(|(_, line)| line.to_owned());
    lines.filter(|line| ["SELECT", "FETCH", "SEARCH"].iter().any(|verb| line.contains(verb))).collect()
}

/// Messages arrive, change and are expunged while another mailbox is selected; then this is
/// resumed.
async fn while_disconnected(options: Options, fill: ViewSync) -> Vec<String> {
    let (mut a, log) = Account::recorded(&options, |config| config.auto_idle(false).view_sync(fill)).await;
    a.deliver(&["1", "2", "3", "4", "5", "6"]).await;
    let inbox = a.inbox().await;
    inbox.store(uid(1), Store::add([Flag::Seen])).await.expect("STORE");
    let state = state_of(&inbox).await;
    assert_eq!(state.uids.to_string(), "1:6");
    inbox.unselect().await.expect("UNSELECT");
    a.events.until_brief("UNSELECT OK").await;

    let mut other = a.other().await;
    other.remove("2,5").await;
    other.store("3", "+FLAGS (\\Flagged)").await;
    other.store("4", "+FLAGS ($Work)").await;
    let new = other.append("INBOX", "\\Seen", MESSAGE.as_bytes()).await;
    assert_eq!(new, 7);
    other.logout().await;

    log.take();
    let (inbox, reported) = resume(&mut a, "INBOX", state).await;
    let after = inbox.state().expect("all has been reported");
    let has = |wanted: &str| assert!(reported.iter().any(|line| line == wanted), "{wanted}: {reported:?}");
    has("removed ? uid 2");
    has("removed ? uid 5");
    has("arrived 5 uid 7");
    has("flags 2 uid 3 (\\Flagged)");
    has("flags 3 uid 4 ($Work)");
    let others: Vec<_> = reported.iter().filter(|line| !line.contains("uid 7")).collect();
    assert_eq!(others.len(), 4, "nothing else has changed: {reported:?}");
    assert_eq!(after.uids.to_string(), "1,3:4,6:7");

    let snapshot = inbox.snapshot();
    assert!(snapshot.is_complete());
    assert_eq!(snapshot.seq(uid(6)), Seq::new(4));
    let flags = |seq| snapshot.flags(Seq::new(seq).expect("a number"));
    assert_eq!(flags(1), Some(Flag::Seen.into()), "known from before");
    assert_eq!(flags(2), Some(Flag::Flagged.into()));
    if fill == ViewSync::Flags {
        assert_eq!(flags(4), Some(Flags::new()));
        assert_eq!(snapshot.unseen_count(), 3);
    }

    // And later changes did not happen while disconnected.
    let mut other = a.other().await;
    other.remove("3").await;
    a.imap.noop().await.expect("NOOP");
    let event = a.events.until_brief("removed 2 uid 3").await;
    assert!(!event.while_disconnected);
    a.finish().await;
    asked(&log)
}

#[tokio::test]
async fn a_view_that_is_ready_has_a_state_at_once() {
    for fill in [ViewSync::Off, ViewSync::Uids, ViewSync::Flags] {
        for count in [0, 3] {
            within(LIMIT, async {
                let mut a = Account::with(&Options::default(), |config| config.view_sync(fill)).await;
                a.deliver(&["1", "2", "3"][..count]).await;
                let inbox = a.inbox().await;
                inbox.ready().await.expect("it becomes complete");
                assert_eq!(inbox.state().is_some(), fill != ViewSync::Off, "no NOOP is needed");
                if fill != ViewSync::Off {
                    assert!(inbox.snapshot().is_complete());
                    let state = inbox.state().expect("a state");
                    assert!(state.highest_mod_seq.is_some() && state.uids.len() == count as u64);
                }
                a.finish().await;
            })
            .await;
        }
    }
}

#[tokio::test]
async fn with_qresync_select_tells_all() {
    for fill in [ViewSync::Flags, ViewSync::Uids] {
        let asked = within(LIMIT, while_disconnected(Options::default(), fill)).await;
        assert!(asked[0].starts_with("SELECT INBOX (QRESYNC ("), "{asked:?}");
        assert_eq!(asked.len(), 1, "and nothing else is asked: {asked:?}");
    }
}

#[tokio::test]
async fn with_condstore_changes_are_asked() {
    let asked = within(LIMIT, while_disconnected(without(&["QRESYNC"]), ViewSync::Flags)).await;
    let since = |line: &&String| line.contains("(FLAGS) (CHANGEDSINCE ");
    assert_eq!(asked.iter().filter(since).count(), 1, "{asked:?}");
    assert_eq!((asked[0].as_str(), asked.len()), ("SELECT INBOX", 3), "{asked:?}");
}

#[tokio::test]
async fn with_neither_all_is_compared() {
    for capabilities in
        [&["QRESYNC", "CONDSTORE", "ENABLE"][..], &["QRESYNC", "CONDSTORE", "ENABLE", "ESEARCH"]]
    {
        let asked = within(LIMIT, while_disconnected(without(capabilities), ViewSync::Flags)).await;
        assert!(asked.iter().any(|line| line == "UID FETCH 1,3:4,6:7 (FLAGS)"), "{asked:?}");
    }
}

#[tokio::test]
async fn a_mailbox_that_was_recreated_is_not_compared() {
    within(LIMIT, async {
        let mut a = Account::with(&Options::default(), |config| config.auto_idle(false)).await;
        let mut other = a.server.session(&a.user).await;
        other.command("CREATE Work").await;
        other.append("Work", "", MESSAGE.as_bytes()).await;
        let work = a.imap.select("Work").await.expect("SELECT");
        let state = state_of(&work).await;
        work.unselect().await.expect("UNSELECT");
        other.command("DELETE Work").await;
        // UIDVALIDITY is made of the time, in seconds.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        other.command("CREATE Work").await;
        other.append("Work", "", MESSAGE.as_bytes()).await;
        a.events.ready();
        let (work, reported) = resume(&mut a, "Work", state.clone()).await;
        let now = work.state().expect("all has been reported");
        assert_ne!(now.uid_validity, state.uid_validity);
        assert_eq!(reported, [format!("uidvalidity {}", now.uid_validity)]);
        assert_eq!((now.uids.to_string().as_str(), work.exists()), ("1", 1));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_deleted_under_our_feet_ends_the_selection_or_the_connection() {
    within(LIMIT, async {
        let server = crate::server::Server::start();
        let user = crate::support::fresh_user();
        let config = crate::account::plain(&server, &user).auto_idle(false);
        let (imap, receiver) = config.connect().await.expect("a login");
        let mut events = crate::client::Events::any(receiver);
        imap.create("Work").await.expect("CREATE");
        imap.append("Work", MESSAGE).await.expect("APPEND");
        let work = imap.select("Work").await.expect("SELECT");
        let state = state_of(&work).await;
        let mut other = server.session(&user).await;
        other.command("DELETE Work").await;
        other.command("CREATE Work").await;
        other.append("Work", "", MESSAGE.as_bytes()).await;
        other.append("Work", "", MESSAGE.as_bytes()).await;
        // Dovecot may still show the earlier state, or send BYE, as its files have it; whichever it
        // is, it is reported, and everything ends.
        let row = work.fetch(uid(1), Items::new().size()).await;
        let reported = events.ready();
        assert!(row.is_err() || work.exists() == 1, "{reported:?}");
        let (imap, receiver) = config.connect().await.expect("a login");
        let mut events = crate::client::Events::strict(receiver);
        let work = imap.select(Select::new("Work").resume(state)).await.expect("SELECT");
        assert_eq!(state_of(&work).await.uids.to_string(), "1:2");
        events
            .until("the new UIDVALIDITY", |event| matches!(event.kind, EventKind::UidValidityChanged { .. }))
            .await;
        imap.logout().await.expect("LOGOUT");
    })
    .await;
}
