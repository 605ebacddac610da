//! ANNOTATE (RFC 5257): the RFC's own examples, in both directions. What the client sends is the
//! same by UID; line ends within an example are those of the RFC's layout.

use super::{done, line, refusal, response};
use crate::command::{
    AnnotationItems, Append, Claim, Command, Fetch, Items, Search, Sort, SortOrder, StoreAnnotations,
};
use crate::types::AnnotationScope::{Private, Shared};
use crate::types::{AnnotateCode, Answer, Code, Message, UidSet};

const CAN: &str = "IMAP4rev1 LITERAL+ SORT ANNOTATE-EXPERIMENT-1";

fn uids(text: &str) -> UidSet {
    text.parse().unwrap()
}

fn fetch(items: Items) -> Fetch {
    Fetch::new(uids("1"), items)
}

/// The row of a server's example, which the command claims.
fn row(command: &Fetch, text: &str) -> Message {
    // Our own asks by UID, and is answered with it.
    let answer = response(&text.replacen("(ANNOTATION", "(UID 1 ANNOTATION", 1));
    assert_eq!(command.claims(&answer), Claim::Whole, "{text}");
    Fetch::item(answer).expect("a row")
}

fn text(message: &Message, entry: &str, scope: crate::types::AnnotationScope) -> Option<String> {
    message.annotation(entry, scope).map(|value| String::from_utf8_lossy(value).into_owned())
}

/// Section 4.3.
#[test]
fn annotations_are_fetched_as_the_rfc_has_it() {
    let comment = || fetch(Items::annotations("/comment"));
    assert_eq!(line(comment(), CAN), "UID FETCH 1 (ANNOTATION (/comment value))");
    let both = r#"* 1 FETCH (ANNOTATION (/comment (value.priv "My comment" value.shared "Group note")))"#;
    let both = row(&comment(), both);
    assert_eq!(text(&both, "/comment", Private).as_deref(), Some("My comment"));
    assert_eq!(text(&both, "/comment", Shared).as_deref(), Some("Group note"));
    let all = Items::annotations(AnnotationItems::of(["/*"]).only(Private).with_sizes());
    let all = Fetch::new(uids("1123"), all);
    assert_eq!(line(all.clone(), CAN), "UID FETCH 1123 (ANNOTATION (/* (value.priv size.priv)))");
    let answer = response(
        "* 12 FETCH (UID 1123 ANNOTATION (/comment (value.priv \"My comment\" size.priv \"10\") \
         /altsubject (value.priv \"Rhinoceroses!\" size.priv \"13\") \
         /vendor/foobar/label.priv (value.priv \"label43\" size.priv \"7\") \
         /vendor/foobar/personality (value.priv \"Tallulah Bankhead\" size.priv \"17\")))",
    );
    assert_eq!(all.claims(&answer), Claim::Whole);
    let found = Fetch::item(answer).expect("a row");
    let sizes: Vec<_> = found.annotations().iter().map(|one| one.size(Private)).collect();
    assert_eq!(sizes, [Some(10), Some(13), Some(7), Some(17)]);
    assert_eq!(text(&found, "/vendor/foobar/label.priv", Private).as_deref(), Some("label43"));
    let top = fetch(Items::annotations(AnnotationItems::of(["/%"]).only(Shared)));
    assert_eq!(line(top.clone(), CAN), "UID FETCH 1 (ANNOTATION (/% value.shared))");
    let found = row(
        &top,
        "* 1 FETCH (ANNOTATION (/comment (value.shared \"Patch Mangler\") \
         /altsubject (value.shared \"Patches?  We don't need no steenkin patches!\")))",
    );
    assert_eq!(text(&found, "/comment", Shared).as_deref(), Some("Patch Mangler"));
    assert_eq!(text(&found, "/comment", Private), None);
    let two = AnnotationItems::of(["/comment", "/altsubject"]).only(Private);
    let two = fetch(Items::annotations(two));
    assert_eq!(line(two.clone(), CAN), "UID FETCH 1 (ANNOTATION ((/comment /altsubject) value.priv))");
    let found = row(
        &two,
        "* 1 FETCH (ANNOTATION (/comment (value.priv \"What a chowder-head\") \
         /altsubject (value.priv \"How to crush beer cans\")))",
    );
    assert_eq!(text(&found, "/altsubject", Private).as_deref(), Some("How to crush beer cans"));
}

/// Section 4.4.
#[test]
fn what_there_is_not_is_nil_and_changes_are_names_alone() {
    let one = fetch(Items::annotations("/comment"));
    let found = row(&one, r#"* 1 FETCH (ANNOTATION (/comment (value.priv "My comment" value.shared NIL)))"#);
    assert_eq!((text(&found, "/comment", Private).is_some(), text(&found, "/comment", Shared)), (true, None));
    let two = fetch(Items::annotations(["/comment", "/altsubject"]));
    assert_eq!(line(two.clone(), CAN), "UID FETCH 1 (ANNOTATION ((/comment /altsubject) value))");
    let answer = "* 1 FETCH (ANNOTATION (/comment (value.priv \"My comment\" value.shared NIL) \
        /altsubject (value.priv \"My subject\" value.shared NIL)))";
    assert_eq!(text(&row(&two, answer), "/altsubject", Private).as_deref(), Some("My subject"));
    let sized = fetch(Items::annotations(AnnotationItems::of(["/comment"]).with_sizes()));
    assert_eq!(line(sized.clone(), CAN), "UID FETCH 1 (ANNOTATION (/comment (value size)))");
    let answer = "* 1 FETCH (ANNOTATION (/comment (value.priv \"My comment\" value.shared NIL \
        size.priv \"10\" size.shared \"0\")))";
    let found = row(&sized, answer);
    let [comment] = found.annotations() else { panic!("{found:?}") };
    assert_eq!(
        (comment.size(Private), comment.size(Shared), comment.value(Shared)),
        (Some(10), Some(0), None)
    );
    // The RFC's example of this has one parenthesis too many, behind the flags.
    for changed in [
        "* 1 FETCH (FLAGS (\\Seen) ANNOTATION (/comment))",
        "* 1 FETCH (FLAGS (\\Seen)) ANNOTATION (/comment))",
    ] {
        let Answer::Fetch(row) = response(changed).into_answer() else { panic!("{changed}") };
        let [comment] = row.annotations() else { panic!("{changed}: {row:?}") };
        assert_eq!((comment.entry.as_str(), comment.attributes.len()), ("/comment", 0));
        assert!(row.flags().is_some());
    }
}

/// Section 4.5.
#[test]
fn annotations_are_stored_as_the_rfc_has_it() {
    let stored = |change: StoreAnnotations| line(change.of(uids("1")), CAN);
    let new = StoreAnnotations::set("/comment", Private, "My new comment");
    assert_eq!(stored(new.clone()), r#"UID STORE 1 ANNOTATION (/comment (value.priv "My new comment"))"#);
    let none = StoreAnnotations::unset("/comment", Shared);
    assert_eq!(stored(none), "UID STORE 1 ANNOTATION (/comment (value.shared NIL))");
    let two = StoreAnnotations::set("/comment", Private, "Get tix Tuesday");
    let two = two.and_set("/altsubject", Private, "Wots On");
    assert_eq!(
        stored(two),
        "UID STORE 1 ANNOTATION (/comment (value.priv \"Get tix Tuesday\") \
         /altsubject (value.priv \"Wots On\"))"
    );
    let both = new.and_set("/comment", Shared, "foo's bar");
    let written = "UID STORE 1 ANNOTATION (/comment (value.priv \"My new comment\" \
        value.shared \"foo's bar\"))";
    assert_eq!(stored(both), written);
    // The last value counts; bytes of any kind.
    let again = StoreAnnotations::set("/comment", Private, "a").and_set("/comment", Private, &b"\0\xff"[..]);
    let again = line(again.of(uids("1")), CAN);
    assert!(again.starts_with("UID STORE 1 ANNOTATION (/comment (value.priv ~{2+}\r\n\0"), "{again:?}");
    for (text, code) in [
        ("NO [ANNOTATE TOOBIG] no", Code::Annotate(AnnotateCode::TooBig)),
        ("NO [ANNOTATE TOOMANY] no", Code::Annotate(AnnotateCode::TooMany)),
    ] {
        assert_eq!(done(text).status.code, Some(code));
    }
}

/// Sections 4.1 and 4.2.
#[test]
fn a_mailbox_says_what_it_can_have() {
    let support = |text: &str| match response(&format!("* OK [ANNOTATIONS {text}] x")).into_answer() {
        Answer::Status(status) => match status.code {
            Some(Code::Annotations(support)) => support.map(|one| (one.max_size, one.has_private)),
            code => panic!("{code:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(support("20480 NOPRIVATE"), Some((Some(20480), false)));
    assert_eq!(support("1024"), Some((Some(1024), true)));
    assert_eq!(support("READ-ONLY"), Some((None, true)));
    assert_eq!(support("read-only NOPRIVATE"), Some((None, false)));
    assert_eq!(support("NONE"), None);
}

/// Sections 4.7, 4.8 and 4.9.
#[test]
fn append_search_and_sort_are_those_of_the_rfc() {
    let draft = Append::new(vec![b'x'; 310]).to("drafts");
    let draft = line(draft.annotation("/comment", Private, "Don't send until I say so"), CAN);
    let begin = r#"APPEND drafts ANNOTATION (/comment (value.priv "Don't send until I say so")) {310+}"#;
    assert!(draft.starts_with(begin), "{draft}");
    for (query, written) in [
        (Search::annotation("/comment", None, "IMAP4"), r#"ANNOTATION /comment value "IMAP4""#),
        (Search::annotation("*", Private, "IMAP4"), r#"ANNOTATION * value.priv "IMAP4""#),
        (Search::unseen().annotation("/%", Shared, "x"), r#"UNSEEN ANNOTATION /% value.shared "x""#),
    ] {
        assert_eq!(line(query, CAN), format!("UID SEARCH {written}"));
    }
    let sorted = Sort::new(Search::all(), SortOrder::by_annotation("/altsubject", Shared));
    assert_eq!(line(sorted, CAN), "UID SORT (ANNOTATION /altsubject value.shared) UTF-8 ALL");
    let then = SortOrder::descending(crate::command::SortKey::Size).then_annotation("/a", Private);
    let then = Sort::new(Search::all(), then);
    assert_eq!(line(then, CAN), "UID SORT (REVERSE SIZE ANNOTATION /a value.priv) UTF-8 ALL");
}

#[test]
fn what_can_not_be_asked_is_refused() {
    for odd in ["", "comment", "/a/", "//a", "/a//b", "/\u{e4}", "/a\r\nA2 NOOP", "/a\0"] {
        assert!(refusal(fetch(Items::annotations(odd)), CAN).contains("no name"), "{odd:?}");
        let set = StoreAnnotations::set(odd, Private, "x").of(uids("1"));
        assert!(refusal(set, CAN).contains("no name"), "{odd:?}");
        assert!(refusal(Search::annotation(odd, None, "x"), CAN).contains("no name"), "{odd:?}");
        let order = SortOrder::by_annotation(odd, Shared);
        assert!(refusal(Sort::new(Search::all(), order), CAN).contains("no name"), "{odd:?}");
        let append = Append::new("x").annotation(odd, Private, "x");
        assert!(refusal(append, CAN).contains("no name"), "{odd:?}");
    }
    for wild in ["/*", "/%", "*"] {
        assert!(refusal(StoreAnnotations::unset(wild, Shared).of(uids("1")), CAN).contains("no name"));
        line(fetch(Items::annotations(wild)), CAN);
    }
    assert!(refusal(fetch(Items::annotations([""; 0])), CAN).contains("no annotation is named"));
    assert!(refusal(fetch(Items::other("ANNOTATION")), CAN).contains("method of its own"));
    let can_not = "IMAP4rev1 SORT";
    for why in [
        refusal(fetch(Items::annotations("/comment")), can_not),
        refusal(StoreAnnotations::unset("/comment", Shared).of(uids("1")), can_not),
        refusal(Search::annotation("/comment", None, "x"), can_not),
        refusal(Append::new("x").annotation("/comment", Private, "x"), can_not),
        refusal(Sort::new(Search::all(), SortOrder::by_annotation("/comment", Shared)), can_not),
    ] {
        assert!(why.contains("ANNOTATE-EXPERIMENT-1"), "{why}");
    }
}

#[test]
fn two_items_are_one() {
    let both = Items::annotations("/comment").annotations(AnnotationItems::of(["/x"]).sizes()).flags();
    assert_eq!(line(fetch(both), CAN), "UID FETCH 1 (FLAGS ANNOTATION ((/comment /x) (value size)))");
    let own = |name: &str| AnnotationItems::of([name]).only(Private);
    let both = Items::annotations(own("/comment")).and(Items::annotations(own("/comment")));
    assert_eq!(line(fetch(both), CAN), "UID FETCH 1 (ANNOTATION (/comment value.priv))");
    let either = Items::annotations(own("/a")).annotations("/a");
    assert_eq!(line(fetch(either), CAN), "UID FETCH 1 (ANNOTATION (/a value))");
}
