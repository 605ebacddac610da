//! STORE, on condition, and of labels.

use super::transcript::example;
use super::{done, line, refusal, response};
use crate::command::{
    Claim, Command, CopyMessages, CopyOutcome, Fetch, Items, SaveSearch, SaveSearchCommand, Search, Store,
    StoreAnnotations, StoreLabels,
};
use crate::types::{AnnotationScope, Flag, ModSeq, UidSet};

fn uids(text: &str) -> UidSet {
    text.parse().unwrap()
}

#[test]
fn a_condition_stands_before_the_flags() {
    let since = |number| ModSeq::new(number).unwrap();
    // RFC 7162 section 3.1.3, examples 3, 4 and 6, by UID.
    let store =
        Store::add(["$Processed"]).silent().of(uids("100:150")).unchanged_since(since(212_030_000_000));
    assert_eq!(
        line(store, "CONDSTORE"),
        "UID STORE 100:150 (UNCHANGEDSINCE 212030000000) +FLAGS.SILENT ($Processed)"
    );
    let store = Store::add(["\\deleted"]).of(uids("4,5,7,9")).unchanged_since(since(320_162_338));
    assert_eq!(line(store, "CONDSTORE"), r"UID STORE 4:5,7,9 (UNCHANGEDSINCE 320162338) +FLAGS (\Deleted)");
    let store = Store::add(["\\Seen"]).of(uids("1")).unchanged_since(since(5));
    assert!(refusal(store, "IMAP4rev1").contains("CONDSTORE"));
}

/// RFC 7162 section 3.1.3: of any metadata; RFC 5257 section 4.5 and X-GM-EXT-1 are STORE as well.
#[test]
fn labels_and_annotations_take_the_condition_too() {
    let since = ModSeq::new(5).unwrap();
    let labels = || StoreLabels::add(["foo"]).of(uids("1")).unchanged_since(since);
    assert_eq!(line(labels(), "X-GM-EXT-1 CONDSTORE"), "UID STORE 1 (UNCHANGEDSINCE 5) +X-GM-LABELS (foo)");
    assert!(refusal(labels(), "X-GM-EXT-1").contains("CONDSTORE"));
    assert!(refusal(labels(), "CONDSTORE").contains("X-GM-EXT-1"));
    let note = || {
        let note = StoreAnnotations::set("/comment", AnnotationScope::Private, "x");
        note.of(uids("1")).unchanged_since(since)
    };
    let written = r#"UID STORE 1 (UNCHANGEDSINCE 5) ANNOTATION (/comment (value.priv "x"))"#;
    assert_eq!(line(note(), "ANNOTATE-EXPERIMENT-1 CONDSTORE"), written);
    assert!(refusal(note(), "ANNOTATE-EXPERIMENT-1").contains("CONDSTORE"));
    let row = response(r"* 1 FETCH (UID 1 X-GM-LABELS (foo) MODSEQ (7))");
    assert_eq!(labels().claims(&row), Claim::Whole);
    let stored = note().finish(done("OK [MODIFIED 1] Conditional STORE failed"), Vec::new()).unwrap();
    assert_eq!((stored.messages.len(), stored.modified.to_string()), (0, "1".to_owned()));
}

#[test]
fn what_was_left_alone_is_no_failure() {
    let since = ModSeq::new(320_162_338).unwrap();
    let mut store = Store::add(["\\Deleted"]).of(uids("4,5,7,9")).unchanged_since(since);
    let row = response(r"* 5 FETCH (UID 5 MODSEQ (320162350) FLAGS (\Deleted))");
    assert_eq!(store.claims(&row), Claim::Whole);
    store.received(&row);
    let rows = vec![crate::command::StoreUnchanged::<Store>::item(row).unwrap()];
    let stored = store.finish(done("OK [MODIFIED 7,9] Conditional STORE failed"), rows).unwrap();
    assert_eq!((stored.messages.len(), stored.modified.to_string()), (1, "7,9".to_owned()));
}

#[test]
fn labels_are_names_and_what_begins_with_a_backslash() {
    // https://developers.google.com/workspace/gmail/imap/imap-extensions, by UID.
    let foo = StoreLabels::add(["foo"]).of(uids("1"));
    assert_eq!(line(foo, "X-GM-EXT-1"), "UID STORE 1 +X-GM-LABELS (foo)");
    let many =
        StoreLabels::remove(["Grüße", "a \"b\"", "\\Important", "x)\r\nA2 NOOP"]).silent().of(uids("1:3"));
    let written = line(many, "X-GM-EXT-1 LITERAL+");
    let labels = r#"(Gr&APwA3w-e "a \"b\"" \Important "x)&AA0ACg-A2 NOOP")"#;
    assert_eq!(written, format!("UID STORE 1:3 -X-GM-LABELS.SILENT {labels}"));
    refusal(StoreLabels::replace(["\\a b"]).of(uids("1")), "X-GM-EXT-1");
    assert!(refusal(StoreLabels::replace(["a"]).of(uids("1")), "IMAP4rev1").contains("X-GM-EXT-1"));
    let labels = StoreLabels::add(["foo"]).of(uids("4"));
    assert_eq!(labels.claims(&response(r"* 1 FETCH (X-GM-LABELS (\Inbox foo) UID 4)")), Claim::Whole);
    assert_eq!(labels.claims(&response(r"* 1 FETCH (X-GM-LABELS (foo) UID 5)")), Claim::No);
    assert_eq!(labels.claims(&response(r"* 1 FETCH (X-GM-LABELS (foo) UID 4 PREVIEW NIL)")), Claim::No);
}

/// RFC 5182 section 2.1, examples 1, 6 and 7, by UID. No STORE of `$` is silent: the server alone
/// knows whose flags it changes.
#[test]
fn a_saved_result_is_named_by_its_sign() {
    let search = SaveSearch::new(Search::keyword("$Junk"));
    let saved = search.saved();
    let searched = line(SaveSearchCommand::from(search), "SEARCHRES ESEARCH");
    assert_eq!(searched, "UID SEARCH RETURN (SAVE COUNT) KEYWORD $Junk");
    let copied = example(
        CopyMessages::copying(&saved, "Other Messages"),
        "UIDPLUS",
        "C: E283 UID COPY $ \"Other Messages\"\nS: E283 OK COPY completed, nothing copied",
    );
    assert_eq!(copied.outcome, CopyOutcome::NothingMatched);
    let rows = example(
        Store::add([Flag::Deleted]).silent().of(&saved),
        "IMAP4rev1",
        "C: F284 UID STORE $ +FLAGS (\\Deleted)\n\
         S: * 2 FETCH (UID 14 FLAGS (\\Deleted))\n\
         S: F284 OK STORE completed",
    );
    assert_eq!(rows.len(), 1);
    let rows = example(
        Fetch::new(&saved, Items::internal_date().flags()),
        "IMAP4rev1",
        "C: A283 UID FETCH $ (FLAGS INTERNALDATE)\n\
         S: * 2 FETCH (UID 14 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" FLAGS ())\n\
         S: * 84 FETCH (UID 100 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" FLAGS ())\n\
         S: A283 OK completed",
    );
    assert_eq!(rows.iter().filter_map(|row| row.uid()).collect::<UidSet>().to_string(), "14,100");
}
