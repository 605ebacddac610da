//! Searches with their answers: RFC 9051 section 6.4.4, RFC 4731, 5267, 6203, 7377, 8474 and 8514.
//! The library searches by UID, so the RFCs' commands by number have `UID` here, and so have the
//! answers.

use super::transcript::example;
use crate::command::{PartialRange, Search, SearchIn, SearchScope, Sort, SortKey};
use crate::types::{Date, Flag, ModSeq, Uid, UidSet};

fn uids(text: &str) -> UidSet {
    text.parse().unwrap()
}

fn flagged() -> Search {
    Search::flagged().since(Date::new(1994, 2, 1).unwrap()) & !Search::from("Smith")
}

/// RFC 4731 section 3.1, RFC 9051 section 6.4.4.4.
#[test]
fn what_a_search_returns() {
    let found = example(
        flagged().returning().min().count(),
        "ESEARCH",
        "C: A282 UID SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"\n\
         S: * ESEARCH (TAG \"A282\") UID MIN 2 COUNT 3\n\
         S: A282 OK SEARCH completed",
    );
    assert_eq!((found.min, found.count, found.all), (Uid::new(2), Some(3), None));
    // `ALL` is what `()` means.
    let found = example(
        flagged(),
        "ESEARCH",
        "C: A283 UID SEARCH RETURN (ALL) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"\n\
         S: * ESEARCH (TAG \"A283\") UID ALL 2,10:11\n\
         S: A283 OK SEARCH completed",
    );
    assert_eq!(found.uids(), &uids("2,10:11"));
    let nothing = example(
        Search::text("string not in mailbox"),
        "ESEARCH",
        "C: A284 UID SEARCH RETURN (ALL) TEXT \"string not in mailbox\"\n\
         S: * ESEARCH (TAG \"A284\") UID\n\
         S: A284 OK SEARCH completed",
    );
    assert!(nothing.is_empty());
    let holidays = example(
        Search::text("отпуск"),
        "ESEARCH LITERAL+",
        "C: A285 UID SEARCH RETURN (ALL) CHARSET UTF-8 TEXT {12}\n\
         отпуск\n\
         S: + Ready for literal text\n\
         S: * ESEARCH (TAG \"A285\") UID ALL 43\n\
         S: A285 OK SEARCH completed",
    );
    assert_eq!(holidays.uids(), &uids("43"));
    let first = example(
        Search::unseen().returning().min(),
        "ESEARCH",
        "C: A284 UID SEARCH RETURN (MIN) UNSEEN\n\
         S: * ESEARCH (TAG \"A284\") UID MIN 4\n\
         S: A284 OK SEARCH completed",
    );
    assert_eq!(first.min, Uid::new(4));
    // The RFC names these by number.
    let ends = example(
        Search::uids(uids("1:5000")).returning().min().max(),
        "ESEARCH",
        "C: A285 UID SEARCH RETURN (MIN MAX) UID 1:5000\n\
         S: * ESEARCH (TAG \"A285\") UID MIN 7 MAX 3800\n\
         S: A285 OK SEARCH completed",
    );
    assert_eq!((ends.min, ends.max), (Uid::new(7), Uid::new(3800)));
    let counted = example(
        Search::deleted().returning().count(),
        "ESEARCH",
        "C: A286 UID SEARCH RETURN (COUNT) DELETED\n\
         S: * ESEARCH (TAG \"A286\") UID COUNT 15\n\
         S: A286 OK SEARCH completed",
    );
    assert_eq!(counted.count, Some(15));
}

/// RFC 4731 section 3.2: the mod-sequence is that of what is returned.
#[test]
fn mod_sequences_of_what_is_returned() {
    let changed = || Search::flag_changed_since(Flag::Draft, ModSeq::new(620_162_337).unwrap()).returning();
    for (search, options, answer, mod_seq) in [
        (changed().min(), "MIN", "MIN 2 MODSEQ 917162488", 917_162_488),
        (changed().max(), "MAX", "MAX 23 MODSEQ 907162321", 907_162_321),
        (changed().min().max(), "MIN MAX", "MIN 2 MAX 23 MODSEQ 917162488", 917_162_488),
        (changed().min().count(), "MIN COUNT", "MIN 2 COUNT 10 MODSEQ 917162500", 917_162_500),
    ] {
        let text = format!(
            "C: a1 UID SEARCH RETURN ({options}) MODSEQ \"/flags/\\\\draft\" all 620162338\n\
             S: * ESEARCH (TAG \"a1\") UID {answer}\n\
             S: a1 OK Search complete"
        );
        let found = example(search, "ESEARCH CONDSTORE", &text);
        assert_eq!(found.mod_seq.map(ModSeq::get), Some(mod_seq), "{options}");
        assert_eq!(found.max, Uid::new(23).filter(|_| options.contains("MAX")), "{options}");
    }
}

/// RFC 8474 section 6, RFC 8514 section 4.3, RFC 6203 sections 3 and 4, RFC 9738 section 3.1.
#[test]
fn answers_without_esearch() {
    for (search, can, written, answer, found) in [
        (Search::email_id("M6d99ac3275bb4e"), "OBJECTID", "emailid M6d99ac3275bb4e", "1", "1"),
        (Search::thread_id("T64b478a75b7ea9"), "OBJECTID", "threadid T64b478a75b7ea9", "1 2", "1:2"),
        (Search::saved_on(day(2014, 12, 28)), "SAVEDATE", "SAVEDON 28-Dec-2014", "993 994", "993:994"),
        (
            Search::saved_since(day(2014, 12, 28)),
            "SAVEDATE",
            "SAVEDSINCE 28-Dec-2014",
            "993 994 995 996 997 998 999 1000 1001",
            "993:1001",
        ),
        (
            Search::subject("IMAP break").fuzzy(),
            "SEARCH=FUZZY",
            "FUZZY SUBJECT \"IMAP break\"",
            "1 5 10",
            "1,5,10",
        ),
        (
            Search::subject("work").fuzzy().from("user@example.com"),
            "SEARCH=FUZZY",
            "FUZZY SUBJECT work FROM user@example.com",
            "1 4",
            "1,4",
        ),
        (
            Search::uids(uids("22000:25000")).undeleted(),
            "MESSAGELIMIT=1000",
            "UID 22000:25000 UNDELETED",
            "25000 24998 23221",
            "23221,24998,25000",
        ),
    ] {
        let text = format!("C: 27 UID SEARCH {written}\nS: * SEARCH {answer}\nS: 27 OK Completed");
        assert_eq!(example(search, can, &text).uids(), &uids(found), "{written}");
    }
}

fn day(year: u16, month: u8, day: u8) -> Date {
    Date::new(year, month, day).unwrap()
}

/// RFC 9394 section 3.1.
#[test]
fn parts_of_a_result() {
    let wanted = || Search::undeleted().without_keyword("$Junk").returning();
    let first = example(
        wanted().partial(1..=500),
        "ESEARCH PARTIAL",
        "C: A03 UID SEARCH RETURN (PARTIAL 1:500) UNDELETED UNKEYWORD $Junk\n\
         S: * ESEARCH (TAG \"A03\") UID PARTIAL (1:500 2,10:15)\n\
         S: A03 OK Completed.",
    );
    assert_eq!(first.partial, Some(uids("2,10:15")));
    let newest = example(
        wanted().partial(PartialRange::last(100)),
        "ESEARCH PARTIAL",
        "C: A01 UID SEARCH RETURN (PARTIAL -1:-100) UNDELETED UNKEYWORD $Junk\n\
         S: * ESEARCH (TAG \"A01\") UID PARTIAL (-1:-100 99,300:398)\n\
         S: A01 OK Completed.",
    );
    assert_eq!(newest.partial, Some(uids("99,300:398")));
    let beyond = example(
        wanted().partial(24000..=24500),
        "ESEARCH PARTIAL",
        "C: A04 UID SEARCH RETURN (PARTIAL 24000:24500) UNDELETED UNKEYWORD $Junk\n\
         S: * ESEARCH (TAG \"A04\") UID PARTIAL (24000:24500 NIL)\n\
         S: A04 OK Completed.",
    );
    assert_eq!(beyond.partial, Some(UidSet::new()));
}

/// RFC 7377 section 3.
#[test]
fn what_several_mailboxes_have() {
    let scope = |below: SearchScope| SearchScope::mailboxes(["folder1"]).and(below);
    let unseen = SearchIn::new(scope(SearchScope::subtree(["folder2"])), Search::unseen());
    let found = example(
        unseen,
        "MULTISEARCH",
        "C: tag1 ESEARCH IN (mailboxes \"folder1\" subtree \"folder2\") unseen\n\
         S: * ESEARCH (TAG \"tag1\" MAILBOX \"folder1\" UIDVALIDITY 1) UID ALL 4001,4003,4005,4007,4009\n\
         E: * ESEARCH (TAG \"tag2\" MAILBOX \"folder1\" UIDVALIDITY 1) UID ALL 3001:3004,3788\n\
         S: * ESEARCH (TAG \"tag1\" MAILBOX \"folder2/banana\" UIDVALIDITY 503) UID ALL 3002,4004\n\
         S: * ESEARCH (TAG \"tag1\" MAILBOX \"folder2/peach\" UIDVALIDITY 3) UID ALL 921691\n\
         S: tag1 OK done",
    );
    let names: Vec<_> = found.iter().map(|one| one.mailbox.as_str()).collect();
    assert_eq!(names, ["folder1", "folder2/banana", "folder2/peach"]);
    assert_eq!(found[1].uids, uids("3002,4004"));
    let chad = SearchIn::new(scope(SearchScope::subtree_one(["folder2"])), Search::subject("chad"));
    let found = example(
        chad,
        "MULTISEARCH",
        "C: tag2 ESEARCH IN (mailboxes \"folder1\" subtree-one \"folder2\") subject \"chad\"\n\
         S: * ESEARCH (TAG \"tag2\" MAILBOX \"folder2/salmon\" UIDVALIDITY 1111111) UID ALL 50003,50006,50009,50012\n\
         S: tag2 OK done",
    );
    assert_eq!((found.len(), found[0].uids.len()), (1, 4));
}

/// RFC 6203 section 5.
#[test]
fn what_is_most_relevant_comes_first() {
    let sorted = example(
        Sort::new(Search::subject("Helo").fuzzy(), SortKey::Relevancy),
        "SORT SEARCH=FUZZY",
        "C: C1 UID SORT (RELEVANCY) UTF-8 FUZZY SUBJECT \"Helo\"\n\
         S: * SORT 5 10 1\n\
         S: C1 OK Sort completed.",
    );
    assert_eq!(sorted.numbers.iter().collect::<Vec<_>>(), [5, 10, 1]);
    let ranked = example(
        Sort::new(Search::text("Helo").fuzzy(), SortKey::Relevancy).returning().relevancy(),
        "SORT ESORT SEARCH=FUZZY",
        "C: C2 UID SORT RETURN (ALL RELEVANCY) (RELEVANCY) UTF-8 FUZZY TEXT \"Helo\"\n\
         S: * ESEARCH (TAG \"C2\") UID ALL 5,10,1 RELEVANCY (99 42 4)\n\
         S: C2 OK Sort completed.",
    );
    assert_eq!(ranked.all.expect("all").iter().collect::<Vec<_>>(), [5, 10, 1]);
    assert_eq!(ranked.relevancy, [99, 42, 4]);
    for (can, word) in [("SORT SEARCH=FUZZY", "ESORT"), ("SORT ESORT", "FUZZY")] {
        let sort = Sort::new(Search::text("x"), SortKey::Size).returning().relevancy();
        assert!(super::refusal(sort, can).contains(word), "{word}");
    }
    let first = example(
        Sort::new(Search::text("World").fuzzy(), SortKey::Relevancy).returning().partial(1..=10),
        "SORT ESORT CONTEXT=SORT SEARCH=FUZZY",
        "C: C3 UID SORT RETURN (PARTIAL 1:10) (RELEVANCY) UTF-8 FUZZY TEXT \"World\"\n\
         S: * ESEARCH (TAG \"C3\") UID PARTIAL (1:10 42,9,34,13,15,4,2,7,23,82)\n\
         S: C3 OK Sort completed.",
    );
    assert_eq!(
        first.partial.expect("a part").iter().collect::<Vec<_>>(),
        [42, 9, 34, 13, 15, 4, 2, 7, 23, 82]
    );
}
