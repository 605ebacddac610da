//! SORT and THREAD: how they are written, and the order of what they give.

use super::{done, line, next_line, refusal, response, session};
use crate::command::{
    Claim, Command, PartialRange, Search, Sort, SortKey, SortOrder, SortReturn, Sorted, Thread, ThreadBy,
};
use crate::types::{Date, NumberList, Uid};

#[test]
fn sort_is_written_as_the_rfcs_have_it() {
    let since = Search::since(Date::new(1994, 2, 1).unwrap());
    // RFC 5256 section 3, by UID.
    let by_subject = Sort::new(since, SortKey::Subject);
    assert_eq!(line(by_subject, "SORT"), "UID SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994");
    let order = || SortOrder::by(SortKey::Subject).then_descending(SortKey::Date);
    assert_eq!(line(Sort::new(Search::all(), order()), "SORT"), "UID SORT (SUBJECT REVERSE DATE) UTF-8 ALL");
    // RFC 5267 section 3.3; `ALL` is what `()` means.
    let newest = || Sort::new(Search::undeleted(), SortOrder::descending(SortKey::Date));
    assert_eq!(
        line(newest().context(), "SORT ESORT CONTEXT=SORT"),
        "UID SORT RETURN (CONTEXT ALL) (REVERSE DATE) UTF-8 UNDELETED"
    );
    assert_eq!(line(newest().context(), "SORT"), "UID SORT (REVERSE DATE) UTF-8 UNDELETED");
    assert_eq!(line(newest(), "SORT ESORT"), "UID SORT RETURN (ALL) (REVERSE DATE) UTF-8 UNDELETED");
    assert_eq!(
        line(newest().partial(1..=10), "SORT ESORT CONTEXT=SORT"),
        "UID SORT RETURN (PARTIAL 1:10) (REVERSE DATE) UTF-8 UNDELETED"
    );
    assert_eq!(line(newest().partial(1..=10), "SORT"), "UID SORT (REVERSE DATE) UTF-8 UNDELETED");
    // RFC 6203 section 5.
    let relevant = Sort::new(Search::subject("Helo").fuzzy(), SortKey::Relevancy);
    assert_eq!(
        line(relevant.clone(), "SORT SEARCH=FUZZY"),
        "UID SORT (RELEVANCY) UTF-8 FUZZY SUBJECT \"Helo\""
    );
    assert!(refusal(relevant, "SORT").contains("SEARCH=FUZZY"));
    let everything = SortOrder::by(SortKey::Arrival)
        .then(SortKey::Cc)
        .then(SortKey::From)
        .then(SortKey::Size)
        .then(SortKey::To)
        .then(SortKey::DisplayFrom)
        .then_descending(SortKey::DisplayTo);
    let shown = Sort::new(Search::all(), everything);
    assert_eq!(
        line(shown.clone(), "SORT SORT=DISPLAY"),
        "UID SORT (ARRIVAL CC FROM SIZE TO DISPLAYFROM REVERSE DISPLAYTO) UTF-8 ALL"
    );
    assert!(refusal(shown, "SORT").contains("SORT=DISPLAY"));
    assert!(refusal(newest(), "IMAP4rev1").contains("SORT"));
    assert!(refusal(newest().partial(1..=2).strict(), "SORT ESORT").contains("CONTEXT=SORT"));
    // The charset is named in any case, once.
    let text = Sort::new(Search::subject("Grüße"), SortKey::Size);
    assert_eq!(line(text, "SORT LITERAL+"), "UID SORT (SIZE) UTF-8 SUBJECT {7+}\r\nGrüße");
}

#[test]
fn what_is_sorted_keeps_its_order() {
    for (capabilities, answer, expected) in [
        ("SORT", "* SORT 2 84 882", vec![2, 84, 882]),
        ("SORT", "* SORT 5 3 4 1 2", vec![5, 3, 4, 1, 2]),
        ("SORT ESORT", "* ESEARCH UID ALL 23765,23764,23763", vec![23765, 23764, 23763]),
        // RFC 5267 section 3.2.
        ("SORT ESORT", "* ESEARCH UID ALL 5,12:10", vec![5, 10, 11, 12]),
        ("SORT ESORT", "* ESEARCH UID", vec![]),
    ] {
        let mut sort = Sort::new(Search::all(), SortKey::Size);
        next_line(&mut sort, &session(capabilities)).unwrap();
        let answer = response(answer);
        assert_ne!(sort.claims(&answer), Claim::No);
        let sorted = sort.finish(done("OK"), vec![Sort::item(answer).unwrap()]).unwrap();
        assert_eq!(sorted.numbers.iter().collect::<Vec<_>>(), expected);
    }
    let mut last = Sort::new(Search::all(), SortKey::Size).partial(PartialRange::last(2));
    next_line(&mut last, &session("SORT")).unwrap();
    let item = Sort::item(response("* SORT 5 3 4 1 2")).unwrap();
    let sorted = last.finish(done("OK"), vec![item]).unwrap();
    assert_eq!(sorted.numbers.iter().collect::<Vec<_>>(), [1, 2]);
}

/// RFC 5267 sections 3.1, 4.2 to 4.4, by UID.
#[test]
fn what_a_sort_returns_is_what_was_asked_for() {
    let newest = || {
        let order = SortOrder::descending(SortKey::Date);
        Sort::new(Search::undeleted().without_keyword("$Junk"), order).returning()
    };
    const ALL: &str = "SORT ESORT CONTEXT=SORT";
    for (sort, capabilities, returned) in [
        // `ALL` is what `()` means.
        (newest(), ALL, " RETURN (ALL)"),
        (newest().all(), "SORT ESORT", " RETURN (ALL)"),
        (newest().min().max().count(), "SORT ESORT", " RETURN (MIN MAX COUNT)"),
        (newest().count().update(), ALL, " RETURN (UPDATE COUNT)"),
        (newest().update(), ALL, " RETURN (UPDATE ALL)"),
        (newest().count().context(), ALL, " RETURN (CONTEXT COUNT)"),
        (newest().count().context(), "SORT ESORT", " RETURN (COUNT)"),
        (newest().partial(23500..=24000), ALL, " RETURN (PARTIAL 23500:24000)"),
        (newest().min().partial(1..=500).count().update(), ALL, " RETURN (UPDATE MIN COUNT PARTIAL 1:500)"),
        // One command has ALL or PARTIAL (section 4.4), which counts from the first.
        (newest().all().partial(1..=2), ALL, " RETURN (ALL)"),
        (newest().partial(PartialRange::last(2)).max(), ALL, " RETURN (MAX ALL)"),
        (newest().partial(1..=2).max(), "SORT ESORT", " RETURN (MAX ALL)"),
        // CONTEXT=SORT does not bring MIN, MAX and COUNT.
        (newest().partial(1..=2), "SORT CONTEXT=SORT", " RETURN (PARTIAL 1:2)"),
        (newest().partial(1..=2).count(), "SORT CONTEXT=SORT", ""),
        (newest().min().update(), "SORT CONTEXT=SORT", " RETURN (UPDATE ALL)"),
        (newest().min().count().partial(1..=2), "SORT", ""),
    ] {
        let expected = format!("UID SORT{returned} (REVERSE DATE) UTF-8 UNDELETED UNKEYWORD $Junk");
        assert_eq!(line(sort, capabilities), expected);
    }
    for (sort, capabilities, word) in [
        (newest().count().strict(), "SORT CONTEXT=SORT", "ESORT"),
        (newest().partial(1..=2).strict(), "SORT ESORT", "CONTEXT=SORT"),
        (newest().partial(PartialRange::last(1)).strict(), ALL, "CONTEXT=SORT"),
        (newest().count().update(), "SORT ESORT", "CONTEXT=SORT"),
        (newest().count(), "ESORT CONTEXT=SORT", "SORT"),
    ] {
        assert!(refusal(sort, capabilities).contains(word), "{word}");
    }
    assert!(line(newest().all().strict(), "SORT").starts_with("UID SORT ("));
}

/// What comes of these answers.
fn sorted(mut sort: SortReturn, capabilities: &str, answers: &[&str]) -> Sorted {
    next_line(&mut sort, &session(capabilities)).unwrap();
    let items = answers.iter().map(|answer| SortReturn::item(response(answer)).unwrap()).collect();
    sort.finish(done("OK"), items).unwrap()
}

#[test]
fn a_sorted_result_is_the_same_with_esort_and_without() {
    let sort = || {
        let sort = Sort::new(Search::all(), SortKey::Size).returning();
        sort.min().max().count().partial(2..=3)
    };
    let plain = sorted(sort(), "SORT", &["* SORT 5 3 9 1", "* SORT 4"]);
    let extended = sorted(sort(), "SORT ESORT", &["* ESEARCH UID MIN 5 MAX 4 COUNT 5 ALL 5,3,9,1,4"]);
    let exact = ["* ESEARCH (TAG \"A1\") UID MIN 5 MAX 4 COUNT 5 PARTIAL (2:3 3,9)"];
    let exact = sorted(sort(), "SORT ESORT CONTEXT=SORT", &exact);
    assert_eq!(plain, extended);
    assert_eq!(plain, exact);
    assert_eq!((plain.min, plain.max, plain.count), (Uid::new(5), Uid::new(4), Some(5)));
    assert_eq!((plain.partial, plain.all), (Some(NumberList::from_iter([3, 9])), None));
    let none = ["* ESEARCH UID COUNT 0 PARTIAL (2:3 NIL)"];
    let none = sorted(sort(), "SORT ESORT CONTEXT=SORT", &none);
    assert_eq!((none.min, none.max, none.count), (None, None, Some(0)));
    assert_eq!(none.partial, Some(NumberList::new()));
    // RFC 5267 section 3.2.
    let all = Sort::new(Search::all(), SortKey::Size).returning();
    let all = sorted(all, "SORT ESORT", &["* ESEARCH UID ALL 5,12:10"]).all;
    assert_eq!(all, Some(NumberList::from_iter([5, 10, 11, 12])));
}

/// RFC 5267 section 4.3.1, and changes that come before the OK (section 4.3.3).
#[test]
fn a_server_may_refuse_to_keep_a_sorted_result_up_to_date() {
    let sort = || Sort::new(Search::keyword("$Junk"), SortKey::Arrival).returning().count().update();
    const CAN: &str = "SORT ESORT CONTEXT=SORT";
    let (count, changes) =
        ("* ESEARCH (TAG \"B02\") COUNT 74", "* ESEARCH (TAG \"B02\") UID ADDTO (1 2733 1 2731:2732)");
    let found = sorted(sort(), CAN, &[count, changes]);
    assert!(found.is_updated);
    assert_eq!(found.count, Some(74));
    let changes: Vec<_> =
        found.changes.iter().map(|c| (c.added, c.position, c.numbers.to_string())).collect();
    assert_eq!(changes, [(true, 1, "2733".to_owned()), (true, 1, "2731:2732".to_owned())]);
    let refused = sorted(sort(), CAN, &[count, "* NO [NOUPDATE \"B02\"] Too many contexts"]);
    assert_eq!((refused.is_updated, refused.count), (false, Some(74)));
}

#[test]
fn thread_is_written_and_read_as_the_rfc_has_it() {
    let since = || Search::since(Date::new(2000, 3, 5).unwrap());
    // RFC 5256 section 3, by UID.
    for (by, capability, written) in [
        (
            ThreadBy::OrderedSubject,
            "THREAD=ORDEREDSUBJECT",
            "UID THREAD ORDEREDSUBJECT UTF-8 SINCE 5-Mar-2000",
        ),
        (ThreadBy::References, "THREAD=REFERENCES", "UID THREAD REFERENCES UTF-8 SINCE 5-Mar-2000"),
        (ThreadBy::Refs, "THREAD=REFS", "UID THREAD REFS UTF-8 SINCE 5-Mar-2000"),
    ] {
        assert_eq!(line(Thread::new(since(), by), capability), written);
        assert!(refusal(Thread::new(since(), by), "IMAP4rev1").contains(capability));
    }
    let thread = Thread::new(Search::all(), ThreadBy::References);
    let answer = response("* THREAD (2)(3 6 (4 23)(44 7 96))");
    assert_eq!(thread.claims(&answer), Claim::Whole);
    let threads = thread.finish(done("OK"), vec![Thread::item(answer).unwrap()]).unwrap();
    let nodes: Vec<_> = threads.iter().map(|node| (node.depth, node.number)).collect();
    let at = |depth, number| (depth, Some(number));
    let expected = [at(0, 2), at(0, 3), at(1, 6), at(2, 4), at(3, 23), at(2, 44), at(3, 7), at(4, 96)];
    assert_eq!(nodes, expected);
    let deep = format!("* THREAD {}1{}", "(".repeat(50_000), ")".repeat(50_000));
    let _ = crate::command::Thread::item(response(&deep));
}
