//! What other sessions do, seen on the event stream: with no command running, and while one is;
//! IDLE entered, left and entered again.

use std::time::Duration;

use imap_duplex::Timeouts;
use imap_duplex::command::{Items, Search, StatusItems};
use imap_duplex::types::{Answer, EventKind, Flag};

use crate::account::{Account, LIMIT, MESSAGE};
use crate::client::{brief, uid};
use crate::server::Options;
use crate::support::wire::Log;
use crate::support::within;

/// How often IDLE was sent, and how often DONE.
fn idles(log: &Log) -> (usize, usize) {
    let written = log.written();
    let lines = || written.lines();
    (lines().filter(|line| line.ends_with(" IDLE")).count(), lines().filter(|line| *line == "DONE").count())
}

async fn until_idle(log: &Log, times: usize) {
    let count = |writes: &[String]| writes.concat().lines().filter(|line| line.ends_with(" IDLE")).count();
    log.until(&format!("IDLE number {times}"), |writes| count(writes) >= times).await;
    // Dovecot answers `+` at once; give it the time.
    tokio::time::sleep(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn what_another_session_does_is_reported_within_a_second_with_no_command_running() {
    within(LIMIT, async {
        let (mut a, log) = Account::recorded(&Options::default(), |config| config).await;
        let uids = a.deliver(&["one", "two"]).await;
        let inbox = a.inbox().await;
        let mut other = a.other().await;
        until_idle(&log, 1).await;

        let start = std::time::Instant::now();
        let new = other.append("INBOX", "\\Flagged", MESSAGE.as_bytes()).await;
        a.events.until_brief("exists 3").await;
        let event = a.events.until_brief(&format!("arrived 3 uid {new}")).await;
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        assert!(event.is_in(&inbox) && event.cause.is_none(), "{event:?}");
        let EventKind::Arrived { flags: Some(flags), .. } = &event.kind else { panic!("{event:?}") };
        assert!(flags.contains(&Flag::Flagged), "{flags}");
        assert_eq!(inbox.exists(), 3);

        other.store(&new.to_string(), "+FLAGS (\\Seen $Work)").await;
        let changed = a.events.until("flags", |event| event.name() == "flags_changed").await;
        let EventKind::FlagsChanged { uid: reported, flags, before, .. } = &changed.kind else {
            panic!("{changed:?}")
        };
        assert_eq!(*reported, Some(uid(new)));
        assert!(flags.is_seen() && flags.contains(&Flag::new("$work")), "{flags}");
        assert!(before.as_ref().is_some_and(|before| before.contains(&Flag::Flagged) && !before.is_seen()));
        assert!(changed.is_in(&inbox) && changed.cause.is_none());

        other.remove(&uids[0].to_string()).await;
        let gone = a.events.until_brief(&format!("removed 1 uid {}", uids[0])).await;
        assert!(gone.is_in(&inbox) && gone.cause.is_none());
        assert_eq!(inbox.exists(), 2);
        // None of the library's own commands is reported.
        assert_eq!(a.events.count("IDLE OK") + a.events.count("FETCH OK"), 0);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn what_another_session_does_while_a_command_runs_is_reported_too() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two"]).await;
        let inbox = a.inbox().await;
        let mut other = a.other().await;
        inbox.fetch(uids[0].., Items::new().flags()).await.expect("FETCH");
        a.events.ready();

        let new = other.append("INBOX", "", MESSAGE.as_bytes()).await;
        let rows = inbox.fetch(uids[0]..=uids[1], Items::new().size());
        let noop = a.imap.noop();
        assert_eq!(rows.await.expect("FETCH").len(), 2);
        noop.await.expect("NOOP");
        a.events.until_brief(&format!("arrived 3 uid {new}")).await;

        other.store(&uids[1].to_string(), "+FLAGS (\\Answered)").await;
        other.remove(&uids[0].to_string()).await;
        let search = inbox.search(Search::all());
        let status = a.imap.status("Drafts", StatusItems::new().messages());
        let found = search.await.expect("SEARCH");
        assert!(found.uids().contains(uids[1]) && found.uids().contains(uid(new)), "{found:?}");
        status.await.expect("STATUS");
        a.imap.noop().await.expect("NOOP");
        let reported: Vec<_> = a.events.ready().iter().map(brief).collect();
        let gone = reported
            .iter()
            .position(|event| event.ends_with(&format!("uid {}", uids[0])) && event.starts_with("removed"));
        let flagged = reported
            .iter()
            .position(|event| event.contains(&format!("uid {} ", uids[1])) && event.contains("\\Answered"));
        assert!(gone.is_some() && flagged.is_some(), "{reported:?}");
        assert_eq!(inbox.exists(), 2);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn idle_is_entered_left_and_entered_again_around_commands() {
    within(LIMIT, async {
        let (mut a, log) = Account::recorded(&Options::default(), |config| config).await;
        let uids = a.deliver(&["one"]).await;
        until_idle(&log, 1).await;
        assert_eq!(idles(&log), (1, 0), "with nothing selected, too");
        let inbox = a.inbox().await;
        until_idle(&log, 2).await;
        assert_eq!(idles(&log), (2, 1));

        let rows = inbox.fetch(uids[0], Items::envelope()).await.expect("FETCH");
        assert_eq!(rows.len(), 1);
        assert_eq!(idles(&log), (2, 2));
        let written = log.written();
        let (before, after) = written.rsplit_once("DONE\r\n").expect("it was left");
        assert!(before.ends_with("IDLE\r\n") && after.contains("FETCH"), "{written}");
        until_idle(&log, 3).await;

        // Many commands in a row: one DONE, and no IDLE between them.
        for _ in 0..10 {
            a.imap.noop().await.expect("NOOP");
        }
        let tokens: Vec<_> = (0..10).map(|_| a.imap.noop()).collect();
        for token in tokens {
            token.await.expect("NOOP");
        }
        assert_eq!(idles(&log), (3, 3));
        until_idle(&log, 4).await;
        inbox.unselect().await.expect("UNSELECT");
        until_idle(&log, 5).await;
        assert_eq!(idles(&log), (5, 4));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn idle_is_renewed() {
    within(LIMIT, async {
        let mut timeouts = Timeouts::default();
        timeouts.idle_renew = Duration::from_millis(300);
        let (mut a, log) = Account::recorded(&Options::default(), |config| config.timeouts(timeouts)).await;
        a.inbox().await;
        until_idle(&log, 4).await;
        let (entered, left) = idles(&log);
        assert!(left + 1 >= entered && entered >= 4, "{:?}", log.writes());
        let new = a.server.deliver(&a.user, "INBOX", MESSAGE.as_bytes()).await;
        a.events.until_brief(&format!("arrived 1 uid {new}")).await;
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_busy_mailbox_is_reported_message_by_message() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        let inbox = a.inbox().await;
        let mut other = a.other().await;
        let mut delivered = Vec::new();
        for n in 0..15 {
            delivered
                .push(other.append("INBOX", "", MESSAGE.replace("hello", &n.to_string()).as_bytes()).await);
        }
        for (n, new) in delivered.iter().enumerate() {
            a.events.until_brief(&format!("arrived {} uid {new}", n + 1)).await;
        }
        other.command("NOOP").await;
        let set: Vec<_> = delivered.iter().step_by(2).map(ToString::to_string).collect();
        other.remove(&set.join(",")).await;
        let mut gone = Vec::new();
        while gone.len() < set.len() {
            let event = a.events.until("removal", |event| event.name() == "removed").await;
            gone.push(brief(&event).rsplit(' ').next().map(str::to_owned).unwrap_or_default());
        }
        gone.sort_by_key(|uid| uid.parse::<u32>().ok());
        assert_eq!(gone, set, "each by its UID");
        assert_eq!(inbox.exists(), 7);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn our_own_append_to_the_selected_mailbox_is_a_message_that_arrives() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        let inbox = a.inbox().await;
        let new = a.imap.append("INBOX", MESSAGE).await.expect("APPEND").uid.expect("UIDPLUS");
        a.events.until_brief(&format!("arrived 1 uid {new}")).await;
        assert_eq!(inbox.exists(), 1);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn the_stream_alone_is_enough_to_live_on() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two"]).await;
        let inbox = a.inbox().await;
        let id = inbox.fetch(uids[0].., Items::envelope()).detach();
        let list = a.imap.list("*").detach();
        let (mut subjects, mut names, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        // Dovecot ends them in whatever order it likes.
        while ended.len() < 2 {
            let event = a.events.next().await;
            match &event.kind {
                EventKind::Data(Answer::Fetch(row)) => {
                    assert!(event.cause == Some(id) && event.is_in(&inbox), "{event:?}");
                    subjects.extend(row.envelope().and_then(|e| Some(e.subject()?.into_owned())));
                }
                EventKind::Data(Answer::List(entry)) => {
                    assert_eq!(event.cause, Some(list));
                    names.push(entry.name.to_string());
                }
                EventKind::Completed { detached, .. } => {
                    assert!(detached, "{event:?}");
                    ended.extend(event.cause);
                }
                EventKind::Ready { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        ended.sort();
        names.sort();
        assert_eq!(ended, [id, list]);
        assert_eq!(subjects, ["one", "two"]);
        assert_eq!(names, ["Drafts", "INBOX", "Sent", "Trash"]);
        a.finish().await;
    })
    .await;
}
