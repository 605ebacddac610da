//! The example that writes a draft.

use crate::support::program::Program;
use crate::support::within;
use crate::{LIMIT, World};

const MESSAGE: &str = "From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>\r\nMessage-ID: <4711@example.org>\r\n\
    Subject: =?utf-8?q?K=C3=A4se?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
    Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
    K=E4se =\r\nund Brot\r\n--b\r\nContent-Type: image/png; name=pic.png\r\n\r\nPNG\r\n--b--\r\n";

#[tokio::test]
async fn a_reply_is_left_among_the_drafts() {
    within(LIMIT, async {
        let own = Program::start("draft", &[]).end().await;
        assert_eq!((own.status.code(), own.errors.as_str()), (Some(0), ""), "{:?}", own.rest);
        assert!(own.rest.iter().any(|line| line.contains("in Drafts (by its use)")), "{:?}", own.rest);

        let world = World::dovecot();
        let mut other = world.session().await;
        other.append("INBOX", "", MESSAGE.as_bytes()).await;
        let url = world.url(world.address().port());
        let ended = Program::start("draft", &["--text", "Danke!", &url]).end().await;
        assert_eq!((ended.status.code(), ended.errors.as_str()), (Some(0), ""), "{:?}", ended.rest);
        assert_eq!(ended.rest[0], "attached: pic.png, image/png");
        let drafts = ended.rest[2].split(' ').nth(1).expect("a name").to_owned();
        other.select(&drafts).await;
        let draft = String::from_utf8(other.body(1).await).expect("it says what it is in");
        for part in ["Subject: Re: K", "In-Reply-To: <4711@example.org>", "zoe@example.org", "Danke!", "> K"]
        {
            let is_there =
                draft.contains(part) || part.starts_with("Subject") && draft.contains("Subject: =?utf-8?");
            assert!(is_there, "{part} is missing in:\n{draft}");
        }
        let flags = other.command("UID FETCH 1 FLAGS").await.join("\n");
        assert!(flags.contains("\\Draft"), "{flags}");
    })
    .await;
}
