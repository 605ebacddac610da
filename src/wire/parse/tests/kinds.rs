//! Kinds of deviations known from public bug reports, beyond the lines of the reports
//! (`tests/replay/cases.rs`).

use std::time::Duration;

use super::quirks::{structure, unparsable};
use super::*;
use crate::cost;
use crate::types::{Code, ModSeq, Section, Uid};

#[test]
fn any_item_of_a_row_may_stand_in_parentheses() {
    for text in [
        "(UID 7) (FLAGS (\\Seen)) (MODSEQ (5)) (RFC822.SIZE 9)",
        "((UID 7 FLAGS (\\Seen))) MODSEQ (5) (RFC822.SIZE 9)",
        "(FLAGS (\\Seen))(UID 7) ( RFC822.SIZE 9 ) (X-ODD (a)) (MODSEQ (5) BODY[] \"x\")",
    ] {
        let row = items(text);
        assert_eq!((row.uid(), row.mod_seq(), row.size()), (Uid::new(7), ModSeq::new(5), Some(9)), "{text}");
        assert!(row.flags().unwrap().is_seen(), "{text}");
    }
    unparsable("* 1 FETCH (UID 7 (FLAGS (\\Seen))", Some("FETCH"));
}

#[test]
fn a_row_may_end_after_its_body() {
    let row = fetch("* 1 FETCH (BODY[] {3}\r\nabc) UID 7");
    assert_eq!((row.uid(), &row.body().unwrap()[..]), (Uid::new(7), &b"abc"[..]));
    let row = fetch("* 1 FETCH (UID 7 BODY[] {3}\r\nabc) , garbage");
    assert_eq!(
        (&row.body().unwrap()[..], &row.other().next().unwrap().1[..]),
        (&b"abc"[..], &b", garbage"[..])
    );
    assert_eq!(fetch("* 1 FETCH (UID 7 BODY[] {3}\r\nabc").body().unwrap(), "abc");
    // The literal may have been announced one byte too long.
    unparsable("* 1 FETCH (UID 7 BODY[] {4}\r\nabc)", Some("FETCH"));
    unparsable("* 1 FETCH (UID 7) garbage", Some("FETCH"));
    for (name, section) in [
        ("RFC822[]", Section::Full),
        ("RFC822.PEEK", Section::Full),
        ("RFC822[HEADER]", Section::Header),
        ("RFC822.HEADER[]", Section::Header),
        ("RFC822.TEXT[]", Section::Text),
    ] {
        assert_eq!(items(&format!("{name} {{3}}\r\nabc")).section(&section).unwrap(), "abc", "{name}");
    }
}

#[test]
fn parts_of_one_word_at_any_place() {
    let text = "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1)";
    for part in [
        "(\"ALTERNATIVE\")",
        "(\"ALTERNATIVE\" NIL)",
        "(\"ALTERNATIVE\" (\"BOUNDARY\" \"b\"))",
        "(\"ALTERNATIVE\" NIL NIL NIL \"loc\")",
    ] {
        let body = structure(&format!("({part}{text} \"mixed\")"));
        let parts: Vec<_> = body.root().children().collect();
        assert!(parts[0].is("multipart", "alternative") && parts[1].is("text", "plain"), "{part}");
        let body = structure(&format!("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 9 NIL {part} 1)"));
        assert!(body.root().body().unwrap().is("multipart", "alternative"), "{part}");
    }
    for part in
        ["(\"IMAGE\" NIL NIL NIL \"base64\" 356)", "(\"X-ZIP\" (\"a\" \"b\") NIL NIL \"base64\" 356 NIL)"]
    {
        let body = structure(&format!("({text}{part} \"mixed\")"));
        let part = body.root().children().nth(1).unwrap();
        assert_eq!((part.size(), part.encoding().as_deref()), (Some(356), Some("base64")));
        assert!(!part.is_multipart());
    }
    assert!(!structure("(\"TEXT\")").root().is_multipart());
    assert_eq!(structure("(\"TEXT\" NIL NIL NIL NIL \"7bit\" 5 1)").root().size(), Some(5));
}

#[test]
fn a_message_without_an_envelope_has_a_body() {
    for body in [
        "(\"text\" \"plain\" (\"charset\" \"x\") NIL NIL \"7bit\" 5 1)",
        "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1 NIL (\"inline\" NIL) NIL NIL)",
        "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1) \"mixed\")",
        "(\"APPLICATION\" NIL NIL NIL \"base64\" 356)",
    ] {
        for lines in ["NIL", "3"] {
            let text = format!(
                "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 190153 NIL {body} {lines} NIL (\"INLINE\" NIL) NIL)"
            );
            let body = structure(&text);
            let part = body.root();
            assert!(part.envelope().is_none() && part.body().is_some(), "{text}");
            assert_eq!(part.disposition().unwrap().kind(), "INLINE", "{text}");
        }
    }
    let whole = structure(
        "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 9 NIL (\"attachment\" (\"filename\" \"x\")) NIL)",
    );
    assert!(whole.root().body().is_none() && whole.root().disposition().unwrap().is_attachment());
}

#[test]
fn malformed_uids_are_unknown() {
    for (code, pairs) in [
        ("COPYUID 5 1:5 100:*", 0),
        ("COPYUID 5 1:* 100:105", 0),
        ("COPYUID 5 1:5 *", 0),
        ("COPYUID 5 1 0", 0),
        ("COPYUID 5 a b", 0),
        ("COPYUID 5 1:5 100:103", 0),
        ("COPYUID 5 1:2", 0),
        ("COPYUID 5 1:2 8:9", 2),
    ] {
        let Some(Code::CopyUid(copied)) = status(format!("* OK [{code}] done")).code else {
            panic!("{code}")
        };
        assert_eq!(copied.pairs().count(), pairs, "{code}");
    }
    for code in ["APPENDUID 5 *", "APPENDUID 5 7:*", "APPENDUID 5 0", "APPENDUID 5 x"] {
        let Some(Code::AppendUid { uids, .. }) = status(format!("* OK [{code}] done")).code else {
            panic!("{code}")
        };
        assert!(uids.is_empty(), "{code}");
    }
}

#[test]
fn a_bare_name_is_the_same_in_every_response() {
    const NAME: &str = "lists/Harbour(N)B";
    for text in [
        "* LIST () \"/\" NAME",
        "* LSUB () \"/\" NAME",
        "* XLIST () \"/\" NAME",
        "* LIST () \"/\" \"x\" (\"OLDNAME\" (NAME))",
        "* STATUS NAME (MESSAGES 1)",
        "* QUOTAROOT NAME \"\"",
        "* QUOTAROOT NAME",
        "* ACL NAME ann lrs",
        "* MYRIGHTS NAME lrs",
        "* LISTRIGHTS NAME ann la r",
        "* METADATA NAME (/a/b \"c\")",
        "* METADATA NAME /a/b",
        "* ESEARCH (TAG \"a\" MAILBOX NAME UIDVALIDITY 5) UID ALL 1",
        "* ESEARCH (TAG \"a\" MAILBOX NAME) UID ALL 1",
        "* NAMESPACE ((NAME \"/\")) NIL NIL",
    ] {
        let read = format!(
            "{:?}",
            answer(
                text.replace("NAME", NAME)
                    .replace("OLDlists/Harbour(N)B", "OLDNAME")
                    .replace("lists/Harbour(N)BSPACE", "NAMESPACE")
            )
        );
        assert!(read.contains(&format!("{NAME:?}")), "{text}: {read}");
    }
    for text in ["* QUOTAROOT Old Mail \"\"", "* MYRIGHTS Old Mail lrs", "* METADATA Old Mail (/a NIL)"] {
        assert!(format!("{:?}", answer(text)).contains("\"Old Mail\""), "{text}");
    }
    // A string cannot be part of such a name.
    for text in
        ["* QUOTAROOT INBOX ~{3}\r\na b \"\"", "* MYRIGHTS INBOX \"l r\"", "* METADATA INBOX \"/a\" /b"]
    {
        assert!(format!("{:?}", answer(text)).contains("\"INBOX\""), "{text}");
    }
    for text in ["* STATUS \"say \"hi\" you\" (MESSAGES 1)", "* LIST () \"/\" \"say \"hi\" you\""] {
        assert!(format!("{:?}", answer(text)).contains("say \\\"hi\\\" you"), "{text}");
    }
    for text in ["* ACL \"ab\"cd\" ann lrs", "* MYRIGHTS \"ab\"cd\" lrs", "* QUOTAROOT \"ab\"cd\" \"\""] {
        assert!(format!("{:?}", answer(text)).contains("ab\\\"cd"), "{text}");
    }
}

#[test]
fn numbers_beyond_64_bits_are_unknown_everywhere() {
    const BIG: &str = "99999999999999999999999999999999";
    let row = items(&format!("UID 7 RFC822.SIZE {BIG} MODSEQ ({BIG}) X-GM-MSGID {BIG}"));
    assert_eq!((row.uid(), row.size(), row.mod_seq(), row.gmail_msg_id()), (Uid::new(7), None, None, None));
    let Answer::MailboxStatus(counts) =
        answer(format!("* STATUS a (MESSAGES {BIG} HIGHESTMODSEQ {BIG} SIZE {BIG} UNSEEN 2)"))
    else {
        panic!()
    };
    assert_eq!(
        (counts.messages, counts.highest_mod_seq, counts.size, counts.unseen),
        (None, None, None, Some(2))
    );
    let Answer::Quota(quota) = answer(format!("* QUOTA \"\" (STORAGE {BIG} {BIG})")) else { panic!() };
    assert_eq!((quota.resources[0].usage, quota.resources[0].limit), (None, None));
    let Answer::Search(found) = answer(format!("* SEARCH 1 (MODSEQ {BIG})")) else { panic!() };
    assert_eq!(found.mod_seq, None);
    for (code, unknown) in [
        ("UIDNEXT", Code::UidNext(None)),
        ("UIDVALIDITY", Code::UidValidity(None)),
        ("HIGHESTMODSEQ", Code::HighestModSeq(None)),
    ] {
        assert_eq!(status(format!("* OK [{code} {BIG}] x")).code, Some(unknown));
    }
    for text in ["* SEARCH (1 2)", "* SORT (1 2)", "* 1 FETCH (MODSEQ (1 2))"] {
        let keyword = text.split(' ').find(|word| ["SEARCH", "SORT", "FETCH"].contains(word));
        unparsable(text, keyword);
    }
}

/// Parts nested fifty deep, the innermost with ambiguous quotes: no part is tried more than a few
/// times.
#[test]
fn deep_bodies_with_bad_quotes_are_refused_at_once() {
    let inner = format!("(\"text\" \"plain\" NIL NIL \"x\" y\" \"7bit\" {} 1)", "5".repeat(20));
    let wrap: [fn(String) -> String; 3] = [
        |part| format!("({part} \"mixed\")"),
        |part| format!("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 9 NIL {part} 1)"),
        |part| format!("(\"message\" \"rfc822\" NIL NIL \"a\"b\" \"7bit\" 9 (NIL \"s\") {part} 1)"),
    ];
    for wrap in wrap {
        let nested = |depth| (0..depth).fold(inner.clone(), |part, _| wrap(part));
        let line = |depth| format!("* 1 FETCH (BODYSTRUCTURE {})", nested(depth));
        unparsable(line(45), Some("FETCH"));
        let work = |text: String| cost::least(|| _ = read(&text));
        let (few, many) = (work(line(9)), work(line(45)));
        // Each level tried twice would be 2^36 times as much.
        assert!(many < few * 200 + Duration::from_millis(5), "{few:?}, {many:?}");
    }
}
