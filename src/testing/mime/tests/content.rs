//! Parts of messages: transfer encodings, texts, previews; and that any bytes are a message.

use proptest::prelude::*;

use super::*;
use crate::testing::mime::UnknownEncoding;
use crate::testing::search::Collation;
use crate::types::Part;

fn part(header: &str, body: &str) -> Content {
    message(&format!("{header}\n\n{body}"))
}

#[track_caller]
fn binary(header: &str, body: &str) -> String {
    let content = part(header, body);
    let decoded = content.binary(&Section::Part(Part::new(1))).unwrap().unwrap();
    decoded.escape_ascii().to_string()
}

/// The rules of RFC 2045 sections 6.7 and 6.8.
#[test]
fn transfer_encodings_are_undone() {
    let quoted = "Content-Transfer-Encoding: Quoted-Printable";
    let lines = "Now's the time =\nfor all folk to come=\n to the aid of their country.  \n";
    assert_eq!(
        binary(quoted, lines),
        r"Now\'s the time for all folk to come to the aid of their country.\r\n"
    );
    assert_eq!(binary(quoted, "caf=C3=A9=3d =zz =4 =\n"), r"caf\xc3\xa9= =zz =4 ");
    assert_eq!(binary(quoted, "a\n\n  \nb"), r"a\r\n\r\n\r\nb");
    assert_eq!(binary(quoted, "=E9= \n=\n="), r"\xe9");
    let base64 = "Content-Transfer-Encoding: base64 (as it is)";
    assert_eq!(binary(base64, "aGVs\nbG8=\n"), "hello");
    assert_eq!(binary(base64, "aG!Vs bG8"), "hello");
    assert_eq!(binary(base64, "aGVsbG8=aGVs"), "hello");
    assert_eq!(binary(base64, "AAE"), r"\x00\x01");
    assert_eq!(binary(base64, "A"), "");
    for plain in ["7bit", "8BIT", "binary", ""] {
        assert_eq!(binary(&format!("Content-Transfer-Encoding: {plain}"), "=41\\xff"), r"=41\xff");
    }
    let unknown = part("Content-Transfer-Encoding: x-own", "a");
    assert_eq!(unknown.binary(&Section::Part(Part::new(1))), Err(UnknownEncoding));
    assert_eq!(unknown.binary(&Section::Part(Part::new(2))), Ok(None));
    assert_eq!(unknown.binary(&Section::Full), Ok(Some(unknown.bytes().clone())));
}

/// A string of IMAP cannot contain NUL, a literal8 can (RFC 9051 section 4.3).
#[test]
fn only_binary_returns_nul() {
    let content = part("X: \\x00", "a\\x00b");
    assert_eq!(content.section(&Section::Text).unwrap(), &b"a\x80b"[..]);
    assert_eq!(content.binary(&Section::Part(Part::new(1))).unwrap().unwrap(), &b"a\0b"[..]);
}

#[test]
fn a_preview_is_the_beginning_of_the_text() {
    assert_eq!(part("X: y", "  Hello,\n\n\tthere  \n").preview(), "Hello, there");
    let html = "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html; charset=iso-8859-1\n\n\
                <html><style>p { color: red }</style><p>Caf\\xe9 <b>now</b></p>\n--b--\n";
    assert_eq!(message(html).preview(), "Café now");
    let both = html.replace("--b--", "--b\nContent-Type: text/plain\n\nplain\n--b--");
    assert_eq!(message(&both).preview(), "plain");
    let attached = "Content-Type: text/plain\nContent-Disposition: ATTACHMENT; filename=x";
    assert_eq!(part(attached, "secret").preview(), "");
    assert_eq!(part("Content-Type: image/png", "x").preview(), "");
    assert_eq!(part("X: y", &"é".repeat(300)).preview(), "é".repeat(200));
    let long = part("X: y", &"word ".repeat(300)).preview();
    assert!(long.len() == 199 && long.ends_with("word"));
}

#[test]
fn texts_are_found_decoded() {
    let mail = "Subject: =?utf-8?q?Caf=C3=A9?=\n =?utf-8?q?s?=\nContent-Type: multipart/mixed; boundary=b\n\n\
                not said\n--b\nContent-Type: text/plain; charset=iso-8859-1; name=\"Part.txt\"\n\
                Content-Transfer-Encoding: quoted-printable\n\nGr=FC=\n=DFe\n--b\nContent-Type: image/png\n\npixels\n\
                --b\nContent-Type: message/rfc822\n\nSubject: within\n\nInner text\n--b--\n";
    let content = message(mail);
    for (text, in_header, in_body) in [
        ("cafés", true, false),
        ("grüße", false, true),
        ("inner", false, true),
        ("within", true, false),
        ("part.txt", true, false),
        ("subject: w", true, false),
        ("pixels", false, false),
        ("not said", false, false),
        ("", true, true),
    ] {
        assert_eq!(content.contains(text, true, Collation::default()), in_header || in_body, "{text}");
        assert_eq!(content.contains(text, false, Collation::default()), in_body, "{text}");
    }
    assert_eq!(content.fields(b"SUBJECT").collect::<Vec<_>>(), ["Cafés"]);
    assert_eq!(message("Subject: a\nsubject : b\n\n").fields(b"subject").count(), 2);
}

#[test]
fn parts_nest_only_so_deep_and_are_only_so_many() {
    let mut deep = String::new();
    for level in 0..500 {
        deep.push_str(&format!("Content-Type: multipart/mixed; boundary=\"b{level}x\"\n\n--b{level}x\n"));
    }
    holds_together(deep.clone().into_bytes());
    let depth = message(&deep).body(true).parts().count();
    assert!((20..50).contains(&depth), "{depth}");
    holds_together("Content-Type: message/rfc822\n\n".repeat(500).into_bytes());
    let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n".repeat(100_000));
    assert!(message(&many).body(true).parts().count() <= 10_001);
}

/// Random concatenations of message fragments.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"\r\n"[..],
        b"\n",
        b"--b",
        b"--bc",
        b"--",
        b"\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
        b"Content-Type: multipart/digest; boundary=\"bc\"\r\n\r\n",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"Content-Type: text/plain",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Subject: =?utf-8?q?x?=",
        b"From: a <b@c>, \"d",
        b"To: (a(\\b) g: c@d;",
        b" ",
        b"\r",
        b":",
        b"\xff\x80",
        b"\0",
        b"text",
        b"QUJD",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_message(bytes in prop_oneof![pieces(), prop::collection::vec(any::<u8>(), 0..200)]) {
        holds_together(bytes);
    }
}

/// Adversarial messages take no more time than others of their length: all of these together take
/// three seconds on a busy machine, unoptimized; quadratic work would take minutes.
#[test]
fn nothing_takes_more_than_its_length() {
    let start = std::time::Instant::now();
    let long = |piece: &str| piece.repeat(100_000 / piece.len());
    let parts = "Content-Type: multipart/mixed; boundary=b\n\n--b\n";
    for text in [
        format!("From: {}\n\n", long("a@b, ")),
        format!("From: {}\n\n", long("(")),
        format!("From: {}\n\n", long("a:b@c;")),
        format!("From: {}\n\n", long("\"a\\\"")),
        format!("From: {}\n\n", long("=?utf-8?q?a?= ")),
        format!("Subject: {}\n\n", long("[fwd: Re:")),
        format!("Content-Type: text/html\n\n{}", long("<")),
        format!("Content-Type: text/html\n\n{}", long("<!--&lt")),
        format!("Content-Type: a/b; {}\n\n", long("x=\"y\"; ")),
        long("X: y\n"),
        format!("{parts}{}", long("--bb\n")),
        format!("{}{}", parts.repeat(20), long("--\n--c\n")),
    ] {
        let content = message(&text);
        let _ = (
            content.envelope(),
            content.body(true),
            content.preview(),
            content.contains("nowhere", true, Collation::default()),
        );
        assert!(start.elapsed().as_secs() < 30, "{:.60}", text);
    }
}
