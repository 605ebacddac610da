//! Uploads from a stream, and several messages at once.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

use imap_duplex::command::{Append, Items, StatusItems};
use imap_duplex::types::{CloseReason, Code, Flag};
use imap_duplex::{ErrorKind, Sent};
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;

use crate::account::{Account, LIMIT, MESSAGE};
use crate::server::{Options, REFUSES_FIRST};
use crate::support::within;

/// A server without MULTIAPPEND.
const WITHOUT: &str = "IMAP4rev1 UIDPLUS LITERAL+";

/// Yields so many bytes of a message, then this.
struct Broken {
    left: usize,
    end: Option<io::Error>,
}

impl Stream for Broken {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let step = self.left.min(1000);
        self.left -= step;
        Poll::Ready(match step {
            0 => self.end.take().map(Err),
            _ => Some(Ok(Bytes::from(vec![b'x'; step]))),
        })
    }
}

async fn messages(a: &Account, mailbox: &str) -> Option<u32> {
    a.imap.status(mailbox, StatusItems::new().messages()).await.expect("STATUS").messages
}

#[tokio::test]
async fn a_reader_of_many_megabytes_is_stored_whole() {
    const SIZE: u64 = 20_000_000;
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let body = tokio::io::repeat(b'y').take(SIZE - MESSAGE.len() as u64);
        let reader = io::Cursor::new(MESSAGE).chain(body);
        let token = a.imap.append("INBOX", Append::reader(SIZE, reader).flags([Flag::Flagged]));
        let uid = token.await.expect("APPEND").uid.expect("UIDPLUS");
        let inbox = a.inbox().await;
        let rows = inbox.fetch(uid, Items::new().size().flags()).await.expect("FETCH");
        assert_eq!(rows[0].size(), Some(SIZE));
        assert!(rows[0].flags().is_some_and(|flags| flags.contains(&Flag::Flagged)));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_source_that_fails_costs_its_message_alone() {
    within(LIMIT, async {
        for left in [0, 5, 100_000] {
            let mut a = Account::quiet().await;
            assert!(a.imap.capabilities().has("MULTIAPPEND"));
            let broken = || Broken { left, end: Some(io::Error::other("the disk is on fire")) };
            for size in [5000, 200_000] {
                let error = a.imap.append("INBOX", Append::stream(size, broken())).await.expect_err("broken");
                assert_eq!((error.kind(), error.close_reason()), (ErrorKind::Source, None), "{error}");
            }
            assert_eq!(messages(&a, "INBOX").await, Some(0), "nothing was stored");
            let early = Append::stream(200_000, Broken { left: 100_000, end: None });
            let both = a.imap.append_each("INBOX", [Append::new(MESSAGE), early]);
            assert_eq!(both.await.expect_err("it ends early").kind(), ErrorKind::Source);
            assert_eq!(messages(&a, "INBOX").await, Some(0), "none of them");
            a.deliver(&["one"]).await;
            let inbox = a.inbox().await;
            assert_eq!(inbox.exists(), 1);
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn without_multiappend_a_source_that_fails_ends_the_connection() {
    within(LIMIT, async {
        let options = Options { capability: Some(WITHOUT.into()), ..Options::default() };
        let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
        assert!(!a.imap.capabilities().has("MULTIAPPEND"));
        let broken = Broken { left: 100, end: None };
        let error = a.imap.append("INBOX", Append::stream(5000, broken)).await.expect_err("broken");
        assert_eq!(error.kind(), ErrorKind::Source);
        assert!(matches!(a.events.end().await.0, CloseReason::Upload(_)));
        let listed = a.server.session(&a.user).await.command("STATUS INBOX (MESSAGES)").await;
        assert!(listed[0].contains("MESSAGES 0"), "nothing was stored: {listed:?}");
    })
    .await;
}

/// Yields one piece, reports that, and then nothing more.
struct Stalling(Option<Bytes>, Arc<Notify>);

impl Stream for Stalling {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.1.notify_one();
        match self.0.take() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None => Poll::Pending,
        }
    }
}

#[tokio::test]
async fn cancelled_in_its_midst_nothing_is_stored_and_the_connection_goes_on() {
    within(LIMIT, async {
        let a = Account::quiet().await;
        let asked = Arc::new(Notify::new());
        let source = Stalling(Some(Bytes::from(vec![b'x'; 100_000])), asked.clone());
        let upload = a.imap.append("INBOX", Append::stream(200_000, source));
        asked.notified().await;
        upload.cancel();
        assert_eq!(messages(&a, "INBOX").await, Some(0));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_costs_the_source_only_if_it_was_read() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        // Not small, so that the server is asked whatever literals it has.
        let text = format!("{MESSAGE}{}", "0123456789abcde\r\n".repeat(1000));
        let source = || Append::reader(text.len() as u64, io::Cursor::new(text.clone()));
        let message = source();
        let error = a.imap.append("Work", message.clone()).await.expect_err("there is none");
        assert_eq!(error.code(), Some(&Code::TryCreate));
        a.imap.create("Work").await.expect("CREATE");
        let again = a.imap.append("Work", message).await;
        if REFUSES_FIRST {
            again.expect("the source is untouched");
        } else {
            let error = again.expect_err("the source has been read");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error}");
            a.imap.append("Work", source()).await.expect("APPEND");
        }
        assert_eq!(messages(&a, "Work").await, Some(1));
        a.events.ready();
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn several_messages_with_multiappend_and_without() {
    within(LIMIT, async {
        for capability in [None, Some(WITHOUT), Some("IMAP4rev1 UIDPLUS MULTIAPPEND")] {
            let options = Options { capability: capability.map(str::to_owned), ..Options::default() };
            let mut a = Account::with(&options, |config| config.auto_idle(false)).await;
            let subjects = ["one", "two", "three"];
            let three = subjects.map(|subject| Append::new(MESSAGE.replace("hello", subject)));
            let appended = a.imap.append_each("INBOX", three).await.expect("APPEND");
            let uids: Vec<_> = appended.iter().filter_map(|one| one.uid).collect();
            assert_eq!(uids.len(), 3, "{appended:?}");
            let inbox = a.inbox().await;
            for (uid, subject) in uids.into_iter().zip(subjects) {
                let rows = inbox.fetch(uid, Items::envelope()).await.expect("FETCH");
                assert_eq!(rows[0].envelope().and_then(|e| e.subject()).as_deref(), Some(subject));
            }
            let error = a.imap.append_each("Nowhere", subjects).await.expect_err("there is none");
            assert_eq!(error.code(), Some(&Code::TryCreate));
            a.finish().await;
        }
    })
    .await;
}
