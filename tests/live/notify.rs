//! NOTIFY: what other sessions do to other mailboxes, seen on the event stream while the connection
//! idles; and the selected mailbox, which never falls silent.

use imap_duplex::ErrorKind;
use imap_duplex::command::{Items, Notify, NotifyEvent, SelectedNotify, StatusItems, Store};
use imap_duplex::types::{Code, EventKind, Flag, Seq};

use crate::account::{Account, LIMIT, MESSAGE};
use crate::server::Options;
use crate::support::within;

fn seq(value: u32) -> Seq {
    Seq::new(value).expect("not 0")
}

/// New messages, changes and removals in the selected mailbox are still reported, with UIDs.
async fn is_alive(a: &mut Account, mailbox: &imap_duplex::Mailbox) {
    let mut other = a.other().await;
    let before = mailbox.exists();
    let new = other.append("INBOX", "", MESSAGE.as_bytes()).await;
    a.events.until_brief(&format!("arrived {} uid {new}", before + 1)).await;
    other.store(&new.to_string(), "+FLAGS (\\Answered)").await;
    a.events
        .until("new flags", |event| match &event.kind {
            EventKind::FlagsChanged { uid, flags, .. } => {
                uid.is_some_and(|uid| uid.get() == new) && flags.contains(&Flag::Answered)
            }
            _ => false,
        })
        .await;
    other.remove(&new.to_string()).await;
    a.events.until_brief(&format!("removed {} uid {new}", before + 1)).await;
    assert_eq!(mailbox.exists(), before);
    other.logout().await;
}

#[tokio::test]
async fn mail_for_another_mailbox_is_reported_while_the_connection_idles() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        let inbox = a.inbox().await;
        // Dovecot reports nothing of mailboxes that have never been opened.
        a.imap.status("Drafts", StatusItems::counts()).await.expect("STATUS");
        let watch = Notify::set().mailboxes(["Drafts", "INBOX"], NotifyEvent::MESSAGES).status();
        let reported = a.imap.notify(watch).await.expect("NOTIFY");
        let drafts = reported.iter().find(|status| status.name.as_str() == "Drafts").expect("its counts");
        assert_eq!(drafts.messages, Some(0), "{drafts:?}");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;

        let mut other = a.other().await;
        let new = other.append("Drafts", "", MESSAGE.as_bytes()).await;
        let event = a.events.until_brief("status Drafts").await;
        let EventKind::Status(status) = &event.kind else { panic!("{event:?}") };
        assert_eq!((status.messages, status.uid_next.map(|uid| uid.get())), (Some(1), Some(new + 1)));
        assert_eq!(event.mailbox().map(|name| name.as_str()), Some("Drafts"));
        assert!(event.cause.is_none() && !event.is_in(&inbox));

        is_alive(&mut a, &inbox).await;
        // And no more of the others.
        a.imap.notify(Notify::set()).await.expect("NOTIFY");
        is_alive(&mut a, &inbox).await;
        let reported = a.events.count("status Drafts");
        other.append("Drafts", "", MESSAGE.as_bytes()).await;
        is_alive(&mut a, &inbox).await;
        assert_eq!(a.events.count("status Drafts"), reported);
        a.finish().await;
    })
    .await;
}

/// RFC 5465 section 3.1: after NONE nothing of the selected mailbox either, until a SET.
#[tokio::test]
async fn none_silences_all_and_a_set_brings_the_selected_mailbox_back() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        a.deliver(&["one"]).await;
        let inbox = a.inbox().await;
        a.imap.notify(Notify::none()).await.expect("NOTIFY");
        let mut other = a.other().await;
        let new = other.append("INBOX", "", MESSAGE.as_bytes()).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        a.imap.noop().await.expect("NOOP");
        a.events.until_brief("NOOP OK").await;
        assert_eq!(inbox.exists(), 1);
        a.imap.notify(Notify::set()).await.expect("NOTIFY");
        a.events.until_brief(&format!("arrived 2 uid {new}")).await;
        assert_eq!(inbox.exists(), 2);
        is_alive(&mut a, &inbox).await;
        other.logout().await;
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn with_nothing_selected_the_connection_idles_and_changes_are_reported() {
    within(LIMIT, async {
        let (mut a, log) = Account::recorded(&Options::default(), |config| config).await;
        a.imap.status("Drafts", StatusItems::counts()).await.expect("STATUS");
        a.imap.notify(Notify::set().personal(NotifyEvent::MESSAGES)).await.expect("NOTIFY");
        let idle = |writes: &[String]| writes.concat().ends_with("IDLE\r\n");
        log.until("IDLE", idle).await;
        let mut other = a.other().await;
        other.append("Drafts", "", MESSAGE.as_bytes()).await;
        a.events.until_brief("status Drafts").await;
        // IDLE steps aside, and begins again.
        a.imap.noop().await.expect("NOOP");
        assert!(log.written().contains("DONE\r\n"), "{}", log.written());
        log.until("IDLE again", idle).await;
        other.logout().await;
        a.finish().await;
    })
    .await;
}

/// The server never reports messages that arrived while it was selected.
#[tokio::test]
async fn mail_that_came_unseen_to_a_mailbox_is_reported_when_it_is_left() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        let mut other = a.other().await;
        for way in ["SELECT", "UNSELECT", "CLOSE", "NO"] {
            for selected in [SelectedNotify::silent(), SelectedNotify::delayed()] {
                let seen = selected == SelectedNotify::delayed();
                let drafts = a.imap.select("Drafts").await.expect("SELECT");
                let watch = Notify::set().personal(NotifyEvent::MESSAGES).selected(selected);
                a.imap.notify(watch).await.expect("NOTIFY");
                a.imap.noop().await.expect("NOOP");
                a.events.ready();
                let reported = a.events.count("status Drafts");
                let new = other.append("Drafts", "", MESSAGE.as_bytes()).await;
                match way {
                    "SELECT" => _ = a.imap.select("INBOX").await.expect("SELECT"),
                    "UNSELECT" => drafts.unselect().await.expect("UNSELECT"),
                    "CLOSE" => drafts.close().await.expect("CLOSE"),
                    _ => _ = a.imap.select("none such").await.expect_err("SELECT"),
                }
                let is_new = |event: &imap_duplex::types::Event| match &event.kind {
                    EventKind::Status(status) => status.uid_next.is_some_and(|next| next.get() > new),
                    EventKind::Arrived { uid, .. } => seen && uid.get() == new,
                    _ => false,
                };
                a.events.until("new mail in Drafts", is_new).await;
                a.imap.noop().await.expect("NOOP");
                a.events.until_brief("NOOP OK").await;
                assert!(a.events.count("status Drafts") <= reported + 1, "reported twice: {way}");
            }
        }
        other.logout().await;
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn mailboxes_that_others_make_rename_delete_and_subscribe_to_are_reported() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        a.inbox().await;
        let watch = Notify::set().personal(NotifyEvent::MAILBOXES);
        a.imap.notify(watch).await.expect("NOTIFY");
        let mut other = a.server.session(&a.user).await;
        // In modified UTF-7 for the other session; Dovecot sends it raw.
        let (wire, name) = ("a&AOk-&-b", "aé&b");
        other.command(&format!("CREATE {wire}")).await;
        let made = a.events.until_brief(&format!("created {name}")).await;
        // It can be used by the reported name.
        let named = made.mailbox().expect("its name").clone();
        a.imap.status(named, StatusItems::counts()).await.expect("STATUS");
        other.command(&format!("SUBSCRIBE {wire}")).await;
        a.events.until_brief(&format!("subscribed {name}")).await;
        other.command(&format!("UNSUBSCRIBE {wire}")).await;
        a.events.until_brief(&format!("unsubscribed {name}")).await;
        other.append(wire, "", MESSAGE.as_bytes()).await;
        other.command(&format!("RENAME {wire} Renamed")).await;
        let renamed = a
            .events
            .until("renamed", |event| {
                matches!(&event.kind, EventKind::MailboxRenamed { from, .. } if from.as_str() == name)
            })
            .await;
        assert_eq!(renamed.mailbox().map(|name| name.as_str()), Some("Renamed"));
        other.command("DELETE Renamed").await;
        a.events.until_brief("deleted Renamed").await;
        other.logout().await;
        a.finish().await;
    })
    .await;
}

/// RFC 5465 sections 6.2 and 6.5: where mail comes in, which to Dovecot is every mailbox; and what
/// is below one, with that one.
#[tokio::test]
async fn inboxes_and_what_is_below_a_mailbox_are_watched() {
    within(LIMIT, async {
        for is_subtree in [false, true] {
            let mut a = Account::usual().await;
            for name in ["Work/North", "Home", "INBOX"] {
                if name != "INBOX" {
                    a.imap.create(name).await.expect("CREATE");
                }
                a.imap.status(name, StatusItems::counts()).await.expect("STATUS");
            }
            a.imap.select("Drafts").await.expect("SELECT");
            let events = [NotifyEvent::MessageNew, NotifyEvent::MessageExpunge, NotifyEvent::FlagChange];
            let (watch, watched) = match is_subtree {
                true => (Notify::set().subtree(["Work"], events), "Work/North"),
                false => (Notify::set().inboxes(events), "INBOX"),
            };
            let reported = a.imap.notify(watch.status()).await.expect("NOTIFY");
            let names: Vec<_> = reported.iter().map(|status| status.name.as_str()).collect();
            assert!(names.contains(&watched), "{names:?}");
            assert!(!is_subtree || names.iter().all(|name| name.starts_with("Work")), "{names:?}");
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            a.events.ready();
            let before = a.events.count("status Home");
            let mut other = a.server.session(&a.user).await;
            for name in ["Home", watched] {
                other.append(name, "", MESSAGE.as_bytes()).await;
            }
            a.events.until_brief(&format!("status {watched}")).await;
            assert!(!is_subtree || a.events.count("status Home") == before);
            other.logout().await;
            a.finish().await;
        }
    })
    .await;
}

/// Each kind by itself: the names of mailboxes without subscriptions, and the other way round.
#[tokio::test]
async fn names_and_subscriptions_are_watched_apart() {
    within(LIMIT, async {
        for asked in [NotifyEvent::MailboxName, NotifyEvent::SubscriptionChange] {
            let mut a = Account::usual().await;
            a.inbox().await;
            a.imap.notify(Notify::set().personal([asked])).await.expect("NOTIFY");
            let mut other = a.server.session(&a.user).await;
            other.command("CREATE Made").await;
            other.command("SUBSCRIBE Made").await;
            let (wanted, unasked) = match asked {
                NotifyEvent::MailboxName => ("created Made", "subscribed Made"),
                _ => ("subscribed Made", "created Made"),
            };
            a.events.until_brief(wanted).await;
            other.command("CREATE Last").await;
            other.command("SUBSCRIBE Last").await;
            a.events.until_brief(&wanted.replace("Made", "Last")).await;
            assert_eq!(a.events.count(unasked), 0, "{asked:?}");
            other.logout().await;
            a.finish().await;
        }
    })
    .await;
}

/// RFC 5465 sections 5.6 and 5.7: few servers have them, and each says so.
#[tokio::test]
async fn changes_of_annotations_are_watched_or_refused() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        a.inbox().await;
        let asked = [NotifyEvent::MailboxMetadataChange, NotifyEvent::ServerMetadataChange];
        match a.imap.notify(Notify::set().personal(asked)).await {
            Ok(_) => {
                let mut other = a.server.session(&a.user).await;
                other.command("SETMETADATA Drafts (/private/comment \"mine\")").await;
                a.events.until("an annotation", |event| event.name() == "metadata_changed").await;
                other.logout().await;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::No, "{error}");
                assert!(matches!(error.code(), Some(Code::BadEvent(_))), "{error}");
            }
        }
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn what_we_do_ourselves_is_reported_once() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        a.inbox().await;
        let all = NotifyEvent::MESSAGES.into_iter().chain(NotifyEvent::MAILBOXES);
        a.imap.notify(Notify::set().personal(all)).await.expect("NOTIFY");
        a.imap.create("mine").await.expect("CREATE");
        a.imap.subscribe("mine").await.expect("SUBSCRIBE");
        let mut other = a.server.session(&a.user).await;
        other.command("CREATE theirs").await;
        a.events.until_brief("created theirs").await;
        assert_eq!((a.events.count("created mine"), a.events.count("subscribed mine")), (1, 1));
        other.logout().await;
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn numbers_hit_the_right_messages_while_they_may_move() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        let uids = a.deliver(&["one", "two", "three", "four"]).await;
        // Before any mailbox is selected: it holds for each that is.
        a.imap.notify(Notify::set().selected(SelectedNotify::immediate())).await.expect("NOTIFY");
        let inbox = a.inbox().await;
        is_alive(&mut a, &inbox).await;
        let mut other = a.other().await;
        for gone in &uids[..3] {
            other.remove(&gone.to_string()).await;
            // With no regard to whether the removal has come yet: by the number the message had as
            // we know it.
            let before = inbox.snapshot();
            let Some(wanted) = before.uid(seq(1)) else { panic!("the UIDs are known") };
            let rows = inbox.fetch(seq(1), Items::new().size()).await.expect("FETCH");
            let reported: Vec<_> = rows.iter().filter_map(|row| row.uid()).collect();
            assert!(reported.is_empty() || reported == [wanted], "{reported:?} for {wanted}");
            a.events.until("removal", |event| event.name() == "removed").await;
        }
        inbox.store(seq(1), Store::add([Flag::Flagged])).await.expect("STORE");
        let row = inbox.fetch(uids[3], Items::new().flags()).await.expect("FETCH");
        assert!(row[0].flags().is_some_and(|flags| flags.contains(&Flag::Flagged)));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn it_holds_for_the_mailbox_that_is_selected_next() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        for selected in [SelectedNotify::delayed(), SelectedNotify::immediate()] {
            a.imap
                .notify(Notify::set().personal(NotifyEvent::MESSAGES).selected(selected))
                .await
                .expect("NOTIFY");
            a.imap.select("Drafts").await.expect("SELECT");
            let inbox = a.inbox().await;
            is_alive(&mut a, &inbox).await;
        }
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn new_messages_come_with_what_was_asked_of_them() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        let inbox = a.inbox().await;
        let delayed = SelectedNotify::delayed().fetching(Items::envelope());
        a.imap.notify(Notify::set().selected(delayed)).await.expect("NOTIFY");
        let new = a.server.deliver(&a.user, "INBOX", MESSAGE.as_bytes()).await;
        let event = a.events.until_brief(&format!("data fetch 1 uid {new}")).await;
        assert!(event.is_in(&inbox) && event.cause.is_none());
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn what_the_server_can_t_tell_of_is_an_error_that_says_so() {
    within(LIMIT, async {
        let plain = Options { capability: Some("IMAP4rev1 NOTIFY".into()), ..Options::default() };
        let a = Account::with(&plain, |config| config).await;
        let asked = [NotifyEvent::MessageNew, NotifyEvent::MessageExpunge, NotifyEvent::AnnotationChange];
        let error = a.imap.notify(Notify::set().personal(asked)).await.expect_err("no annotations");
        assert_eq!(error.kind(), ErrorKind::No);
        let named = crate::server::BAD_EVENT.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(error.code(), Some(&Code::BadEvent(named)));
        let error = a.imap.notify(Notify::set().personal([NotifyEvent::MessageNew])).await.expect_err("half");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        a.finish().await;
    })
    .await;
}
