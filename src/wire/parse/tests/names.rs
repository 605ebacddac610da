//! Mailbox names and similar text: where each ends, how it is decoded, and which name is INBOX.

use super::quirks::list;
use super::*;

#[test]
fn nil_is_a_word_and_not_its_beginning() {
    assert_eq!(list("* LIST () \"/\" NIL]").name.as_str(), "NIL]");
    let Answer::Acl(acl) = answer("* ACL INBOX NIL] lr nil l") else { panic!() };
    let who: Vec<_> = acl.entries.iter().map(|(who, _)| &**who).collect();
    assert_eq!(who, ["NIL]", "nil"]);
    assert_eq!(items("X-GM-LABELS (NIL] NIL nil)").gmail_labels().unwrap(), ["NIL]"]);
}

#[test]
fn only_a_mailbox_is_inbox_in_any_case() {
    assert!(list("* LIST () \"/\" inbox").name.is_inbox());
    let Answer::Namespace(read) = answer("* NAMESPACE ((\"Inbox\" \".\")(\"Inbox.\" \".\")) NIL NIL") else {
        panic!()
    };
    let prefixes: Vec<_> = read.personal.iter().map(|n| &*n.prefix).collect();
    assert_eq!(prefixes, ["Inbox", "Inbox."]);
    assert_eq!(items("X-GM-LABELS (inbox Inbox)").gmail_labels().unwrap(), ["inbox", "Inbox"]);
}

/// RFC 6855 section 3, RFC 9051 section 5.1: where UTF-8 is enabled, `&` is an ordinary character.
#[test]
fn names_in_utf8_are_not_modified_utf7() {
    let mut parser = Parser::new(&Limits::default());
    let mut name = |text: &str, utf8| {
        let frame = Frame { text: Bytes::copy_from_slice(text.as_bytes()), literals: Default::default() };
        parser.set_utf8(utf8);
        match parser.read(&frame).unwrap() {
            Response::Untagged(response) => match response.into_answer() {
                Answer::List(entry) => entry.name,
                Answer::MailboxStatus(status) => status.name,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    for (text, utf7, utf8) in [
        ("* LIST () \"/\" \"R&-D\"", "R&D", "R&-D"),
        ("* STATUS R&-D (MESSAGES 1)", "R&D", "R&-D"),
        ("* LIST () \"/\" \"R&D\"", "R&D", "R&D"),
        ("* LIST () \"/\" \"Entwürfe\"", "Entwürfe", "Entwürfe"),
    ] {
        assert_eq!((name(text, false).as_str(), name(text, true).as_str()), (utf7, utf8), "{text}");
        assert_eq!(name(text, true).wire(), None, "the spelling is the name's own");
    }
}

/// A name is kept as it was written just where it would be written in another way.
#[test]
fn names_are_kept_as_written_where_they_would_be_written_otherwise() {
    let cases: [(&[u8], bool); 11] = [
        (b"Sent", false),
        (b"Entw&APw-rfe", false),
        (b"a&-b", false),
        (b"a&b", true),
        (b"&AOk-&AOk-", true),
        (b"&AEE-", true),
        ("Entw\u{fc}rfe".as_bytes(), true),
        (b"a\xff", true),
        (b"a\xff&-", true),
        ("Entw&APw-rf\u{e9}".as_bytes(), true),
        (b"INBOX", false),
    ];
    for (written, kept) in cases {
        let frame = Frame {
            text: [b"* LIST () \"/\" \"", written, b"\""].concat().into(),
            literals: Default::default(),
        };
        let mut parser = Parser::new(&Limits::default());
        let Ok(Response::Untagged(response)) = parser.read(&frame) else { panic!("{written:?}") };
        let Answer::List(entry) = response.answer() else { panic!("{written:?}") };
        assert_eq!(entry.name.wire(), kept.then_some(written), "{}", entry.name);
        let again = crate::wire::utf7::encode(entry.name.as_str());
        assert_eq!(again != written, kept, "{}", entry.name);
    }
}
