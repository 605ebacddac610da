//! URLs of messages: which others may read what is behind them, and for how long (URLAUTH).

use imap_duplex::command::{ResetKey, Secret};
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
        a.imap.reset_url_keys(ResetKey::of("INBOX")).await.expect("RESETKEY");
        let found = a.imap.url_fetch([urls[0].clone()]).await.expect("URLFETCH");
        assert_eq!(found[0].data, None);
        a.finish().await;
    })
    .await;
}
