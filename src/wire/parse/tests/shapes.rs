//! Wrong shapes of kinds known from deployed servers, in places where none is known to send them:
//! deviations are accepted by kind. Each is read as what was meant, where that is unambiguous.

use super::quirks::{leaf, list, structure, unparsable};
use super::*;
use crate::types::{ModSeq, Section, Uid};

/// Lists and values with too many or too few parentheses.
#[test]
fn parentheses_too_many_or_too_few() {
    for text in [
        "* 1 FETCH ((UID 7 FLAGS (\\Seen)))",
        "* 1 FETCH (UID 7 FLAGS (\\Seen)))",
        "* 1 FETCH ( ( UID 7 ) ) ",
    ] {
        assert_eq!(fetch(text).uid(), Uid::new(7), "{text}");
    }
    // But only after a body may a row lack its last parenthesis.
    unparsable("* 1 FETCH (UID 7 FLAGS (\\Seen)", Some("FETCH"));
    assert!(matches!(answer("* FLAGS \\Seen Junk "), Answer::Flags(flags) if flags.len() == 2));
    let Answer::Namespace(read) = answer("* NAMESPACE (\"a.\" \".\") NIL NIL NIL") else { panic!() };
    assert_eq!((read.personal.len(), &*read.personal[0].prefix), (1, "a."));
    let Answer::Id(fields) = answer("* ID \"name\" \"x\" \"list\" (\"a\" b)") else { panic!() };
    assert_eq!(fields, [("name".into(), Some("x".into())), ("list".into(), None)]);
    let Answer::QuotaRoot(read) = answer("* QUOTAROOT INBOX (\"\" \"a\")") else { panic!() };
    assert_eq!(read.roots, ["", "a"]);
    assert_eq!(items("X-GM-LABELS \"x\"").gmail_labels().unwrap(), ["x"]);
    assert_eq!(items("BODY [TEXT] {3}\r\nabc").section(&Section::Text).unwrap(), "abc");
}

#[test]
fn quotas_of_all_shapes() {
    for (text, root) in [
        ("* QUOTA \"\" (STORAGE 1 2)", ""),
        ("* QUOTA (STORAGE 1 2)", ""),
        ("* QUOTA \"\" STORAGE 1 2", ""),
        ("* QUOTA User quota (STORAGE 1 2)", "User quota"),
    ] {
        let Answer::Quota(quota) = answer(text) else { panic!("{text}") };
        assert_eq!(
            (&*quota.root, quota.resources.len(), quota.resources[0].limit),
            (root, 1, Some(2)),
            "{text}"
        );
    }
    unparsable("* QUOTA \"\" (STORAGE 1)", Some("QUOTA"));
    for text in ["* MYRIGHTS INBOX", "* MYRIGHTS INBOX NIL", "* MYRIGHTS INBOX \"\""] {
        assert!(matches!(answer(text), Answer::MyRights(mine) if mine.rights.as_str().is_empty()), "{text}");
    }
}

#[test]
fn lists_and_statuses_of_all_shapes() {
    let entry = list("* LIST (\\HasNoChildren) \"\\\" \"a\\b\"");
    assert_eq!((entry.delimiter, entry.name.as_str()), (Some('\\'), "a\\b"));
    assert_eq!(list("* LIST () \"\\\"\" \"a\"").delimiter, Some('"'));
    assert_eq!(list("* LIST () \"/\" \"say \"hi\" there\" ").name.as_str(), "say \"hi\" there");
    let entry = list("* LIST (\\Noselect) \"/\" ");
    assert_eq!((entry.delimiter, entry.name.as_str()), (Some('/'), ""));
    assert_eq!(list("* LIST \"/\" INBOX").attributes.len(), 0);
    // Without a delimiter the name can't be distinguished from one.
    unparsable("* LIST () INBOX", Some("LIST"));
    for text in [
        "* STATUS \"INBOX\"",
        "* STATUS \"INBOX\" NIL",
        "* STATUS INBOX(UIDNEXT 5)",
        "* STATUS INBOX (HIGHESTMODSEQ (5))",
    ] {
        assert!(
            matches!(answer(text), Answer::MailboxStatus(s) if s.name.is_inbox() && s.messages.is_none()),
            "{text}"
        );
    }
    unparsable("* STATUS INBOX (MESSAGES)", Some("STATUS"));
    let Answer::MailboxStatus(read) = answer("* STATUS a (b) c (MESSAGES 3)") else { panic!() };
    assert_eq!((read.name.as_str(), read.messages), ("a (b) c", Some(3)));
}

#[test]
fn searches_that_found_nothing() {
    for text in ["* SEARCH NIL", "* SEARCH ()", "* SEARCH 0", "* SEARCH (MODSEQ NIL)"] {
        let Answer::Search(found) = answer(text) else { panic!("{text}") };
        assert!(found.numbers.into_uids().is_empty() && found.mod_seq.is_none(), "{text}");
    }
    for text in ["UID ALL", "UID ALL NIL", "UID ALL \"\"", "UID MIN NIL MAX NIL COUNT 0"] {
        let Answer::ESearch(found) = answer(format!("* ESEARCH (TAG \"a\") {text}")) else {
            panic!("{text}")
        };
        assert!(found.uid && found.all.is_none() && found.min.is_none(), "{text}");
    }
    let Answer::ESearch(found) = answer("* ESEARCH UID MODSEQ (5) ALL 1") else { panic!() };
    assert_eq!((found.mod_seq, found.all.is_some()), (ModSeq::new(5), true));
    assert!(matches!(answer("* SORT NIL"), Answer::Sort(found) if found.numbers.is_empty()));
    assert!(matches!(answer("* SORT 3,1"), Answer::Sort(found) if found.numbers.len() == 2));
    assert!(matches!(answer("* THREAD NIL"), Answer::Thread(found) if found.is_empty()));
    // An empty VANISHED has no meaning.
    unparsable("* VANISHED", Some("VANISHED"));
}

#[test]
fn numbers_that_are_none() {
    for text in ["UID NIL", "UID -1", "UID 4294967296", "UID 0"] {
        assert_eq!(items(&format!("{text} RFC822.SIZE 5")).uid(), None, "{text}");
    }
    assert_eq!(items("UID \"5\"").uid(), Uid::new(5));
    assert_eq!(items("RFC822.SIZE 18446744073709551616 UID 5").uid(), Uid::new(5));
}

#[test]
fn texts_in_parentheses() {
    let row = items("ENVELOPE (NIL (\"s\") NIL NIL NIL NIL NIL NIL (\"<1@x>\" NIL \"<2@x>\") \"<3@x>\")");
    let envelope = row.envelope().unwrap();
    assert_eq!(envelope.subject().as_deref(), Some("s"));
    assert_eq!(envelope.in_reply_to().as_deref(), Some("<1@x> <2@x>"));
    let row = items("ENVELOPE (NIL NIL ((\"n\" NIL \"a\" \"x\" NIL (1))) NIL NIL NIL NIL NIL NIL NIL)");
    assert_eq!(row.envelope().unwrap().from().next().unwrap().email().as_deref(), Some("a@x"));
    let body = structure(&leaf("((\"charset\" \"utf-8\")(\"format\" \"flowed\")) (\"id\") NIL \"7bit\" 5 1"));
    assert_eq!((body.root().params().count(), body.root().id().as_deref()), (2, Some("id")));
}

#[test]
fn a_message_with_a_disposition_or_without_a_body_alone() {
    let body = structure(
        "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 9 (\"attachment\" (\"filename\" \"x\")) NIL NIL)",
    );
    assert!(body.root().envelope().is_none() && body.root().disposition().unwrap().is_attachment());
    let body =
        structure("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 9 (NIL \"s\") 7 NIL (\"inline\" NIL))");
    let part = body.root();
    assert_eq!(part.envelope().unwrap().subject().as_deref(), Some("s"));
    assert!(part.body().is_none() && part.lines() == Some(7) && part.disposition().is_some());
}

/// Unescaped quotes, and a literal that is announced too short: whatever becomes of this line, the
/// next one is parsed correctly.
#[test]
fn the_line_after_an_unparsable_one_is_parsed() {
    for bad in [
        "* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain\" NIL NIL \"x\" y\" \"7bit\" 5 1))\r\n",
        "* 1 FETCH (BODYSTRUCTURE (\"text\" \"plain NIL NIL NIL \r\n",
        "* 1 FETCH (ENVELOPE (NIL \"a\"b {5}\r\n12345\" NIL))\r\n",
        "* 1 FETCH (ENVELOPE (NIL \"a \"b {5}\"\r\n",
        "* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"a\" \"sina.com\\\"))))\r\n",
        "* 1 FETCH (UID, NIL RFC822.SIZE 9537)\r\n",
        "* 1 FETCH (BODY[] {2}\r\nabcd)\r\n",
    ] {
        let mut src = bytes::BytesMut::from(format!("{bad}* 2 FETCH (UID 7)\r\n").as_bytes());
        let limits = Limits::default();
        let (mut framer, mut parser) = (crate::wire::frame::Framer::new(&limits), Parser::new(&limits));
        let mut read = Vec::new();
        while let Some(frame) = framer.decode(&mut src).unwrap() {
            read.push(parser.read(&frame));
        }
        assert!(read[0].is_err(), "{bad:?}");
        let Some(Ok(Response::Untagged(last))) = read.last() else { panic!("{read:?}") };
        assert!(matches!(last.answer(), Answer::Fetch(row) if row.uid() == Uid::new(7)), "{bad:?}");
    }
}
