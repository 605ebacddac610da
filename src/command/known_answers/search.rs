//! SEARCH: each key, what is returned, refusals.

use std::time::Duration;

use super::{done, line, next_line, refusal, response, session};
use crate::command::{
    CancelUpdates, Claim, Command, Flow, PartialRange, SaveSearchCommand, Search, SearchReturn,
};
use crate::types::{AnnotationScope, CommandId, Date, Flag, ModSeq, SeqSet, Uid, UidSet};

const ALL: &str = "IMAP4rev1 WITHIN CONDSTORE SAVEDATE OBJECTID FILTERS X-GM-EXT-1 SEARCH=FUZZY LITERAL+";

fn keys(query: Search) -> String {
    line(query, ALL).strip_prefix("UID SEARCH ").expect("a search").to_owned()
}

fn day(year: u16, month: u8, day: u8) -> Date {
    Date::new(year, month, day).unwrap()
}

fn uids(text: &str) -> UidSet {
    text.parse().unwrap()
}

#[test]
fn each_key_is_written_as_the_rfcs_have_it() {
    let mod_seq = |number| ModSeq::new(number).unwrap();
    for (query, written) in [
        // RFC 9051 section 6.4.4.
        (
            Search::flagged().since(day(1994, 2, 1)) & !Search::from("Smith"),
            "FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
        ),
        (Search::unanswered().undeleted().undraft().unflagged(), "UNANSWERED UNDELETED UNDRAFT UNFLAGGED"),
        (Search::recent_unseen() | Search::not_recent().recent(), "OR NEW (OLD RECENT)"),
        (Search::without_keyword("$Junk"), "UNKEYWORD $Junk"),
        (Search::uids(uids("300:900")).header("X-A", ""), "UID 300:900 HEADER X-A \"\""),
        // Of the grammar, RFC 9051 section 9; without examples there.
        (Search::answered().cc("carol").bcc("dave \"d\""), r#"ANSWERED CC "carol" BCC "dave \"d\"""#),
        (Search::before(day(1994, 2, 1)).on(day(2026, 12, 31)), "BEFORE 1-Feb-1994 ON 31-Dec-2026"),
        (
            Search::sent_since(day(1994, 2, 1)).sent_before(day(1996, 2, 29)).sent_on(day(1995, 10, 9)),
            "SENTSINCE 1-Feb-1994 SENTBEFORE 29-Feb-1996 SENTON 9-Oct-1995",
        ),
        (Search::larger(0).smaller(u64::from(u32::MAX)), "LARGER 0 SMALLER 4294967295"),
        // RFC 7162 section 3.1.5, as the library has it: by UID, and changed since the one before.
        (
            (!Search::changed_since(mod_seq(720_162_337))).or(Search::larger(50_000)),
            "OR NOT MODSEQ 720162338 LARGER 50000",
        ),
        // RFC 5032 section 3.
        (Search::unseen().younger(Duration::from_secs(259_200)), "UNSEEN YOUNGER 259200"),
        (Search::older(Duration::from_millis(1500)), "OLDER 2"),
        (Search::older(Duration::ZERO), "OLDER 1"),
        // RFC 8514 section 4.3.
        (Search::saved_on(day(2014, 12, 28)), "SAVEDON 28-Dec-2014"),
        (Search::saved_since(day(2014, 12, 28)), "SAVEDSINCE 28-Dec-2014"),
        (
            Search::saved_before(day(2014, 12, 28)).save_date_supported(),
            "SAVEDBEFORE 28-Dec-2014 SAVEDATESUPPORTED",
        ),
        // RFC 8474 section 6.
        (Search::email_id("M6d99ac3275bb4e"), "EMAILID M6d99ac3275bb4e"),
        (Search::thread_id("T64b478a75b7ea9"), "THREADID T64b478a75b7ea9"),
        // RFC 5466 section 3.1.
        (
            Search::uids(uids("300:900")).filter("on-the-road").since(day(2002, 12, 3)),
            "UID 300:900 FILTER on-the-road SINCE 3-Dec-2002",
        ),
        // RFC 6203 section 3.
        (Search::subject("IMAP break").fuzzy(), "FUZZY SUBJECT \"IMAP break\""),
        (
            Search::subject("work").fuzzy().from("user@example.com"),
            "FUZZY SUBJECT \"work\" FROM \"user@example.com\"",
        ),
        (Search::unseen().subject("x").fuzzy(), "FUZZY (UNSEEN SUBJECT \"x\")"),
        // RFC 7162 section 3.1.5.
        (
            Search::flag_changed_since(Flag::Draft, mod_seq(620_162_337)),
            r#"MODSEQ "/flags/\\draft" all 620162338"#,
        ),
        (Search::changed_since(mod_seq(620_162_337)).unseen(), "MODSEQ 620162338 UNSEEN"),
        (
            Search::flag_changed_in(AnnotationScope::Private, Flag::Seen, mod_seq(1)),
            r#"MODSEQ "/flags/\\seen" priv 2"#,
        ),
        (
            !Search::flag_changed_in(AnnotationScope::Shared, "$MDNSent", mod_seq(1)),
            r#"NOT MODSEQ "/flags/$mdnsent" shared 2"#,
        ),
        // Gmail.
        (Search::gmail("has:attachment in:unread"), "X-GM-RAW \"has:attachment in:unread\""),
        (Search::gmail_thread_id(1_266_894_439_832_287_888), "X-GM-THRID 1266894439832287888"),
        (Search::gmail_msg_id(1_278_455_344_230_334_865), "X-GM-MSGID 1278455344230334865"),
        (Search::gmail_label("Grüße").gmail_label("\\Inbox"), "X-GM-LABELS Gr&APwA3w-e X-GM-LABELS \\Inbox"),
        (Search::raw("X-FOO \"b)\"").unseen(), "X-FOO \"b)\" UNSEEN"),
        (!Search::raw("X-FOO"), "NOT (X-FOO)"),
        (Search::seen().raw("X-FOO \"b)\""), "SEEN X-FOO \"b)\""),
        (Search::messages(uids("4:7")), "UID 4:7"),
        (Search::messages("4:7".parse::<SeqSet>().unwrap()).unseen(), "4:7 UNSEEN"),
        ((*Search::unseen()).messages("4:7".parse::<SeqSet>().unwrap()), "UNSEEN 4:7"),
    ] {
        // What may be in parentheses: that of `raw` among other keys.
        let keys = keys(query).replace("(X-FOO \"b)\")", "X-FOO \"b)\"");
        assert_eq!(keys, written);
    }
}

/// RFC 5267 section 4.3.5.
#[test]
fn updates_are_cancelled_by_the_tag_of_the_search() {
    let [first, second] = [CommandId(1), CommandId(2)];
    let mut session = session("ESEARCH CONTEXT=SEARCH");
    session.updated = vec![(first, "B01".to_owned()), (second, "B02".to_owned())];
    let written = |search| next_line(&mut CancelUpdates::new(search), &session);
    assert_eq!(written(first).unwrap(), ("CANCELUPDATE \"B01\"".to_owned(), Flow::Last));
    assert_eq!(written(second).unwrap().0, "CANCELUPDATE \"B02\"");
    assert!(written(CommandId(3)).unwrap_err().to_string().contains("no such search"));
}

#[test]
fn operators_are_the_methods() {
    let [a, b, c] = [Search::seen(), Search::draft(), Search::to("x")];
    assert_eq!(a.clone() & b.clone(), a.clone().and(b.clone()));
    assert_eq!(a.clone() | b.clone(), a.clone().or(b.clone()));
    assert_eq!(!c.clone(), Search::not(c.clone()));
    assert_eq!(a.clone().draft().to("x"), a & b & c);
}

#[test]
fn the_charset_is_named_where_a_text_needs_it() {
    let query = || Search::unseen().subject("Grüße");
    assert_eq!(line(query(), "LITERAL+"), "UID SEARCH CHARSET UTF-8 UNSEEN SUBJECT {7+}\r\nGrüße");
    assert_eq!(line(query(), "UTF8=ACCEPT ENABLED UTF8=ACCEPT"), "UID SEARCH UNSEEN SUBJECT \"Grüße\"");
    assert_eq!(keys(Search::subject("plain")), "SUBJECT \"plain\"");
    assert!(keys(Search::subject("é").fuzzy()).starts_with("CHARSET UTF-8 FUZZY"));
}

#[test]
fn what_can_not_be_meant_is_refused() {
    for (query, word) in [
        (Search::older(Duration::from_secs(5)), "WITHIN"),
        (Search::saved_on(day(2026, 1, 1)), "SAVEDATE"),
        (Search::email_id("M1"), "OBJECTID"),
        (Search::filter("x"), "FILTERS"),
        (!Search::gmail("x"), "X-GM-EXT-1"),
        (Search::unseen().subject("x").fuzzy(), "SEARCH=FUZZY"),
        (Search::changed_since(ModSeq::new(1).unwrap()), "CONDSTORE"),
    ] {
        assert!(refusal(query, "IMAP4rev1").contains(word), "{word}");
    }
    assert!(refusal(Search::recent(), "IMAP4rev2").contains("IMAP4rev1"));
    for query in [
        Search::email_id(""),
        Search::email_id("M1 OR"),
        Search::email_id("M".repeat(256)),
        Search::filter("a b"),
        Search::filter("a\r\nA2 NOOP"),
        Search::keyword("a b"),
        Search::gmail_label("\\a b"),
        Search::raw("(A"),
        Search::raw("A {3}"),
        Search::raw("A\r\nA2 NOOP"),
        Search::text("nul\0"),
        Search::flag_changed_since("a b", ModSeq::MIN),
        Search::flag_changed_since("a\"\r\nA2 NOOP", ModSeq::MIN),
        Search::flag_changed_since("", ModSeq::MIN),
        Search::flag_changed_since(Flag::Recent, ModSeq::MIN),
        Search::flag_changed_in(AnnotationScope::Shared, "\\\\x", ModSeq::MIN),
        !Search::flag_changed_in(AnnotationScope::Shared, "\\*", ModSeq::MIN),
        !Search::messages("4:7".parse::<SeqSet>().unwrap()),
    ] {
        let shown = format!("{query:?}");
        assert!(next_line(&mut query.clone(), &session(ALL)).is_err(), "{shown}");
    }
}

#[test]
fn what_is_returned_is_what_was_asked_for() {
    for (search, capabilities, written) in [
        // RFC 9051 section 6.4.4, by UID.
        (
            Search::flagged().since(day(1994, 2, 1)).and(!Search::from("Smith")).returning().min().count(),
            "ESEARCH",
            "UID SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
        ),
        (Search::unseen().returning(), "ESEARCH", "UID SEARCH RETURN (ALL) UNSEEN"),
        // RFC 9394 section 3.1.
        (
            Search::undeleted().returning().partial(PartialRange::last(100)),
            "ESEARCH PARTIAL",
            "UID SEARCH RETURN (PARTIAL -1:-100) UNDELETED",
        ),
        // RFC 5267 sections 4.3 and 4.4.
        (
            Search::undeleted().returning().partial(23500..=24000),
            "ESEARCH CONTEXT=SEARCH",
            "UID SEARCH RETURN (PARTIAL 23500:24000) UNDELETED",
        ),
        (
            Search::deleted().keyword("$Junk").returning().count().update(),
            "ESEARCH CONTEXT=SEARCH",
            "UID SEARCH RETURN (UPDATE COUNT) DELETED KEYWORD $Junk",
        ),
        // Section 4.2.
        (
            Search::undeleted().without_keyword("$Junk").returning().count().context(),
            "ESEARCH CONTEXT=SEARCH",
            "UID SEARCH RETURN (CONTEXT COUNT) UNDELETED UNKEYWORD $Junk",
        ),
        (Search::undeleted().returning().count().context(), "ESEARCH", "UID SEARCH RETURN (COUNT) UNDELETED"),
        // RFC 6203 section 4.
        (
            Search::text("Helo").fuzzy().returning().relevancy().all(),
            "ESEARCH SEARCH=FUZZY",
            "UID SEARCH RETURN (ALL RELEVANCY) FUZZY TEXT \"Helo\"",
        ),
        (
            Search::undeleted().returning().partial(PartialRange::last(9)),
            "ESEARCH",
            "UID SEARCH RETURN (ALL) UNDELETED",
        ),
        (Search::undeleted().returning().min().count(), "", "UID SEARCH UNDELETED"),
    ] {
        assert_eq!(line(search, capabilities), written);
    }
    for (search, capabilities, word) in [
        (Search::unseen().returning().count().strict(), "", "ESEARCH"),
        (Search::unseen().returning().partial(1..=2).strict(), "ESEARCH", "PARTIAL"),
        (Search::unseen().returning().update(), "ESEARCH", "CONTEXT=SEARCH"),
        (Search::unseen().returning().relevancy(), "ESEARCH", "SEARCH=FUZZY"),
    ] {
        assert!(refusal(search, capabilities).contains(word), "{word}");
    }
}

/// What comes of these answers.
fn found(mut search: SearchReturn, capabilities: &str, answers: &[&str]) -> crate::command::Found {
    next_line(&mut search, &session(capabilities)).unwrap();
    let items = answers.iter().map(|answer| {
        let answer = response(answer);
        assert_ne!(search.claims(&answer), Claim::No);
        SearchReturn::item(answer).unwrap()
    });
    let items = items.collect();
    search.finish(done("OK"), items).unwrap()
}

#[test]
fn a_result_is_the_same_with_esearch_and_without() {
    let search = || Search::unseen().returning().min().max().count().partial(PartialRange::last(2));
    let plain = found(search(), "", &["* SEARCH 7 3 5", "* SEARCH 4"]);
    let extended = found(search(), "ESEARCH", &["* ESEARCH UID MIN 3 MAX 7 COUNT 4 ALL 3:5,7"]);
    let exact =
        found(search(), "ESEARCH PARTIAL", &["* ESEARCH UID MIN 3 MAX 7 COUNT 4 PARTIAL (-1:-2 5,7)"]);
    assert_eq!(plain, extended);
    assert_eq!(plain, exact);
    assert_eq!((plain.min, plain.max, plain.count), (Uid::new(3), Uid::new(7), Some(4)));
    assert_eq!((plain.partial.map(|part| part.to_string()), plain.all), (Some("5,7".to_owned()), None));
    let none = found(search(), "ESEARCH PARTIAL", &["* ESEARCH UID COUNT 0 PARTIAL (-1:-2 NIL)"]);
    assert_eq!((none.min, none.max, none.count, none.partial), (None, None, Some(0), Some(UidSet::new())));
    let all = found(Search::unseen().returning(), "ESEARCH", &["* ESEARCH UID"]);
    assert_eq!((all.all, all.count), (Some(UidSet::new()), None));
    let kept = found(
        Search::text("x").fuzzy().returning().relevancy().all(),
        "ESEARCH SEARCH=FUZZY",
        &["* ESEARCH UID ALL 1,5,10 RELEVANCY (4 99 42)"],
    );
    assert_eq!(kept.relevancy, [4, 99, 42]);
}

#[test]
fn an_open_range_is_written_so_that_the_last_message_is_not_counted() {
    let search = Search::uids(Uid::new(20).unwrap()..).returning().count();
    assert_eq!(line(search, "ESEARCH"), "UID SEARCH RETURN (COUNT) NOT UID 1:19");
    let flow = next_line(&mut Search::uids(Uid::new(20).unwrap()..), &session("ESEARCH")).unwrap();
    assert_eq!(flow, ("UID SEARCH RETURN (ALL) UID 20:*".to_owned(), Flow::Last));
}

/// RFC 5182 section 2.4 and RFC 9394 section 3.2, by UID: what is returned beside a saved result.
#[test]
fn a_saved_result_beside_what_is_returned() {
    let since = || Search::since(day(2006, 2, 12)).returning();
    for (search, options, answer, part) in [
        (since().all(), "SAVE ALL", "ALL 2,10:15,21", None),
        (since().min(), "SAVE MIN", "MIN 2", None),
        (since().max().min(), "SAVE MIN MAX", "MIN 2 MAX 21", None),
        (since().max().min().count(), "SAVE MIN MAX COUNT", "MIN 2 MAX 21 COUNT 8", None),
        (since().all().min(), "SAVE MIN ALL", "MIN 2 ALL 2,10:15,21", None),
        (
            since().partial(PartialRange::from_last(1..=2)),
            "SAVE PARTIAL -1:-2",
            "PARTIAL (-1:-2 15,21)",
            Some("15,21"),
        ),
        (
            since().partial(1..=2).max().count(),
            "SAVE MAX COUNT PARTIAL 1:2",
            "MAX 21 COUNT 8 PARTIAL (1:2 2,10)",
            Some("2,10"),
        ),
        // Both can't be returned (RFC 9394 section 3.1).
        (since().partial(1..=2).all(), "SAVE ALL", "ALL 2,10:15,21", Some("2,10")),
    ] {
        let mut command = SaveSearchCommand::from(search.save());
        let (written, _) = next_line(&mut command, &session("SEARCHRES ESEARCH PARTIAL")).unwrap();
        assert_eq!(written, format!("UID SEARCH RETURN ({options}) SINCE 12-Feb-2006"));
        let answer = response(&format!("* ESEARCH (TAG \"C284\") UID {answer}"));
        command.received(&answer);
        let saved = command.finish(done("OK"), vec![answer]).unwrap();
        let found = saved.found().unwrap();
        let asked = |option: &str| options.contains(option);
        assert_eq!(found.min, Uid::new(2).filter(|_| asked("MIN")), "{options}");
        assert_eq!(found.max, Uid::new(21).filter(|_| asked("MAX")), "{options}");
        assert_eq!(found.count, Some(8).filter(|_| asked("COUNT")), "{options}");
        assert_eq!(found.all, Some(uids("2,10:15,21")).filter(|_| asked("ALL")), "{options}");
        assert_eq!(found.partial, part.map(uids), "{options}");
        assert_eq!(saved.count(), Some(8).filter(|_| asked("COUNT") || asked("ALL")), "{options}");
    }
}

#[test]
fn a_result_that_can_not_be_saved_as_asked_is_refused() {
    let unseen = || Search::unseen().returning();
    let why = |search: SearchReturn, can: &str| refusal(SaveSearchCommand::from(search.save()), can);
    assert!(why(unseen().min(), "ESEARCH").contains("SEARCHRES"));
    let can = "SEARCHRES ESEARCH CONTEXT=SEARCH";
    // Such servers may remember all: what follows would be done to more than was asked for.
    assert!(why(unseen().partial(1..=2), can).contains("PARTIAL"));
    assert!(why(unseen().count().update(), can).contains("up to date"));
}
