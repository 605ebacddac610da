//! FETCH: each item, modifiers, refusals, claims.

use super::{done, line, next_line, refusal, response, session};
use crate::ErrorKind;
use crate::command::{Claim, Command, Fetch, Flow, Items, PartialRange, Session};
use crate::types::{ModSeq, Part, Section, SeqSet, Uid, UidSet};

fn uids(text: &str) -> UidSet {
    text.parse().unwrap()
}

fn fetch(items: Items) -> Fetch {
    Fetch::new(uids("4"), items)
}

#[test]
fn each_item_begins_a_list_and_continues_one() {
    let everywhere = "IMAP4rev1 CONDSTORE OBJECTID SAVEDATE PREVIEW BINARY X-GM-EXT-1";
    let part = || Section::Part(Part::new(2));
    for (begun, continued, written) in [
        (Items::envelope(), Items::flags().envelope(), "ENVELOPE"),
        (Items::flags(), Items::envelope().flags(), "FLAGS"),
        (Items::size(), Items::flags().size(), "RFC822.SIZE"),
        (Items::internal_date(), Items::flags().internal_date(), "INTERNALDATE"),
        (Items::mod_seq(), Items::flags().mod_seq(), "MODSEQ"),
        (Items::body_structure(), Items::flags().body_structure(), "BODYSTRUCTURE"),
        (Items::body(), Items::flags().body(), "BODY.PEEK[]"),
        (Items::header(), Items::flags().header(), "BODY.PEEK[HEADER]"),
        (Items::text(), Items::flags().text(), "BODY.PEEK[TEXT]"),
        (Items::part(Part::new(3)), Items::flags().part(Part::new(3)), "BODY.PEEK[3]"),
        (
            Items::mime(Part::new(1).child(2)),
            Items::flags().mime(Part::new(1).child(2)),
            "BODY.PEEK[1.2.MIME]",
        ),
        (
            Items::header_fields(["Date", "From"]),
            Items::flags().header_fields(["Date", "From"]),
            "BODY.PEEK[HEADER.FIELDS (Date From)]",
        ),
        (
            Items::header_fields_not(["Received"]),
            Items::flags().header_fields_not(["Received"]),
            "BODY.PEEK[HEADER.FIELDS.NOT (Received)]",
        ),
        (
            Items::partial(Section::Full, 0, 2048),
            Items::flags().partial(Section::Full, 0, 2048),
            "BODY.PEEK[]<0.2048>",
        ),
        (Items::binary(part()), Items::flags().binary(part()), "BINARY.PEEK[2]"),
        (
            Items::binary_partial(part(), 5, 9),
            Items::flags().binary_partial(part(), 5, 9),
            "BINARY.PEEK[2]<5.9>",
        ),
        (Items::binary_size(part()), Items::flags().binary_size(part()), "BINARY.SIZE[2]"),
        (Items::preview(), Items::flags().preview(), "PREVIEW"),
        (Items::lazy_preview(), Items::flags().lazy_preview(), "PREVIEW (LAZY)"),
        (Items::save_date(), Items::flags().save_date(), "SAVEDATE"),
        (Items::email_id(), Items::flags().email_id(), "EMAILID"),
        (Items::thread_id(), Items::flags().thread_id(), "THREADID"),
        (Items::gmail_msg_id(), Items::flags().gmail_msg_id(), "X-GM-MSGID"),
        (Items::gmail_thread_id(), Items::flags().gmail_thread_id(), "X-GM-THRID"),
        (Items::gmail_labels(), Items::flags().gmail_labels(), "X-GM-LABELS"),
        (Items::other("X-FOO"), Items::flags().other("X-FOO"), "X-FOO"),
    ] {
        assert_eq!(line(fetch(begun), everywhere), format!("UID FETCH 4 ({written})"));
        let continued = line(fetch(continued), everywhere);
        assert!(continued.contains("FLAGS") && continued.contains(written), "{continued}");
    }
    let fast = "FLAGS INTERNALDATE RFC822.SIZE";
    assert_eq!(line(fetch(Items::fast()), ""), format!("UID FETCH 4 ({fast})"));
    assert_eq!(line(fetch(Items::overview()), ""), format!("UID FETCH 4 ({fast} ENVELOPE)"));
    assert_eq!(line(fetch(Items::full()), ""), format!("UID FETCH 4 ({fast} ENVELOPE BODYSTRUCTURE)"));
    let lazy_first = Items::lazy_preview().preview().lazy_preview();
    assert_eq!(line(fetch(lazy_first), everywhere), "UID FETCH 4 (PREVIEW)");
    let seen = Items::binary(part()).body().marking_seen();
    assert_eq!(line(fetch(seen), everywhere), "UID FETCH 4 (BODY[] BINARY[2])");
    // RFC 9051 appendix B.
    assert_eq!(line(fetch(Items::binary(part())), "IMAP4rev2"), "UID FETCH 4 (BINARY.PEEK[2])");
}

#[test]
fn modifiers_are_written_as_the_rfcs_have_them() {
    let mod_seq = |number| ModSeq::new(number).unwrap();
    // RFC 7162 section 3.1.4.1, by UID.
    let changed = Fetch::new(uids("1:*"), Items::flags()).changed_since(mod_seq(12345));
    assert_eq!(line(changed, "CONDSTORE"), "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345)");
    // RFC 7162 section 3.2.6.
    let vanished = || {
        let fetch = Fetch::new(uids("300:500"), Items::flags()).changed_since(mod_seq(12345));
        fetch.report().vanished()
    };
    let enabled = "QRESYNC ENABLED QRESYNC";
    assert_eq!(line(vanished(), enabled), "UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)");
    assert!(refusal(vanished(), "QRESYNC").contains("QRESYNC"));
    // RFC 9394 sections 3.3 and 3.4.
    let newest = Fetch::new(uids("25900:26600"), Items::flags()).partial(PartialRange::last(3));
    assert_eq!(line(newest, "PARTIAL"), "UID FETCH 25900:26600 (FLAGS) (PARTIAL -1:-3)");
    let both = Fetch::new(uids("25900:26600"), Items::flags())
        .changed_since(mod_seq(98305))
        .partial(PartialRange::last(30));
    assert_eq!(
        line(both, "PARTIAL CONDSTORE"),
        "UID FETCH 25900:26600 (FLAGS) (PARTIAL -1:-30 CHANGEDSINCE 98305)"
    );
}

#[test]
fn what_the_server_lacks_is_refused_by_name() {
    for (items, capability) in [
        (Items::preview(), "PREVIEW"),
        (Items::save_date(), "SAVEDATE"),
        (Items::email_id(), "OBJECTID"),
        (Items::gmail_labels(), "X-GM-EXT-1"),
        (Items::binary(Section::Full), "BINARY"),
        (Items::mod_seq(), "CONDSTORE"),
    ] {
        let why = refusal(fetch(items), "IMAP4rev1");
        assert!(why.contains(capability), "{why}");
    }
    // In whatever order.
    for newest in
        [fetch(Items::flags()).partial(1..=3).strict(), fetch(Items::flags()).strict().partial(1..=3)]
    {
        assert!(refusal(newest, "IMAP4rev1").contains("PARTIAL"));
    }
}

#[test]
fn names_that_would_break_the_line_are_refused() {
    for name in ["", "X FOO", "X)", "X\r\nA2 NOOP", "BODY[]", "flags", "ALL", "RFC822", "X{3}", "é", "X[1]"]
    {
        refusal(fetch(Items::other(name)), "IMAP4rev1");
    }
    refusal(fetch(Items::partial(Section::Full, 5, 0)), "IMAP4rev1");
    refusal(fetch(Items::binary(Section::Header)), "BINARY");
    refusal(fetch(Items::header_fields(["X: y"])), "");
    // One that has a type is asked for as such.
    assert_eq!(line(fetch(Items::other("emailid")), "OBJECTID"), "UID FETCH 4 (EMAILID)");
}

#[test]
fn rows_are_claimed_by_the_items_in_them() {
    let asks =
        fetch(Items::preview().binary(Section::Part(Part::new(1))).binary_size(Section::Full).other("X-FOO"));
    for row in [
        r#"* 9 FETCH (UID 4 PREVIEW "hello")"#,
        "* 9 FETCH (UID 4 PREVIEW NIL BINARY[1] {2}\r\nhi)",
        "* 9 FETCH (UID 4 BINARY.SIZE[] 40)",
        "* 9 FETCH (UID 4 X-FOO (a b))",
        "* 9 FETCH (UID 4 x-foo NIL)",
    ] {
        assert_eq!(asks.claims(&response(row)), Claim::Whole, "{row}");
    }
    for row in [
        "* 9 FETCH (UID 4 EMAILID (M1))",
        "* 9 FETCH (UID 4 BINARY[2] NIL)",
        "* 9 FETCH (UID 4 BINARY.SIZE[1] 40)",
        "* 9 FETCH (UID 4 X-BAR 1)",
        "* 9 FETCH (UID 5 X-FOO 1)",
        r"* 9 FETCH (UID 4 FLAGS (\Seen))",
    ] {
        assert_eq!(asks.claims(&response(row)), Claim::No, "{row}");
    }
    let partly = response(r#"* 9 FETCH (UID 4 PREVIEW "hello" EMAILID (M1))"#);
    assert_eq!(asks.claims(&partly), Claim::Part);
}

/// RFC 8970 sections 3.1 and 6, examples 1 to 3: what is asked, by number with the UID beside it,
/// and what the rows hold.
#[test]
fn previews_as_the_rfc_has_them() {
    let by_number = |text: &str| text.parse::<SeqSet>().unwrap();
    let asked = |which: &str, items| line(Fetch::new(by_number(which), items), "IMAP4rev1 PREVIEW");
    assert_eq!(asked("1", Items::preview()), "FETCH 1 (UID PREVIEW)");
    assert_eq!(asked("1", Items::size().preview()), "FETCH 1 (UID RFC822.SIZE PREVIEW)");
    assert_eq!(asked("1:4", Items::envelope().lazy_preview()), "FETCH 1:4 (UID ENVELOPE PREVIEW (LAZY))");
    assert_eq!(asked("3:4", Items::preview()), "FETCH 3:4 (UID PREVIEW)");
    assert_eq!(line(Fetch::new(uids("23"), Items::preview()), "PREVIEW"), "UID FETCH 23 (PREVIEW)");
    assert!(refusal(Fetch::new(uids("23"), Items::lazy_preview()), "IMAP4rev1").contains("PREVIEW"));
    let lorem = "Lorem ipsum dolor sit amet, consectetur adipiscing elit.\r\n\
        Curabitur aliquam turpis et ante dictum, et pulvinar dui congue.\r\n\
        Maecenas hendrerit, lorem non imperdiet pellentesque, nulla\r\n\
        ligula nullam\r\n";
    for (row, preview) in [
        (r#"* 1 FETCH (PREVIEW "Preview text!")"#.to_owned(), Some("Preview text!")),
        (format!("* 1 FETCH (RFC822.SIZE 5647 PREVIEW {{{}}}\r\n{lorem})", lorem.len()), Some(lorem)),
        (r#"* 2 FETCH (PREVIEW "")"#.to_owned(), Some("")),
        ("* 3 FETCH (PREVIEW NIL)".to_owned(), None),
        (
            "* 3 FETCH (PREVIEW {30}\r\nMessage data from message 3.\r\n)".to_owned(),
            Some("Message data from message 3.\r\n"),
        ),
        (r#"* 5 FETCH (UID 13 PREVIEW "Preview!")"#.to_owned(), Some("Preview!")),
        ("* 9 FETCH (UID 23 PREVIEW NIL)".to_owned(), None),
        (r#"* 9 FETCH (UID 23 PREVIEW "Another preview!")"#.to_owned(), Some("Another preview!")),
    ] {
        assert_eq!(Fetch::item(response(&row)).unwrap().preview(), preview, "{row}");
    }
}

/// RFC 3516, which has a grammar and no examples: each form of its section 7.
#[test]
fn binary_as_the_rfcs_grammar_has_it() {
    let part = |numbers: &str| Section::Part(numbers.parse().unwrap());
    for (items, written) in [
        (Items::binary(part("1.2")), "BINARY.PEEK[1.2]"),
        (Items::binary(Section::Full), "BINARY.PEEK[]"),
        (Items::binary(part("1")).marking_seen(), "BINARY[1]"),
        (Items::binary_partial(part("1"), 0, 512), "BINARY.PEEK[1]<0.512>"),
        (Items::binary_size(part("1.2")), "BINARY.SIZE[1.2]"),
        (Items::binary_size(Section::Full), "BINARY.SIZE[]"),
    ] {
        assert_eq!(line(fetch(items), "IMAP4rev1 BINARY"), format!("UID FETCH 4 ({written})"));
    }
    let row = "* 9 FETCH (UID 4 BINARY[1.2] ~{4}\r\n\0\r\n) BINARY.SIZE[1.2] 4)";
    let row = Fetch::item(response(row)).unwrap();
    assert_eq!(row.binary(&part("1.2")).map(|bytes| &bytes[..]), Some(&b"\0\r\n)"[..]));
    assert_eq!(row.binary_size(&part("1.2")), Some(4));
    let nothing = Fetch::item(response("* 9 FETCH (UID 4 BINARY[1] NIL)")).unwrap();
    assert_eq!(nothing.binary(&part("1")), None);
}

#[test]
fn without_partial_the_server_is_asked_first_what_there_is() {
    for (capabilities, asked, answer) in [
        ("IMAP4rev1", "UID SEARCH UID 20:*", "* SEARCH 9 20 25 31 40"),
        ("ESEARCH", "UID SEARCH RETURN (ALL) UID 20:*", "* ESEARCH UID ALL 9,20,25,31,40"),
    ] {
        let session = session(capabilities);
        let mut newest = Fetch::new(uids("20:*"), Items::flags()).partial(PartialRange::last(3));
        assert_eq!(next_line(&mut newest, &session).unwrap(), (asked.to_owned(), Flow::AfterReply));
        let found = response(answer);
        assert_eq!(newest.claims(&found), Claim::Whole);
        newest.received(&found);
        assert!(Fetch::item(found).is_none(), "no row");
        let second = next_line(&mut newest, &session).unwrap();
        assert_eq!(second, ("UID FETCH 25,31,40 (FLAGS)".to_owned(), Flow::Last));
        assert_eq!(newest.claims(&response("* SEARCH 1")), Claim::No, "another's");
        assert_eq!(newest.claims(&response(r"* 3 FETCH (UID 31 FLAGS ())")), Claim::Whole);
    }
    let mut none = Fetch::new(uids("20:*"), Items::flags()).partial(PartialRange::last(3));
    next_line(&mut none, &session("")).unwrap();
    none.received(&response("* SEARCH 9"));
    assert_eq!(next_line(&mut none, &session("")).unwrap(), ("NOOP".to_owned(), Flow::Last));
}

/// A set that is too long for one line is searched in several, PARTIAL on the server or not, and
/// what is meant is fetched in several if need be.
#[test]
fn a_part_of_a_long_set_is_searched_for_in_pieces() {
    let set: UidSet = (1..4000).step_by(2).filter_map(Uid::new).collect();
    for capabilities in ["IMAP4rev1", "IMAP4rev1 PARTIAL"] {
        let session = Session { command_line: 500, ..session(capabilities) };
        let mut oldest = Fetch::new(&set, Items::flags()).partial(PartialRange::first(300));
        let (mut searched, mut searches) = (UidSet::new(), 0);
        let mut lines = loop {
            let (line, flow) = next_line(&mut oldest, &session).unwrap();
            assert!(line.len() < 540, "{line}");
            let Some(asked) = line.strip_prefix("UID SEARCH UID ") else { break vec![(line, flow)] };
            assert_eq!(flow, Flow::AfterReply);
            searches += 1;
            let asked: UidSet = asked.parse().unwrap();
            // Each other one is there; and another is found that was not asked for.
            let there: Vec<_> =
                asked.iter().filter(|uid| uid.get() % 4 == 1).map(|uid| uid.to_string()).collect();
            oldest.received(&response(&format!("* SEARCH {} 3999", there.join(" "))));
            assert!(searched.intersection(&asked).is_empty());
            searched.union_with(&asked);
        };
        assert!(searches > 10 && searched == set, "{searches}");
        while lines.last().unwrap().1 == Flow::More {
            lines.push(next_line(&mut oldest, &session).unwrap());
        }
        let mut fetched = UidSet::new();
        for (line, _) in &lines {
            let uids = line.strip_prefix("UID FETCH ").unwrap().strip_suffix(" (FLAGS)").unwrap();
            fetched.union_with(&uids.parse().unwrap());
        }
        assert!(lines.len() > 2, "{lines:?}");
        assert_eq!(fetched, (0..300).filter_map(|nth| Uid::new(nth * 4 + 1)).collect());
        let strict = Fetch::new(&set, Items::flags()).partial(PartialRange::first(300)).strict();
        let kind = next_line(&mut strict.clone(), &session).unwrap_err().kind();
        let wanted = if session.can("PARTIAL") { ErrorKind::Invalid } else { ErrorKind::Unsupported };
        assert_eq!(kind, wanted);
    }
}

#[test]
fn a_report_lists_what_is_absent_and_what_has_gone() {
    let rows = || ["* 1 FETCH (UID 4 FLAGS ())", "* 2 FETCH (UID 6 FLAGS ())"].map(response).to_vec();
    let all = Fetch::new(uids("4:7"), Items::flags()).report();
    let fetched = all.finish(done("OK"), rows()).unwrap();
    assert_eq!((fetched.messages.len(), fetched.absent.to_string()), (2, "5,7".to_owned()));
    let open = Fetch::new(uids("4:*"), Items::flags()).report();
    assert!(open.finish(done("OK"), rows()).unwrap().absent.is_empty());
    let changed = Fetch::new(Uid::new(4).unwrap()..=Uid::new(9).unwrap(), Items::flags())
        .changed_since(ModSeq::new(7).unwrap())
        .report()
        .vanished();
    let gone = response("* VANISHED (EARLIER) 5,7:8");
    assert_eq!(changed.claims(&gone), Claim::Whole);
    let mut items = rows();
    items.insert(0, gone);
    let fetched = changed.finish(done("OK"), items).unwrap();
    assert_eq!(
        (fetched.absent.to_string(), fetched.vanished.to_string()),
        (String::new(), "5,7:8".to_owned())
    );
}
