//! What a message says and what is attached to it: a corpus of mail as it is really written, with
//! wrong charsets, broken encodings and odd trees.

use imap_duplex::ErrorKind;
use imap_duplex::command::{Append, AppendPart, Items};
use imap_duplex::mime::{Attachment, Content};
use imap_duplex::types::{Flag, Part, Section, Uid};
use tokio::io::AsyncReadExt;

use crate::account::{Account, LIMIT};
use crate::support::within;

/// An attachment: part, type, name, whether it is inline, its bytes.
type Attached = (&'static str, &'static str, Option<&'static str>, bool, &'static [u8]);

struct Case {
    what: &'static str,
    message: Vec<u8>,
    /// The text, plain if possible, and HTML if possible.
    text: Option<&'static str>,
    html: Option<&'static str>,
    attached: Vec<Attached>,
}

/// A message of one part, with these header fields beside its subject.
fn single(what: &'static str, header: &str, body: &[u8], text: &'static str) -> Case {
    let header = header.trim_end_matches('\n').replace('\n', "\r\n");
    let end = if header.is_empty() { "\r\n" } else { "\r\n\r\n" };
    let message = [b"Subject: corpus\r\n", header.as_bytes(), end.as_bytes(), body].concat();
    Case { what, message, text: Some(text), html: Some(text), attached: vec![] }
}

/// A message of several parts, written with `\n`; the boundary of a level is its name.
fn multi(
    what: &'static str,
    message: &str,
    text: Option<&'static str>,
    html: Option<&'static str>,
    attached: &[Attached],
) -> Case {
    let message =
        format!("Subject: corpus\nMIME-Version: 1.0\n{message}\n").replace('\n', "\r\n").into_bytes();
    Case { what, message, text, html, attached: attached.to_vec() }
}

fn charsets() -> Vec<Case> {
    let plain = |charset: &str| format!("Content-Type: text/plain; charset={charset}\n");
    let base64 = |charset: &str| format!("{}Content-Transfer-Encoding: BASE64\n", plain(charset));
    let quoted = |charset: &str| format!("{}Content-Transfer-Encoding: quoted-printable\n", plain(charset));
    vec![
        single("no MIME at all", "", b"hello\r\nthere\r\n", "hello\nthere\n"),
        single("8 bits without a charset, UTF-8", "", "Käse\r\n".as_bytes(), "Käse\n"),
        single("8 bits without a charset, Latin 1", "", b"K\xe4se\r\n", "Käse\n"),
        single("UTF-8 said to be ASCII", &plain("us-ascii"), "Käse €\r\n".as_bytes(), "Käse €\n"),
        single("an unknown charset", &plain("x-mac-klingon"), "Qapla’\r\n".as_bytes(), "Qapla’\n"),
        single("quoted charset", &plain("\"ISO-8859-15\""), b"\xa4 5\r\n", "€ 5\n"),
        single("KOI8-R in base64", &base64("koi8-r"), b"8NLJ18XULCDNydI=\r\n", "Привет, мир"),
        single("ISO-2022-JP", &plain("iso-2022-jp"), b"\x1b$BF|K\\\x1b(B\r\n", "日本\n"),
        single("GB2312", &base64("GB2312"), b"1tC5+g==\r\n", "中国"),
        single("UTF-7", &plain("utf-7"), b"Hi Mom -+Jjo--!\r\n", "Hi Mom -\u{263a}-!\n"),
        single("UTF-16 with a mark", &base64("utf-16"), b"//5oAGkA\r\n", "hi"),
        single(
            "soft breaks, and a sign alone",
            &quoted("utf-8"),
            b"K=C3=A4=\r\nse =zz 1=3D1\r\n",
            "Käse =zz 1=1\n",
        ),
        single("no padding, strange signs", &base64("utf-8"), b"a!G V*s\r\nbG_.8\r\n", "hello"),
        single("padding within", &base64("utf-8"), b"aGk=\r\nIHRoZXJl\r\n", "hi there"),
        single("an encoding that is none", "Content-Transfer-Encoding: 8-bit\n", b"hello\r\n", "hello\n"),
        single("a type that is none", "Content-Type: text\n", b"hello\r\n", "hello\n"),
        single("bytes that are wrong", &plain("utf-8"), b"a\xffb\r\n", "a\u{fffd}b\n"),
        single(
            "HTML that names its charset",
            "Content-Type: text/html\n",
            b"<meta charset=koi8-r>\xd0\r\n",
            "<meta charset=koi8-r>п\n",
        ),
    ]
}

fn trees() -> Vec<Case> {
    let plain = "Content-Type: text/plain; charset=utf-8";
    let html = "Content-Type: text/html; charset=utf-8";
    vec![
        multi(
            "alternatives",
            &format!("Content-Type: multipart/alternative; boundary=a\n\n--a\n{plain}\n\nplain\n--a\n{html}\n\n<p>html\n--a--"),
            Some("plain"), Some("<p>html"), &[],
        ),
        multi(
            "alternatives, related, mixed",
            &format!(
                "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/alternative; boundary=a\n\n\
                 --a\n{plain}\n\nplain\n--a\nContent-Type: multipart/related; boundary=r\n\n--r\n{html}\n\n<img src=\"cid:pic@x\">\n\
                 --r\nContent-Type: image/png; name=pic.png\nContent-ID: <pic@x>\nContent-Transfer-Encoding: base64\n\n\
                 UE5H\n--r--\n--a--\n--m\nContent-Type: application/pdf\nContent-Disposition: attachment;\n \
                 filename*0*=utf-8''%E2%82%AC%20;\n filename*1=\"rates\";\n filename*2*=%20%C3%BC.pdf\n\
                 Content-Transfer-Encoding: base64\n\nJVBE\nRg==\n--m--"
            ),
            Some("plain"), Some("<img src=\"cid:pic@x\">"),
            &[
                ("1.2.2", "image/png", Some("pic.png"), true, b"PNG"),
                ("2", "application/pdf", Some("€ rates ü.pdf"), false, b"%PDF"),
            ],
        ),
        multi(
            "related whose root is not the first",
            &format!(
                "Content-Type: multipart/related; boundary=r; start=\"<root@x>\"\n\n--r\nContent-Type: image/gif\n\
                 Content-ID: <g@x>\n\nGIF\n--r\n{html}\nContent-ID: <root@x>\n\n<p>root\n--r--"
            ),
            Some("<p>root"), Some("<p>root"),
            &[("1", "image/gif", None, true, b"GIF")],
        ),
        multi(
            "an empty text, a file, and the text",
            &format!(
                "Content-Type: multipart/mixed; boundary=m\n\n--m\n{plain}\n\n\n--m\nContent-Type: application/zip; \
                 name=\"=?utf-8?q?caf=C3=A9.zip?=\"\n\nPK\n--m\n{plain}\n\nbelow\n--m--"
            ),
            Some("below"), Some("below"),
            &[("2", "application/zip", Some("café.zip"), false, b"PK")],
        ),
        multi(
            "HTML alone, and a footer",
            &format!("Content-Type: multipart/mixed; boundary=m\n\n--m\n{html}\n\n<p>body\n--m\n{plain}\n\nfooter\n--m--"),
            Some("<p>body"), Some("<p>body"), &[],
        ),
        multi(
            "a text that is attached",
            &format!(
                "Content-Type: multipart/mixed; boundary=m\n\n--m\n{plain}\nContent-Disposition: attachment; filename=log.txt\n\n\
                 log\n--m\n{html}\n\n<p>body\n--m--"
            ),
            Some("<p>body"), Some("<p>body"),
            &[("1", "text/plain", Some("log.txt"), false, b"log")],
        ),
        multi(
            "a message within, with parts of its own",
            &format!(
                "Content-Type: multipart/mixed; boundary=m\n\n--m\n{plain}\n\nsee below\n--m\nContent-Type: message/rfc822\n\n\
                 Subject: inner\nContent-Type: multipart/alternative; boundary=i\n\n--i\n{plain}\n\ninner\n--i\n{html}\n\n\
                 <p>inner\n--i--\n--m--"
            ),
            Some("see below"), Some("see below"),
            &[(
                "2", "message/rfc822", None, false,
                b"Subject: inner\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\
                  Content-Type: text/plain; charset=utf-8\r\n\r\ninner\r\n--i\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
                  <p>inner\r\n--i--",
            )],
        ),
        multi(
            "signed",
            &format!(
                "Content-Type: multipart/signed; boundary=s\n\n--s\n{plain}\n\nsigned\n--s\n\
                 Content-Type: application/pgp-signature; name=signature.asc\n\nSIG\n--s--"
            ),
            Some("signed"), Some("signed"),
            &[("2", "application/pgp-signature", Some("signature.asc"), false, b"SIG")],
        ),
        multi(
            "encrypted",
            "Content-Type: multipart/encrypted; boundary=e\n\n--e\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--e\n\
             Content-Type: application/x-encrypted\n\nPGP\n--e--",
            None, None,
            &[
                ("1", "application/pgp-encrypted", None, false, b"Version: 1"),
                ("2", "application/x-encrypted", None, false, b"PGP"),
            ],
        ),
        multi(
            "a picture and nothing else",
            "Content-Type: image/png; name*=iso-8859-1'de'gr%FCn.png\nContent-Transfer-Encoding: base64\n\nUE5H",
            None, None,
            &[("1", "image/png", Some("grün.png"), false, b"PNG")],
        ),
        multi(
            "a calendar beside the text",
            &format!(
                "Content-Type: multipart/alternative; boundary=a\n\n--a\n{plain}\n\nmeet\n--a\n\
                 Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--a--"
            ),
            Some("meet"), Some("meet"),
            &[("2", "text/calendar", None, false, b"BEGIN:VCALENDAR")],
        ),
        multi(
            "no end of the parts",
            &format!("Content-Type: multipart/mixed; boundary=\"=_ ?\"\n\n--=_ ?\n{plain}\n\ncut off"),
            Some("cut off\n"), Some("cut off\n"), &[],
        ),
    ]
}

async fn delivered(a: &Account, message: &[u8]) -> Uid {
    Uid::new(a.server.deliver(&a.user, "INBOX", message).await).expect("no UID is 0")
}

async fn bytes(attachment: &Attachment) -> Vec<u8> {
    let mut bytes = Vec::new();
    attachment.read().expect("a known encoding").read_to_end(&mut bytes).await.expect("read");
    bytes
}

async fn check(content: &Content, case: &Case) {
    let what = case.what;
    let text = content.text().await.unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(text.as_ref().map(|text| text.as_str()), case.text, "{what}");
    let html = content.html().await.unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!(html.as_ref().map(|text| text.as_str()), case.html, "{what}");
    let attached = content.attachments();
    assert_eq!(attached.len(), case.attached.len(), "{what}: {attached:?}");
    for (attachment, (part, media_type, name, is_inline, content)) in attached.iter().zip(&case.attached) {
        assert_eq!(attachment.part().to_string(), *part, "{what}");
        assert_eq!((attachment.media_type(), attachment.name()), (*media_type, *name), "{what}");
        assert_eq!(attachment.is_inline(), *is_inline, "{what}");
        // Servers don't agree whose the line break before a boundary is, after a message within.
        let read = bytes(attachment).await;
        assert_eq!(
            read.trim_ascii_end().escape_ascii().to_string(),
            content.escape_ascii().to_string(),
            "{what}"
        );
        assert!(attachment.size().is_some_and(|size| size.abs_diff(content.len() as u64) <= 4), "{what}");
    }
}

#[tokio::test]
async fn odd_mail_is_read_as_it_was_meant() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let cases: Vec<Case> = charsets().into_iter().chain(trees()).collect();
        let mut uids = Vec::new();
        for case in &cases {
            uids.push(delivered(&a, &case.message).await);
        }
        let inbox = a.inbox().await;
        for (case, uid) in cases.iter().zip(&uids) {
            check(&inbox.content(*uid).await.expect("it is there"), case).await;
        }
        // All structures by one FETCH; nothing of all this marks a message as read.
        let rows = inbox.fetch(.., Items::flags().body_structure()).await.expect("fetched");
        assert_eq!(rows.len(), cases.len());
        for (case, row) in cases.iter().zip(&rows) {
            assert!(row.flags().is_some_and(|flags| !flags.contains(&Flag::Seen)), "{}", case.what);
            check(&Content::of_row(&inbox, row).expect("it has both"), case).await;
        }
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_long_text_is_cut_and_what_is_not_there_is_an_error() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let long = format!("Subject: long\r\n\r\n{}", "äöü".repeat(100_000));
        let uid = delivered(&a, long.as_bytes()).await;
        let with_picture = "Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n<p>\r\n--r\r\n\
             Content-Type: image/png\r\nContent-ID: <a@b>\r\n\r\nPNG\r\n--r--\r\n";
        let picture = delivered(&a, with_picture.as_bytes()).await;
        let inbox = a.inbox().await;
        let content = inbox.content(uid).await.expect("it is there");
        let whole = content.text().await.expect("read").expect("it has one");
        assert!(!whole.is_cut() && !whole.is_html() && !whole.is_damaged() && whole.charset() == "UTF-8");
        assert_eq!(whole.as_str().len(), 600_000);
        let cut = content.max_text(1001).text().await.expect("read").expect("it has one");
        assert!(cut.is_cut() && cut.as_str().len() == 1000 && cut.as_str().starts_with("äöü"), "{}", cut.as_str().len());

        let content = inbox.content(picture).await.expect("it is there");
        let picture = content.by_content_id("cid:a@b").expect("it is referred to");
        assert_eq!((picture.part().to_string().as_str(), bytes(&picture).await.as_slice()), ("2", &b"PNG"[..]));
        assert!(content.by_content_id("b@a").is_none());

        let gone = inbox.content(Uid::new(4711).expect("not 0")).await.expect_err("it is not there");
        assert_eq!(gone.kind(), ErrorKind::Expunged);
        a.finish().await;
    })
    .await;
}

/// BINARY (RFC 3516): what holds a NUL, from memory, from a stream, and put together.
#[tokio::test]
async fn what_holds_a_nul_comes_back_as_it_was() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let header = "Subject: nul\r\nMIME-Version: 1.0\r\nContent-Type: application/x-bytes\r\n\
            Content-Transfer-Encoding: binary\r\n\r\n";
        let bytes = b"a\0b\r\n\0\0c";
        let message = || [header.as_bytes(), bytes].concat();
        let stream = |bytes: Vec<u8>| Append::reader(bytes.len() as u64, std::io::Cursor::new(bytes));
        // Dovecot refuses it where the first part is not said to be binary.
        let parts = [AppendPart::text(header).binary(), AppendPart::text(&bytes[..]).binary()];
        let mut uids = Vec::new();
        for append in [
            Append::new(message()),
            Append::new(message()).binary(),
            stream(message()).binary(),
            Append::parts(parts),
        ] {
            uids.extend(a.imap.append("INBOX", append).await.expect("APPEND").uid);
        }
        let error = a.imap.append("INBOX", stream(header.into()).with_utf8_header()).await;
        assert_eq!(error.expect_err("it is not enabled").kind(), ErrorKind::Unsupported);
        let inbox = a.inbox().await;
        let part = Section::Part(Part::new(1));
        let rows = inbox.fetch(&uids, Items::binary(part.clone())).await.expect("FETCH");
        assert_eq!(rows.len(), 4);
        for row in rows {
            assert_eq!(row.binary(&part).map(|found| &found[..]), Some(&bytes[..]), "{:?}", row.uid());
        }
        a.finish().await;
        // Of a stream that was not said to be binary, the NUL is found as it is read.
        let a = Account::quiet().await;
        let error = a.imap.append("INBOX", stream(message())).await.expect_err("a NUL in a literal");
        assert_eq!(error.kind(), ErrorKind::Source, "{error}");
    })
    .await;
}
