//! URLs of messages: which others may read what is behind them, and for how long (URLAUTH).

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
        a.imap.reset_url_keys(ResetKey::of("INBOX")).await.expect("RESETKEY");
        let found = a.imap.url_fetch([urls[0].clone()]).await.expect("URLFETCH");
        assert_eq!(found[0].data, None);
        a.finish().await;
    })
    .await;
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
            let reader = std::io::Cursor::new(long.clone());
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
        // A source that fails stores nothing, and the connection goes on.
        let error = a.imap.append("INBOX", Append::parts(parts(100_001))).await.expect_err("too short");
        assert_eq!(error.kind(), ErrorKind::Source);
        assert_eq!(inbox.search(imap_duplex::command::Search::all()).await.expect("SEARCH").len(), 2);
        a.finish().await;
    })
    .await;
}
