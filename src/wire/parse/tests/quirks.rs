//! Deviations of deployed servers, by kind: each is read as what was meant, or reported.

use super::*;
use crate::types::{Code, ModSeq, Part, Section, Seq, Uid};

pub(super) fn structure(text: &str) -> crate::types::BodyStructure {
    items(&format!("BODYSTRUCTURE {text}")).body_structure().unwrap().clone()
}

pub(super) fn list(text: &str) -> crate::types::ListEntry {
    match answer(text) {
        Answer::List(entry) => *entry,
        other => panic!("{other:?}"),
    }
}

pub(super) fn unparsable(text: impl AsRef<[u8]>, keyword: Option<&str>) {
    let bad = read(&text).unwrap_err();
    assert_eq!(bad.keyword.as_deref(), keyword, "{bad:?}");
    assert!(bad.at <= text.as_ref().len());
}

// Status lines and codes.

#[test]
fn status_without_text() {
    assert_eq!(status("* OK [HIGHESTMODSEQ 4711]"), ok(Some(Code::HighestModSeq(ModSeq::new(4711))), ""));
    assert_eq!(status("* OK [UIDNEXT 12]").code, Some(Code::UidNext(Uid::new(12))));
    assert_eq!(status("* BYE"), StatusResponse::new(Status::Bye, None, ""));
    assert_eq!(tagged("A2 BAD [CLIENTBUG] What?").1.code, Some(Code::ClientBug));
    assert!(matches!(read("+"), Ok(Response::Continuation { text }) if text.is_empty()));
}

#[test]
fn a_code_where_a_status_should_be() {
    for text in ["[COPYUID 5 31 6]", "* [COPYUID 5 31 6]", "* OK [COPYUID 5 31 6] "] {
        let Some(Code::CopyUid(copied)) = status(text).code else { panic!("{text}") };
        assert_eq!(copied.to_string(), "5 31 6");
    }
}

#[test]
fn copyuid_without_sets() {
    for end in
        [tagged("A1 OK [COPYUID 701 ]").1, status("* OK [COPYUID 701 ] Done"), status("* OK [COPYUID 701  ]")]
    {
        let Some(Code::CopyUid(copied)) = end.code else { panic!() };
        assert!(copied.is_empty() && copied.uid_validity().is_some());
    }
}

/// Dovecot 2.3.
#[test]
fn what_is_behind_a_url_in_one_list() {
    let read = answer(
        "* URLFETCH imap://x (BODYPARTSTRUCTURE (\"text\" \"plain\" (\"a\" \"b\") NIL 14 1) BINARY ~{2}\r\nhi) y NIL",
    );
    let Answer::UrlFetch(read) = read else { panic!("{read:?}") };
    let structure = &b"(\"text\" \"plain\" (\"a\" \"b\") NIL 14 1)"[..];
    assert_eq!(read[0].other, [("BODYPARTSTRUCTURE".to_owned(), structure.into())]);
    assert_eq!((read[0].data.as_deref(), &read[1].data), (Some(&b"hi"[..]), &None));
    unparsable("* URLFETCH imap://x (BODYPARTSTRUCTURE (\"text\") BINARY", Some("URLFETCH"));
}

#[test]
fn badevent_without_parentheses() {
    let (_, end) = tagged("A1 NO [BADEVENT AnnotationChange ServerMetadataChange] Unsupported NOTIFY events");
    let named = vec!["AnnotationChange".into(), "ServerMetadataChange".into()];
    assert_eq!((end.code, &*end.text), (Some(Code::BadEvent(named)), "Unsupported NOTIFY events"));
    assert_eq!(status("* NO [BADEVENT] none").code, Some(Code::BadEvent(Vec::new())));
}

#[test]
fn an_unknown_code_with_quotes_and_equals_signs() {
    let (tag, end) =
        tagged("T1 OK [Error=\"A.B.C:Cross [x] access\" Result=0 Proxy=H.EXAMPLE.COM:1993:SSL] done.");
    assert_eq!((&*tag, &*end.text), ("T1", "done."));
    let Some(Code::Other { name, text }) = end.code else { panic!() };
    assert_eq!((&*name, text.unwrap().ends_with("Proxy=H.EXAMPLE.COM:1993:SSL")), ("Error", true));
}

#[test]
fn spaces_within_a_code() {
    let Some(Code::PermanentFlags(flags)) = status("* OK [PERMANENTFLAGS (\\Answered $Fwd )] Limited").code
    else {
        panic!()
    };
    assert_eq!(flags.len(), 2);
}

#[test]
fn numbers_of_zero_are_unknown() {
    for (text, code) in [
        ("* OK [UIDNEXT 0] x", Code::UidNext(None)),
        ("* OK [UIDVALIDITY 0] x", Code::UidValidity(None)),
        ("* OK [UNSEEN 0] x", Code::Unseen(None)),
        ("* OK [HIGHESTMODSEQ 0] x", Code::HighestModSeq(None)),
        ("* OK [UIDNEXT] x", Code::UidNext(None)),
    ] {
        assert_eq!(status(text), ok(Some(code), "x"));
    }
}

#[test]
fn human_text_is_text() {
    assert_eq!(status("* OK Searched 91% of it, ETA 0:01").text, "Searched 91% of it, ETA 0:01");
    assert_eq!(status("* OK retry after {5}"), ok(None, "retry after {5}"));
    assert_eq!(status("* OK [ALERT] wait {7}").text, "wait {7}");
    assert_eq!(status("* NO bo\u{ee}te pleine").text, "bo\u{ee}te pleine");
    assert_eq!(status(b"* NO bo\xeete pleine").text, "bo\u{fffd}te pleine");
}

#[test]
fn a_greeting_that_is_none_is_reported() {
    unparsable("421 Server is busy, try again later.", None);
}

#[test]
fn a_tagged_bye_ends_its_command() {
    assert_eq!(tagged("a1 BYE logging out").1.status, Status::Bye);
}

// Numbers, flags, lists.

#[test]
fn searches_and_ids_with_surplus_data() {
    let Answer::Search(found) = answer("* SEARCH 1 2 (MODSEQ 9) 3 4 ") else { panic!() };
    assert_eq!((found.numbers.to_string(), found.mod_seq), ("1:4".into(), ModSeq::new(9)));
    let Answer::Id(fields) = answer("* ID (\"name\" \"x\")+") else { panic!() };
    assert_eq!(fields.len(), 1);
    let Answer::ESearch(found) = answer("* ESEARCH (TAG \"a\" MAILBOX \"m b\" UIDVALIDITY 5) UID ALL 1")
    else {
        panic!()
    };
    assert_eq!((found.tag.as_deref(), found.all.is_some(), found.mailbox.is_some()), (Some("a"), true, true));
}

#[test]
fn a_row_without_its_number_is_reported() {
    unparsable("* FETCH (UID 5)", Some("FETCH"));
    unparsable("* EXISTS", Some("EXISTS"));
}

#[test]
fn runs_of_spaces_and_spaces_at_the_end() {
    assert_eq!(answer("*  1688 EXISTS"), Answer::Exists(1688));
    assert_eq!(answer("* 1688  EXISTS "), Answer::Exists(1688));
    let row = fetch("* 11487  FETCH  ( UID  19436   FLAGS  ( \\Seen ) ) ");
    assert_eq!((row.uid(), row.flags().unwrap().is_seen()), (Uid::new(19436), true));
    assert!(
        matches!(answer("* STATUS INBOX (MESSAGES 0) "), Answer::MailboxStatus(s) if s.messages == Some(0))
    );
    assert!(matches!(answer("* STATUS \"x\" ()"), Answer::MailboxStatus(s) if s.messages.is_none()));
    for (text, found) in [("* SEARCH 61 62 ", 2), ("* SEARCH ", 0), ("* SEARCH", 0), ("* SEARCH  7  9", 2)] {
        assert!(
            matches!(answer(text), Answer::Search(s) if s.numbers.clone().into_uids().len() == found),
            "{text}"
        );
    }
    let Answer::Id(fields) = answer("* ID (\"name\" \"x\" )") else { panic!() };
    assert_eq!(fields.len(), 1);
}

#[test]
fn message_number_zero_is_dropped_with_a_notice() {
    for row in ["* 0 FETCH (UID 16334 FLAGS ())", "* 0 EXPUNGE", "* 0 UIDFETCH ()", "* 0 FETCH (odd"] {
        let warning = status(row);
        assert_eq!((warning.status, warning.code), (Status::No, None), "{row}");
        assert_eq!(warning.text, format!("there is no message 0: {row}"));
    }
    unparsable("* 4294967296 EXPUNGE", Some("EXPUNGE"));
}

#[test]
fn unknown_counts() {
    assert_eq!(items("UID 1 MODSEQ (-1)").mod_seq(), None);
    assert_eq!(items("UID 1 MODSEQ (0)").mod_seq(), None);
    assert_eq!(items("MODSEQ 7").mod_seq(), ModSeq::new(7));
    assert_eq!(items("RFC822.SIZE -1").size(), None);
    assert_eq!(items("RFC822.SIZE 1.86931e+06").size(), Some(1_869_310));
    assert_eq!(items("UID 0 RFC822.SIZE 5").uid(), None);
    assert!(matches!(answer("* STATUS a (MESSAGES -1 UIDNEXT 0)"),
        Answer::MailboxStatus(s) if s.messages.is_none() && s.uid_next.is_none()));
}

#[test]
fn odd_flags() {
    assert!(matches!(answer("* FLAGS (\\Answered \\Seen \\*)"), Answer::Flags(f) if f.len() == 3));
    let row = items("FLAGS (\\Seen OIB-Seen-[Some Mail]/All $a[b]c) UID 2");
    let names: Vec<_> = row.flags().unwrap().iter().map(|f| f.to_string()).collect();
    assert_eq!(names, ["\\Seen", "OIB-Seen-[Some Mail]/All", "$a[b]c"]);
    let entry = list("* XLIST (\\HasChildren \\ ) \".\" \"Archive\"");
    assert_eq!((entry.attributes.len(), entry.name.as_str()), (1, "Archive"));
}

#[test]
fn odd_capabilities_are_kept() {
    let Answer::Capability(can) = answer("* CAPABILITY IMAP4rev1 LITERAL + IDLE ") else { panic!() };
    assert_eq!(can.iter().collect::<Vec<_>>(), ["IMAP4rev1", "LITERAL", "+", "IDLE"]);
}

#[test]
fn list_without_delimiter() {
    assert_eq!(list("* LIST () NIL \"a\"").delimiter, None);
    assert_eq!(list("* LIST () \"\" \"a\"").delimiter, None);
    assert_eq!(list("* LIST () / a").delimiter, Some('/'));
}

#[test]
fn a_delimiter_that_breaks_the_line_is_none() {
    unparsable("* NAMESPACE ((\"str\" \"\r\")) NIL NIL", Some("NAMESPACE"));
    unparsable("* LIST () \"\0\" \"a\"", Some("LIST"));
    // Any other character that a quoted string can hold is accepted.
    assert_eq!(list("* LIST () \"\u{f}\" \"a\"").delimiter, Some('\u{f}'));
}

#[test]
fn list_with_a_bare_name() {
    let name = |text: &str| list(text).name.as_str().to_owned();
    assert_eq!(name("* LIST (\\HasNoChildren) \"/\" INBOX/Da\tOggetto\t"), "INBOX/Da\tOggetto\t");
    assert_eq!(name("* LIST () \"/\" Sent Items "), "Sent Items");
    assert_eq!(name("* LIST () \"/\" [Mail]/All (old)"), "[Mail]/All (old)");
    assert_eq!(name("* LIST () \"/\" a%b*c\\d"), "a%b*c\\d");
    assert_eq!(name("* LIST () \"/\" a&b"), "a&b");
    assert_eq!(
        list("* LIST () \"/\" \"a&b\"").name.wire(),
        Some(&b"a&b"[..]),
        "sent back in the server's spelling"
    );
    assert_eq!(name("* LIST () \"/\" \"Entwürfe\""), "Entwürfe");
    unparsable("* LIST () \"/\" \"a", Some("LIST"));
}

#[test]
fn items_that_are_not_there() {
    let row = items("THREADID NIL EMAILID NIL UID 5");
    assert_eq!((row.thread_id(), row.email_id(), row.uid()), (None, None, Uid::new(5)));
    let row = items("X-GM-LABELS (\"\\\\Starred\" NIL \"\\\\Important\")");
    assert_eq!(row.gmail_labels().unwrap(), ["\\Starred", "\\Important"]);
    unparsable("* 51742 FETCH (UID, NIL RFC822.SIZE 9537)", Some("FETCH"));
}

#[test]
fn a_date_that_is_none_is_kept_as_it_is() {
    let row = items("INTERNALDATE \"1996-07-17 02:44\" UID 5");
    assert_eq!((row.internal_date(), row.uid()), (None, Uid::new(5)));
    assert_eq!(row.other().next().unwrap(), ("INTERNALDATE", &Bytes::from_static(b"\"1996-07-17 02:44\"")));
}

// ENVELOPE, BODYSTRUCTURE, bodies.

pub(super) fn leaf(rest: &str) -> String {
    format!("(\"text\" \"plain\" {rest})")
}

#[test]
fn parameters_without_value() {
    let body = structure(
        "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 5 1) \"alternative\" (\"boundary\" NIL) NIL NIL)",
    );
    assert_eq!(body.root().param("boundary").as_deref(), Some(""));
    let body = structure(&leaf("(\"charset\") NIL NIL \"7bit\" 5 1"));
    assert_eq!(body.root().params().count(), 1);
    for none in ["()", "NIL", "\"\"", "(NIL NIL)"] {
        let body = structure(&leaf(&format!("{none} NIL NIL \"7bit\" 5 1")));
        assert_eq!((body.root().params().count(), body.root().lines()), (0, Some(1)), "{none}");
    }
}

#[test]
fn dispositions_of_all_shapes() {
    let disposition = |text: &str| {
        let body = structure(&leaf(&format!("NIL NIL NIL \"7bit\" 5 1 NIL {text} NIL NIL")));
        body.root().disposition().map(|d| format!("{} {}", d.kind(), d.params().count()))
    };
    assert_eq!(disposition("\"inline\"").as_deref(), Some("inline 0"));
    assert_eq!(disposition("(\"inline\" NIL)").as_deref(), Some("inline 0"));
    assert_eq!(disposition("(\"attachment\")").as_deref(), Some("attachment 0"));
    assert_eq!(disposition("(\"attachment\" (\"filename\" \"x\"))").as_deref(), Some("attachment 1"));
    assert_eq!(disposition("(NIL NIL)"), None);
    assert_eq!(disposition("()"), None);
}

#[test]
fn disposition_and_language_swapped() {
    let body =
        structure(&leaf("NIL NIL NIL \"7bit\" 5 1 NIL (\"en\") (\"attachment\" (\"filename\" \"x\")) NIL"));
    let part = body.root();
    assert!(part.disposition().unwrap().is_attachment() && part.languages().eq(["en"]));
    let body = structure(&leaf("NIL NIL NIL \"7bit\" 5 1 NIL NIL (\"inline\" NIL) \"loc\""));
    assert_eq!(body.root().disposition().unwrap().kind(), "inline");
    assert_eq!((body.root().languages().count(), body.root().location().as_deref()), (0, Some("loc")));
}

#[test]
fn a_multipart_sent_as_a_basic_part() {
    let body =
        structure("(\"multipart\" \"appledouble\" (\"boundary\" \"b\") NIL NIL \"7BIT\" -1 NIL NIL NIL NIL)");
    let part = body.root();
    assert!(part.is("multipart", "appledouble") && part.is_multipart());
    assert_eq!((part.param("boundary").as_deref(), part.size()), (Some("b"), None));
}

#[test]
fn a_part_of_which_nothing_is_known() {
    let body = structure("(NIL NIL NIL NIL NIL \"7BIT\" 563 NIL NIL NIL NIL)");
    assert_eq!((body.root().size(), &*body.root().media_type()), (Some(563), ""));
}

#[test]
fn one_media_name() {
    let body = structure("( \"X-ZIP\" (\"BOUNDARY\" \"\") NIL NIL \"base64\" 4096)");
    let part = body.root();
    assert_eq!((&*part.media_type(), &*part.subtype(), part.size()), ("X-ZIP", "", Some(4096)));
    let body = structure("(\"ALTERNATIVE\" (\"BOUNDARY\" \"b\") NIL NIL)");
    let part = body.root();
    assert!(part.is("multipart", "alternative") && part.children().next().is_none());
    assert_eq!(part.param("boundary").as_deref(), Some("b"));
}

#[test]
fn spaces_between_parts() {
    let text = leaf("NIL NIL NIL \"7bit\" 5 1");
    for body in [
        format!("({text} {text} \"mixed\")"),
        format!("( {text}{text}\"mixed\" )"),
        format!("({text}() {text} \"mixed\")"),
    ] {
        assert_eq!(structure(&body).root().children().count(), 2, "{body}");
    }
}

#[test]
fn encodings_and_lines_that_are_missing() {
    let body = structure(&leaf("NIL NIL NIL NIL 5 NIL NIL (\"attachment\" NIL) NIL ()"));
    let part = body.root();
    assert_eq!((part.encoding(), part.size(), part.lines(), part.location()), (None, Some(5), None, None));
    assert!(part.disposition().unwrap().is_attachment());
    let body = structure("(\"image\" \"png\" NIL NIL NIL \"base64\" 5 (\"inline\" NIL) NIL)");
    assert_eq!(body.root().disposition().unwrap().kind(), "inline");
    assert_eq!(structure(&leaf("NIL NIL NIL \"7bit\" 1.5e+01 -1")).root().size(), Some(15));
    assert_eq!(structure(&leaf("NIL")).root().size(), None);
}

#[test]
fn a_message_with_every_item_unknown() {
    let body = structure("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 500 NIL NIL NIL NIL)");
    let part = body.root();
    assert!(part.envelope().is_none() && part.body().is_none() && part.size() == Some(500));
    let body = structure("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 500 NIL () 7 NIL NIL NIL NIL)");
    let part = body.root();
    assert!(part.envelope().is_none() && part.body().is_none() && part.lines() == Some(7));
    let body = structure("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 500 (NIL \"s\") () 7)");
    assert_eq!(body.root().envelope().unwrap().subject().as_deref(), Some("s"));
    let body =
        structure("(\"message\" \"delivery-status\" NIL NIL NIL \"7bit\" 5 \"md5\" (\"inline\" NIL) NIL)");
    assert_eq!((body.root().md5().as_deref(), body.root().disposition().is_some()), (Some("md5"), true));
}

#[test]
fn unescaped_quotes_are_read_unless_ambiguous() {
    for (description, read) in [("\"\"\"\"", "\"\""), ("\"a\"b\"", "a\"b")] {
        let body = structure(&leaf(&format!("NIL NIL {description} \"7bit\" 5 1")));
        assert_eq!(body.root().description().as_deref(), Some(read));
    }
    let body = structure("(\"_006_x_\"\" \"OCTET-STREAM\" NIL NIL NIL \"7bit\" 5)");
    assert_eq!((&*body.root().media_type(), body.root().size()), ("_006_x_\"", Some(5)));
    // A quote that could end one string or be part of another.
    for description in ["\"x\" y\"", "\"example.com\\\""] {
        unparsable(
            format!("* 1 FETCH (BODYSTRUCTURE {})", leaf(&format!("NIL NIL {description} \"7bit\" 5 1"))),
            Some("FETCH"),
        );
    }
}

#[test]
fn envelopes_of_all_shapes() {
    let ten =
        "NIL \"s\" ((\"Some Server\" NIL NIL \".MISSING-HOST-NAME.\")) NIL NIL NIL NIL NIL NIL \"<1@x>\"";
    for text in
        [format!("ENVELOPE ({ten})"), format!("ENVELOPE (({ten}))"), format!("ENVELOPE ({ten} NIL \"more\")")]
    {
        let row = items(&text);
        let envelope = row.envelope().unwrap();
        assert_eq!(envelope.subject().as_deref(), Some("s"), "{text}");
        let from = envelope.from().next().unwrap();
        assert_eq!(from.host().as_deref(), Some(".MISSING-HOST-NAME."));
        assert!(from.mailbox().is_none() && !from.is_group());
        assert_eq!(envelope.message_id().as_deref(), Some("<1@x>"));
    }
    let row = items("ENVELOPE (NIL \"s\" NIL NIL NIL NIL NIL NIL \"<r@x>\") UID 4");
    assert_eq!(row.envelope().unwrap().in_reply_to().as_deref(), Some("<r@x>"));
    assert_eq!((row.envelope().unwrap().message_id(), row.uid()), (None, Uid::new(4)));
    assert!(items("ENVELOPE NIL UID 4").envelope().is_none());
    assert!(items("ENVELOPE () UID 4").envelope().is_none());
}

#[test]
fn address_lists_of_all_shapes() {
    let from = |list: &str| {
        let row = items(&format!("ENVELOPE (NIL \"s\" {list} NIL NIL NIL NIL NIL NIL NIL)"));
        row.envelope().unwrap().from().map(|a| a.to_string()).collect::<Vec<_>>()
    };
    let address = "(NIL NIL \"a\" \"x\")";
    assert_eq!(from(&format!("(NIL {address})")), ["a@x"]);
    assert_eq!(from(&format!("({address} NIL {address})")), ["a@x", "a@x"]);
    assert_eq!(from("(NIL NIL \"a\" \"x\")"), ["a@x"]);
    assert_eq!(from("((\"n\" NIL \"a\"))"), ["a:"]);
    for none in ["NIL", "()", "\"\"", "(NIL)", "(NIL NIL)"] {
        assert!(from(none).is_empty(), "{none}");
    }
}

#[test]
fn bodies_of_all_shapes() {
    let row = items("UID 7 BODY[2] ");
    assert_eq!((row.sections().len(), row.sections()[0].data.as_ref()), (1, None));
    assert_eq!(row.sections()[0].section, Section::Part(Part::new(2)));
    assert_eq!(items("BODY[HEADER]{3}\r\na\r\n UID 3").section(&Section::Header).unwrap(), "a\r\n");
    assert_eq!(items("BODY[]<0.5> {0}\r\n").sections()[0].origin, Some(0));
    assert_eq!(items("BODY[] {012}\r\n0123456789ab").body().unwrap().len(), 12);
    assert_eq!(items("body.peek[] \"x\"").body().unwrap(), "x");
    assert_eq!(items("BODY[ODD (x)] \"x\" UID 1").other().next().unwrap().0, "BODY[ODD (x)]");
    assert_eq!(fetch("* 919 FETCH (UID 3)").seq(), Seq::new(919));
}

#[test]
fn a_literal_that_is_short_is_reported() {
    unparsable("* 1 FETCH (BODY[] {6}\r\nabc\r\n)", Some("FETCH"));
    unparsable("* 1 FETCH (BODY[] {9}\r\nabc", Some("FETCH"));
    unparsable("* 1 FETCH (BODY[] {99999999999999999999}", Some("FETCH"));
    unparsable("* 1 FETCH (BODY[] {4000000000}", Some("FETCH"));
}

// Extensions.

#[test]
fn namespaces_of_all_shapes() {
    for (text, delimiter) in [
        ("* NAMESPACE ((\"\" NIL)) NIL NIL", None),
        ("* NAMESPACE ((\"\" \"\")) NIL NIL ", None),
        ("* NAMESPACE ( ( \"\"  \"/\" ) )  NIL", Some('/')),
        ("* NAMESPACE ((\"\"))", None),
    ] {
        let Answer::Namespace(read) = answer(text) else { panic!("{text}") };
        assert_eq!((read.personal.len(), read.personal[0].delimiter), (1, delimiter), "{text}");
        assert!(read.other_users.is_empty() && read.shared.is_empty());
    }
}

/// Each function named in the table at the head of the grammar exists.
#[test]
fn the_table_of_leniencies_is_true() {
    let source = |file: &str| match file {
        "body" => include_str!("../body.rs"),
        "code" => include_str!("../code.rs"),
        "envelope" => include_str!("../envelope.rs"),
        "extras" => include_str!("../extras.rs"),
        "fetch" => include_str!("../fetch.rs"),
        "flags" => include_str!("../flags.rs"),
        "mailbox" => include_str!("../mailbox.rs"),
        "rights" => include_str!("../rights.rs"),
        "search" => include_str!("../search.rs"),
        "server" => include_str!("../server.rs"),
        "set" => include_str!("../set.rs"),
        "sort" => include_str!("../sort.rs"),
        "status" => include_str!("../status.rs"),
        "string" => include_str!("../string.rs"),
        "requote" => include_str!("../requote.rs"),
        "token" => include_str!("../token.rs"),
        other => panic!("{other}.rs is not in this test"),
    };
    let rows = include_str!("../mod.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    let names = rows.flat_map(|row| row.split('`')).filter_map(|name| name.split_once("::"));
    let mut count = 0;
    for (file, function) in names {
        let found = source(file)
            .split("fn ")
            .any(|rest| rest.strip_prefix(function).is_some_and(|rest| rest.starts_with(['(', '<'])));
        assert!(found, "{file}::{function}");
        count += 1;
    }
    assert!(count > 40, "{count}");
}
