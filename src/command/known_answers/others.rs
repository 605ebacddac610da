//! URLAUTH, UIDBATCHES, searches of several mailboxes, COPY and MOVE: how they are written, and
//! what is made of the answers.

use super::{done, line, refusal, response};
use crate::command::{
    BatchUids, Claim, Command, CopyMessages, CopyOutcome, GenUrlAuth, Line, ResetKey, Search, SearchIn,
    SearchScope, UrlFetch,
};
use crate::types::{Uid, UidSet};

#[test]
fn urls_of_messages() {
    // RFC 4467 section 7.
    let rump = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred";
    let make = GenUrlAuth::new([rump]);
    assert_eq!(line(make.clone(), "URLAUTH"), format!("GENURLAUTH \"{rump}\" INTERNAL"));
    assert!(refusal(make.clone(), "IMAP4rev1").contains("URLAUTH"));
    refusal(GenUrlAuth::new(Vec::<String>::new()), "URLAUTH");
    let answer = response(&format!("* GENURLAUTH \"{rump}:internal:91354a473744909de610943775f92038\""));
    assert_eq!(make.claims(&answer), Claim::Whole);
    let urls = make.finish(done("OK"), vec![GenUrlAuth::item(answer).unwrap()]).unwrap();
    assert!(urls[0].expose().ends_with(":internal:91354a473744909de610943775f92038"));
    assert!(!format!("{urls:?}").contains("91354a"), "as good as a password");
    let url = urls[0].expose().to_owned();
    let fetch = UrlFetch::new([&*url]);
    assert_eq!(line(fetch.clone(), "URLAUTH"), format!("URLFETCH \"{url}\""));
    assert!(!format!("{fetch:?}").contains("91354a"));
    let answer = response(&format!("* URLFETCH \"{url}\" \"Si vis pacem, para bellum.\""));
    let found = fetch.finish(done("OK"), vec![UrlFetch::item(answer).unwrap()]).unwrap();
    assert_eq!(found[0].data.as_deref(), Some(&b"Si vis pacem, para bellum."[..]));
    // RFC 5524 section 4.
    let structured = UrlFetch::new([&*url]).decoded().with_structure();
    assert_eq!(
        line(structured.clone(), "URLAUTH URLAUTH=BINARY"),
        format!("URLFETCH (\"{url}\" BODYPARTSTRUCTURE BINARY)")
    );
    let plain = UrlFetch::new([&*url]).with_structure();
    assert_eq!(line(plain, "URLAUTH URLAUTH=BINARY"), format!("URLFETCH (\"{url}\" BODYPARTSTRUCTURE BODY)"));
    assert!(refusal(structured.clone(), "URLAUTH").contains("URLAUTH=BINARY"));
    let answer = response(&format!(
        "* URLFETCH \"{url}\" (BODYPARTSTRUCTURE (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 28 0)) \
         (BINARY \"Si vis pacem, para bellum.\")"
    ));
    let found = structured.finish(done("OK"), vec![UrlFetch::item(answer).unwrap()]).unwrap();
    assert_eq!(found[0].data.as_deref(), Some(&b"Si vis pacem, para bellum."[..]));
    assert_eq!(found[0].other[0].0, "BODYPARTSTRUCTURE");
    assert_eq!(line(ResetKey::of_all(), "URLAUTH"), "RESETKEY");
    assert_eq!(line(ResetKey::of("a b"), "URLAUTH"), "RESETKEY \"a b\"");
}

/// RFC 10022 sections 3.1.1 to 3.1.7, word for word.
#[test]
fn ranges_of_equal_counts() {
    let asked = |batches| line(batches, "UIDBATCHES");
    assert_eq!(asked(BatchUids::of(2000)), "UIDBATCHES 2000");
    assert_eq!(asked(BatchUids::of(2000).only(10..=20)), "UIDBATCHES 2000 10:20");
    assert_eq!(asked(BatchUids::of(2000).only(1..=5)), "UIDBATCHES 2000 1:5");
    assert_eq!(asked(BatchUids::of(2000).only(6..=8)), "UIDBATCHES 2000 6:8");
    assert!(refusal(BatchUids::of(2000), "IMAP4rev1").contains("UIDBATCHES"));
    // What a client is not to send.
    #[expect(clippy::reversed_empty_ranges, reason = "4:1 is what is not to be sent")]
    let reversed = BatchUids::of(2000).only(4..=1);
    assert_eq!(asked(reversed), "UIDBATCHES 2000 1:4");
    assert!(refusal(BatchUids::of(2000).only(1..=100), "UIDBATCHES").contains("100000"));
    assert_eq!(asked(BatchUids::of(2000).only(1..=50)), "UIDBATCHES 2000 1:50");
    assert!(refusal(BatchUids::of(499), "UIDBATCHES").contains("500"));
    assert_eq!(asked(BatchUids::of(500)), "UIDBATCHES 500");
    let ranges = |text: &str| {
        let answer = response(text);
        assert_eq!(BatchUids::of(2000).claims(&answer), Claim::Whole);
        let batches = vec![BatchUids::item(answer).unwrap()];
        let batches = BatchUids::of(2000).finish(done("OK UIDBATCHES Completed"), batches).unwrap();
        batches.batches.ranges().collect::<Vec<_>>()
    };
    let four = "* UIDBATCHES (TAG \"A143\") 215295:99696,99695:20351,20350:7830,7829:1";
    assert_eq!(ranges(four), [(215_295, 99_696), (99_695, 20_351), (20_350, 7_830), (7_829, 1)]);
    let apart = "* UIDBATCHES (TAG \"A302\") 163886:99703,99696:20358,20351:7841,7830:1";
    assert_eq!(ranges(apart), [(163_886, 99_703), (99_696, 20_358), (20_351, 7_841), (7_830, 1)]);
    assert_eq!(ranges("* UIDBATCHES (TAG \"A302\")"), []);
}

#[test]
fn searches_of_several_mailboxes() {
    // RFC 7377 section 3.
    let scope = SearchScope::mailboxes(["folder1"]).and(SearchScope::subtree(["folder2"]));
    let search = SearchIn::new(scope, Search::unseen());
    assert_eq!(line(search.clone(), "MULTISEARCH"), "ESEARCH IN (mailboxes folder1 subtree folder2) UNSEEN");
    assert!(refusal(search.clone(), "ESEARCH").contains("MULTISEARCH"));
    let several = SearchScope::mailboxes(["a b", "c"])
        .and(SearchScope::subtree_one(["d"]))
        .and(SearchScope::personal())
        .and(SearchScope::inboxes())
        .and(SearchScope::subscribed());
    assert_eq!(
        line(SearchIn::new(several, Search::subject("chad")), "MULTISEARCH"),
        "ESEARCH IN (mailboxes (\"a b\" c) subtree-one d personal inboxes subscribed) SUBJECT \"chad\""
    );
    let answer = response(
        "* ESEARCH (TAG \"tag1\" MAILBOX \"folder1\" UIDVALIDITY 1) UID ALL 4001,4003,4005,4007,4009",
    );
    let found = search.clone().finish(done("OK"), vec![SearchIn::item(answer).unwrap()]).unwrap();
    assert_eq!((found[0].mailbox.as_str(), found[0].uids.len()), ("folder1", 5));
    let nameless = response("* ESEARCH UID ALL 5");
    assert_eq!((search.claims(&nameless), SearchIn::item(nameless)), (Claim::No, None));
    let by_uid = SearchIn::new(SearchScope::personal(), Search::uids(Uid::new(4).unwrap()));
    refusal(by_uid, "MULTISEARCH");
    refusal(SearchIn::new(SearchScope::subtree(Vec::<String>::new()), Search::all()), "MULTISEARCH");
}

#[test]
fn what_several_mailboxes_return() {
    let scope = || SearchScope::selected().and(SearchScope::mailboxes(["folder1"]));
    let counted = Search::unseen().returning().min().max().count().in_scope(scope());
    let written = line(counted.clone(), "MULTISEARCH");
    assert_eq!(written, "ESEARCH IN (selected mailboxes folder1) RETURN (MIN MAX COUNT) UNSEEN");
    let answer =
        response("* ESEARCH (TAG \"A1\" MAILBOX folder1 UIDVALIDITY 1) UID MIN 4001 MAX 4009 COUNT 5");
    let found = counted.finish(done("OK"), vec![SearchIn::item(answer).unwrap()]).unwrap();
    assert_eq!((found[0].min, found[0].max, found[0].count), (Uid::new(4001), Uid::new(4009), Some(5)));
    assert!(found[0].uids.is_empty());
    // RFC 7377 section 2.2: PARTIAL with CONTEXT=SEARCH.
    let first = Search::all().returning().partial(1..=2).in_scope(scope());
    assert!(refusal(first.clone(), "MULTISEARCH").contains("PARTIAL"));
    let written = line(first.clone(), "MULTISEARCH CONTEXT=SEARCH");
    assert_eq!(written, "ESEARCH IN (selected mailboxes folder1) RETURN (PARTIAL 1:2) ALL");
    let answer = response("* ESEARCH (TAG \"A1\" MAILBOX folder1 UIDVALIDITY 1) UID PARTIAL (1:2 4001,4003)");
    let found = first.finish(done("OK"), vec![SearchIn::item(answer).unwrap()]).unwrap();
    assert_eq!(found[0].partial, Some("4001,4003".parse().unwrap()));
    let can = "MULTISEARCH PARTIAL CONTEXT=SEARCH";
    refusal(Search::all().returning().all().partial(1..=2).in_scope(scope()), can);
    refusal(Search::all().returning().update().in_scope(scope()), can);
    let relevancy = Search::subject("work").fuzzy().returning().relevancy().in_scope(scope());
    assert!(refusal(relevancy, "MULTISEARCH").contains("FUZZY"));
}

#[test]
fn what_is_known_of_a_copy() {
    let copy = |capabilities: &str, end: &str| {
        let mut copy = CopyMessages::copying("4:7".parse::<UidSet>().unwrap(), "Archive");
        let session = super::session(capabilities);
        copy.encode(&mut Line::new(Some("A1"), &session), &session).unwrap();
        copy.finish(done(end), Vec::new()).unwrap().outcome
    };
    assert_eq!(copy("UIDPLUS", "OK [COPYUID 1 4 9] done"), CopyOutcome::Reported);
    assert_eq!(copy("UIDPLUS", "OK No messages found."), CopyOutcome::NothingMatched);
    assert_eq!(copy("IMAP4rev1", "OK done"), CopyOutcome::NotReported);
    let none = CopyMessages::copying(UidSet::new(), "Archive").finish(done("OK"), Vec::new()).unwrap();
    assert_eq!(none.outcome, CopyOutcome::NothingMatched);
    // Which of them were not there.
    let absent = |capabilities: &str, end: &str| {
        let asked: UidSet = "4:7".parse().unwrap();
        let mut copy = CopyMessages::copying(asked.clone(), "Archive");
        let session = super::session(capabilities);
        copy.encode(&mut Line::new(Some("A1"), &session), &session).unwrap();
        copy.finish(done(end), Vec::new()).unwrap().absent(&asked).map(|set| set.to_string())
    };
    assert_eq!(absent("UIDPLUS", "OK [COPYUID 1 4,6 9:10] done").as_deref(), Some("5,7"));
    assert_eq!(absent("UIDPLUS", "OK [COPYUID 1 4:7 9:12] done").as_deref(), Some(""));
    assert_eq!(absent("UIDPLUS", "OK No messages found.").as_deref(), Some("4:7"));
    assert_eq!(absent("IMAP4rev1", "OK done"), None);
    let strict = CopyMessages::moving("4:7".parse::<UidSet>().unwrap(), "Archive").strict();
    assert!(refusal(strict, "UIDPLUS").contains("MOVE"));
}
