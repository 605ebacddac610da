//! ANNOTATE (RFC 5257): annotations of messages are set, fetched, searched for, sorted by, copied;
//! and what the server can't keep is refused.

use imap_duplex::command::{
    AnnotationItems, Append, Items, Notify, Search, SelectedNotify, SortKey, SortOrder, StoreAnnotations,
};
use imap_duplex::testing::Server;
use imap_duplex::types::AnnotationScope::{Private, Shared};
use imap_duplex::types::{AnnotateCode, Answer, Code, EventKind, Flag, Message, Uid};
use imap_duplex::{ErrorKind, Select};

fn message(subject: &str) -> String {
    format!("From: ann@example.org\r\nSubject: {subject}\r\n\r\nhi\r\n")
}

async fn client(server: &Server) -> (imap_duplex::Sender, imap_duplex::Receiver) {
    let config = imap_duplex::Config::new("localhost").plaintext();
    let config = config.login(server.user(), server.password());
    config.connect_over(server.connect()).await.expect("a connection")
}

fn text(row: &Message, entry: &str, scope: imap_duplex::types::AnnotationScope) -> Option<String> {
    row.annotation(entry, scope).map(|value| String::from_utf8_lossy(value).into_owned())
}

#[tokio::test(start_paused = true)]
async fn annotations_are_set_fetched_and_found() {
    let server = Server::new();
    let uids: Vec<Uid> = (1..=3).map(|n| server.deliver("INBOX", message(&format!("n {n}")))).collect();
    let (imap, _events) = client(&server).await;
    let inbox = imap.select(Select::new("INBOX").annotations()).await.unwrap();
    let note = StoreAnnotations::set("/comment", Private, "by Friday").and_set("/altsubject", Shared, "b");
    inbox.store_annotations(uids[0], note).await.unwrap();
    inbox.store_annotations(uids[2], StoreAnnotations::set("/altsubject", Shared, "A\0")).await.unwrap();
    let rows = inbox.fetch(&uids[..], Items::annotations(["/comment", "/altsubject"])).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(text(&rows[0], "/comment", Private).as_deref(), Some("by Friday"));
    assert_eq!((text(&rows[0], "/comment", Shared), text(&rows[1], "/comment", Private)), (None, None));
    assert_eq!(text(&rows[2], "/altsubject", Shared).as_deref(), Some("A\0"));
    let all = AnnotationItems::of(["/*"]).only(Shared).with_sizes();
    let rows = inbox.fetch(uids[0], Items::annotations(all).flags()).await.unwrap();
    let sizes: Vec<_> = rows[0].annotations().iter().map(|one| (&*one.entry, one.size(Shared))).collect();
    assert_eq!(sizes, [("/altsubject", Some(1)), ("/comment", Some(0))]);
    let sizes = AnnotationItems::of(["/comment"]).only(Private).sizes();
    let rows = inbox.fetch(uids[0], Items::annotations(sizes)).await.unwrap();
    assert_eq!(
        (text(&rows[0], "/comment", Private), rows[0].annotations()[0].size(Private)),
        (None, Some(9))
    );
    for (query, wanted) in [
        (Search::annotation("/comment", None, "friday"), &uids[..1]),
        (Search::annotation("/comment", Shared, "friday"), &[]),
        (Search::annotation("*", Private, "FRI"), &uids[..1]),
        (Search::annotation("/%", None, "a"), &uids[..1]),
        (!Search::annotation("/altsubject", Shared, ""), &uids[1..2]),
    ] {
        let found: Vec<Uid> = inbox.search(query.clone()).await.unwrap().iter().collect();
        let wanted = if query == Search::annotation("/%", None, "a") {
            vec![uids[0], uids[2]]
        } else {
            wanted.to_vec()
        };
        assert_eq!(found, wanted, "{query:?}");
    }
    let order = SortOrder::by_annotation("/altsubject", Shared).then(SortKey::Arrival);
    let sorted = inbox.sort(Search::all(), order).await.unwrap();
    assert_eq!(sorted.numbers.uids().collect::<Vec<_>>(), [uids[1], uids[2], uids[0]]);
    let order = SortOrder::by(SortKey::From).then_annotation("/altsubject", Shared);
    let sorted = inbox.sort(Search::all(), order).await.unwrap();
    assert_eq!(sorted.numbers.uids().collect::<Vec<_>>(), [uids[1], uids[2], uids[0]]);
    let others = StoreAnnotations::set("/comment", Private, "old").and_unset("/altsubject", Shared);
    inbox.store_annotations(uids[2], others).await.unwrap();
    let rows = inbox.fetch(uids[2], Items::annotations(["/comment", "/altsubject"])).await.unwrap();
    let both = (text(&rows[0], "/comment", Private), text(&rows[0], "/altsubject", Shared));
    assert_eq!(both, (Some("old".into()), None));
    // COPY takes them along (section 4.6), and each copy has its own.
    inbox.copy(uids[0], "Drafts").await.unwrap();
    inbox.store_annotations(.., StoreAnnotations::unset("/comment", Private)).await.unwrap();
    let left = inbox.search(Search::annotation("/comment", None, "")).await.unwrap();
    assert!(left.is_empty());
    let noted = Append::new(message("new")).annotation("/comment", Private, "not yet");
    imap.append("Drafts", noted).await.unwrap();
    let drafts = imap.examine("Drafts").await.unwrap();
    let rows = drafts.fetch(.., Items::annotations("/comment")).await.unwrap();
    let comments: Vec<_> = rows.iter().filter_map(|row| text(row, "/comment", Private)).collect();
    assert_eq!(comments, ["by Friday", "not yet"]);
    let refused = drafts.store_annotations(.., StoreAnnotations::unset("/comment", Private)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
}

/// RFC 7162 section 3.1.3: of any metadata.
#[tokio::test(start_paused = true)]
async fn annotations_are_set_of_messages_that_no_one_has_changed() {
    let server = Server::new();
    let uids: Vec<Uid> = (1..=2).map(|n| server.deliver("INBOX", message(&format!("n {n}")))).collect();
    let (imap, _events) = client(&server).await;
    let inbox = imap.select("INBOX").await.unwrap();
    let seen = inbox.highest_mod_seq().unwrap();
    server.add_flags("INBOX", uids[0], [Flag::Answered]);
    let note = StoreAnnotations::set("/comment", Shared, "Ann has it").of(&uids).unchanged_since(seen);
    let stored = inbox.submit(note).await.unwrap();
    assert_eq!(stored.modified.iter().collect::<Vec<_>>(), uids[..1]);
    let rows = inbox.fetch(.., Items::annotations("/comment")).await.unwrap();
    let comments: Vec<_> = rows.iter().map(|row| text(row, "/comment", Shared)).collect();
    assert_eq!(comments, [None, Some("Ann has it".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_or_too_much_is_refused_whole() {
    let server = Server::new();
    let uid = server.deliver("INBOX", message("one"));
    let (imap, _events) = client(&server).await;
    let inbox = imap.select("INBOX").await.unwrap();
    let large = StoreAnnotations::set("/a", Shared, "x").and_set("/b", Shared, vec![b'x'; 70_000]);
    let error = inbox.store_annotations(uid, large).await.unwrap_err();
    assert_eq!(error.code(), Some(&Code::Annotate(AnnotateCode::TooBig)));
    let many = (0..101).fold(StoreAnnotations::unset("/a", Shared), |many, n| {
        many.and_set(format!("/vendor/x/{n}"), Private, "x")
    });
    let error = inbox.store_annotations(uid, many).await.unwrap_err();
    assert_eq!(error.code(), Some(&Code::Annotate(AnnotateCode::TooMany)));
    let rows = inbox.fetch(uid, Items::annotations("/*")).await.unwrap();
    assert!(rows[0].annotations().is_empty(), "{rows:?}");
}

/// RFC 5465 section 5.5: which annotations another client changes is reported of the selected
/// mailbox, if asked for.
#[tokio::test(start_paused = true)]
async fn changes_in_the_selected_mailbox_are_reported() {
    let server = Server::builder().start();
    let uid = server.deliver("INBOX", message("one"));
    let (imap, mut events) = client(&server).await;
    let _inbox = imap.select(Select::new("INBOX").annotations()).await.unwrap();
    let watched = Notify::set().selected(SelectedNotify::immediate().with_annotations());
    imap.notify(watched).await.unwrap();
    let (other, _others_events) = client(&server).await;
    let theirs = other.select("INBOX").await.unwrap();
    theirs.store_annotations(uid, StoreAnnotations::set("/comment", Shared, "theirs")).await.unwrap();
    let noted = async {
        loop {
            let event = events.next().await.expect("connected");
            if let EventKind::Data(Answer::Fetch(row)) = &event.kind
                && row.annotations().iter().any(|one| &*one.entry == "/comment")
            {
                return row.uid();
            }
        }
    };
    let noted = tokio::time::timeout(std::time::Duration::from_secs(60), noted).await;
    assert_eq!(noted.expect("reported"), Some(uid));
}

#[tokio::test(start_paused = true)]
async fn a_server_without_them_is_not_asked() {
    let server = Server::builder().without(["ANNOTATE-EXPERIMENT-1"]).start();
    let uid = server.deliver("INBOX", message("one"));
    let (imap, _events) = client(&server).await;
    let refused = imap.select(Select::new("INBOX").annotations()).await;
    assert_eq!(refused.map(drop).unwrap_err().kind(), ErrorKind::Unsupported);
    let watched = Notify::set().selected(SelectedNotify::delayed().with_annotations());
    assert_eq!(imap.notify(watched).await.map(drop).unwrap_err().kind(), ErrorKind::Unsupported);
    let inbox = imap.select("INBOX").await.unwrap();
    let set = inbox.store_annotations(uid, StoreAnnotations::set("/a", Shared, "x")).await;
    assert_eq!(set.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(server.received().iter().all(|command| !command.line.contains("ANNOTAT")));
}
