//! The encoder: known results, and every byte through every kind of argument, read by a reader that
//! shares no code with it.

use super::*;
use crate::types::{Uid, UidSet};

const MODES: [LiteralMode; 3] = [LiteralMode::Sync, LiteralMode::Minus, LiteralMode::Plus];

fn options(literals: LiteralMode, utf8: bool) -> EncodeOptions {
    EncodeOptions { literals, utf8, no_star: false }
}

fn encode(options: EncodeOptions, write: impl FnOnce(&mut Encoder)) -> Result<Vec<Fragment>, EncodeError> {
    let mut line = Encoder::new(options);
    write(&mut line);
    line.finish()
}

fn joined(fragments: &[Fragment]) -> Vec<u8> {
    fragments.iter().flat_map(|f| f.as_bytes()).copied().collect()
}

/// The escaped output of a session without extensions.
fn plain(write: impl FnOnce(&mut Encoder)) -> String {
    let fragments = encode(EncodeOptions::default(), write).unwrap();
    joined(&fragments).escape_ascii().to_string()
}

fn utf8(write: impl FnOnce(&mut Encoder)) -> String {
    String::from_utf8(joined(&encode(options(LiteralMode::Sync, true), write).unwrap())).unwrap()
}

fn error(write: impl FnOnce(&mut Encoder)) -> EncodeError {
    encode(EncodeOptions::default(), write).unwrap_err()
}

fn byte_error(what: &'static str, byte: u8, position: usize) -> EncodeError {
    EncodeError::Byte { what, byte, position }
}

#[test]
fn writes_a_line() {
    let set = UidSet::from_iter([1, 2, 3, 7].map(|n| Uid::new(n).unwrap()));
    let flags = Flags::from_iter([Flag::Seen, Flag::new("$Junk")]);
    let line = plain(|line| {
        line.atom("A1").space().text("UID STORE").space().set(&set).space();
        line.atom("+FLAGS.SILENT").space().flags(&flags);
    });
    assert_eq!(line, "A1 UID STORE 1:3,7 +FLAGS.SILENT (\\\\Seen $Junk)\\r\\n");
    let line = plain(|line| {
        line.atom("A2").space().atom("X").space().open().number(u64::MAX).space().nstring(None::<&str>);
        line.space().nstring(Some("a")).close();
    });
    assert_eq!(line, "A2 X (18446744073709551615 NIL \\\"a\\\")\\r\\n");
    assert_eq!(plain(|_| {}), "\\r\\n");
}

#[test]
fn a_string_takes_the_shortest_form_that_holds_it() {
    for (string, sent) in [
        (&b"abc"[..], r"abc\r\n"),
        (b"a]}+", r"a]}+\r\n"),
        (b"", r#"\"\"\r\n"#),
        (b"nil", r#"\"nil\"\r\n"#),
        (b"a b", r#"\"a b\"\r\n"#),
        (b"a\tb", r#"\"a\tb\"\r\n"#),
        (br#"a"b\c"#, r#"\"a\\\"b\\\\c\"\r\n"#),
        (b"{5}", r#"\"{5}\"\r\n"#),
        (b"a\rb", r"{3}\r\na\rb\r\n"),
        (b"\r\nA2 LOGOUT\r\n", r"{13}\r\n\r\nA2 LOGOUT\r\n\r\n"),
        ("é".as_bytes(), r"{2}\r\n\xc3\xa9\r\n"),
    ] {
        assert_eq!(plain(|line| _ = line.astring(string)), sent);
    }
    assert_eq!(plain(|line| _ = line.string("abc")), r#"\"abc\"\r\n"#);
    assert_eq!(utf8(|line| _ = line.astring("é")), "\"é\"\r\n");
    // Invalid UTF-8 is never quoted.
    let broken = encode(options(LiteralMode::Sync, true), |line| _ = line.astring(b"\xc3")).unwrap();
    assert_eq!(joined(&broken), b"{1}\r\n\xc3\r\n");
}

#[test]
fn long_strings_are_literals() {
    for length in [1000, 1001] {
        let inline = length == 1000;
        let atom = plain(|line| _ = line.astring("x".repeat(length)));
        assert_eq!(atom.starts_with('x'), inline);
        assert_eq!(atom.starts_with("{1001}\\r\\nx"), !inline);
        let quoted = plain(|line| _ = line.string(" ".repeat(length)));
        assert_eq!(quoted.starts_with("\\\" "), inline);
    }
}

#[test]
fn literals_wait_as_the_session_demands() {
    // Mode, length, whether it waits.
    for (mode, length, sync) in [
        (LiteralMode::Sync, 1, true),
        (LiteralMode::Sync, 0, true),
        (LiteralMode::Minus, 0, false),
        (LiteralMode::Minus, 4096, false),
        (LiteralMode::Minus, 4097, true),
        (LiteralMode::Plus, 4097, false),
        (LiteralMode::Plus, 10_000_000, false),
    ] {
        let data = Bytes::from(vec![b'x'; length]);
        let plus = if sync { "" } else { "+" };
        for prefix in ["", "~"] {
            let fragments = encode(options(mode, false), |line| {
                line.atom("A").space();
                match prefix {
                    "" => line.literal(data.clone()),
                    _ => line.literal8(data.clone()),
                };
            });
            let expected = [
                Fragment::Text(format!("A {prefix}{{{length}{plus}}}\r\n").into()),
                Fragment::Literal { data: data.clone(), sync },
                Fragment::Text(b"\r\n".to_vec()),
            ];
            assert!(fragments.unwrap() == expected, "{mode:?} {length}");
        }
    }
    // Content given as `Bytes` is not copied.
    let data = Bytes::from_static(b"a body");
    let fragments = encode(options(LiteralMode::Plus, false), |line| _ = line.literal(data.clone())).unwrap();
    assert!(matches!(&fragments[1], Fragment::Literal { data: sent, .. } if sent.as_ptr() == data.as_ptr()));
}

#[test]
fn mailbox_names_and_patterns() {
    let name = |name: &str| plain(|line| _ = line.mailbox(&name.into()));
    assert_eq!(name("inbox"), r"INBOX\r\n");
    assert_eq!(name("Entwürfe"), r"Entw&APw-rfe\r\n");
    assert_eq!(name("a&b c"), r#"\"a&-b c\"\r\n"#);
    assert_eq!(name("a*b"), r#"\"a*b\"\r\n"#);
    assert_eq!(name("x\r\ny"), r"x&AA0ACg-y\r\n");
    assert_eq!(name(""), r#"\"\"\r\n"#);
    assert_eq!(utf8(|line| _ = line.mailbox(&"Entwürfe".into())), "\"Entwürfe\"\r\n");
    assert_eq!(utf8(|line| _ = line.mailbox(&"a&b".into())), "a&b\r\n");

    // The server's own spelling is kept.
    let kept = MailboxName::with_wire("a&b", b"a&b");
    assert_eq!(plain(|line| _ = line.mailbox(&kept)), r"a&b\r\n");
    let kept = MailboxName::with_wire("caf\u{fffd}", b"caf\xe9");
    assert_eq!(plain(|line| _ = line.mailbox(&kept)), r"{4}\r\ncaf\xe9\r\n");

    // What a person writes is composed; what a server gave is not touched.
    assert_eq!(name("Cafe\u{301}"), name("Café"));
    assert_eq!(utf8(|line| _ = line.mailbox(&"Cafe\u{301}".into())), "\"Café\"\r\n");
    let exact = MailboxName::exact("Cafe\u{301}");
    assert_eq!(utf8(|line| _ = line.mailbox(&exact)), "\"Cafe\u{301}\"\r\n");
    assert_eq!(plain(|line| _ = line.mailbox(&exact)), r"Cafe&AwE-\r\n");

    let pattern = |text: &str| plain(|line| _ = line.pattern(text));
    assert_eq!(pattern("*"), r"*\r\n");
    assert_eq!(pattern("Entwürfe/%"), r"Entw&APw-rfe/%\r\n");
    assert_eq!(pattern("a b*"), r#"\"a b*\"\r\n"#);
    assert_eq!(pattern(""), r#"\"\"\r\n"#);
    assert_eq!(utf8(|line| _ = line.pattern("ü*")), "\"ü*\"\r\n");
}

#[test]
fn refuses_arguments_without_a_form() {
    assert_eq!(error(|line| _ = line.atom("")), EncodeError::Empty { what: "an atom" });
    assert_eq!(error(|line| _ = line.atom("ab c")), byte_error("an atom", b' ', 2));
    assert_eq!(error(|line| _ = line.atom("a]")), byte_error("an atom", b']', 1));
    assert_eq!(error(|line| _ = line.text("a\r\nb")), byte_error("the text of a command", b'\r', 1));
    assert_eq!(error(|line| _ = line.text("é")), byte_error("the text of a command", 0xc3, 0));
    assert_eq!(error(|line| _ = line.quoted("a\nb")), byte_error("a quoted string", b'\n', 1));
    assert_eq!(error(|line| _ = line.quoted("é")), byte_error("a quoted string", 0xc3, 0));
    assert_eq!(error(|line| _ = line.astring("a\0")), byte_error("a string", 0, 1));
    assert_eq!(error(|line| _ = line.literal("ab\0")), byte_error("a literal", 0, 2));
    assert_eq!(error(|line| _ = line.flag(&Flag::new("a b"))), byte_error("a flag", b' ', 1));
    assert_eq!(error(|line| _ = line.flag(&Flag::new("\\a(b"))), byte_error("a flag", b'(', 2));
    assert_eq!(error(|line| _ = line.flag(&Flag::new("\\"))), EncodeError::Empty { what: "a flag" });
    let flag = |flag| matches!(error(|line| _ = line.flag(&flag)), EncodeError::Flag { .. });
    assert!(flag(Flag::Recent) && flag(Flag::Wildcard));
    assert_eq!(error(|line| _ = line.set(&UidSet::new())), EncodeError::Empty { what: "a set of messages" });
    assert_eq!(error(|line| _ = line.secret(b"pw\0")), EncodeError::SecretByte { position: 2 });
    assert_eq!(error(|line| _ = line.secret_atom(b"a b")), EncodeError::SecretByte { position: 1 });
    let wire = MailboxName::with_wire("x", b"x\0");
    assert_eq!(error(|line| _ = line.mailbox(&wire)), byte_error("a mailbox name", 0, 1));
    assert_eq!(
        byte_error("a string", 0, 3).to_string(),
        "a string can't hold the byte 0x00, which is at position 3 (from 0)"
    );
}

#[test]
fn the_first_error_is_kept_and_nothing_is_sent() {
    let first = error(|line| _ = line.atom("a b").space().atom("").literal("x").secret(b"\0").number(1));
    assert_eq!(first, byte_error("an atom", b' ', 1));
}

#[test]
fn no_line_ends_like_an_announcement() {
    for text in ["NOOP {5}", "NOOP {5+}", "NOOP ~{12}", "{}", "X {5-}", "X {5} ", "X {0005}\t", "X { 5 }"] {
        assert_eq!(error(|line| _ = line.text(text)), EncodeError::Announcement, "{text}");
    }
    // However the line was put together.
    assert_eq!(error(|line| _ = line.text("{").number(5).text("}")), EncodeError::Announcement);
    assert_eq!(error(|line| _ = line.text("{").secret_atom(b"5").text("}")), EncodeError::Announcement);
    assert_eq!(error(|line| _ = line.text("{").secret_atom(b"5}")), EncodeError::Announcement);
    assert_eq!(error(|line| _ = line.literal("x").text(" {5}")), EncodeError::Announcement);
    for text in ["X {a}", "X 5}", "X {5}x", "}"] {
        assert_eq!(plain(|line| _ = line.text(text)), format!("{text}\\r\\n"));
    }
}

#[test]
fn secrets_do_not_show() {
    for secret in ["hunter22", "hunter22\r\n", "hunter22é", &"hunter22".repeat(200)] {
        let mut line = Encoder::new(options(LiteralMode::Minus, false));
        line.text("A1 LOGIN ").astring("alice").space().secret(secret.as_bytes());
        assert!(!format!("{line:?}").contains("hunter"), "{line:?}");
        let fragments = line.finish().unwrap();
        assert!(!format!("{fragments:?}").contains("hunter"), "{fragments:?}");
        assert!(format!("{fragments:?}").contains("A1 LOGIN alice "), "{fragments:?}");
        assert!(joined(&fragments).escape_ascii().to_string().contains("hunter22"));
        let in_text = |f: &Fragment| matches!(f, Fragment::Text(t) if t.windows(6).any(|w| w == b"hunter"));
        assert!(!fragments.iter().any(in_text), "only in what is wiped");
    }
    assert_eq!(plain(|line| _ = line.secret(b"p")), r#"\"p\"\r\n"#);
    assert_eq!(plain(|line| _ = line.secret(b"")), r#"\"\"\r\n"#);
    assert_eq!(plain(|line| _ = line.secret_atom(b"AGE=")), r"AGE=\r\n");
    assert_eq!(plain(|line| _ = line.secret_atom(b"")), r"\r\n");
}

/// Reads one command as a server does, by the grammar: its arguments, and the bytes after its end.
/// Arguments are separated by one space; a flag's backslash and list wildcards count as atom
/// characters.
fn read(mut bytes: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let mut arguments = vec![];
    loop {
        let (argument, rest) = match bytes {
            [b'"', ..] => {
                let (mut argument, mut at) = (vec![], 1);
                while bytes[at] != b'"' {
                    at += usize::from(bytes[at] == b'\\');
                    assert!(!matches!(bytes[at], 0 | b'\r' | b'\n'), "in a quoted string");
                    argument.push(bytes[at]);
                    at += 1;
                }
                (argument, &bytes[at + 1..])
            }
            [b'{', ..] | [b'~', b'{', ..] => {
                let open = bytes.iter().position(|&b| b == b'{').unwrap();
                let close = bytes.iter().position(|&b| b == b'}').unwrap();
                let digits = std::str::from_utf8(&bytes[open + 1..close]).unwrap().trim_end_matches('+');
                let length: usize = digits.parse().unwrap();
                assert_eq!(&bytes[close + 1..close + 3], b"\r\n");
                let (argument, rest) = bytes[close + 3..].split_at(length);
                (argument.to_vec(), rest)
            }
            _ => {
                let end = bytes.iter().position(|b| matches!(b, b' ' | b'\r' | b'\n')).unwrap();
                let atom = &bytes[..end];
                assert!(!atom.is_empty(), "an argument is missing");
                assert!(
                    atom.iter().all(|&b| (0x21..0x7f).contains(&b) && !b"(){\"".contains(&b)),
                    "{atom:?}"
                );
                (atom.to_vec(), &bytes[end..])
            }
        };
        arguments.push(argument);
        match rest {
            [b' ', rest @ ..] => bytes = rest,
            [b'\r', b'\n', rest @ ..] => return (arguments, rest),
            _ => panic!("neither a space nor the line's end: {}", rest.escape_ascii()),
        }
    }
}

/// A kind of argument: its name, how it is written, and what the server should then read.
type Kind = (&'static str, fn(&mut Encoder, &[u8]), fn(&[u8], bool) -> Vec<u8>);

fn text_of(bytes: &[u8]) -> String {
    // Each byte as the character of that number, for the kinds that take `str`.
    bytes.iter().map(|&b| char::from(b)).collect()
}

fn in_utf8(bytes: &[u8], _: bool) -> Vec<u8> {
    text_of(bytes).into_bytes()
}

fn as_it_is(bytes: &[u8], _: bool) -> Vec<u8> {
    bytes.to_vec()
}

fn as_name(bytes: &[u8], utf8: bool) -> Vec<u8> {
    if utf8 { in_utf8(bytes, true) } else { utf7::encode(&text_of(bytes)) }
}

const KINDS: [Kind; 14] = [
    ("text", |line, arg| _ = line.text(&text_of(arg)), in_utf8),
    ("atom", |line, arg| _ = line.atom(&text_of(arg)), in_utf8),
    ("flag", |line, arg| _ = line.flag(&Flag::new(&text_of(arg))), in_utf8),
    ("quoted", |line, arg| _ = line.quoted(arg), as_it_is),
    ("astring", |line, arg| _ = line.astring(arg), as_it_is),
    ("string", |line, arg| _ = line.string(arg), as_it_is),
    ("nstring", |line, arg| _ = line.nstring(Some(arg)), as_it_is),
    ("literal", |line, arg| _ = line.literal(arg.to_vec()), as_it_is),
    ("literal8", |line, arg| _ = line.literal8(arg.to_vec()), as_it_is),
    ("mailbox", |line, arg| _ = line.mailbox(&text_of(arg).into()), as_name),
    ("wire name", |line, arg| _ = line.mailbox(&MailboxName::with_wire("x", arg)), as_it_is),
    ("pattern", |line, arg| _ = line.pattern(&text_of(arg)), as_name),
    ("secret", |line, arg| _ = line.secret(arg), as_it_is),
    ("secret atom", |line, arg| _ = line.secret_atom(arg), as_it_is),
];

/// Whether an argument of this kind, with this byte somewhere in it, has a form at all (section 9).
fn has_form(kind: &str, byte: u8, utf8: bool) -> bool {
    let atom = byte > 0x20 && byte < 0x7f && !b"(){%*\"\\]".contains(&byte);
    match kind {
        "literal8" => true,
        "mailbox" | "pattern" => byte != 0 || !utf8,
        "atom" | "secret atom" => atom,
        "flag" => atom || byte == b']',
        "text" => !matches!(byte, 0 | b'\r' | b'\n') && (byte < 0x80 || utf8),
        "quoted" => !matches!(byte, 0 | b'\r' | b'\n') && byte < 0x80,
        _ => byte != 0,
    }
}

#[test]
fn every_byte_in_every_kind_of_argument_is_one_command_with_it_intact() {
    for byte in 0..=u8::MAX {
        let arguments = [vec![byte], vec![b'a', byte], vec![byte, b'a'], vec![b'a', byte, byte, b'"', byte]];
        for (kind, write, expected) in &KINDS {
            for (mode, utf8) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
                for (i, argument) in arguments.iter().enumerate() {
                    let sent = encode(options(mode, utf8), |line| {
                        line.atom("A1").space();
                        write(line, argument);
                        line.space().atom("END");
                    });
                    let case = format!("{kind} {:?} {mode:?} {utf8}", text_of(argument));
                    let quote_fits = i < 3 || has_form(kind, b'"', utf8);
                    // A lone backslash begins a flag that has no name; before a name it is a flag's
                    // own.
                    let backslash = *kind == "flag" && argument[..] == *b"\\a";
                    if !(has_form(kind, byte, utf8) && quote_fits || backslash) {
                        let error = sent.expect_err(&case);
                        assert!(!matches!(error, EncodeError::Announcement), "{case}: {error}");
                        continue;
                    }
                    let sent = joined(&sent.expect(&case));
                    // Raw text is the caller's own syntax: it is one line, but not one argument.
                    if *kind == "text" {
                        let ends = sent.iter().filter(|b| matches!(b, b'\r' | b'\n')).count();
                        assert!(ends == 2 && sent.ends_with(b" END\r\n"), "{case}");
                        continue;
                    }
                    let (read, rest) = read(&sent);
                    assert_eq!(read, [b"A1".to_vec(), expected(argument, utf8), b"END".to_vec()], "{case}");
                    assert!(rest.is_empty(), "{case}: a second command");
                }
            }
        }
    }
}

#[test]
fn nothing_smuggles_a_second_command() {
    for evil in [
        "x\r\nA2 DELETE INBOX\r\n",
        "x\nA2 DELETE INBOX",
        "\" \r\nA2 DELETE INBOX",
        "x\" {12}\r\nA2 DELETE \"",
        "x\\\"\r\nA2 NOOP",
        "{3}\r\nabc\r\nA2 NOOP",
        "{100}",
        "\\",
        "NIL",
        "",
    ] {
        for (kind, write, expected) in &KINDS {
            for (mode, utf8) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
                // As the last argument, where an announcement would take effect.
                let sent = encode(options(mode, utf8), |line| {
                    line.atom("A1").space();
                    write(line, evil.as_bytes());
                });
                let Ok(fragments) = sent else {
                    let refused = ["text", "atom", "flag", "quoted", "secret atom"];
                    assert!(refused.contains(kind), "{kind} {evil:?}");
                    continue;
                };
                let text = |f: &&Fragment| !matches!(f, Fragment::Literal { .. });
                let literals = fragments.len() - fragments.iter().filter(text).count();
                let ends = fragments.iter().filter(text).flat_map(|f| f.as_bytes());
                let ends = ends.filter(|b| matches!(b, b'\r' | b'\n')).count();
                assert_eq!(ends, 2 * (literals + 1), "{kind} {evil:?}");
                if ["text", "secret atom"].contains(kind) {
                    continue;
                }
                let sent = joined(&fragments);
                let (read, rest) = read(&sent);
                assert_eq!(read, [b"A1".to_vec(), expected(evil.as_bytes(), utf8)], "{kind} {evil:?}");
                assert!(rest.is_empty(), "{kind} {evil:?}");
            }
        }
    }
}
