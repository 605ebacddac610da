//! URLs of messages: which others may read what is behind them, and for how long (URLAUTH).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use imap_duplex::command::{Append, AppendPart, ResetKey, Secret, UrlFetch};
use imap_duplex::{ErrorKind, Sent};

use crate::account::{Account, LIMIT};
use crate::support::within;

#[tokio::test]
async fn a_url_opens_a_message_until_its_key_is_reset() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uid = a.deliver(&["one"]).await[0];
        let inbox = a.inbox().await;
        let validity = inbox.uid_validity().expect("UIDVALIDITY");
        let rump = |rest: &str| {
            format!(
                "imap://{}@localhost/INBOX;UIDVALIDITY={validity}/;UID={uid}{rest};URLAUTH=user+{}",
                a.user, a.user
            )
        };
        let urls = a.imap.url_auth([rump("/;SECTION=TEXT"), rump("")]).await;
        if !a.imap.capabilities().has("URLAUTH") {
            let error = urls.expect_err("the server lacks it");
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
            return a.finish().await;
        }
        let urls = urls.expect("GENURLAUTH");
        assert_eq!(urls.len(), 2);
        let forged = Secret::from(urls[0].expose().replace("SECTION=TEXT", "SECTION=1"));
        let found = a.imap.url_fetch([urls[0].clone(), urls[1].clone(), forged]).await.expect("URLFETCH");
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0].data.as_deref(), Some(&b"It is open {7}\r\n"[..]));
        assert!(found[1].data.as_ref().is_some_and(|data| data.starts_with(b"Date: ")), "{found:?}");
        assert_eq!(found[2].data, None, "another than was authorized");
        if a.imap.capabilities().has("URLAUTH=BINARY") {
            let fetch = UrlFetch::new([urls[1].clone()]).decoded().with_structure();
            let whole = a.imap.submit(fetch).await.expect("URLFETCH").remove(0);
            assert_eq!(whole.data, found[1].data, "a message has no encoding");
            assert!(whole.other.iter().any(|(name, _)| name == "BODYPARTSTRUCTURE"), "{whole:?}");
        }
        for reset in [ResetKey::of("INBOX"), ResetKey::of_all()] {
            let urls = a.imap.url_auth([rump("/;SECTION=TEXT")]).await.expect("GENURLAUTH");
            let found = a.imap.url_fetch(urls.clone()).await.expect("URLFETCH");
            assert_eq!(found[0].data.as_deref(), Some(&b"It is open {7}\r\n"[..]), "{reset:?}");
            a.imap.reset_url_keys(reset).await.expect("RESETKEY");
            let found = a.imap.url_fetch(urls).await.expect("URLFETCH");
            assert_eq!(found[0].data, None);
        }
        a.finish().await;
    })
    .await;
}

/// Yields these, the last one first.
struct Pieces(Vec<&'static str>);

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop().map(|piece| Ok(piece.into())))
    }
}

/// CATENATE with parts that are not in memory.
#[tokio::test]
async fn a_part_of_a_message_is_streamed() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uid = a.deliver(&["one"]).await[0];
        let inbox = a.inbox().await;
        let url = format!("/INBOX/;UID={uid}/;SECTION=HEADER");
        let long = "x".repeat(100_000);
        let parts = |size: u64| {
            let reader = io::Cursor::new(long.clone());
            [AppendPart::url(&*url), AppendPart::reader(size, reader), AppendPart::text("\r\nend\r\n")]
        };
        let stored = a.imap.append("INBOX", Append::parts(parts(100_000))).await;
        if !a.imap.capabilities().has("CATENATE") {
            assert_eq!(stored.expect_err("the server lacks it").kind(), ErrorKind::Unsupported);
            return a.finish().await;
        }
        let new = stored.expect("APPEND").uid.expect("UIDPLUS");
        let rows = inbox.fetch(new, imap_duplex::command::Items::text()).await.expect("FETCH");
        let text = rows[0].section(&imap_duplex::types::Section::Text).expect("its text");
        assert_eq!(text, format!("{long}\r\nend\r\n").as_bytes());
        let halves = Pieces(["lves\r\n", "Subject: ha"].to_vec());
        let in_halves = [AppendPart::stream(17, halves), AppendPart::text("\r\nwhole\r\n")];
        let new = a.imap.append("INBOX", Append::parts(in_halves)).await.expect("APPEND").uid;
        let new = new.expect("UIDPLUS");
        let rows = inbox.fetch(new, imap_duplex::command::Items::envelope()).await.expect("FETCH");
        let subject = rows[0].envelope().and_then(|envelope| envelope.subject());
        assert_eq!(subject.as_deref(), Some("halves"));
        // A source that fails stores nothing, and the connection goes on.
        let error = a.imap.append("INBOX", Append::parts(parts(100_001))).await.expect_err("too short");
        assert_eq!(error.kind(), ErrorKind::Source);
        assert_eq!(inbox.search(imap_duplex::command::Search::all()).await.expect("SEARCH").len(), 3);
        a.finish().await;
    })
    .await;
}
