//! SORT and THREAD: how they are written, and the order of what they give.

use super::{done, line, next_line, refusal, response, session};
use crate::command::{Claim, Command, PartialRange, Search, Sort, SortKey, SortOrder, Thread, ThreadBy};
use crate::types::Date;

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
