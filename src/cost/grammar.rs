//! Framer and grammar: each construct of a response that can be repeated.

use bytes::BytesMut;

use super::{Report, repeated};
use crate::types::Limits;
use crate::wire::frame::Framer;
use crate::wire::{Parser, Response};

/// Limits that nothing here reaches, so that the grammar itself is measured.
fn unbounded() -> Limits {
    Limits { line: usize::MAX, words: usize::MAX, entries: usize::MAX, ..Limits::default() }
}

/// Frames a stream as a connection does and parses each response. Returns how many could be parsed,
/// and how many not.
fn read(stream: &[u8], limits: &Limits) -> (usize, usize) {
    let (mut framer, mut parser) = (Framer::new(limits), Parser::new(limits));
    let (mut buffer, mut read, mut bad) = (BytesMut::new(), 0, 0);
    for piece in stream.chunks(64 << 10) {
        buffer.extend_from_slice(piece);
        while let Ok(Some(frame)) = framer.decode(&mut buffer) {
            match parser.read(&frame) {
                Ok(Response::Untagged(_) | Response::Tagged { .. } | Response::Continuation { .. }) => {
                    read += 1
                }
                Err(_) => bad += 1,
            }
        }
    }
    (read, bad)
}

/// A construct: the text before it, the repeated piece, the text after it.
type Construct = (&'static str, fn(usize) -> String, &'static str);

fn measure(constructs: &[Construct], limits: &Limits) {
    let mut report = Report::default();
    for (before, piece, after) in constructs {
        let name = format!("{before}…{}…{after}", piece(7));
        let stream = |count| repeated(before, count, piece, &format!("{after}\r\n")).into_bytes();
        report.measure(&name, stream, |stream| {
            let (read, bad) = read(&stream, limits);
            assert!(read + bad > 0, "{name}: nothing was read");
        });
    }
    report.end(constructs.len());
}

#[test]
fn quotes_out_of_place() {
    let constructs: &[Construct] = &[
        ("* 1 FETCH (ENVELOPE (NIL \"", |_| "a\"".into(), "\" NIL))"),
        ("* 1 FETCH (ENVELOPE (NIL \"", |_| "a\"".into(), ""),
        ("* 1 FETCH (X-ODD (\"a\"b", |_| " \"x\\\" \"".into(), "))"),
        ("* LIST () \"/\" \"a", |_| "\" (".into(), " (x"),
        ("* STATUS \"a", |_| "\"(".into(), ""),
        ("* 1 FETCH (ENVELOPE (NIL NIL ((", |_| "a \"b\" ".into(), "\"x\"y))))"),
    ];
    measure(constructs, &unbounded());
}

#[test]
fn lists_of_flags_and_words() {
    let constructs: &[Construct] = &[
        ("* FLAGS (a ", |n| format!("k{n} "), ")"),
        ("* FLAGS (a ", |_| "k ".into(), ")"),
        ("* FLAGS (", |n| format!("k{n} "), "x[a b] \"c\")"),
        ("* FLAGS (", |n| format!("k{n}[ "), ")"),
        ("* FLAGS (", |n| format!("k{n}[a b]"), ")"),
        ("* FLAGS (a[ ", |n| format!("{n} "), "\x01"),
        ("* FLAGS (", |_| "a\x01b ".into(), ")"),
        ("* FLAGS (", |_| "]".into(), ")"),
        ("* FLAGS ", |n| format!("k{n} "), ""),
        ("* OK [PERMANENTFLAGS (", |n| format!("k{n} "), ")] ok"),
        ("* 1 FETCH (FLAGS (", |n| format!("k{n} "), "))"),
        ("* 1 FETCH (FLAGS (", |_| "\\Seen ".into(), "))"),
        ("", |n| format!("* 1 FETCH (FLAGS (a{n} b{n} c{n}))\r\n"), "* 1 EXISTS"),
        ("", |n| format!("* 1 FETCH (FLAGS (a{} b \"c\"))\r\n", n % 40), "* 1 EXISTS"),
        ("* LIST (", |n| format!("\\k{n} "), ") \"/\" a"),
        ("* LIST (", |_| "x[ ".into(), ") \"/\" a"),
        ("* CAPABILITY ", |n| format!("X{n} "), ""),
        ("* OK [CAPABILITY ", |n| format!("X{n} "), "] ok"),
        ("* ENABLED ", |n| format!("X{n} "), ""),
        ("* OK [REFERRAL ", |n| format!("X{n} "), "] ok"),
        ("* OK [BADCHARSET (", |n| format!("X{n} "), ")] ok"),
        ("* OK [X ", |_| "[".into(), "] ok"),
        ("* OK [X ", |_| "\" ".into(), "] ok"),
        ("* OK [X ", |_| "(\"a] ".into(), "] ok"),
        ("", |_| "[".into(), ""),
    ];
    measure(constructs, &unbounded());
}

/// A list beyond its limit is refused at once: it costs no more than one within it.
#[test]
fn refused_lists_cost_next_to_nothing() {
    let limits = Limits::default();
    let mut report = Report::default();
    let lists: &[Construct] = &[
        ("* FLAGS (a ", |n| format!("X{n} "), ")"),
        ("* FLAGS ", |n| format!("X{n} "), ""),
        ("* LIST (a ", |n| format!("X{n} "), ") \"/\" a"),
        ("* 1 FETCH (FLAGS (a ", |n| format!("X{n} "), "))"),
        ("* CAPABILITY ", |n| format!("X{n} "), ""),
        ("* OK [PERMANENTFLAGS (a ", |n| format!("X{n} "), ")] ok"),
        ("* ID (", |_| "\"a\" NIL ".into(), ")"),
        ("* X-GM-LABELS (", |_| "a ".into(), ")"),
    ];
    for (before, piece, after) in lists {
        let stream = |count| repeated(before, count, piece, &format!("{after}\r\n")).into_bytes();
        report.measure(before, stream, |stream| {
            read(&stream, &limits);
        });
    }
    // In many lists just within the limit, a flag costs no more than in a short list.
    let list = repeated("* 1 FETCH (FLAGS (", limits.words, |n| format!("k{n} "), "))\r\n");
    let many = |count: usize| list.repeat(count * 2 / limits.words);
    report.measure("lists just within the bound", many, |stream| {
        assert_eq!(read(stream.as_bytes(), &limits).1, 0);
    });
    report.end(lists.len() + 1);
}

#[test]
fn numbers_and_sets() {
    let constructs: &[Construct] = &[
        ("* SEARCH", |n| format!(" {}", 2 * n + 1), ""),
        ("* SEARCH", |n| format!(" {}", 4_000_000 - 2 * n), ""),
        ("* SEARCH", |n| format!(" {}", (n * 7_919) % 100_003), " (MODSEQ 5)"),
        ("* SEARCH", |n| format!(" (MODSEQ {n})"), ""),
        ("", |n| format!("* SEARCH {}\r\n", 4_000_000 - 2 * n), "* 1 EXISTS"),
        ("* SORT", |n| format!(" {}", 4_000_000 - 2 * n), ""),
        ("* SORT", |n| format!(" {}", (n * 7_919) % 100_003), ""),
        ("* ESEARCH UID ALL 1", |n| format!(",{}", 4_000_000 - 2 * n), ""),
        ("* ESEARCH UID ALL 1", |n| format!(",{}:{}", 3 * n + 1, 3 * n + 2), ""),
        ("* ESEARCH UID", |n| format!(" ALL {n}"), ""),
        ("* ESEARCH UID", |n| format!(" PARTIAL (1:{} {n})", n + 1), ""),
        ("* ESEARCH UID PARTIAL (1:100000 1", |n| format!(",{}", 4_000_000 - 2 * n), ")"),
        ("* ESEARCH UID ADDTO (", |n| format!("{n} {} ", n + 1), ")"),
        ("* ESEARCH UID", |n| format!(" REMOVEFROM (1 {})", n + 1), ""),
        ("* ESEARCH UID RELEVANCY (", |_| "4 ".into(), ")"),
        ("* ESEARCH (", |n| format!("TAG \"a{n}\" MAILBOX b{n} UIDVALIDITY 5 "), ") UID ALL 1"),
        ("* ESEARCH", |n| format!(" X{n} (1 2)"), ""),
        ("* ESEARCH", |_| " UID (".into(), ""),
        ("* VANISHED 1", |n| format!(",{}", 4_000_000 - 2 * n), ""),
        ("* VANISHED (EARLIER) 1", |n| format!(",{0}:{0}", (n * 7_919) % 100_003), ""),
        ("* OK [COPYUID 5 1", |n| format!(",{}", 2 * n + 3), " 1:100001] ok"),
        ("* OK [COPYUID 5 1", |n| format!(",{}", 4_000_000 - 2 * n), " 7] ok"),
        ("* OK [MODIFIED 1", |n| format!(",{}", 4_000_000 - 2 * n), "] ok"),
        ("* OK [APPENDUID 5 1", |n| format!(",{}", 4_000_000 - 2 * n), "] ok"),
        ("* THREAD ", |n| format!("({})", n + 1), ""),
        ("* THREAD (1", |n| format!(" {}", n + 2), ")"),
        ("* THREAD ", |_| "(".into(), ""),
        ("* THREAD (1 ", |_| "(2)".into(), ")"),
        ("* UIDBATCHES 1", |n| format!(",{}:{}", 4_000_000 - 2 * n, 4_000_000 - 2 * n - 1), ""),
        ("* UIDBATCHES (", |n| format!("TAG \"a{n}\" "), ") 9:1"),
        ("", |n| format!("* {} EXPUNGE\r\n", n + 1), "* 1 EXISTS"),
        ("* 1", |_| "0".into(), " EXISTS"),
    ];
    measure(constructs, &unbounded());
}

#[test]
fn bodies_and_envelopes() {
    let constructs: &[Construct] = &[
        (
            "* 1 FETCH (ENVELOPE (NIL \"s\" (",
            |n| format!("(\"a\" NIL \"b{n}\" \"c\")"),
            ") NIL NIL NIL NIL NIL NIL NIL))",
        ),
        (
            "* 1 FETCH (ENVELOPE (NIL \"s\" (",
            |_| "(NIL NIL \"g\" NIL)(NIL NIL NIL NIL)".into(),
            ") NIL NIL NIL NIL NIL NIL NIL))",
        ),
        ("* 1 FETCH (ENVELOPE (NIL \"s\" (", |_| "NIL ".into(), ") NIL NIL NIL NIL NIL NIL NIL))"),
        ("* 1 FETCH (ENVELOPE (NIL \"s\" ((", |_| "\"a\" ".into(), ")) NIL NIL NIL NIL NIL NIL NIL))"),
        ("* 1 FETCH (ENVELOPE (NIL (", |_| "\"a\" ".into(), ") NIL NIL NIL NIL NIL NIL NIL NIL))"),
        ("* 1 FETCH (ENVELOPE (NIL \"", |_| "\\\"".into(), "\" NIL NIL NIL NIL NIL NIL NIL NIL))"),
        ("* 1 FETCH (ENVELOPE (NIL \"", |_| "a\" b".into(), "\" NIL NIL NIL NIL NIL NIL NIL NIL))"),
        ("* 1 FETCH (ENVELOPE (NIL \"s\" ", |_| "(".into(), ""),
        ("* 1 FETCH (ENVELOPE (", |_| "NIL ".into(), "))"),
        ("* 1 FETCH (ENVELOPE ", |_| "(NIL \"a".into(), "))"),
        (
            "* 1 FETCH (BODYSTRUCTURE (",
            |_| "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1)".into(),
            " \"mixed\"))",
        ),
        ("* 1 FETCH (BODYSTRUCTURE (", |_| "(NIL)".into(), " \"mixed\"))"),
        (
            "* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" (",
            |n| format!("\"p{n}\" \"v\" "),
            ") NIL NIL \"7bit\" 1 1))",
        ),
        ("* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" (", |_| "(\"p\")".into(), ") NIL NIL \"7bit\" 1 1))"),
        (
            "* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1 NIL NIL (",
            |_| "\"en\" ".into(),
            ")))",
        ),
        (
            "* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1 NIL NIL NIL NIL",
            |_| " (1 (2))".into(),
            "))",
        ),
        (
            "* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1 NIL (\"a\" (",
            |_| "\"f\" \"v\" ".into(),
            "))))",
        ),
        ("* 1 FETCH (BODYSTRUCTURE ", |_| "(\"message\" \"rfc822\" NIL ".into(), ")"),
        ("* 1 FETCH (BODYSTRUCTURE (", |_| "(\"a\" \"b".into(), "))"),
        ("* 1 FETCH (BODYSTRUCTURE (\"text\" ", |_| "\"plain\" ".into(), "))"),
        ("* 1 FETCH (", |n| format!("BODY[{}] NIL ", n + 1), ")"),
        ("* 1 FETCH (", |n| format!("BODY[]<{n}> \"a\" "), ")"),
        ("* 1 FETCH (", |n| format!("BODY[HEADER.FIELDS (A{n})] {{1}}\r\na "), ")"),
        ("* 1 FETCH (BODY[HEADER.FIELDS (", |n| format!("A{n} "), ")] NIL)"),
        ("* 1 FETCH (BODY[1", |_| ".1".into(), "] NIL)"),
        ("* 1 FETCH (", |n| format!("BINARY[{}] NIL ", n + 1), ")"),
        ("* 1 FETCH (", |n| format!("BINARY.SIZE[{}] 5 ", n + 1), ")"),
        ("* 1 FETCH (", |n| format!("X-{n} (a \"b\" c[d e]) "), ")"),
        ("* 1 FETCH (", |_| "UID 5 ENVELOPE NIL ".into(), ")"),
        ("* 1 FETCH (X ", |_| "a[ ".into(), ")"),
        ("* 1 FETCH (", |_| "X a[ ".into(), ")"),
        ("* 1 FETCH (X (", |_| "a[ ".into(), "))"),
        ("* 1 FETCH (X (", |_| "~a ".into(), "))"),
        ("* 1 FETCH (X ", |_| "\"a ".into(), ")"),
        ("* 1 FETCH (X-GM-LABELS (", |n| format!("\"l{n}\" &AOk-{n} "), "))"),
        ("* 1 FETCH (PREVIEW (", |_| "\"a\" ".into(), "))"),
        ("* 1 FETCH ", |_| "(".into(), ")"),
        ("* 1 FETCH (UID 5 ", |_| ")".into(), ")"),
    ];
    measure(constructs, &unbounded());
}

#[test]
fn names_and_information_about_servers() {
    let constructs: &[Construct] = &[
        ("* LIST () \"/\" \"", |_| "&AOk-".into(), "\""),
        ("* LIST () \"/\" \"", |_| "&".into(), "\""),
        ("* LIST () \"/\" \"", |_| "&AOk".into(), "\""),
        ("* LIST () \"/\" \"", |_| "a\"b".into(), "\""),
        ("* LIST () \"/\" \"", |_| "\" (".into(), "\""),
        ("* LIST () \"/\" ", |_| "a (b ".into(), ""),
        ("* LIST () \"/\" a (", |n| format!("(\"X{n}\" (1))"), ")"),
        ("* LIST () \"/\" a (\"CHILDINFO\" (", |_| "\"SUBSCRIBED\" ".into(), "))"),
        ("* LIST () \"/\" a (", |_| "\"OLDNAME\" (\"b\") ".into(), ")"),
        ("* LIST () \"/\" a ", |_| "(".into(), ""),
        ("* STATUS a (", |n| format!("X-{n} 1 "), ")"),
        ("* STATUS a (", |_| "MESSAGES 1 ".into(), ")"),
        ("* STATUS ", |_| "a (b ".into(), "(MESSAGES 1)"),
        ("* STATUS \"", |_| "a\" (b ".into(), "(MESSAGES 1)"),
        ("* ID (", |n| format!("\"k{n}\" \"v\" "), ")"),
        ("* ID (", |_| "\"k\" (\"a\" \"b\") ".into(), ")"),
        ("* ID ", |_| "\"k\" ".into(), ""),
        ("* NAMESPACE (", |n| format!("(\"n{n}\" \"/\")"), ") NIL NIL"),
        ("* NAMESPACE ((\"\" \"/\"", |n| format!(" \"X{n}\" (\"y\")"), ")) NIL NIL"),
        ("* NAMESPACE ", |_| "(".into(), ""),
        ("* ACL a", |n| format!(" u{n} lrs"), ""),
        ("* ACL a u ", |_| "l".into(), ""),
        ("* LISTRIGHTS a b \"\"", |_| " l".into(), ""),
        ("* QUOTA a (", |n| format!("R{n} 1 2 "), ")"),
        ("* QUOTA ", |_| "a (b ".into(), "(STORAGE 1 2)"),
        ("* QUOTA a", |n| format!(" R{n} 1 2"), ""),
        ("* QUOTAROOT a", |n| format!(" \"r{n}\""), ""),
        ("* METADATA a (", |n| format!("/b{n} \"v\" "), ")"),
        ("* METADATA a", |n| format!(" /b{n}"), ""),
        ("* OK [METADATA LONGENTRIES ", |_| "1".into(), "] ok"),
        ("* OK [BADEVENT (", |n| format!("E{n} "), ")] ok"),
        ("* LANGUAGE (", |n| format!("\"l{n}\" "), ")"),
        ("* COMPARATOR a (", |n| format!("\"c{n}\" "), ")"),
        ("* GENURLAUTH", |n| format!(" \"u{n}\""), ""),
        ("* URLFETCH", |n| format!(" u{n} \"d\""), ""),
        ("* URLFETCH u (", |_| "BINARY \"d\" ".into(), ")"),
        ("* JMAPACCESS \"", |_| "\\\\".into(), "\""),
        ("* X-ODD ", |_| "a[ ".into(), ""),
        ("* X-ODD ", |_| "(\"a\" b) ".into(), ""),
        ("* X-ODD ", |_| "(".into(), ""),
        ("* X-ODD ", |_| "\"a ".into(), ""),
        ("* X-ODD ", |_| "{1}\r\na ".into(), ""),
        ("* ", |_| "X".into(), " 1"),
        ("", |_| "* BYE \r\n".into(), "* OK"),
        ("", |_| "\r\n".into(), "* OK"),
        ("* OK ", |_| "\r".into(), ""),
        ("* OK ", |_| "\u{e9}".into(), ""),
        ("A", |_| "1".into(), " OK done"),
        ("", |_| "{5}".into(), " "),
        ("", |_| "{1}\r\na".into(), ""),
    ];
    measure(constructs, &unbounded());
}
