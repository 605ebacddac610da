//! Known results for the examples of RFC 9051 and RFC 3501, except FETCH.

use super::*;
use crate::types::{
    Capabilities, Code, CopyUid, ESearch, Flag, Flags, ModSeq, ModifiedSet, NumberSet, Seq, Uid, UidValidity,
};

fn flags(names: &[&str]) -> Flags {
    names.iter().map(|name| Flag::new(name)).collect()
}

fn uid(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

fn numbers(text: &str) -> NumberSet {
    NumberSet(text.parse().unwrap())
}

#[test]
fn greetings_are_status_responses() {
    assert_eq!(status("* OK IMAP4rev2 server ready"), ok(None, "IMAP4rev2 server ready"));
    let greeting = status("* PREAUTH [CAPABILITY IMAP4rev2 AUTH=PLAIN] logged in as Smith");
    assert_eq!(greeting.status, Status::PreAuth);
    let Some(Code::Capability(can)) = greeting.code else { panic!() };
    assert!(can.has("imap4rev2") && can.auth_mechanisms().eq(["PLAIN"]));
    assert_eq!(status("* BYE Autologout; idle for too long").status, Status::Bye);
}

/// RFC 9051 section 7.1, RFC 3501 section 7.1.
#[test]
fn codes_of_the_base_protocol() {
    let code = |text: &str| status(format!("* OK [{text}] text")).code.unwrap();
    assert_eq!(code("ALERT"), Code::Alert);
    assert_eq!(code("alert"), Code::Alert);
    assert_eq!(code("READ-WRITE"), Code::ReadWrite);
    assert_eq!(code("UNKNOWN-CTE"), Code::UnknownCte);
    assert_eq!(code("UIDNEXT 4392"), Code::UidNext(Some(uid(4392))));
    assert_eq!(code("UIDVALIDITY 3857529045"), Code::UidValidity(UidValidity::new(3_857_529_045)));
    assert_eq!(code("UNSEEN 12"), Code::Unseen(Seq::new(12)));
    assert_eq!(code("HIGHESTMODSEQ 715194045007"), Code::HighestModSeq(ModSeq::new(715_194_045_007)));
    assert_eq!(
        code("PERMANENTFLAGS (\\Deleted \\Seen \\*)"),
        Code::PermanentFlags(flags(&["\\Deleted", "\\Seen", "\\*"]))
    );
    assert_eq!(code("PERMANENTFLAGS ()"), Code::PermanentFlags(Flags::new()));
    assert_eq!(code("BADCHARSET"), Code::BadCharset(vec![]));
    assert_eq!(
        code("BADCHARSET (US-ASCII \"UTF-8\")"),
        Code::BadCharset(vec!["US-ASCII".into(), "UTF-8".into()])
    );
    assert_eq!(
        code("CAPABILITY IMAP4rev1 IDLE"),
        Code::Capability(Capabilities::from_iter(["IMAP4rev1", "IDLE"]))
    );
    let copied = CopyUid::new(
        UidValidity::new(38505),
        vec![uid(304)..=uid(304), uid(319)..=uid(320)],
        vec![uid(3956)..=uid(3958)],
    );
    assert_eq!(code("COPYUID 38505 304,319:320 3956:3958"), Code::CopyUid(copied.clone()));
    let pairs: Vec<_> = copied.pairs().map(|(a, b)| (a.get(), b.get())).collect();
    assert_eq!(pairs, [(304, 3956), (319, 3957), (320, 3958)]);
    assert_eq!(
        code("APPENDUID 38505 3955,3957"),
        Code::AppendUid { uid_validity: UidValidity::new(38505), uids: "3955,3957".parse().unwrap() }
    );
    assert_eq!(code("MODIFIED 7,9"), Code::Modified(ModifiedSet::Numbers(numbers("7,9"))));
    assert_eq!(code("X-NEW 1 2"), Code::Other { name: "X-NEW".into(), text: Some("1 2".into()) });
}

/// Each code without arguments is parsed back from its display.
#[test]
fn codes_without_arguments() {
    use Code::*;
    let all = [
        Alert,
        AlreadyExists,
        AuthenticationFailed,
        AuthorizationFailed,
        Cannot,
        ClientBug,
        Closed,
        ContactAdmin,
        Corruption,
        Expired,
        ExpungeIssued,
        HasChildren,
        InUse,
        Limit,
        NoModSeq,
        NonExistent,
        NoPerm,
        NotSaved,
        OverQuota,
        Parse,
        PrivacyRequired,
        ReadOnly,
        ReadWrite,
        ServerBug,
        TryCreate,
        UidNotSticky,
        Unavailable,
        UnknownCte,
    ];
    for code in all {
        assert_eq!(tagged(&format!("a1 NO [{code}] no")).1.code, Some(code));
    }
}

#[test]
fn tagged_lines() {
    let (tag, end) = tagged("A142 OK [READ-WRITE] SELECT completed");
    assert_eq!((&*tag, end), ("A142", ok(Some(Code::ReadWrite), "SELECT completed")));
    assert_eq!(tagged("a no Login failed").1, StatusResponse::new(Status::No, None, "Login failed"));
    assert_eq!(tagged("A1 BAD").1, StatusResponse::new(Status::Bad, None, ""));
    assert!(read("A1 FOO bar").is_err() && read("A1").is_err() && read("").is_err());
}

#[test]
fn continuations() {
    for (text, expected) in
        [("+ idling", "idling"), ("+", ""), ("+ ", ""), ("+ YGgGCSqGSIb3==", "YGgGCSqGSIb3==")]
    {
        let Ok(Response::Continuation { text }) = read(text) else { panic!() };
        assert_eq!(text, expected);
    }
}

#[test]
fn counts_and_removals() {
    assert_eq!(answer("* 23 EXISTS"), Answer::Exists(23));
    assert_eq!(answer("* 0 exists"), Answer::Exists(0));
    assert_eq!(answer("* 5 RECENT"), Answer::Recent(5));
    assert_eq!(answer("* 44 EXPUNGE"), Answer::Expunge { seq: Seq::new(44).unwrap(), uid: None });
    let uids = "41,43:116,118,120:211,214:540".parse().unwrap();
    assert_eq!(
        answer("* VANISHED (EARLIER) 41,43:116,118,120:211,214:540"),
        Answer::Vanished { earlier: true, uids }
    );
    let uids = "405,407,410,425".parse().unwrap();
    assert_eq!(answer("* VANISHED 405,407,410,425"), Answer::Vanished { earlier: false, uids });
}

#[test]
fn capabilities_and_flags() {
    let Answer::Capability(can) = answer("* CAPABILITY STARTTLS AUTH=GSSAPI IMAP4rev2 LOGINDISABLED") else {
        panic!()
    };
    assert!(can.len() == 4 && can.has("logindisabled"));
    assert_eq!(
        answer("* ENABLED CONDSTORE X-GOOD-IDEA"),
        Answer::Enabled(vec!["CONDSTORE".into(), "X-GOOD-IDEA".into()])
    );
    assert_eq!(answer("* ENABLED"), Answer::Enabled(vec![]));
    assert_eq!(
        answer("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $MDNSent)"),
        Answer::Flags(flags(&["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft", "$MDNSent"]))
    );
}

#[test]
fn lists() {
    let list = |text: &str| match answer(text) {
        Answer::List(entry) | Answer::Lsub(entry) => entry,
        other => panic!("{other:?}"),
    };
    let entry = list("* LIST (\\Noselect) \"/\" ~/Mail/foo");
    assert_eq!((entry.name.as_str(), entry.delimiter), ("~/Mail/foo", Some('/')));
    assert!(entry.has("\\noselect") && !entry.is_selectable());
    let entry = list("* LSUB () \".\" #news.comp.mail.misc");
    assert_eq!((entry.name.as_str(), entry.delimiter), ("#news.comp.mail.misc", Some('.')));
    assert_eq!(list("* LIST () NIL inbox").delimiter, None);
    assert!(list("* LIST () NIL inbox").name.is_inbox());
    assert_eq!(list("* LIST () \"\\\\\" \"a \\\"b\\\"\"").delimiter, Some('\\'));
    assert_eq!(list("* LIST () \"\\\\\" \"a \\\"b\\\"\"").name.as_str(), "a \"b\"");
    assert_eq!(list("* LIST () \"/\" {7}\r\nfoo bar").name.as_str(), "foo bar");
    assert_eq!(list("* LIST () \"/\" \"Entr&AOk-e\"").name.as_str(), "Entrée");

    // RFC 9051 section 6.3.9.8, RFC 5258.
    let entry = list("* LIST (\\NonExistent) \"/\" \"Foo\" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
    assert_eq!((entry.name.as_str(), entry.old_name), ("Foo", None));
    let entry = list("* LIST () \"/\" \"NewMailbox\" (\"OLDNAME\" (\"OldMailbox\"))");
    assert_eq!(entry.old_name.unwrap().as_str(), "OldMailbox");
    let entry = list("* LIST () \"/\" New (\"X\" (a (b)) OLDNAME (Old))");
    assert_eq!((entry.name.as_str(), entry.old_name.unwrap().as_str()), ("New", "Old"));
}

#[test]
fn statuses() {
    let Answer::MailboxStatus(status) =
        answer("* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 SIZE 5000000000 DELETED 3 UNSEEN 1)")
    else {
        panic!()
    };
    assert_eq!(status.name.as_str(), "blurdybloop");
    assert_eq!(
        (status.messages, status.uid_next, status.size),
        (Some(231), Uid::new(44292), Some(5_000_000_000))
    );
    assert_eq!((status.deleted, status.unseen, status.recent), (Some(3), Some(1), None));
    let Answer::MailboxStatus(status) = answer(
        "* STATUS \"a b\" (UIDVALIDITY 7 RECENT 0 HIGHESTMODSEQ 7011231777 MAILBOXID (F2212ea8) X NIL)",
    ) else {
        panic!()
    };
    assert_eq!((status.uid_validity, status.recent), (UidValidity::new(7), Some(0)));
    assert_eq!(status.highest_mod_seq, ModSeq::new(7_011_231_777));
    assert_eq!(status.mailbox_id.as_deref(), Some("F2212ea8"));
    assert_eq!(status.other, [("X".into(), "NIL".into())]);
}

#[test]
fn searches() {
    let search = |text: &str| match answer(text) {
        Answer::Search(result) => (result.numbers.to_string(), result.mod_seq.map(ModSeq::get)),
        other => panic!("{other:?}"),
    };
    assert_eq!(search("* SEARCH 2 84 882"), ("2,84,882".into(), None));
    assert_eq!(search("* SEARCH 4 3 2 1"), ("1:4".into(), None));
    assert_eq!(search("* SEARCH 2 5 6 7 11 12 18 19 20 23 (MODSEQ 917162500)").1, Some(917_162_500));
}

#[test]
fn extended_searches() {
    let search = |text: &str| match answer(text) {
        Answer::ESearch(result) => *result,
        other => panic!("{other:?}"),
    };
    let found = search("* ESEARCH (TAG \"A282\") MIN 2 COUNT 3");
    assert_eq!(
        (found.tag.as_deref(), found.uid, found.min, found.count),
        (Some("A282"), false, Some(2), Some(3))
    );
    let found = search("* ESEARCH (TAG \"A285\") UID ALL 43,40:41 MODSEQ 1236 X-PART (1:10 5,4)");
    assert!(found.uid);
    assert_eq!(found.all.unwrap(), numbers("40:41,43"));
    assert_eq!(found.mod_seq, ModSeq::new(1236));
    assert_eq!(found.other, [("X-PART".into(), "(1:10 5,4)".into())]);
    assert_eq!(
        search("* ESEARCH (TAG \"A301\") UID"),
        ESearch { tag: Some("A301".into()), uid: true, ..Default::default() }
    );
    assert_eq!(search("* ESEARCH").tag, None);
}

/// RFC 2971 section 3.2.
#[test]
fn ids() {
    assert_eq!(answer("* ID NIL"), Answer::Id(vec![]));
    let Answer::Id(fields) = answer("* ID (\"name\" \"Cyrus\" \"os\" NIL)") else { panic!() };
    assert_eq!(fields, [("name".into(), Some("Cyrus".into())), ("os".into(), None)]);
}

#[test]
fn responses_of_unknown_kind_keep_their_bytes() {
    let quota = untagged("* X-QUOTA \"\" (STORAGE 10 512)");
    assert_eq!((quota.name(), quota.answer()), ("X-QUOTA", &Answer::Other));
    assert_eq!(quota.raw().unwrap(), "* X-QUOTA \"\" (STORAGE 10 512)");
    assert_eq!(untagged("* 5 x-thing").name(), "X-THING");
    let bad = read("* X-QUOTA \"\" (STORAGE").unwrap_err();
    assert_eq!((bad.keyword.as_deref(), bad.at), (Some("X-QUOTA"), 21));
}
