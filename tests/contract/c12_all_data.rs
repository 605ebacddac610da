//! Promise 12: results keep all that the server sends for them. What has no name here is in them as
//! it came: unknown items, attributes, extension data, codes, texts, in the server's order.
//!
//! Each row of the table is a command, the line that it makes, what the server answers, and what
//! has to be found in the result.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use imap_duplex::command::{
    Append, Comparators, Create, GetMetadata, Id, Items, Language, List, Search, SearchScope, SortKey,
    StatusItems, Store, ThreadBy,
};
use imap_duplex::types::{Code, EventKind, Flag, ModSeq, Seq};
use imap_duplex::{Mailbox, Result, Sender, Submit, Token};

use crate::client::uid;
use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

const ALL: &str = "IMAP4rev1 LITERAL+ ACL ANNOTATE-EXPERIMENT-1 COMPRESS=DEFLATE CONDSTORE CREATE-SPECIAL-USE ENABLE \
                   ESEARCH ESORT CONTEXT=SORT I18NLEVEL=2 ID LANGUAGE LIST-EXTENDED LIST-METADATA LIST-MYRIGHTS \
                   LIST-STATUS METADATA METADATA-SERVER MOVE MULTIAPPEND MULTISEARCH NAMESPACE OBJECTID PREVIEW QUOTA \
                   SORT SPECIAL-USE STATUS=SIZE THREAD=REFS UIDPLUS UNSELECT URLAUTH X-GM-EXT-1";

type Shown = Pin<Box<dyn Future<Output = Result<String>>>>;

/// What a command gives, for people.
fn shown<S>(token: Token<S>) -> Shown
where
    S: Submit + Send + 'static,
    S::Output: Debug,
    Token<S>: Future<Output = Result<S::Output>> + 'static,
{
    Box::pin(async move { token.await.map(|result| format!("{result:?}")) })
}

struct Row {
    submit: fn(&Sender, &Mailbox) -> Shown,
    line: &'static str,
    answers: &'static [&'static str],
    end: &'static str,
    kept: &'static [&'static str],
}

fn about_mailboxes() -> Vec<Row> {
    vec![
        Row {
            submit: |imap, _| shown(imap.status("A", StatusItems::new().messages())),
            line: "STATUS A (MESSAGES)",
            answers: &["* STATUS A (MESSAGES 3 X-FOO 7 X-BAR (a \"b c\"))"],
            end: "OK",
            kept: &["messages: Some(3)", r#"("X-FOO", "7")"#, r#"("X-BAR", "(a \"b c\")")"#],
        },
        Row {
            submit: |imap, _| shown(imap.list(List::new("A*").with_children())),
            line: "LIST \"\" A* RETURN (CHILDREN)",
            answers: &[
                "* LIST (\\HasChildren \\X-Odd) \"/\" A (\"CHILDINFO\" (\"SUBSCRIBED\") X-EXT (1 (\"two\")))",
            ],
            end: "OK",
            kept: &["\\\\X-Odd", "SUBSCRIBED", "X-EXT", "1 (\\\"two\\\")"],
        },
        Row {
            submit: |imap, _| shown(imap.namespace()),
            line: "NAMESPACE",
            answers: &[r#"* NAMESPACE (("" "/" "X-PARAM" ("FLAG1" "FLAG2"))) (("~" "/")) NIL"#],
            end: "OK",
            kept: &["X-PARAM", "FLAG1", "FLAG2", "~"],
        },
        Row {
            submit: |imap, _| shown(imap.id(Id::nothing())),
            line: "ID NIL",
            answers: &[r#"* ID ("name" "x" "X-Odd" NIL "name" "y")"#],
            end: "OK",
            kept: &[r#"("X-Odd", None)"#, r#"("name", Some("x"))"#, r#"("name", Some("y"))"#],
        },
        Row {
            submit: |imap, _| shown(imap.create(Create::new("N"))),
            line: "CREATE N",
            answers: &[],
            end: "OK [MAILBOXID (F2212ea87)]",
            kept: &["F2212ea87"],
        },
        Row {
            submit: |imap, _| shown(imap.quota("")),
            line: "GETQUOTA \"\"",
            answers: &["* QUOTA \"\" (STORAGE 1 2 X-ODD 3 4)"],
            end: "OK",
            kept: &["STORAGE", "X-ODD", "usage: Some(3), limit: Some(4)"],
        },
        Row {
            submit: |imap, _| shown(imap.acl("A")),
            line: "GETACL A",
            answers: &["* ACL A fred lrswi9 -chris x"],
            end: "OK",
            kept: &["lrswi9", "-chris"],
        },
        Row {
            submit: |imap, _| shown(imap.list_rights("A", "fred")),
            line: "LISTRIGHTS A fred",
            answers: &["* LISTRIGHTS A fred la r swicdkxte9 0"],
            end: "OK",
            kept: &["la", "swicdkxte9", "\"0\""],
        },
        Row {
            submit: |imap, _| shown(imap.metadata(GetMetadata::of("A", ["/shared/x", "/shared/y"]))),
            line: "GETMETADATA A (/shared/x /shared/y)",
            answers: &["* METADATA A (/shared/x {3}\r\na\0b /shared/y NIL)"],
            end: "OK [METADATA LONGENTRIES 2199]",
            kept: &["/shared/x", "/shared/y", "2199", "a\\0b"],
        },
        Row {
            submit: |imap, _| shown(imap.language(Language::all())),
            line: "LANGUAGE",
            answers: &["* LANGUAGE (EN DE x-odd)"],
            end: "OK",
            kept: &["EN", "DE", "x-odd"],
        },
        Row {
            submit: |imap, _| shown(imap.comparator(Comparators::first_of(["cz;*"]))),
            line: "COMPARATOR \"cz;*\"",
            answers: &["* COMPARATOR i;unicode-casemap (cz;one cz;two)"],
            end: "OK",
            kept: &["i;unicode-casemap", "cz;one", "cz;two"],
        },
        Row {
            submit: |imap, _| shown(imap.search_in(SearchScope::personal(), Search::seen())),
            line: "ESEARCH IN (personal) SEEN",
            answers: &["* ESEARCH (TAG \"{tag}\" MAILBOX F UIDVALIDITY 7) UID ALL 4,5 X-RET (a 9)"],
            end: "OK",
            kept: &["X-RET", "(a 9)"],
        },
    ]
}

fn about_messages() -> Vec<Row> {
    vec![
        Row {
            submit: |_, inbox| {
                let known = Items::flags().mod_seq().email_id();
                shown(inbox.fetch(uid(11), known.other("X-FOO").other("X-BAR").other("X-LAST")))
            },
            line: "UID FETCH 11 (FLAGS MODSEQ EMAILID X-FOO X-BAR X-LAST)",
            answers: &[
                "* 1 FETCH (UID 11 FLAGS (\\Seen $Odd \\X) X-FOO (1 \"a\") MODSEQ (9) EMAILID (M1))",
                "* 1 FETCH (UID 11 X-BAR {2}\r\nxy X-LAST NIL)",
            ],
            end: "OK",
            kept: &["$Odd", "\\X", "X-FOO", "X-BAR", "xy", "X-LAST", "M1", "ModSeq(9)"],
        },
        Row {
            submit: |_, inbox| shown(inbox.store(uid(11), Store::add([Flag::Seen]))),
            line: "UID STORE 11 +FLAGS (\\Seen)",
            answers: &["* 1 FETCH (UID 11 FLAGS (\\Seen) MODSEQ (12))"],
            end: "OK",
            kept: &["ModSeq(12)"],
        },
        Row {
            submit: |_, inbox| {
                let since = ModSeq::new(5).expect("above 0");
                shown(inbox.store_unchanged(uid(11)..=uid(12), Store::add([Flag::Seen]), since))
            },
            line: "UID STORE 11:12 (UNCHANGEDSINCE 5) +FLAGS (\\Seen)",
            answers: &["* 1 FETCH (UID 11 FLAGS (\\Seen) MODSEQ (13))"],
            end: "OK [MODIFIED 12]",
            kept: &["ModSeq(13)", "modified: {12}"],
        },
        Row {
            submit: |_, inbox| shown(inbox.copy(uid(11)..=uid(12), "B")),
            line: "UID COPY 11:12 B",
            answers: &[],
            end: "OK [COPYUID 38505 12,11 3956,3955]",
            kept: &[
                "38505",
                "[Uid(12)..=Uid(12), Uid(11)..=Uid(11)]",
                "[Uid(3956)..=Uid(3956), Uid(3955)..=Uid(3955)]",
            ],
        },
        Row {
            submit: |imap, _| shown(imap.append("B", Append::new("x"))),
            line: "APPEND B {1+}\r\nx",
            answers: &[],
            end: "OK [APPENDUID 38505 3955]",
            kept: &["38505", "3955"],
        },
        Row {
            submit: |_, inbox| shown(inbox.submit(Search::seen().returning().count())),
            line: "UID SEARCH RETURN (COUNT) SEEN",
            answers: &["* ESEARCH (TAG \"{tag}\") UID COUNT 1 X-RET (a \"b c\") MODSEQ 917162500"],
            end: "OK",
            kept: &["count: Some(1)", "X-RET", "917162500"],
        },
        Row {
            submit: |_, inbox| {
                use imap_duplex::command::Sort;
                shown(inbox.submit(Sort::new(Search::all(), SortKey::Date).returning().all()))
            },
            line: "UID SORT RETURN (ALL) (DATE) UTF-8 ALL",
            answers: &["* ESEARCH (TAG \"{tag}\") UID ALL 12,11 X-RET 5"],
            end: "OK",
            kept: &["X-RET", "12"],
        },
        Row {
            submit: |_, inbox| shown(inbox.thread(Search::all(), ThreadBy::Refs)),
            line: "UID THREAD REFS UTF-8 ALL",
            answers: &["* THREAD (12 (11)(13))"],
            end: "OK",
            kept: &["12", "11", "13"],
        },
        Row {
            submit: |imap, _| shown(imap.url_fetch(["imap://x/"])),
            line: "URLFETCH \"imap://x/\"",
            answers: &["* URLFETCH imap://x/ NIL"],
            end: "OK",
            kept: &["None"],
        },
        Row {
            submit: |imap, _| shown(imap.raw("X-ODD")),
            line: "X-ODD",
            answers: &["* X-ODD 1 (2)"],
            end: "OK [X-CODE a] as you wish",
            kept: &["X-CODE", "as you wish", "X-ODD"],
        },
    ]
}

#[tokio::test(start_paused = true)]
async fn a_result_has_all_that_the_server_sent_for_it() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), ALL).await;
        let inbox = s.select(&[11, 12, 13]).await;
        let mut missing = Vec::new();
        for Row { submit, line, answers, end, kept } in about_mailboxes().into_iter().chain(about_messages())
        {
            let result = submit(&s.imap, &inbox);
            let mut lines = line.split("\r\n");
            let tag = s.server.expect(lines.next().unwrap_or_default()).await;
            for rest in lines {
                s.server.expect_line(rest).await;
            }
            for answer in answers {
                s.server.say(&answer.replace("{tag}", &tag)).await;
            }
            s.server.say(&format!("{tag} {end}{}", if end == "OK" { " done" } else { "" })).await;
            let result = result.await.unwrap_or_else(|error| panic!("{line}: {error}"));
            let lost = kept.iter().filter(|piece| !result.contains(**piece));
            missing.extend(lost.map(|piece| format!("{line}: no {piece} in {result}")));
            s.events.ready();
        }
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_select_reports_of_the_mailbox_is_among_its_properties() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), ALL).await;
        let opening = s.imap.select("A");
        let tag = s.server.expect("SELECT A").await;
        assert_eq!(opening.mailbox().properties(), Default::default());
        for line in [
            "* 0 EXISTS",
            "* 1 RECENT",
            "* FLAGS (\\Answered \\Seen $Work)",
            "* OK [PERMANENTFLAGS (\\Seen $Work \\*)] Limited",
            "* OK [UNSEEN 2] First unseen",
            "* OK [UIDVALIDITY 7] Ok",
            "* OK [UIDNEXT 14] Ok",
            "* OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Ok",
            "* OK [ANNOTATIONS 20480 NOPRIVATE] Ok",
            "* OK [UIDNOTSTICKY] They will not last",
            "* OK [X-ODD 1 2] Who knows",
            "* LIST (\\HasNoChildren) \"/\" A",
        ] {
            s.server.say(line).await;
        }
        s.server.say(&format!("{tag} OK [READ-WRITE] done")).await;
        let a = opening.await.expect("SELECT");
        let properties = a.properties();
        assert_eq!(properties.flags.to_string(), "(\\Seen \\Answered $Work)");
        assert_eq!(
            properties.permanent_flags.as_ref().map(ToString::to_string).as_deref(),
            Some("(\\Seen \\* $Work)")
        );
        assert_eq!((properties.recent, properties.first_unseen), (Some(1), Seq::new(2)));
        assert_eq!(properties.mailbox_id.as_deref(), Some("F2212ea87-6097-4256-9d51-71338625"));
        let annotations = properties.annotations.expect("said");
        assert_eq!((annotations.max_size, annotations.has_private), (Some(20480), false));
        assert_eq!(properties.entry.as_ref().map(|entry| entry.delimiter), Some(Some('/')));
        let others: Vec<_> = properties.other.iter().map(ToString::to_string).collect();
        assert_eq!(others, ["OK [UIDNOTSTICKY] They will not last", "OK [X-ODD 1 2] Who knows"]);
        for (flag, keeps) in [
            (Flag::Seen, true),
            (Flag::Answered, false),
            (Flag::Recent, false),
            (Flag::Wildcard, true),
            ("$Work".into(), true),
            ("$New".into(), true),
            (Flag::new("\\Odd"), false),
        ] {
            assert_eq!(properties.keeps(&flag), keeps, "{flag}");
        }
        // Later it may say other things.
        s.server.say("* FLAGS (\\Seen $Work $New)").await;
        s.server.say("* OK [PERMANENTFLAGS (\\Seen)] No more").await;
        let noop = s.imap.noop();
        let tag = s.server.expect("NOOP").await;
        s.server.say(&format!("{tag} OK done")).await;
        noop.await.expect("NOOP");
        let now = a.properties();
        assert_eq!(now.flags.to_string(), "(\\Seen $Work $New)");
        assert!(now.keeps(&Flag::Seen) && !now.keeps(&"$New".into()));
        assert_eq!((now.mailbox_id, now.other.len()), (properties.mailbox_id, 2));
        // Another mailbox has its own, and keeps them once it has ended.
        let b = s.imap.select("B");
        let tag = s.server.expect("SELECT B").await;
        s.server.say("* OK [CLOSED] A is closed").await;
        s.server.say("* 0 EXISTS").await;
        s.server.say(&format!("{tag} OK [READ-ONLY] done")).await;
        let b = b.await.expect("SELECT");
        assert_eq!(b.properties(), Default::default());
        assert!(b.properties().keeps(&"$New".into()), "it does not say");
        assert_eq!(a.properties().flags, now.flags);
        s.events.ready();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_very_many_codes_of_a_select_the_others_are_notices() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), ALL).await;
        let opening = s.imap.select("A");
        let tag = s.server.expect("SELECT A").await;
        for number in 0..100 {
            s.server.say(&format!("* OK [X-{number}] so")).await;
        }
        s.server.say("* OK [PERMANENTFLAGS (\\Seen)] Limited").await;
        s.server.say(&format!("{tag} OK [X-LAST] done")).await;
        let a = opening.await.expect("SELECT");
        let notices = s.events.ready().into_iter().filter(|event| matches!(event.kind, EventKind::Notice(_)));
        assert_eq!(a.properties().other.len() + notices.count(), 100);
        assert!(a.properties().permanent_flags.is_some());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_has_its_code_and_text_whatever_they_are() {
    within(LIMIT, async {
        let mut s = Session::with(&quiet(), ALL).await;
        for (code, text) in [
            ("X-ODD a (b \"c\") {", "no such thing"),
            ("REFERRAL imap://other/", "go there"),
            ("BADURL \"/x;uid=1\"", "that one"),
        ] {
            let deleted = s.imap.delete("A");
            let tag = s.server.expect("DELETE A").await;
            s.server.say(&format!("{tag} NO [{code}] {text}")).await;
            let error = deleted.await.expect_err("refused");
            let status = error.status().expect("a status response");
            assert_eq!(status.text, text);
            match error.code() {
                Some(Code::Other { name, text }) => {
                    assert_eq!(format!("{name} {}", text.as_deref().unwrap_or_default()), code);
                }
                Some(Code::Referral(urls)) => assert_eq!(urls, &["imap://other/"]),
                Some(Code::BadUrl(url)) => assert_eq!(url, "/x;uid=1"),
                code => panic!("{code:?}"),
            }
        }
        s.events.ready();
    })
    .await;
}
