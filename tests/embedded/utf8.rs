//! Headers in UTF-8, by the library (UTF8=ACCEPT, RFC 6855).

use std::time::Duration;

use imap_duplex::command::{Append, AppendPart};
use imap_duplex::testing::Server;
use imap_duplex::{Config, ErrorKind, Sent};

use crate::support::within;

const LIMIT: Duration = Duration::from_secs(20);

/// RFC 6855 section 4: headers in UTF-8, of messages and of their parts, and names as they are.
#[tokio::test]
async fn headers_may_have_utf8_once_it_is_enabled() {
    within(LIMIT, async {
        let server = Server::new();
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let message = "Subject: Grüße\r\n\r\nHallo\r\n";
        let parts =
            || Append::parts([AppendPart::utf8("Subject: Größe\r\n"), AppendPart::text("\r\nda\r\n")]);
        for is_on in [false, true] {
            let wanted = if is_on { &["UTF8=ACCEPT"][..] } else { &[] };
            let client = config.clone().enable(wanted.iter().copied());
            let (imap, _events) = client.connect_over(server.connect()).await.expect("a connection");
            let tokens = [imap.append("Drafts", Append::utf8(message)), imap.append("Drafts", parts())];
            for token in tokens {
                let done = token.await;
                assert_eq!(done.is_ok(), is_on, "{done:?}");
                if let Err(error) = done {
                    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unsupported, Sent::No));
                    assert!(error.to_string().contains("UTF8=ACCEPT"), "{error}");
                }
            }
        }
        let stored = server.mailbox("Drafts").expect("it is there").messages;
        let texts: Vec<_> = stored.iter().map(|message| String::from_utf8_lossy(&message.bytes)).collect();
        assert_eq!(texts, [message, "Subject: Größe\r\n\r\nda\r\n"]);
    })
    .await;
}
