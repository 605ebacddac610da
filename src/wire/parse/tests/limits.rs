//! Whatever a server sends, the result stays within the limits, and an error names the limit that
//! was exceeded.

use bytes::BytesMut;

use super::*;
use crate::wire::frame::{FrameError, Framer};

/// Frames and parses a stream, passes each response to `found`, and returns the framer's error.
fn read_all(
    stream: &[u8],
    limits: &Limits,
    mut found: impl FnMut(Result<Response, Unparsable>),
) -> Option<FrameError> {
    let (mut framer, mut parser) = (Framer::new(limits), Parser::new(limits));
    let mut src = BytesMut::new();
    for piece in stream.chunks(64 << 10) {
        src.extend_from_slice(piece);
        loop {
            match framer.decode(&mut src) {
                Ok(Some(frame)) => found(parser.read(&frame)),
                Ok(None) => break,
                Err(error) => return Some(error),
            }
        }
    }
    None
}

/// The error message of a response that must not parse; the next one must.
fn refused(text: &str, limits: &Limits) -> String {
    let mut all = Vec::new();
    assert_eq!(read_all(format!("{text}\r\n* 3 EXISTS\r\n").as_bytes(), limits, |read| all.push(read)), None);
    let [Err(bad), Ok(Response::Untagged(next))] = &all[..] else { panic!("{} responses", all.len()) };
    assert_eq!(*next.answer(), Answer::Exists(3), "the next one is read");
    bad.message.clone()
}

#[test]
fn a_body_structure_nested_a_hundred_thousand_deep() {
    let limits = Limits { depth: usize::MAX, ..Limits::default() };
    let deep = "(".repeat(100_000);
    for (item, whole) in
        [("BODYSTRUCTURE", true), ("BODYSTRUCTURE", false), ("X-ODD", true), ("ENVELOPE", true)]
    {
        let end = if whole { ")".repeat(100_000) } else { String::new() };
        let message = refused(&format!("* 1 FETCH (UID 5 {item} {deep}{end})"), &limits);
        assert!(item == "ENVELOPE" || message.contains("Limits::depth"), "{message}");
    }
    let message = refused(&format!("* X-ODD {deep}"), &limits);
    assert!(message.contains("Limits::depth"), "{message}");
}

#[test]
fn a_literal_of_four_gigabytes_is_refused_when_it_is_announced() {
    let stream = b"* 1 FETCH (BODY[] {4294967296}\r\n";
    let error = read_all(stream, &Limits::default(), |read| panic!("{read:?}")).unwrap();
    assert!(error.to_string().contains("Limits::literal"), "{error}");
}

#[test]
fn a_million_tiny_lines() {
    let block = "* 1 EXISTS\r\n+\r\na OK\r\n* X\r\n*\r\n".repeat(1000);
    let (mut read, mut bad) = (0, 0);
    let (limits, mut left) = (Limits::default(), 200);
    let (mut framer, mut parser, mut src) = (Framer::new(&limits), Parser::new(&limits), BytesMut::new());
    while left > 0 {
        left -= 1;
        src.extend_from_slice(block.as_bytes());
        while let Some(frame) = framer.decode(&mut src).unwrap() {
            match parser.read(&frame) {
                Ok(_) => read += 1,
                Err(_) => bad += 1,
            }
        }
        assert!(src.is_empty() && src.capacity() < 1 << 20, "nothing is kept");
    }
    assert_eq!((read, bad), (800_000, 200_000));
}

#[test]
fn all_numbers_that_there_are() {
    for line in [
        "* SEARCH 1:4294967295",
        "* VANISHED (EARLIER) 1:4294967295",
        "* ESEARCH UID ALL 1:4294967295",
        "* OK [COPYUID 1 1:4294967295 1:4294967295] done",
        "* OK [MODIFIED 1:4294967295] done",
        "* UIDBATCHES 4294967295:1",
    ] {
        // Only the ends of ranges are kept.
        assert!(!format!("{:?}", answer(line)).is_empty());
    }
    let Answer::Vanished { uids, .. } = answer("* VANISHED 1:4294967295") else { panic!() };
    assert_eq!((uids.len(), uids.ranges().count()), (u64::from(u32::MAX), 1));
}

#[test]
fn lists_of_flags_and_words_are_bounded() {
    let limits = Limits { words: 10, ..Limits::default() };
    let some = |count: usize| (0..count).map(|n| format!("w{n}")).collect::<Vec<_>>().join(" ");
    let lines = |count| {
        let words = some(count);
        [
            format!("* FLAGS ({words})"),
            format!("* 1 FETCH (FLAGS ({words}))"),
            format!("* LIST ({words}) \"/\" a"),
            format!("* CAPABILITY {words}"),
            format!("* ENABLED {words}"),
        ]
    };
    for (fits, too_many) in lines(10).iter().zip(lines(11)) {
        assert_eq!(
            read_all(format!("{fits}\r\n").as_bytes(), &limits, |read| assert!(read.is_ok(), "{fits}")),
            None
        );
        let message = refused(&too_many, &limits);
        assert!(message.contains("Limits::words"), "{too_many}: {message}");
    }
    // A tagged response is parsed all the same; its code is kept as it is.
    for code in ["CAPABILITY", "REFERRAL", "URLMECH"] {
        let line = format!("A1 OK [{code} {}] done\r\n", some(11));
        read_all(line.as_bytes(), &limits, |read| {
            let Ok(Response::Tagged { status, .. }) = read else { panic!("{read:?}") };
            assert!(matches!(status.code, Some(crate::types::Code::Other { .. })), "{status:?}");
        });
    }
}

#[test]
fn other_lists_are_bounded() {
    let limits = Limits { entries: 10, ..Limits::default() };
    let lines = |count| {
        let times = |text: &str| text.repeat(count);
        [
            format!("* ID ({})", times("\"a\" NIL ")),
            format!("* ACL a {}", times("b l ")),
            format!("* LISTRIGHTS a b \"\" {}", times("l ")),
            format!("* QUOTA a ({})", times("STORAGE 1 2 ")),
            format!("* QUOTAROOT a {}", times("b ")),
            format!("* METADATA a ({})", times("/b NIL ")),
            format!("* METADATA a {}", times("/b ")),
            format!("* NAMESPACE ({})", times("(\"\" NIL)")),
            format!("* NAMESPACE ((\"\" NIL{}))", times(" \"X\" (\"y\")")),
            format!("* LANGUAGE ({})", times("\"en\" ")),
            format!("* COMPARATOR a ({})", times("\"b\" ")),
            format!("* GENURLAUTH {}", times("\"u\" ")),
            format!("* URLFETCH {}", times("u NIL ")),
            format!("* THREAD {}1{}", times("("), times(")")),
            format!("* STATUS a ({})", times("X-Y 1 ")),
            format!("* LIST () \"/\" \"a\" ({})", times("(\"X\" (1))")),
            format!("* ESEARCH {}", times("X-Y 1 ")),
            format!("* ESEARCH UID ADDTO ({})", times("1 2 ")),
            format!("* 1 FETCH ({})", times("X-Y 1 ")),
            format!("* 1 FETCH ({})", times("BODY[] NIL ")),
            format!("* 1 FETCH ({})", times("BINARY[1] NIL ")),
            format!("* 1 FETCH ({})", times("BINARY.SIZE[1] 5 ")),
            format!("* 1 FETCH (X-GM-LABELS ({}))", times("a ")),
        ]
    };
    for (fits, too_many) in lines(10).iter().zip(lines(11)) {
        read_all(format!("{fits}\r\n").as_bytes(), &limits, |read| assert!(read.is_ok(), "{fits}: {read:?}"));
        let message = refused(&too_many, &limits);
        assert!(message.contains("Limits::entries"), "{too_many}: {message}");
    }
}

#[test]
fn a_number_has_only_so_many_digits() {
    let zeros = "0".repeat(1_000_000);
    for line in
        [format!("* {zeros}1 EXISTS"), format!("* 1 FETCH (UID {zeros}1)"), format!("* SEARCH {zeros}1")]
    {
        let message = refused(&line, &Limits::default());
        assert!(!message.is_empty());
    }
    let message = refused(&format!("* 1 FETCH (X-GM-MSGID 5 UID {zeros}1)"), &Limits::default());
    assert!(message.contains("Limits::DIGITS"), "{message}");
}

/// A name takes several times its length while it is decoded, and is no message: it may be as long
/// as a line, in whatever it is written. What is data may be longer.
#[test]
fn texts_in_literals_are_no_longer_than_a_line_may_be() {
    let limits = Limits { line: 10_000, ..Limits::default() };
    let literal = |length: usize| format!("{{{length}}}\r\n{}", "x".repeat(length));
    let texts: [fn(&str) -> String; 10] = [
        |text| format!("* LIST () \"/\" {text}"),
        |text| format!("* LIST () \"/\" a (\"OLDNAME\" ({text}))"),
        |text| format!("* LIST () \"/\" a (\"X-NEW\" {text})"),
        |text| format!("* STATUS {text} (MESSAGES 1)"),
        |text| format!("* ACL {text} ann lrs"),
        |text| format!("* METADATA {text} (/shared/comment x)"),
        |text| format!("* ID (\"name\" {text})"),
        |text| format!("* 1 FETCH (ENVELOPE (NIL {text} NIL NIL NIL NIL NIL NIL NIL NIL))"),
        |text| {
            format!("* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" (\"name\" {text}) NIL NIL \"7bit\" 1 1))")
        },
        |text| format!("* 1 FETCH (X-GM-LABELS ({text}))"),
    ];
    for text in texts {
        let fits = format!("{}\r\n", text(&literal(10_000)));
        let mut all = Vec::new();
        assert_eq!(read_all(fits.as_bytes(), &limits, |response| all.push(response)), None);
        assert!(matches!(all[..], [Ok(Response::Untagged(_))]), "{:.60}: {all:.200?}", text(""));
        let message = refused(&text(&literal(10_001)), &limits);
        assert!(message.contains("Limits::line"), "{:.60}: {message}", text(""));
    }
    // Many that are small by themselves, and rows with data and extension items.
    let many = literal(5000) + " " + &literal(5001);
    assert!(refused(&format!("* ID ({many})"), &limits).contains("Limits::line"));
    let row = format!("* 1 FETCH (BODY[] {} ENVELOPE (NIL {}", literal(10_000), literal(5000));
    let row = format!("{row} NIL NIL NIL NIL NIL NIL NIL NIL))");
    assert!(refused(&row, &limits).contains("Limits::line"));
    // Data, and what the library does not know.
    let data: [fn(&str) -> String; 7] = [
        |data| format!("* 1 FETCH (BODY[] {data} RFC822.SIZE 5)"),
        |data| format!("* 1 FETCH (RFC822.TEXT {data})"),
        |data| format!("* 1 FETCH (BINARY[1] ~{data} ENVELOPE (NIL \"a\" NIL NIL NIL NIL NIL NIL NIL NIL))"),
        |data| format!("* 1 FETCH (X-NEW ({data}))"),
        |data| format!("* METADATA \"\" (/shared/comment {data})"),
        |data| format!("* URLFETCH \"imap://a\" {data} \"imap://b\" NIL"),
        |data| format!("* XNEW ({data}) 5"),
    ];
    for data in data {
        let text = format!("{}\r\n", data(&literal(30_000)));
        let mut all = Vec::new();
        assert_eq!(read_all(text.as_bytes(), &limits, |response| all.push(response)), None);
        let [Ok(Response::Untagged(response))] = &all[..] else { panic!("{:.60}: {all:.200?}", data("")) };
        assert!(response.heap_size() >= 30_000, "{:.60}", data(""));
    }
}

/// What an envelope took room for is not kept for the next one.
#[test]
fn room_for_a_large_envelope_is_given_back() {
    let mut parser = Parser::new(&Limits::default());
    for item in [
        "ENVELOPE (NIL \"$\" NIL NIL NIL NIL NIL NIL NIL NIL)",
        "BODYSTRUCTURE (\"$\" \"x\" NIL NIL NIL NIL 1)",
    ] {
        let text = format!("* 1 FETCH ({})\r\n", item.replace('$', &"x".repeat(100_000)));
        let mut src = BytesMut::from(text.as_bytes());
        let frame = Framer::new(&Limits::default()).decode(&mut src).unwrap().unwrap();
        let Ok(Response::Untagged(response)) = parser.read(&frame) else { panic!("a row") };
        assert!((100_000..102_000).contains(&response.heap_size()), "{}", response.heap_size());
        assert!(parser.scratch.capacity() <= 4096, "{}", parser.scratch.capacity());
    }
}
