//! Examples of the RFCs, and lines that a strict server must refuse.

use super::super::{
    AppendMessage, Change, Command, End, FetchItem, Numbers, Part, Request, Returned, SearchKey, SortBy,
    SortKey, Value,
};
use super::{read, request};
use crate::types::{Date, Flag, Flags, Section};

fn ranges(ranges: &[(u32, u32)]) -> Numbers {
    Numbers::Ranges(ranges.iter().map(|&(a, b)| (End::Number(a), End::Number(b))).collect())
}

fn command(text: &str) -> Command {
    read(text).unwrap_or_else(|error| panic!("{text}: {error}")).command
}

fn word(text: &str) -> Value {
    Value::Word(text.into())
}

#[test]
fn session_commands() {
    assert_eq!(
        read("a001 CAPABILITY"),
        Ok(Request { tag: "a001".into(), command: Command::Plain("CAPABILITY") })
    );
    assert_eq!(
        command("a lOgIn SMITH \"SES\\\"AME\""),
        Command::Login { user: "SMITH".into(), password: "SES\"AME".into() }
    );
    // RFC 4959 section 3, and its empty initial response.
    let initial = |text| match command(text) {
        Command::Authenticate { mechanism, initial } => (mechanism, initial),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        initial("C01 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q="),
        ("PLAIN".into(), Some(b"test\0test\0test".to_vec()))
    );
    assert_eq!(initial("C01 AUTHENTICATE EXTERNAL ="), ("EXTERNAL".into(), Some(Vec::new())));
    assert_eq!(initial("C01 AUTHENTICATE GSSAPI"), ("GSSAPI".into(), None));
    assert_eq!(
        command("t2 enable condstore x-good-idea"),
        Command::Enable(vec!["CONDSTORE".into(), "X-GOOD-IDEA".into()])
    );
    assert_eq!(command("a023 ID NIL"), Command::Id(Vec::new()));
    assert_eq!(
        command("a023 ID (\"name\" \"sodr\" \"version\" NIL)"),
        Command::Id(vec![("name".into(), Some("sodr".into())), ("version".into(), None)])
    );
}

/// RFC 5256 section 3 and RFC 5267 section 3.
/// RFC 7377 section 3.
#[test]
fn searches_of_several_mailboxes() {
    let of = |text: &str| match command(text) {
        Command::SearchIn(search) => search,
        other => panic!("{other:?}"),
    };
    let read = of("tag1 ESEARCH IN (mailboxes \"folder1\" subtree \"folder2\") unseen");
    let scope = [("MAILBOXES", vec!["folder1".into()]), ("SUBTREE", vec!["folder2".into()])];
    assert_eq!((&read.scope[..], &read.search.keys[..]), (&scope[..], &[SearchKey::Word("UNSEEN")][..]));
    assert!(read.search.uid && read.search.returned.is_none());
    let read = of(
        "tag2 ESEARCH IN (subtree-one (a \"b c\") personal) RETURN (COUNT) CHARSET UTF-8 subject \"chad\"",
    );
    assert_eq!(read.scope[0], ("SUBTREE-ONE", vec!["a".into(), "b c".into()]));
    assert_eq!(read.scope[1], ("PERSONAL", Vec::new()));
    assert_eq!(read.search.returned.map(|options| options.len()), Some(1));
    assert_eq!(of("tag3 ESEARCH ALL").scope, [("SELECTED", Vec::new())]);
    for text in [
        "a ESEARCH",
        "a ESEARCH IN () ALL",
        "a ESEARCH IN (mailboxes) ALL",
        "a ESEARCH IN (selected-delayed) ALL",
        "a ESEARCH IN (personal)",
    ] {
        assert!(super::super::request(text.as_bytes(), false).is_err(), "{text}");
    }
}

#[test]
fn sort_commands() {
    let sort = |text| match command(text) {
        Command::Sort(sort) => sort,
        other => panic!("{other:?}"),
    };
    let key = |by, reverse| SortKey { by, reverse };
    let sort_command = sort("A283 SORT (SUBJECT REVERSE DATE) UTF-8 ALL");
    assert_eq!(sort_command.criteria, [key(SortBy::Subject, false), key(SortBy::Date, true)]);
    assert_eq!(
        (sort_command.uid, sort_command.charset.as_str(), sort_command.returned),
        (false, "UTF-8", None)
    );
    assert_eq!(sort_command.keys, [SearchKey::Word("ALL")]);
    let sort_command = sort("A02 UID SORT RETURN (COUNT) (reverse displayfrom) \"us-ascii\" SEEN TEXT x");
    assert_eq!(sort_command.criteria, [key(SortBy::DisplayFrom, true)]);
    assert!(sort_command.uid && sort_command.charset == "us-ascii" && sort_command.keys.len() == 2);
    assert_eq!(sort_command.returned, Some(vec![Returned { name: "COUNT".into(), argument: None }]));
    for text in [
        "a SORT (SUBJECT) ALL",
        "a SORT () UTF-8 ALL",
        "a SORT (SUBJECT) UTF-8",
        "a SORT (REVERSE) UTF-8 ALL",
        "a SORT (COLOUR) UTF-8 ALL",
        "a SORT SUBJECT UTF-8 ALL",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn mailbox_commands() {
    // RFC 7162 section 3.2.5.1.
    let Command::Select(select) = command("A02 SELECT INBOX (QRESYNC (67890007 20050715194045000 41:211))")
    else {
        panic!()
    };
    let list = vec![word("67890007"), word("20050715194045000"), word("41:211")];
    assert_eq!(select.params, [word("QRESYNC"), Value::List(list)]);
    assert!(select.mailbox.is_inbox() && !select.read_only);
    assert_eq!(
        command("A RENAME blurdybloop sarasoop"),
        Command::Rename { from: "blurdybloop".into(), to: "sarasoop".into() }
    );
    assert_eq!(command("A DELETE \"&U,BTFw-\""), Command::Delete("台北".into()), "RFC 3501 section 5.1.3");
    let utf8 = |text: &str| request(text.as_bytes(), true).map(|read| read.command);
    assert_eq!(utf8("A DELETE \"台北\""), Ok(Command::Delete("台北".into())), "RFC 9051 section 5.1");
    assert_eq!(utf8("A DELETE &U,BTFw-"), Ok(Command::Delete("&U,BTFw-".into())));
    assert!(read("A DELETE \"台北\"").is_err() && read("A DELETE {2}\r\né").is_err());
    for wrong in ["&Jjo!", "&", "&AGE-", "&U,BTFw"] {
        assert!(read(&format!("A DELETE {wrong}")).is_err(), "{wrong} is no modified UTF-7");
    }
    // RFC 5258 section 5, RFC 5819 section 2.
    let Command::List(list) = command(
        "A03 LIST (SUBSCRIBED REMOTE) \"\" (INBOX % \"a*\") RETURN (CHILDREN STATUS (MESSAGES UNSEEN))",
    ) else {
        panic!()
    };
    assert_eq!((list.select, list.lsub), (vec![word("SUBSCRIBED"), word("REMOTE")], false));
    assert_eq!(list.patterns, ["INBOX".into(), "%".into(), "a*".into()]);
    let of_status = Value::List(vec![word("MESSAGES"), word("UNSEEN")]);
    assert_eq!(list.returned, [word("CHILDREN"), word("STATUS"), of_status]);
    assert_eq!(
        command("A STATUS blurdybloop (UIDNEXT MESSAGES)"),
        Command::Status { mailbox: "blurdybloop".into(), items: vec!["UIDNEXT".into(), "MESSAGES".into()] }
    );
    assert_eq!(
        command("a GETMETADATA (DEPTH 1) INBOX (/shared/comment)"),
        Command::Other {
            name: "GETMETADATA".into(),
            arguments: vec![
                Value::List(vec![word("DEPTH"), word("1")]),
                word("INBOX"),
                Value::List(vec![word("/shared/comment")])
            ]
        }
    );
}

#[test]
fn appends() {
    // RFC 3502 section 6.3.11 has the shape, RFC 3516 the literal8.
    let text = "A APPEND saved (\\Seen) \" 7-Feb-1994 21:52:25 -0800\" {3}\r\na\r\n (\\Flagged $x) {0+}\r\n ~{1}\r\n\0";
    let Command::Append { mailbox, messages } = command(text) else { panic!() };
    assert_eq!(mailbox, "saved".into());
    let keyword = Flags::from([Flag::Flagged, Flag::new("$x")]);
    assert_eq!(
        messages,
        [
            AppendMessage {
                flags: Flag::Seen.into(),
                date: "7-Feb-1994 21:52:25 -0800".parse().ok(),
                data: "a\r\n".into(),
                binary: false,
                utf8: false,
                pieces: Vec::new(),
                annotations: Vec::new(),
            },
            AppendMessage {
                flags: keyword,
                date: None,
                data: "".into(),
                binary: false,
                utf8: false,
                pieces: Vec::new(),
                annotations: Vec::new(),
            },
            AppendMessage {
                flags: Flags::new(),
                date: None,
                data: "\0".into(),
                binary: true,
                utf8: false,
                pieces: Vec::new(),
                annotations: Vec::new(),
            },
        ]
    );
}

#[test]
fn appends_with_utf8() {
    // RFC 6855 section 4.
    let Command::Append { messages, .. } = command("A APPEND saved (\\Seen) UTF8 (~{3}\r\na\r\n)") else {
        panic!()
    };
    let utf8 = AppendMessage {
        flags: Flag::Seen.into(),
        date: None,
        data: "a\r\n".into(),
        binary: false,
        utf8: true,
        pieces: Vec::new(),
        annotations: Vec::new(),
    };
    assert_eq!(messages, [utf8]);
    for text in ["A APPEND saved UTF8 ({1}\r\na)", "A APPEND saved UTF8 (~{1}\r\na", "A APPEND saved UTF8 ()"]
    {
        assert!(read(text).is_err(), "{text}");
    }
}

/// RFC 4469 appendix A, RFC 6855 section 4.
#[test]
fn appends_put_together() {
    use super::super::CatenatePiece::{Text, Url, Utf8};
    let header = "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER";
    let text = format!(
        "A003 APPEND Drafts (\\Seen) CATENATE (URL \"{header}\" TEXT {{4}}\r\n\r\n-- \
         URL /Drafts/;UID=2 UTF8 (~{{2}}\r\n\u{e4}))"
    );
    let Command::Append { messages, .. } = command(&text) else { panic!("{text}") };
    let [AppendMessage { flags, data, pieces, .. }] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((flags, data.len()), (&Flags::from(Flag::Seen), 0));
    let parts =
        [Url(header.into()), Text("\r\n--".into()), Url("/Drafts/;UID=2".into()), Utf8("\u{e4}".into())];
    assert_eq!(pieces[..], parts);
    let Command::Append { messages, .. } = command("A APPEND x CATENATE (TEXT ~{2}\r\na\0)") else {
        panic!()
    };
    assert!(messages[0].binary && messages[0].pieces == [Text("a\0".into())]);
    for text in [
        "A APPEND x CATENATE ()",
        "A APPEND x CATENATE (TEXT a)",
        "A APPEND x CATENATE (URL)",
        "A APPEND x CATENATE (URL a TEXT {1}\r\na",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn message_commands() {
    let Command::Fetch(fetch) = command(
        "A UID FETCH 2:4,* (FLAGS BODY[1.2.HEADER.FIELDS (DATE \"x]\")]<0.2048> BINARY.SIZE[1] PREVIEW (LAZY)) (CHANGEDSINCE 5 VANISHED)",
    ) else {
        panic!()
    };
    assert!(fetch.uid);
    let part = crate::types::Part::new(1).child(2);
    let section = |name: &str, section, part| FetchItem::Section { name: name.into(), section, part };
    assert_eq!(
        fetch.items,
        [
            FetchItem::Name("FLAGS".into()),
            section(
                "BODY",
                Section::header_fields(["DATE", "x]"]).of(part),
                Some(Part { origin: 0, length: 2048 })
            ),
            section("BINARY.SIZE", Section::Part(crate::types::Part::new(1)), None),
            FetchItem::List("PREVIEW".into(), vec![word("LAZY")]),
        ]
    );
    assert_eq!(fetch.modifiers, [word("CHANGEDSINCE"), word("5"), word("VANISHED")]);
    let Command::Fetch(fetch) = command("A FETCH $ full") else { panic!() };
    assert_eq!((fetch.items.len(), fetch.which), (5, Numbers::Saved));

    let Command::Store(store) = command("a STORE 7,5,9 (UNCHANGEDSINCE 320162338) +FLAGS.SILENT (\\Deleted)")
    else {
        panic!()
    };
    assert_eq!((store.unchanged_since, store.change, store.silent), (Some(320_162_338), Change::Add, true));
    assert_eq!((store.which, store.flags), (ranges(&[(7, 7), (5, 5), (9, 9)]), Flag::Deleted.into()));
    let Command::Store(store) = command("a UID STORE * -flags \\Seen a") else { panic!() };
    assert_eq!((store.change, store.flags.len(), store.silent), (Change::Remove, 2, false));
    assert_eq!(command("a UID EXPUNGE 3000:3002"), Command::UidExpunge(ranges(&[(3000, 3002)])));
    assert_eq!(
        command("a UID MOVE 42 foo"),
        Command::Copy { uid: true, moving: true, which: ranges(&[(42, 42)]), to: "foo".into() }
    );
}

#[test]
fn searches() {
    let search = |text: &str| match command(text) {
        Command::Search(search) => search,
        other => panic!("{other:?}"),
    };
    // RFC 9051 section 6.4.4, RFC 9394 section 3.1.
    let read = search(
        "A284 UID SEARCH RETURN (MIN SAVE PARTIAL -1:-100) CHARSET UTF-8 FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
    );
    let names: Vec<_> =
        read.returned.unwrap().into_iter().map(|Returned { name, argument }| (name, argument)).collect();
    assert_eq!(
        names,
        [("MIN".into(), None), ("SAVE".into(), None), ("PARTIAL".into(), Some(word("-1:-100")))]
    );
    assert_eq!(read.charset.as_deref(), Some("UTF-8"));
    assert_eq!(
        read.keys,
        [
            SearchKey::Word("FLAGGED"),
            SearchKey::Date("SINCE", Date::new(1994, 2, 1).unwrap()),
            SearchKey::Not(Box::new(SearchKey::Text("FROM", "Smith".into()))),
        ]
    );
    let read = search(
        "a SEARCH RETURN () OR (1:3 KEYWORD $x) HEADER X-a {2}\r\nb\n MODSEQ \"/flags/\\\\draft\" all 620162338",
    );
    let and =
        SearchKey::And(vec![SearchKey::Seqs(ranges(&[(1, 3)])), SearchKey::Keyword("KEYWORD", "$x".into())]);
    let header = SearchKey::Header("X-a".into(), "b\n".into());
    let of = Some(("/flags/\\draft".into(), "ALL".into()));
    assert_eq!(read.keys, [SearchKey::Or(Box::new((and, header))), SearchKey::ModSeq(of, 620_162_338)]);
    assert_eq!(read.returned, Some(Vec::new()));
    assert_eq!(search("a UID SEARCH UID $ LARGER 5").keys.len(), 2);
}

#[test]
fn malformed_commands_are_refused() {
    for bad in [
        "",
        " NOOP",
        "+ NOOP",
        "a",
        "a ",
        "a NOOP ",
        "a  NOOP",
        "a NOOP x",
        "a NOOP\r",
        "a NOOP\rb NOOP",
        "a NOOP\nb NOOP",
        "a LOGIN x",
        "a LOGIN \"x y",
        "a LOGIN \"\\x\" y",
        "a LOGIN {3}\r\nab",
        "a LOGIN {1}\r\n\0 x",
        "a LOGIN x%y z",
        "a AUTHENTICATE PLAIN ",
        "a AUTHENTICATE PLAIN a",
        "a ENABLE",
        "a ID (\"x\")",
        "a ID x",
        "a SELECT",
        "a SELECT x ()",
        "a SELECT a b",
        "a LIST \"\"",
        "a LSUB (A) \"\" x",
        "a STATUS x ()",
        "a APPEND x",
        "a APPEND x \"\"",
        "a APPEND x (\\Recent) {0}\r\n",
        "a APPEND x (\\*) {0}\r\n",
        "a APPEND x \"31-Feb-2020 00:00:00 +0000\" {0}\r\n",
        "a APPEND x \"1-Feb-2020 00:00:00 +0000\" {0}\r\n",
        "a FETCH 0 FLAGS",
        "a FETCH 1: FLAGS",
        "a FETCH 1,, FLAGS",
        "a FETCH x FLAGS",
        "a FETCH 4294967296 FLAGS",
        "a FETCH 1 ()",
        "a FETCH 1 (FLAGS",
        "a FETCH 1 BODY[",
        "a FETCH 1 BODY[MIME]",
        "a FETCH 1 BODY[0]",
        "a FETCH 1 BODY[1.]",
        "a FETCH 1 BODY[]<0.0>",
        "a FETCH 1 BODY[]<0>",
        "a FETCH 1 BODY[HEADER.FIELDS ()]",
        "a FETCH 1 BINARY[TEXT]",
        "a FETCH 1 BINARY.SIZE[1]<0.1>",
        "a FETCH 1 FLAGS[1]",
        "a STORE 1 FLAGS",
        "a STORE 1 +FLAGS ()x",
        "a COPY 1",
        "a UID EXPUNGE",
        "a SEARCH",
        "a SEARCH ()",
        "a SEARCH FOO",
        "a SEARCH KEYWORD \\Seen",
        "a SEARCH SINCE 31-Feb-1994",
        "a SEARCH OR ALL",
        "a SEARCH RETURN ALL",
        "a SEARCH LARGER -1",
        "a X (",
        "a X \"",
        "a UID",
    ] {
        assert!(read(bad).is_err(), "{bad:?}: {:?}", read(bad));
    }
    assert_eq!(read("a1 LOGIN x").unwrap_err().tag.as_deref(), Some("a1"));
    assert_eq!(read("a1 NOOP x").unwrap_err().to_string(), "the end of the command was expected at byte 7");
}

#[test]
fn nothing_deep_or_garbled_hurts() {
    for deep in ["a X ", "a SEARCH ", "a SEARCH NOT ", "a LIST "] {
        for unit in ["(", "NOT ", "OR "] {
            assert!(read(&format!("{deep}{}", unit.repeat(100_000))).is_err());
        }
    }
    let text = b"a UID SEARCH RETURN (ALL) OR (1:3 KEYWORD $x) HEADER X-a {2}\r\nb\n TEXT \"\\\"\"";
    for cut in 0..text.len() {
        for byte in [0, b'(', b'"', b'{', b' ', b'9', 0xff] {
            let mut garbled = text.to_vec();
            garbled[cut] = byte;
            let _ = (request(&garbled, true), request(&garbled[..cut], false));
        }
    }
}
