//! NOTIFY (RFC 5465): changes of annotations, of messages, of mailboxes and of the server, for the
//! sessions that asked for them.

use std::time::Duration;

use imap_duplex::command::{Notify, NotifyEvent, SetMetadata, StoreAnnotations};
use imap_duplex::testing::Server;
use imap_duplex::types::{AnnotationScope, Answer, EventKind};
use imap_duplex::{Config, Receiver, Sender};

use crate::client::Events;
use crate::raw::session;
use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

async fn client(server: &Server) -> (Sender, Receiver) {
    let config = Config::new("localhost").plaintext().login(server.user(), server.password());
    config.connect_over(server.connect()).await.expect("a connection")
}

/// Sections 5.6 and 5.7.
#[tokio::test]
async fn changed_annotations_of_mailboxes_and_of_the_server_are_reported() {
    within(LIMIT, async {
        let server = Server::new();
        let (watcher, events) = client(&server).await;
        let mut events = Events::strict(events);
        let of_both = [NotifyEvent::MailboxMetadataChange, NotifyEvent::ServerMetadataChange];
        watcher.notify(Notify::set().mailboxes(["INBOX"], of_both)).await.expect("NOTIFY");
        let (other, _others) = client(&server).await;
        let set = |set: SetMetadata| async { other.set_metadata(set).await.expect("SETMETADATA") };
        set(SetMetadata::of("Drafts").set("/shared/comment", "not watched")).await;
        set(SetMetadata::of("INBOX").set("/shared/comment", "x").set("/private/comment", "y")).await;
        let of_inbox =
            events.until("that of INBOX", |event| matches!(event.kind, EventKind::MetadataChanged(_))).await;
        let EventKind::MetadataChanged(changed) = &of_inbox.kind else { panic!("{of_inbox:?}") };
        let names: Vec<_> = changed.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["/shared/comment", "/private/comment"]);
        assert!(changed.mailbox.as_ref().is_some_and(|name| name.is_inbox()));
        // The same value again is no change.
        set(SetMetadata::of("INBOX").set("/shared/comment", "x")).await;
        set(SetMetadata::of_server().unset("/private/none")).await;
        set(SetMetadata::of_server().set("/private/comment", "z")).await;
        let of_server = events
            .until("that of the server", |event| matches!(event.kind, EventKind::MetadataChanged(_)))
            .await;
        let EventKind::MetadataChanged(changed) = &of_server.kind else { panic!("{of_server:?}") };
        assert_eq!((changed.mailbox.as_ref(), changed.entries.len()), (None, 1));
        // What one changes oneself is not reported, nor what was not asked for.
        let mut own = session(&server).await;
        own.command("NOTIFY SET (mailboxes INBOX (ServerMetadataChange))").await;
        assert_eq!(own.command("SETMETADATA \"\" (/private/comment \"own\")").await, [""; 0]);
        assert_eq!(own.command("SETMETADATA INBOX (/private/comment \"own\")").await, [""; 0]);
        set(SetMetadata::of("INBOX").unset("/private/comment")).await;
        set(SetMetadata::of_server().unset("/private/comment")).await;
        assert_eq!(own.command("NOOP").await, ["* METADATA \"\" /private/comment"]);
    })
    .await;
}

/// Section 5.1.
#[tokio::test]
async fn changed_annotations_of_messages_are_reported() {
    within(LIMIT, async {
        let server = Server::new();
        let uid = server.deliver("INBOX", "Subject: one\r\n\r\nhi\r\n");
        server.deliver("Drafts", "Subject: two\r\n\r\nhi\r\n");
        let mut a = session(&server).await;
        a.select("INBOX").await;
        let events = "(MessageNew MessageExpunge AnnotationChange)";
        a.command(&format!("NOTIFY SET (selected {events}) (mailboxes Drafts {events})")).await;
        let (imap, _events) = client(&server).await;
        let inbox = imap.select("INBOX").await.expect("SELECT");
        let note = || StoreAnnotations::set("/comment", AnnotationScope::Private, "soon");
        let both = note().and_set("/altsubject", AnnotationScope::Shared, "x");
        inbox.store_annotations(uid, both).await.expect("STORE");
        assert_eq!(a.command("NOOP").await, ["* 1 FETCH (UID 1 ANNOTATION (/comment /altsubject))"]);
        let drafts = imap.select("Drafts").await.expect("SELECT");
        drafts.store_annotations(drafts.newest(1), note()).await.expect("STORE");
        let reported = a.command("NOOP").await;
        assert!(reported.len() == 1 && reported[0].starts_with("* STATUS Drafts ("), "{reported:?}");
        // Who has not asked for it gets nothing.
        a.command("NOTIFY SET (selected (MessageNew MessageExpunge))").await;
        let inbox = imap.select("INBOX").await.expect("SELECT");
        inbox
            .store_annotations(uid, StoreAnnotations::unset("/comment", AnnotationScope::Private))
            .await
            .expect("STORE");
        assert_eq!(a.command("NOOP").await, [""; 0]);
    })
    .await;
}

/// The library's view of the selected mailbox is not disturbed by such a row.
#[tokio::test]
async fn the_library_takes_a_changed_annotation_for_data() {
    within(LIMIT, async {
        let server = Server::new();
        let uid = server.deliver("INBOX", "Subject: one\r\n\r\nhi\r\n");
        let (imap, events) = client(&server).await;
        let mut events = Events::strict(events);
        let inbox = imap.select("INBOX").await.expect("SELECT");
        inbox.ready().await.expect("the view");
        let mut raw = session(&server).await;
        raw.select("INBOX").await;
        server.say("* 1 FETCH (UID 1 ANNOTATION (/comment))\r\n");
        let event =
            events.until("the row", |event| matches!(&event.kind, EventKind::Data(Answer::Fetch(_)))).await;
        let EventKind::Data(Answer::Fetch(row)) = &event.kind else { panic!("{event:?}") };
        assert_eq!((row.uid(), row.annotations()[0].entry.as_str()), (Some(uid), "/comment"));
    })
    .await;
}
