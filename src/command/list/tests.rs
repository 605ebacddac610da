//! Patterns, forms by what the server has, and what becomes of the rows.

use super::*;
use crate::command::testing::{lines, next_lines, refused, server};
use crate::types::{MailboxStatus, Metadata, MetadataEntry};

#[test]
fn patterns_fit_as_servers_fit_them() {
    let cases = [
        ("*", "a/b/c", true),
        ("%", "a", true),
        ("%", "a/b", false),
        ("a/%", "a/b", true),
        ("a/%", "a/b/c", false),
        ("a*c", "a/b/c", true),
        ("%/b*", "a/b/c", true),
        ("a%b", "ab", true),
        ("abc", "ab", false),
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*%", "a/b", true),
        ("%%", "ab", true),
        ("%*c", "a/b/c", true),
        ("%a%", "bab", true),
        ("%a%", "b/a", false),
    ];
    for (pattern, name, fit) in cases {
        assert_eq!(fits(pattern, name, Some('/')), fit, "{pattern} {name}");
    }
    assert!(fits("%", "a/b", None), "no levels: % is *");
    assert!(List::new("archive").fits_loosely(&ListEntry::new("Archive")));
    assert!(!List::new("archive").fits_loosely(&ListEntry::new("Archives")));
    assert!(List::new("inbox").fits(&ListEntry::new("INBOX")));
}

#[test]
fn another_spelling_of_a_name_is_the_same_name() {
    let (composed, apart) = ("Entw\u{fc}rfe", "Entwu\u{308}rfe");
    assert!(List::new(apart).fits(&ListEntry::new(composed)));
    let apart = MailboxName::exact(apart);
    assert!(List::new(composed).fits(&ListEntry::new(&apart)));
    let mut entry = ListEntry::new(composed);
    entry.old_name = Some(apart);
    assert_eq!(entry.renamed_from(), None);
    entry.old_name = Some("Drafts".into());
    assert_eq!(entry.renamed_from(), Some(&"Drafts".into()));
    assert!(!List::new("Dra*").fits(&entry), "that is not its name any more");
}

/// New names are in Net-Unicode (RFC 9051 section 5.1), and so is what looks for them.
#[test]
fn a_pattern_is_composed_and_a_name_of_the_server_is_not() {
    let apart = "Cafe\u{301}*";
    assert_lines(List::new(apart), &[], &["LIST \"\" Caf&AOk-*"]);
    assert_lines(List::new("x").or(apart), &["LIST-EXTENDED"], &["LIST \"\" (x Caf&AOk-*)"]);
    assert_lines(List::exact(apart.to_owned()), &[], &["LIST \"\" Cafe&AwE-*"]);
}

/// The lines of a LIST, and the capabilities of the server beside IMAP4rev1.
#[track_caller]
fn assert_lines(list: List, capabilities: &[&str], expected: &[&str]) {
    assert_eq!(lines(list, &server(capabilities)), expected);
}

/// RFC 5258 sections 5 and 3.1, RFC 5819 section 2, RFC 6154 section 5.2, RFC 8440 section 4,
/// RFC 9051 section 6.3.9.
#[test]
fn it_is_written_as_the_rfcs_have_it() {
    let all = ["LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "LIST-MYRIGHTS", "LIST-METADATA"];
    let list = List::new;
    assert_lines(list("*"), &all, &["LIST \"\" *"]);
    assert_lines(list("*").subscribed(), &all, &["LIST (SUBSCRIBED) \"\" *"]);
    assert_lines(list("%").with_children(), &all, &["LIST \"\" % RETURN (CHILDREN)"]);
    let remote = list("%").remote().with_children();
    assert_lines(remote, &all, &["LIST (REMOTE) \"\" % RETURN (CHILDREN)"]);
    let both = list("*").subscribed().remote();
    assert_lines(both, &all, &["LIST (SUBSCRIBED REMOTE) \"\" *"]);
    let several = list("INBOX").or("Drafts").or("Sent/%");
    assert_lines(several, &all, &["LIST \"\" (INBOX Drafts Sent/%)"]);
    let recursive = list("foo2").subscribed().recursive_match();
    assert_lines(recursive, &all, &["LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo2"]);
    let counted = list("%").with_status(StatusItems::messages().unseen());
    assert_lines(counted, &all, &["LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))"]);
    let counted = list("%").subscribed().recursive_match().with_status(StatusItems::messages());
    assert_lines(counted, &all, &["LIST (SUBSCRIBED RECURSIVEMATCH) \"\" % RETURN (STATUS (MESSAGES))"]);
    assert_lines(list("%").special_use(), &all, &["LIST (SPECIAL-USE) \"\" %"]);
    let special = list("*").special_use().with_subscriptions().with_special_use();
    assert_lines(special, &all, &["LIST (SPECIAL-USE) \"\" * RETURN (SUBSCRIBED SPECIAL-USE)"]);
    assert_lines(list("%").with_my_rights(), &all, &["LIST \"\" % RETURN (MYRIGHTS)"]);
    let annotated = list("%").with_metadata(["/shared/comment", "/private/a b"]);
    let line = r#"LIST "" % RETURN (METADATA (/shared/comment "/private/a b"))"#;
    assert_lines(annotated, &all, &[line]);
    assert_lines(list("*").lsub().under("#news."), &all, &["LSUB #news. *"]);
}

#[test]
fn what_the_server_lacks_is_replaced_by_what_comes_to_the_same() {
    let list = List::new;
    assert_lines(list("a").or("b"), &[], &["LIST \"\" a", "LIST \"\" b"]);
    assert_lines(list("a").or("b").subscribed(), &[], &["LSUB \"\" a", "LSUB \"\" b"]);
    assert_lines(list("%").with_children(), &["CHILDREN"], &["LIST \"\" %"]);
    assert_lines(list("*").special_use(), &["SPECIAL-USE"], &["LIST \"\" *"]);
    assert_lines(list("*").special_use(), &["XLIST", "LIST-EXTENDED"], &["XLIST \"\" *"]);
    assert_lines(list("*").with_special_use(), &["XLIST"], &["XLIST \"\" *"]);
}

#[test]
fn what_nothing_replaces_is_refused_and_named() {
    let why = |list: List, capabilities: &[&str]| refused(list, &server(capabilities));
    let list = || List::new("*");
    for unknown in [list().remote(), list().with_subscriptions(), list().subscribed().recursive_match()] {
        assert!(why(unknown, &["SPECIAL-USE"]).contains("LIST-EXTENDED"));
    }
    assert!(why(list().special_use(), &["LIST-EXTENDED"]).contains("SPECIAL-USE"));
    assert!(why(list().special_use().subscribed(), &["XLIST"]).contains("SPECIAL-USE"));
    assert!(why(list().with_children(), &[]).contains("CHILDREN"));
    assert!(why(list().with_my_rights(), &["LIST-EXTENDED"]).contains("ACL"));
    assert!(why(list().with_metadata(["/a"]), &["METADATA-SERVER"]).contains("METADATA"));
    assert!(why(list().with_status(StatusItems::size()), &["LIST-STATUS"]).contains("STATUS=SIZE"));
    assert!(why(list().recursive_match().remote(), &["LIST-EXTENDED"]).contains("RECURSIVEMATCH"));
    // A user who wants no replacement.
    for (strict, lacking) in [
        (list().subscribed(), "LIST-EXTENDED"),
        (list().or("b"), "LIST-EXTENDED"),
        (list().special_use(), "SPECIAL-USE"),
        (list().with_status(StatusItems::messages()), "LIST-STATUS"),
        (list().with_my_rights(), "LIST-MYRIGHTS"),
    ] {
        assert!(why(strict.strict(), &["XLIST", "ACL"]).contains(lacking), "{lacking}");
    }
    let rev2 = Session { capabilities: ["IMAP4rev2"].iter().collect(), ..Session::default() };
    assert!(refused(list().lsub(), &rev2).contains("LSUB"));
}

fn untagged(name: &'static str, answer: Answer) -> Untagged {
    Untagged::new(name, answer, None)
}

fn status(name: &str, messages: u32) -> Untagged {
    let mut status = MailboxStatus::new(name);
    status.messages = Some(messages);
    untagged("STATUS", Answer::MailboxStatus(Box::new(status)))
}

#[test]
fn mailboxes_are_counted_one_by_one_where_list_does_not() {
    let session = server(&["ACL"]);
    let mut list = List::new("*").with_status(StatusItems::messages()).with_my_rights();
    assert_eq!(next_lines(&mut list, &session), ["LIST \"\" *"]);
    let no = StatusResponse::new(Status::No, None, "no");
    assert!(!list.tolerates(&no), "the list itself is refused");
    let mut above = ListEntry::new("above");
    above.attributes.push("\\Noselect".into());
    for entry in [ListEntry::new("INBOX"), above, ListEntry::new("a b"), ListEntry::new("INBOX")] {
        list.received(&untagged("LIST", Answer::List(Box::new(entry))));
    }
    let expected =
        ["STATUS INBOX (MESSAGES)", "MYRIGHTS INBOX", "STATUS \"a b\" (MESSAGES)", "MYRIGHTS \"a b\""];
    assert_eq!(next_lines(&mut list, &session), expected);
    assert!(list.tolerates(&no) && !list.tolerates(&StatusResponse::new(Status::Bad, None, "bad")));
    assert_eq!(list.claims(&status("INBOX", 3)), Claim::Whole);
    list.received(&status("INBOX", 3));
    assert_eq!(list.claims(&status("INBOX", 3)), Claim::Part, "a repetition");
    let mut none = List::new("*").with_status(StatusItems::messages());
    assert_eq!(next_lines(&mut none, &session), ["LIST \"\" *"]);
    assert_eq!(next_lines(&mut none, &session), ["NOOP"], "nothing was listed");
}

/// RFC 5819 section 2, RFC 8440 section 4, RFC 5464 section 4.4.2.
#[test]
fn what_arrives_beside_the_list_is_put_to_its_mailbox() {
    let mut list = List::new("*").with_status(StatusItems::messages()).with_metadata(["/a"]);
    let entry = |name: &str| untagged("LIST", Answer::List(Box::new(ListEntry::new(name))));
    let annotation = |name: &str, value: MetadataValue| {
        let entries = vec![MetadataEntry::new("/a".into(), value)];
        untagged("METADATA", Answer::Metadata(Box::new(Metadata::new(Some(name.into()), entries))))
    };
    let value = MetadataValue::Set("x".into());
    let changed = annotation("foo", MetadataValue::Changed);
    assert_eq!(list.claims(&changed), Claim::No, "a change is no answer");
    assert_eq!(List::new("*").claims(&status("foo", 1)), Claim::No, "not asked for");
    let mut empty = MailboxStatus::new("foo");
    empty.unseen = Some(1);
    let answers = [entry("foo"), status("foo", 30), entry("bar"), annotation("foo", value)];
    for answer in &answers {
        assert_eq!(list.claims(answer), Claim::Whole, "{answer:?}");
        list.received(answer);
    }
    assert_ne!(list.claims(&untagged("STATUS", Answer::MailboxStatus(Box::new(empty)))), Claim::Whole);
    let items = answers.into_iter().filter_map(List::item).collect();
    let done = Done::new(StatusResponse::new(Status::Ok, None, ""));
    let all = list.finish(done, items).expect("it is whole");
    assert_eq!(all.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["foo", "bar"]);
    assert_eq!(all[0].status.as_ref().and_then(|status| status.messages), Some(30));
    assert_eq!(all[0].metadata.as_ref().and_then(|all| all.get("/a")).map(|v| &v[..]), Some(&b"x"[..]));
    assert!(all[1].status.is_none() && all[1].metadata.is_none());
}

#[test]
fn of_an_xlist_what_has_a_use_is_kept() {
    let mut list = List::new("*").special_use();
    assert_eq!(next_lines(&mut list, &server(&["XLIST"])), ["XLIST \"\" *"]);
    let mut spam = ListEntry::new("[Gmail]/Spam");
    spam.attributes = vec!["\\HasNoChildren".into(), "\\Spam".into()];
    assert!(list.trim(&mut untagged("XLIST", Answer::List(Box::new(spam)))));
    assert!(!list.trim(&mut untagged("XLIST", Answer::List(Box::new(ListEntry::new("[Gmail]"))))));
}
