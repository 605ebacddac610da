//! Commands about the session and about mailboxes: CAPABILITY, NOOP, LOGOUT, ENABLE, ID, SELECT,
//! EXAMINE, UNSELECT, CLOSE, CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, LIST, STATUS.

use imap_duplex::command::{Id, Items, List, Search, StatusItems, Store};
use imap_duplex::types::{EventKind, Flag, ListEntry, MailboxName, Seq};
use imap_duplex::{ErrorKind, Select, Sent};

use crate::account::{Account, LIMIT, MESSAGE};
use crate::server::Options;
use crate::support::within;

fn names(entries: &[ListEntry]) -> Vec<&str> {
    let mut names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn capability_noop_id_and_logout() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let reported = a.imap.capability().await.expect("CAPABILITY");
        for name in ["IMAP4rev1", "IDLE", "UIDPLUS", "MOVE", "QRESYNC"] {
            assert!(reported.has(name), "{reported}");
        }
        assert_eq!(reported, a.imap.capabilities());
        a.imap.check().await.expect("NOOP");
        let server = a.imap.id(Id::nothing()).await.expect("ID");
        assert!(server.contains(&("name".to_owned(), Some(crate::server::NAME.to_owned()))), "{server:?}");
        let server = a.imap.id(Id::nothing().field("name", "te\"st")).await.expect("ID");
        assert!(!server.is_empty());
        a.imap.logout().await.expect("LOGOUT");
        let (_, before) = a.events.end().await;
        assert_eq!(before, ["CAPABILITY OK", "NOOP OK", "ID OK", "ID OK", "LOGOUT OK"]);
    })
    .await;
}

#[tokio::test]
async fn what_is_enabled_is_what_the_config_says() {
    within(LIMIT, async {
        for (names, line) in
            [(&["QRESYNC"][..], Some("ENABLE QRESYNC\r\n")), (&["X-NONE"], None), (&[], None)]
        {
            let (a, log) =
                Account::recorded(&Options::default(), |config| config.enable(names.iter().copied())).await;
            let written = log.written();
            match line {
                Some(line) => assert!(written.contains(line), "{written}"),
                None => assert!(!written.contains("ENABLE"), "{written}"),
            }
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn select_tells_of_the_mailbox_and_examine_changes_nothing() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two"]).await;
        let inbox = a.imap.select("inbox").await.expect("SELECT");
        assert_eq!(inbox.name(), &MailboxName::INBOX);
        assert_eq!((inbox.exists(), inbox.is_read_only()), (2, false));
        let selected = inbox.uid_validity().expect("Dovecot sends it");
        let properties = inbox.properties();
        assert!(properties.flags.contains(&Flag::Seen), "{properties:?}");
        let permanent = properties.permanent_flags.as_ref().expect("both servers send it");
        assert!(permanent.contains(&Flag::Seen) && permanent.contains(&Flag::Wildcard), "{permanent}");
        assert!(properties.keeps(&"$New".into()) && properties.keeps(&Flag::Deleted));
        // IMAP4rev2, which is enabled where there is it, has no such number.
        let first = if a.imap.capabilities().has("IMAP4rev2") { None } else { Seq::new(1) };
        assert_eq!(properties.first_unseen, first);
        let opened = a.events.until_brief("opened 2").await;
        assert!(opened.is_in(&inbox));
        let EventKind::Opened { exists, uid_validity, uid_next, highest_mod_seq, read_only, .. } =
            opened.kind
        else {
            panic!("{opened:?}")
        };
        assert_eq!((exists, uid_validity, read_only), (2, Some(selected), false));
        assert_eq!(uid_next.map(|uid| uid.get()), Some(uids[1].get() + 1));
        assert!(highest_mod_seq.is_some());

        let again = a.imap.examine("INBOX").await.expect("EXAMINE");
        assert!(again.is_read_only() && inbox.has_ended());
        assert!(!again.properties().keeps(&Flag::Seen), "nothing can be changed: {:?}", again.properties());
        assert_ne!(again.selection(), inbox.selection());
        // Dovecot says OK to this, or NO, and does nothing.
        let _ = again.store(uids[0], Store::add([Flag::Seen])).await;
        let rows = again.fetch(uids[0], Items::new().flags()).await.expect("FETCH");
        assert!(!rows[0].flags().expect("FLAGS").is_seen());
        let third = a.imap.select(Select::new("INBOX").read_only()).await.expect("EXAMINE");
        assert!(third.is_read_only());

        let error = a.imap.select("Nowhere").await.expect_err("there is none");
        assert_eq!((error.kind(), error.command()), (ErrorKind::No, Some("SELECT")));
        assert!(third.has_ended(), "NO to SELECT leaves nothing selected");
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn unselect_leaves_deleted_messages_and_close_removes_them() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one", "two", "three"]).await;
        let inbox = a.inbox().await;
        inbox.store(uids[0], Store::add([Flag::Deleted])).await.expect("STORE");
        inbox.unselect().await.expect("UNSELECT");
        a.events.until_brief("selection ended").await;
        let error = inbox.search(Search::all()).await.expect_err("ended");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::SelectionEnded, Sent::No));

        let inbox = a.inbox().await;
        assert_eq!(inbox.exists(), 3);
        inbox.close().await.expect("CLOSE");
        assert_eq!(a.inbox().await.exists(), 2);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_name_with_separate_accents_is_composed() {
    within(LIMIT, async {
        let (a, log) = Account::recorded(&Options::default(), |config| config).await;
        a.imap.create("Cafe\u{301}").await.expect("CREATE");
        a.imap.rename("Cafe\u{301}", "The\u{301}").await.expect("RENAME");
        let written = log.written();
        let composed = ["CREATE Caf&AOk-\r\n", "CREATE \"Caf\u{e9}\"\r\n"];
        assert!(composed.iter().any(|line| written.contains(line)), "{written}");
        let listed = a.imap.list("The\u{301}").await.expect("LIST");
        assert_eq!(names(&listed), ["Th\u{e9}"]);
        a.imap.select("The\u{301}").await.expect("SELECT");
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn mailboxes_are_made_renamed_and_removed_and_each_is_reported() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        a.imap.create("Work/2024").await.expect("CREATE");
        a.imap.create("Entwürfe & \"mehr\"").await.expect("CREATE");
        let error = a.imap.create("Work/2024").await.expect_err("there already");
        assert_eq!(error.kind(), ErrorKind::No);
        assert_eq!(error.code().map(|code| code.name()), Some("ALREADYEXISTS"));
        a.imap.rename("Work/2024", "Play").await.expect("RENAME");
        a.imap.delete("Entwürfe & \"mehr\"").await.expect("DELETE");
        let error = a.imap.delete("Nowhere").await.expect_err("there is none");
        assert_eq!(error.code().map(|code| code.name()), Some("NONEXISTENT"));
        let listed = a.imap.list("*").await.expect("LIST");
        // In a Maildir a parent without mail of its own is there as long as its children are.
        assert_eq!(names(&listed), ["Drafts", "INBOX", "Play", "Sent", "Trash"]);
        assert_eq!(
            a.events.ready_briefs(),
            [
                "created Work/2024",
                "CREATE OK",
                "created Entwürfe & \"mehr\"",
                "CREATE OK",
                "CREATE NO",
                "renamed Work/2024 to Play",
                "RENAME OK",
                "deleted Entwürfe & \"mehr\"",
                "DELETE OK",
                "DELETE NO",
                "LIST OK"
            ]
        );
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn list_by_pattern_with_attributes_and_odd_names() {
    within(LIMIT, async {
        let a = Account::quiet().await;
        for name in ["a/b/c", "a/d", "Grüße/日本", "with \"quotes\" and \\ in it", "x&y", "br(ack)et"] {
            a.imap.create(name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let list = |what: &str| a.imap.list(what);
        assert_eq!(names(&list("a/%").await.expect("LIST")), ["a/b", "a/d"]);
        assert_eq!(names(&list("a/*").await.expect("LIST")), ["a/b", "a/b/c", "a/d"]);
        assert_eq!(names(&a.imap.list(List::new("%").under("a/")).await.expect("LIST")), ["a/b", "a/d"]);
        assert_eq!(names(&list("Grüße/*").await.expect("LIST")), ["Grüße/日本"]);
        assert_eq!(names(&list("with*").await.expect("LIST")), ["with \"quotes\" and \\ in it"]);
        assert_eq!(names(&list("x&y").await.expect("LIST")), ["x&y"]);
        assert_eq!(names(&list("br(*").await.expect("LIST")), ["br(ack)et"]);
        assert_eq!(names(&list("nothing*").await.expect("LIST")), [""; 0]);
        let inbox = list("inbox").await.expect("LIST");
        assert_eq!((names(&inbox), inbox[0].delimiter), (vec!["INBOX"], Some('/')));
        let drafts = list("Drafts").await.expect("LIST");
        assert!(drafts[0].is_selectable(), "{drafts:?}");
        let parent = list("a/b").await.expect("LIST");
        assert!(parent[0].has("\\haschildren") && !parent[0].is_selectable(), "{parent:?}");

        let mut rows = list("*").stream();
        let mut count = 0;
        while let Some(row) = rows.next().await {
            row.expect("an entry");
            count += 1;
        }
        assert!(count >= 11, "{count}");
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn subscriptions() {
    within(LIMIT, async {
        // With LIST-EXTENDED, and by LSUB.
        let old = Options { capability: Some("IMAP4rev1".into()), ..Options::default() };
        for options in [Options::default(), old] {
            let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
            a.imap.create("Work").await.expect("CREATE");
            a.imap.create("Grüße").await.expect("CREATE");
            a.imap.subscribe("Grüße").await.expect("SUBSCRIBE");
            a.imap.subscribe("Work").await.expect("SUBSCRIBE");
            a.imap.unsubscribe("Work").await.expect("UNSUBSCRIBE");
            let listed = a.imap.list(List::new("*").subscribed()).await.expect("LIST");
            assert_eq!(names(&listed), ["Drafts", "Grüße", "Sent", "Trash"]);
            let reported = a.events.ready_briefs();
            let expected =
                ["subscribed Grüße", "SUBSCRIBE OK", "subscribed Work", "SUBSCRIBE OK", "unsubscribed Work"];
            assert_eq!(reported[4..9], expected, "{reported:?}");
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn status_of_a_mailbox_that_is_not_selected_and_of_one_that_is() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        a.imap.create("Entwürfe").await.expect("CREATE");
        a.imap.append("Entwürfe", MESSAGE).await.expect("APPEND");
        let items = StatusItems::counts().size().highest_mod_seq();
        let status = a.imap.status("Entwürfe", items.clone()).await.expect("STATUS");
        assert_eq!(status.name.as_str(), "Entwürfe");
        assert_eq!((status.messages, status.unseen), (Some(1), Some(1)));
        assert_eq!(status.uid_next.map(|uid| uid.get()), Some(2));
        assert!(status.uid_validity.is_some() && status.highest_mod_seq.is_some());
        assert_eq!(status.size, u64::try_from(MESSAGE.len()).ok());

        a.inbox().await;
        let status = a.imap.status("INBOX", StatusItems::new().messages()).await.expect("STATUS");
        assert_eq!((status.messages, status.unseen, status.size), (Some(0), None, None));
        let error = a.imap.status("Nowhere", items).await.expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::No);
        let error = a.imap.status("INBOX", StatusItems::new()).await.expect_err("of nothing");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
        a.finish().await;
    })
    .await;
}
