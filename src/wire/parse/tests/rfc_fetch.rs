//! Known results for FETCH, in the forms that RFC 9051 and RFC 3501 show.

use super::*;
use crate::types::{BodyPart, Flag, ModSeq, Part, Section, Seq, Uid};

#[test]
fn flags_and_numbers() {
    let row = fetch("* 23 FETCH (FLAGS (\\Seen $Work) RFC822.SIZE 44827 UID 117 MODSEQ (624140003))");
    assert_eq!((row.seq(), row.uid(), row.size()), (Seq::new(23), Uid::new(117), Some(44827)));
    assert_eq!(row.flags().unwrap(), &[Flag::Seen, Flag::new("$work")].into());
    assert_eq!(row.mod_seq(), ModSeq::new(624_140_003));
    assert!(row.envelope().is_none() && row.body_structure().is_none() && row.sections().is_empty());
    assert_eq!(items("FLAGS ()").flags().unwrap().len(), 0);
    assert!(items("UID 4").flags().is_none());
}

/// RFC 9586 section 3.3.
#[test]
fn uidfetch_has_the_uid_in_front() {
    let row = fetch("* 25997 UIDFETCH (FLAGS (\\Flagged))");
    assert_eq!((row.seq(), row.uid()), (None, Uid::new(25997)));
}

#[test]
fn dates() {
    let date = items("INTERNALDATE \"17-Jul-1996 02:44:25 -0700\"").internal_date().unwrap();
    assert_eq!((date.seconds(), date.offset_minutes()), (837_596_665, -420));
    assert!(items("INTERNALDATE \" 7-Jul-1996 02:44:25 -0700\"").internal_date().is_some());
}

#[test]
fn bodies() {
    let row =
        fetch("* 12 FETCH (BODY[HEADER] {12}\r\nSubject: x\r\n BODY[1.2]<0> \"a\\\"b\" BODY[TEXT] NIL)");
    assert_eq!(row.section(&Section::Header).unwrap(), "Subject: x\r\n");
    assert_eq!(row.section(&Section::Text), None);
    let partial = &row.sections()[1];
    assert_eq!((&partial.section, partial.origin), (&Section::Part(Part::new(1).child(2)), Some(0)));
    assert_eq!(partial.data.as_ref().unwrap(), "a\"b");
    let row = items("BODY[HEADER.FIELDS (DATE \"From\")] {2}\r\n\r\n");
    assert_eq!(row.section(&Section::header_fields(["Date", "FROM"])).unwrap(), "\r\n");
    let row = items("RFC822 {1}\r\nm RFC822.HEADER {1}\r\nh RFC822.TEXT \"t\"");
    assert_eq!((&row.body().unwrap()[..], row.sections().len()), (&b"m"[..], 3));
}

#[test]
fn a_large_literal_is_kept_and_not_copied() {
    let body = Bytes::from(vec![b'x'; 5000]);
    let text = Bytes::from_static(b"* 1 FETCH (UID 3 BODY[] {5000}\r\n X-RAW {5000}\r\n FLAGS ())");
    let other = Bytes::from(vec![b'y'; 5000]);
    let frame = Frame { text, literals: vec![body.clone(), other.clone()].into() };
    let Ok(Response::Untagged(row)) = Parser::new(&Limits::default()).read(&frame) else { panic!() };
    let Answer::Fetch(row) = row.into_answer() else { panic!() };
    assert_eq!(row.body().unwrap().as_ptr(), body.as_ptr());
    let (name, value) = row.other().next().unwrap();
    assert_eq!((name, value), ("X-RAW", &Bytes::from([b"{5000}\r\n", &other[..]].concat())));
    assert!(row.flags().is_some());
}

#[test]
fn items_without_a_type_are_kept() {
    let row =
        items("X-LABELS (\"\\\\Starred\" NIL) X-BINARY[1]<0> ~{3}\r\n\0\r\n BINARY[TEXT] 20 X-ID NIL UID 8");
    let all: Vec<_> = row.other().map(|(name, value)| (name, &value[..])).collect();
    let expected: [(&str, &[u8]); 4] = [
        ("X-LABELS", b"(\"\\\\Starred\" NIL)"),
        ("X-BINARY[1]<0>", b"~{3}\r\n\0\r\n"),
        ("BINARY[TEXT]", b"20"),
        ("X-ID", b"NIL"),
    ];
    assert_eq!(all, expected);
    assert_eq!(row.uid(), Uid::new(8));
}

/// The envelope of RFC 9051 section 8.
#[test]
fn envelopes() {
    let row = items(concat!(
        "ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" ",
        "\"IMAP4rev2 WG mtg summary and minutes\" ",
        "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ",
        "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ",
        "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ",
        "((NIL NIL \"imap\" \"cac.washington.edu\")) ",
        "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")",
        "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL ",
        "\"<B27397-0100000@cac.washington.edu>\")"
    ));
    let envelope = row.envelope().unwrap();
    assert_eq!(envelope.date().as_deref(), Some("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)"));
    assert_eq!(envelope.sent().unwrap().to_string(), "17-Jul-1996 02:23:25 -0700");
    assert_eq!(envelope.subject().as_deref(), Some("IMAP4rev2 WG mtg summary and minutes"));
    let shown = |list: crate::types::Addresses<'_>| list.map(|a| a.to_string()).collect::<Vec<_>>();
    assert_eq!(shown(envelope.from()), ["Terry Gray <gray@cac.washington.edu>"]);
    assert_eq!(shown(envelope.reply_to()), shown(envelope.sender()));
    assert_eq!(shown(envelope.to()), ["imap@cac.washington.edu"]);
    assert_eq!(shown(envelope.cc()), ["minutes@CNRI.Reston.VA.US", "John Klensin <KLENSIN@MIT.EDU>"]);
    assert_eq!(envelope.bcc().count(), 0);
    assert_eq!(envelope.in_reply_to(), None);
    assert_eq!(envelope.message_id().as_deref(), Some("<B27397-0100000@cac.washington.edu>"));
}

#[test]
fn envelopes_with_groups_and_escapes() {
    let row = items(concat!(
        "ENVELOPE (NIL {3}\r\na\"b ((\"Q \\\"x\\\"\" NIL \"q\" \"example.org\")) NIL NIL ",
        "((NIL NIL \"friends\" NIL)(NIL NIL \"ann\" \"example.org\")(NIL NIL NIL NIL)) NIL NIL \"<1@x>\" NIL)"
    ));
    let envelope = row.envelope().unwrap();
    assert_eq!(envelope.subject().as_deref(), Some("a\"b"));
    assert_eq!(envelope.from().next().unwrap().name().as_deref(), Some("Q \"x\""));
    let to: Vec<_> = envelope.to().collect();
    assert!(to.len() == 2 && to[0].is_group() && to[1].group().as_deref() == Some("friends"));
    assert_eq!((envelope.in_reply_to().as_deref(), envelope.message_id()), (Some("<1@x>"), None));
}

/// RFC 2047 sections 5 and 8, RFC 2231 section 4.
#[test]
fn words_and_file_names_are_decoded() {
    let row = items(concat!(
        "ENVELOPE (NIL \"=?utf-8?q?caf=C3=A9?= =?x-none?q?a?=\" ",
        "((\"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=\" NIL \"keld\" \"example.org\")) NIL NIL NIL NIL NIL NIL NIL)"
    ));
    let envelope = row.envelope().unwrap();
    assert_eq!(envelope.subject().as_deref(), Some("café=?x-none?q?a?="));
    assert_eq!(envelope.subject_text().unwrap().unknown_charsets().collect::<Vec<_>>(), ["x-none"]);
    let from = envelope.from().next().unwrap();
    assert_eq!(from.to_string(), "Keld Jørn Simonsen <keld@example.org>");
    assert_eq!(from.name_raw().unwrap(), b"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=");
    let file = |params: &str, disposition: &str| {
        structure(&format!("(\"image\" \"png\" {params} NIL NIL \"base64\" 5 NIL {disposition} NIL)"))
            .root()
            .file_name()
    };
    assert_eq!(
        file("NIL", "(\"attachment\" (\"filename*\" \"utf-8''%C3%A9.png\"))").as_deref(),
        Some("é.png")
    );
    assert_eq!(file("(\"name\" \"=?utf-8?q?=C3=A9?=\")", "(\"inline\" NIL)").as_deref(), Some("é"));
    assert_eq!(file("NIL", "NIL"), None);
}

fn structure(text: &str) -> crate::types::BodyStructure {
    items(&format!("BODYSTRUCTURE {text}")).body_structure().unwrap().clone()
}

fn outline(body: &crate::types::BodyStructure) -> Vec<String> {
    let line = |part: BodyPart<'_>| {
        let number = part.number().map_or_else(|| "-".into(), Part::to_string);
        format!("{number} {}/{}", part.media_type(), part.subtype())
    };
    body.parts().map(line).collect()
}

/// RFC 9051 section 7.5.2 and section 8.
#[test]
fn basic_structures() {
    let row = items("BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3028 92)");
    let body = row.body_structure().unwrap();
    let part = body.root();
    assert!(part.is("text", "plain"));
    assert_eq!((part.size(), part.lines()), (Some(3028), Some(92)));
    assert_eq!(part.param("charset").as_deref(), Some("US-ASCII"));
    assert_eq!(part.encoding().as_deref(), Some("7BIT"));

    let body = structure(concat!(
        "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1152 23)",
        "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") ",
        "\"<960723163407.20117h@cac.washington.edu>\" \"Compiler diff\" \"BASE64\" 4554 73) \"MIXED\")"
    ));
    assert_eq!(outline(&body), ["- multipart/MIXED", "1 TEXT/PLAIN", "2 TEXT/PLAIN"]);
    let second = body.part(&Part::new(2)).unwrap();
    assert_eq!(second.description().as_deref(), Some("Compiler diff"));
    assert_eq!(second.param("name").as_deref(), Some("cc.diff"));
}

#[test]
fn structures_with_extension_data() {
    let body = structure(concat!(
        "((\"text\" \"html\" NIL NIL NIL \"8bit\" 10 1 \"bWQ1\" (\"inline\" NIL) (\"en\" \"de\") \"http://x/\" (1 \"a\") 2)",
        "(\"application\" \"pdf\" (\"name\" \"a.pdf\") \"<i@x>\" NIL \"base64\" 99 NIL ",
        "(\"attachment\" (\"filename\" \"a.pdf\" \"size\" \"72\")) \"fr\" NIL)",
        " \"related\" (\"boundary\" \"=_1\" \"type\" \"text/html\") NIL \"en\" \"loc\" (9))"
    ));
    let root = body.root();
    assert!(root.is_multipart() && root.subtype() == "related");
    assert_eq!(root.param("TYPE").as_deref(), Some("text/html"));
    assert!(root.disposition().is_none() && root.languages().eq(["en"]));
    assert_eq!((root.location().as_deref(), root.extension().as_deref()), (Some("loc"), Some("(9)")));
    let html = body.part(&Part::new(1)).unwrap();
    assert_eq!(html.md5().as_deref(), Some("bWQ1"));
    assert_eq!(html.disposition().unwrap().kind(), "inline");
    assert!(html.languages().eq(["en", "de"]));
    assert_eq!(
        (html.location().as_deref(), html.extension().as_deref()),
        (Some("http://x/"), Some("(1 \"a\") 2"))
    );
    let pdf = body.part(&Part::new(2)).unwrap();
    let disposition = pdf.disposition().unwrap();
    assert!(disposition.is_attachment() && disposition.param("FILENAME").as_deref() == Some("a.pdf"));
    assert!(pdf.languages().eq(["fr"]) && pdf.location().is_none());
}

#[test]
fn structures_with_messages_within() {
    let body = structure(concat!(
        "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1)",
        "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 500 ",
        "(NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL \"<2@x>\") ",
        "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 6 2)(\"image\" \"gif\" NIL NIL NIL \"base64\" 7) \"mixed\") ",
        "12 NIL (\"attachment\" NIL) NIL NIL)",
        " \"mixed\" NIL NIL NIL)"
    ));
    assert_eq!(
        outline(&body),
        [
            "- multipart/mixed",
            "1 text/plain",
            "2 message/rfc822",
            "- multipart/mixed",
            "2.1 text/plain",
            "2.2 image/gif"
        ]
    );
    let message = body.part(&Part::new(2)).unwrap();
    assert_eq!(message.envelope().unwrap().subject().as_deref(), Some("inner"));
    assert_eq!((message.size(), message.lines()), (Some(500), Some(12)));
    assert!(message.disposition().unwrap().is_attachment());
    assert_eq!(message.body().unwrap().children().count(), 2);
}

#[test]
fn parts_nest_as_deep_as_the_limit_and_no_deeper() {
    let nested = |levels: usize| {
        let leaf = "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1)";
        format!("* 1 FETCH (BODYSTRUCTURE {}{leaf}{})", "(".repeat(levels), " \"mixed\")".repeat(levels))
    };
    let limits = Limits::default();
    assert_eq!(fetch(nested(limits.depth - 1)).body_structure().unwrap().parts().count(), limits.depth);
    let bad = read(nested(limits.depth)).unwrap_err();
    assert_eq!(bad.keyword.as_deref(), Some("FETCH"));
    assert!(bad.message.contains("Limits::depth"), "{}", bad.message);
    assert!(read(nested(100_000)).is_err());
    assert!(read(format!("* 1 FETCH (X {}{})", "(".repeat(100_000), ")".repeat(100_000))).is_err());

    // However large the limit is, the stack is not at risk.
    let generous = Limits { depth: usize::MAX, ..Limits::default() };
    let frame = Frame { text: Bytes::from(nested(100_000)), literals: Default::default() };
    assert!(Parser::new(&generous).read(&frame).is_err());
}

#[test]
fn rows_in_any_spelling_are_read_alike() {
    let read = |text: &str| {
        super::read(text).map(|read| format!("{read:?}")).map_err(|bad| (bad.message, bad.keyword))
    };
    for items in ["(UID 7 FLAGS (\\Seen))", "()", " (UID 7) ", "(UID 7", "UID 7", "(UID 7) x", ""] {
        let usual = read(&format!("* 12 FETCH {items}"));
        for other in ["*  12 FETCH ", "* 12  FETCH ", "* 12 fetch ", "*12 FETCH "] {
            assert_eq!(read(&format!("{other}{items}")), usual, "{other}{items}");
        }
    }
    assert!(read("* 4294967296 FETCH (UID 7)").is_err());
}
