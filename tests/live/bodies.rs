//! Bodies read in pieces: whole, by parts, decoded; and what happens if the message goes meanwhile.

use imap_duplex::ErrorKind;
use imap_duplex::command::Items;
use imap_duplex::types::{Part, Section, Uid};
use tokio::io::AsyncReadExt;

use crate::account::{Account, LIMIT};
use crate::support::within;

/// A message with a text and an attachment in base64, and the attachment.
fn message(size: usize) -> (String, Vec<u8>) {
    use base64::Engine as _;
    let content: Vec<u8> = (0..size).map(|at| u8::try_from(at * 7 % 251).expect("small")).collect();
    let encoded = base64::engine::general_purpose::STANDARD.encode(&content);
    let lines: Vec<&str> =
        encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    let text = format!(
        "From: zoe@example.org\r\nSubject: picture\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         K=C3=A4se =\r\nund Brot\r\n\
         --b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        lines.join("\r\n")
    );
    (text, content)
}

async fn delivered(a: &Account, text: &str) -> Uid {
    Uid::new(a.server.deliver(&a.user, "INBOX", text.as_bytes()).await).expect("no UID is 0")
}

#[tokio::test]
async fn a_message_is_read_whole_and_its_parts_decoded() {
    within(LIMIT, async {
        for size in [0, 100, 1_000_000] {
            let mut a = Account::quiet().await;
            let (text, content) = message(size);
            let uid = delivered(&a, &text).await;
            let inbox = a.inbox().await;
            let mut whole = Vec::new();
            inbox.body(uid, Section::Full).read_to_end(&mut whole).await.expect("read");
            assert!(whole == text.as_bytes());

            let rows = inbox.fetch(uid, Items::new().size().body_structure()).await.expect("fetched");
            let hint = rows[0].size().expect("it has one");
            let mut again = Vec::new();
            inbox.body(uid, Section::Full).expecting(hint).read_to_end(&mut again).await.expect("read");
            assert!(again == text.as_bytes());

            let structure = rows[0].body_structure().expect("asked for");
            let parts: Vec<_> = structure.parts().filter(|part| part.encoding().is_some()).collect();
            let mut texts = Vec::new();
            for (number, part) in (1..).zip(&parts) {
                let encoding = part.encoding().unwrap_or_default();
                let body = inbox.body(uid, Section::Part(Part::new(number)));
                let mut decoded = Vec::new();
                let mut body = body.decoded(&encoding).expect("a known one");
                body.read_to_end(&mut decoded).await.expect("read");
                texts.push(decoded);
            }
            let mut by_server = Vec::new();
            let mut body = inbox.body(uid, Section::Part(Part::new(2))).binary();
            body.read_to_end(&mut by_server).await.expect("it has BINARY");
            assert!(by_server == content);
            assert_eq!(String::from_utf8_lossy(&texts[0]), "Käse und Brot");
            assert!(texts[1] == content);
            a.finish().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_another_session_expunges_meanwhile_is_an_error() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let (text, _) = message(2_000_000);
        let uid = delivered(&a, &text).await;
        let inbox = a.inbox().await;
        let mut body = inbox.body(uid, Section::Full);
        let first = body.next().await.expect("some").expect("read");
        assert!(text.as_bytes().starts_with(&first));
        let mut other = a.other().await;
        other.command("UID STORE 1:* +FLAGS.SILENT (\\Deleted)").await;
        other.command("EXPUNGE").await;
        other.logout().await;
        a.imap.noop().await.expect("so it is reported");
        let mut rest = Vec::new();
        let error = body.read_to_end(&mut rest).await.expect_err("it has gone");
        let error = error.into_inner().expect("ours").downcast::<imap_duplex::Error>().expect("ours");
        assert_eq!(error.kind(), ErrorKind::Expunged, "{error}");
        let offset = first.len() + rest.len();
        assert!(text.as_bytes()[first.len()..].starts_with(&rest));
        let shown = error.to_string();
        assert!(
            shown.contains(&format!("uid {uid}, at byte {offset}")) && shown.contains("INBOX"),
            "{shown}"
        );
        a.finish().await;
    })
    .await;
}
