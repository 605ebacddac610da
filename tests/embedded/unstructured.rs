//! Messages whose structure the server can't say: they are taken apart by the library.

use std::time::Duration;

use imap_duplex::testing::Server;
use imap_duplex::{Config, ErrorKind};
use tokio::io::AsyncReadExt;

use crate::support::within;

const MESSAGE: &str = "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
    Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nK=E4se\r\n\
    --b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"a \\\"b\\\".png\"\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nUE5H\r\n--b--\r\n";

#[tokio::test(start_paused = true)]
async fn a_message_without_a_structure_is_fetched_whole() {
    within(Duration::from_secs(3600), async {
        let server = Server::new();
        let uid = server.deliver("INBOX", MESSAGE);
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, _events) = config.connect_over(server.connect()).await.expect("it is there");
        let inbox = imap.select("INBOX").await.expect("everyone has one");
        inbox.ready().await.expect("complete");
        // One that can't be read; one that is none; a refusal.
        for answer in
            ["* 1 FETCH (UID 1 BODYSTRUCTURE (broken\r\n", "* 1 FETCH (UID 1 BODYSTRUCTURE NIL)\r\n", ""]
        {
            let hook = server.on("UID FETCH");
            let _hook = if answer.is_empty() {
                hook.no("I can't parse this message")
            } else {
                hook.instead(format!("{answer}{{tag}} OK done\r\n"))
            };
            let content = inbox.content(uid).await.expect("it is taken apart");
            let text = content.text().await.expect("read").expect("it has one");
            assert_eq!(text.as_str(), "Käse", "{answer}");
            let attached = content.attachments();
            assert_eq!(attached[0].name(), Some("a \"b\".png"));
            let mut bytes = Vec::new();
            attached[0].read().expect("known").read_to_end(&mut bytes).await.expect("read");
            assert_eq!((attached.len(), bytes.as_slice()), (1, &b"PNG"[..]));
        }
        server.on("UID FETCH").no("the disk is broken").always();
        assert_eq!(inbox.content(uid).await.expect_err("nothing can be had").kind(), ErrorKind::No);
    })
    .await;
}
