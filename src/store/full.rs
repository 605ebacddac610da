//! Tests: a file that may not grow (`max_page_count`), so that SQLite itself says in the middle of
//! a row or a body that there is no room. Here, since the limit is one of a connection. What a
//! limit of the system does, to the log as well, is in `tests/store/full.rs`.

#![cfg(feature = "testing")]

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::database::Durability;
use super::{NewMessage, PageBy, Store, StoreErrorKind, SyncPolicy};
use crate::account::{Account, Policy};
use crate::net::Config;
use crate::testing::Server;
use crate::types::{Flag, Flags};

const LIMIT: Duration = Duration::from_secs(60 * 60);
/// Drafts, and the long message.
const LONG: usize = 60_000;

fn message(subject: &str) -> String {
    format!(
        "From: a@example.org\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.org>\r\n\r\nText\r\n"
    )
}

fn long(subject: &str) -> String {
    format!("{}{}", message(subject), "A long text.\r\n".repeat(LONG))
}

fn account(server: &Server, host: &str) -> Account {
    let config =
        Config::new(host).plaintext().allow_plaintext_login(true).login(server.user(), server.password());
    let server = server.clone();
    let connector = move |_| {
        let stream = server.connect();
        async move { Ok(stream) }
    };
    Account::builder(config).policy(Policy::default()).connector(connector).open()
}

/// So many pages more than there are; `None`: as many as there is room for.
async fn limit(store: &Store, more: Option<i64>) {
    let set = move |file: &rusqlite::Transaction<'_>| {
        let pages: i64 = file.pragma_query_value(None, "page_count", |row| row.get(0))?;
        let most = more.map_or(i64::from(u32::MAX - 1), |more| pages + more);
        Ok(file.pragma_update(None, "max_page_count", most)?)
    };
    store.database.write(Durability::Process, set).await.expect("set");
}

/// What the file says of itself is true, and no half body counts.
async fn is_sound(store: &Store) {
    store.verify().await.expect("sound");
    let wrong = |file: &rusqlite::Transaction<'_>| {
        let sql = "SELECT (SELECT count(*) FROM body b WHERE complete = 1 AND size <> \
                   (SELECT ifnull(sum(length(data)), 0) FROM piece WHERE body = b.id)) + \
                   (SELECT count(*) FROM mailbox b WHERE total <> (SELECT count(*) FROM message WHERE place = b.id)) + \
                   (SELECT count(*) FROM message WHERE content NOT IN (SELECT id FROM content)) + \
                   (SELECT bytes <> (SELECT ifnull(sum(size), 0) FROM body) FROM bodies)";
        Ok(file.query_row(sql, [], |row| row.get::<_, i64>(0))?)
    };
    assert_eq!(store.database.read(wrong).await.expect("readable"), 0);
}

async fn without_room(more: i64) -> (bool, bool, bool) {
    let server = Server::new();
    for number in 0..400 {
        server.deliver("INBOX", message(&format!("message{number}")));
    }
    server.deliver("INBOX", long("long"));
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path().join("mail.store")).await.expect("a store");
    // The account itself needs some.
    let host = folder.path().file_name().expect("a name").to_string_lossy().into_owned();
    let account = account(&server, &format!("{host}.example.org"));
    drop(store.attach_with(&account, SyncPolicy::new().follow_none()).await.expect("attached"));
    sleep(Duration::from_millis(1)).await;
    limit(&store, Some(more)).await;
    let attachment = store.attach_with(&account, SyncPolicy::new().follow_none()).await;
    let attachment = match attachment {
        Ok(attachment) => attachment,
        Err(error) => panic!("{error:?}"),
    };
    let waited = timeout(Duration::from_secs(120), attachment.in_step()).await.expect("an answer");
    let is_full = match waited {
        Ok(()) => false,
        Err(error) => {
            assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
            assert!(error.to_string().contains("no room; nothing was changed"), "{error}");
            true
        }
    };
    is_sound(&store).await;
    // A body in pieces.
    let mut has_no_body = false;
    if let Some(one) = store.search("subject:long").await.expect("readable").first()
        && let Err(error) = store.body(one.id).await
    {
        assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
        assert!(!store.has_body(one.id).await.expect("there"), "half a body is none");
        has_no_body = true;
    }
    is_sound(&store).await;
    // What the user does: a message with its body, and a row.
    let mut has_no_draft = false;
    if let Ok(drafts) = store.mailbox_named("Drafts").await {
        let before = store.operations().await.expect("readable");
        if let Err(error) = store.append(drafts.id(), NewMessage::new(long("draft"))).await {
            assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
            assert_eq!(store.operations().await.expect("readable"), before, "nothing was changed");
            assert_eq!(store.search("subject:draft").await.expect("readable"), []);
            has_no_draft = true;
        }
    }
    is_sound(&store).await;
    limit(&store, None).await;
    attachment.in_step().await.expect("room");
    let drafts = store.mailbox_named("Drafts").await.expect("there");
    if has_no_draft {
        store.append(drafts.id(), NewMessage::new(long("draft"))).await.expect("room");
    }
    let one = store.search("subject:long").await.expect("readable")[0].id;
    store.flag([one], Flag::Flagged, Flags::new()).await.expect("room");
    assert_eq!(store.body(one).await.expect("room"), long("long").as_bytes());
    attachment.in_step().await.expect("in step");
    let inbox = store.mailbox_named("INBOX").await.expect("there");
    assert_eq!(inbox.page(PageBy::newest().count(1_000), None).await.expect("readable").messages.len(), 401);
    let there = server.mailbox("INBOX").expect("there").messages;
    assert!(there[400].flags.contains(&Flag::Flagged));
    is_sound(&store).await;
    attachment.stop().await;
    (is_full, has_no_body, has_no_draft)
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_changes_nothing_and_goes_on_once_there_is() {
    timeout(LIMIT, async {
        let mut seen = Vec::new();
        for more in [0, 3, 12, 40, 90, 200, 400, 600] {
            seen.push(without_room(more).await);
        }
        // Each of them was met: a row, a piece of a body, a message that was written here.
        assert!(seen.iter().any(|(rows, ..)| *rows) && seen.iter().any(|(rows, ..)| !rows), "{seen:?}");
        assert!(seen.iter().any(|(rows, body, _)| !rows && *body), "{seen:?}");
        assert!(seen.iter().any(|(.., draft)| *draft), "{seen:?}");
    })
    .await
    .expect("in time");
}
