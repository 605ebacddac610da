//! Known results for the responses of extensions, in the forms that their RFCs show.

use super::*;
use crate::types::{
    Code, MailboxName, Metadata, MetadataCode, MetadataValue, NumberList, Progress, Quota, Uid, UidValidity,
};

fn code(text: &str) -> Code {
    let code = status(format!("* NO [{text}] text")).code.unwrap();
    assert!(!matches!(code, Code::Other { .. }), "{code:?}");
    assert_eq!(code.to_string(), text, "shown as it was read");
    code
}

macro_rules! answer {
    ($kind:ident, $text:expr) => {
        match answer($text) {
            Answer::$kind(read) => read,
            other => panic!("{other:?}"),
        }
    };
}

fn list(numbers: &[u32]) -> NumberList {
    numbers.iter().copied().collect()
}

/// RFC 2342 section 5, RFC 9051 section 6.3.10.
#[test]
fn namespaces() {
    let read = answer!(Namespace, "* NAMESPACE ((\"\" \"/\")) NIL ((\"Public Folders/\" \"/\"))");
    assert_eq!((read.personal.len(), read.other_users.len(), read.shared.len()), (1, 0, 1));
    assert_eq!((&*read.personal[0].prefix, read.personal[0].delimiter), ("", Some('/')));
    assert_eq!(read.shared[0].prefix, "Public Folders/");
    let read = answer!(
        Namespace,
        "* NAMESPACE ((\"\" \"/\")(\"#mh/\" \"/\" \"X-PARAM\" (\"FLAG1\" \"FLAG2\"))) NIL NIL"
    );
    let expected = [("X-PARAM".to_owned(), vec!["FLAG1".to_owned(), "FLAG2".to_owned()])];
    assert_eq!(read.personal[1].extensions, expected);
    let read = answer!(
        Namespace,
        "* NAMESPACE ((\"\" \"/\")) ((\"~\" \"/\")) ((\"#shared/\" \"/\")(\"#public/\" \"/\")(\"#ftp/\" \"/\")(\"#news.\" \".\"))"
    );
    assert_eq!(
        read.shared.iter().map(|n| &*n.prefix).collect::<Vec<_>>(),
        ["#shared/", "#public/", "#ftp/", "#news."]
    );
    assert_eq!(answer!(Namespace, "* NAMESPACE NIL NIL ((\"\" \".\"))").personal, []);
}

/// RFC 5255 sections 3.3 and 3.4.
#[test]
fn languages_and_translated_namespaces() {
    assert_eq!(answer!(Language, "* LANGUAGE (EN DE IT i-default)"), ["EN", "DE", "IT", "i-default"]);
    let read = answer!(
        Namespace,
        "* NAMESPACE ((\"\" \"/\"))((\"Other Users/\" \"/\" \"TRANSLATION\" (\"Andere Ben&APw-tzer/\"))) NIL"
    );
    assert_eq!(read.other_users[0].translation.as_deref(), Some("Andere Benützer/"));
}

/// RFC 5255 sections 4.7 to 4.9.
#[test]
fn comparators() {
    let read = answer!(Comparator, "* COMPARATOR i;basic");
    assert_eq!((&*read.active, read.matching.len()), ("i;basic", 0));
    let read = answer!(Comparator, "* COMPARATOR \"i;basic\" (\"i;basic\" i;octet)");
    assert_eq!(read.matching, ["i;basic", "i;octet"]);
    assert_eq!(code("BADCOMPARATOR"), Code::BadComparator);
}

/// RFC 4314 sections 3.3, 3.7 and 3.8, RFC 8440 section 4.
#[test]
fn rights() {
    let read = answer!(Acl, "* ACL INBOX Fred rwipslxetad -Fred wetd $team w");
    assert_eq!(read.mailbox, MailboxName::INBOX);
    let shown: Vec<_> = read.entries.iter().map(|(who, what)| format!("{who} {what}")).collect();
    assert_eq!(shown, ["Fred rwipslxetad", "-Fred wetd", "$team w"]);
    let read = answer!(ListRights, "* LISTRIGHTS ~/Mail/saved smith la r swicdkxte");
    assert_eq!((read.mailbox.as_str(), &*read.identifier), ("~/Mail/saved", "smith"));
    assert_eq!((read.required.as_str(), read.optional.len()), ("la", 2));
    let read = answer!(
        ListRights,
        "* LISTRIGHTS archive.imap anyone \"\" l r s w i p k x t e c d a 0 1 2 3 4 5 6 7 8 9"
    );
    assert!(read.required.is_empty() && read.optional.len() == 23);
    let read = answer!(MyRights, "* MYRIGHTS INBOX rwiptsldaex");
    assert!(read.rights.can('x') && !read.rights.can('k'));
    assert_eq!(answer!(MyRights, "* MYRIGHTS \"foo\" lrs").mailbox, MailboxName::new("foo"));
}

/// RFC 9208 section 4, RFC 2087 section 5.
#[test]
fn quotas() {
    let shown = |quota: Quota| -> (String, Vec<(String, u64, Option<u64>)>) {
        (quota.root, quota.resources.into_iter().map(|r| (r.name, r.usage.unwrap(), r.limit)).collect())
    };
    assert_eq!(
        shown(answer!(Quota, "* QUOTA \"#user/alice\" (STORAGE 54 111 MESSAGE 42 1000)")),
        ("#user/alice".into(), vec![("STORAGE".into(), 54, Some(111)), ("MESSAGE".into(), 42, Some(1000))])
    );
    assert_eq!(
        shown(answer!(Quota, "* QUOTA \"\" (STORAGE 10 512)")),
        (String::new(), vec![("STORAGE".into(), 10, Some(512))])
    );
    let read = answer!(Quota, "* QUOTA \"\" (ANNOTATION-STORAGE 9223372036854775807 9223372036854775807)");
    assert_eq!(read.resource("annotation-storage").unwrap().limit, Some(u64::MAX / 2));
    assert_eq!(shown(answer!(Quota, "* QUOTA x ()")), ("x".into(), vec![]));
    let read = answer!(QuotaRoot, "* QUOTAROOT INBOX \"#user/alice\" \"!partition/sda4\"");
    assert_eq!(
        (read.mailbox, read.roots),
        (MailboxName::INBOX, vec!["#user/alice".into(), "!partition/sda4".into()])
    );
    assert_eq!(answer!(QuotaRoot, "* QUOTAROOT comp.mail.mime").roots.len(), 0);
    assert_eq!(answer!(QuotaRoot, "* QUOTAROOT INBOX \"\"").roots, [""]);
    let read = answer!(MailboxStatus, "* STATUS INBOX (MESSAGES 12 DELETED 4 DELETED-STORAGE 8)");
    assert_eq!((read.deleted, read.deleted_storage), (Some(4), Some(8)));
}

/// RFC 5464 sections 4.2, 4.3 and 4.4, RFC 6154 section 5.4. LIST-METADATA (RFC 9590), whose text
/// was not at hand, sends them in the same form.
#[test]
fn metadata() {
    let get = |read: &Metadata, name| read.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
    let read = answer!(
        Metadata,
        "* METADATA \"INBOX\" (/private/filters/values/small \"SMALLER 5000\" /private/filters/values/boss \"FROM \\\"boss@example.com\\\"\")"
    );
    assert_eq!(read.mailbox, Some(MailboxName::INBOX));
    assert_eq!(get(&read, "/private/filters/values/boss").as_deref(), Some("FROM \"boss@example.com\""));
    let read = answer!(Metadata, "* METADATA \"\" (/shared/comment {3}\r\na\0b)");
    assert_eq!((read.mailbox.clone(), get(&read, "/SHARED/Comment").as_deref()), (None, Some("a\0b")));
    let read = answer!(Metadata, "* METADATA \"MyDrafts\" (/private/specialuse NIL)");
    assert_eq!(read.entries[0].value, MetadataValue::Unset);
    let read = answer!(Metadata, "* METADATA \"INBOX\" /shared/comment /private/comment");
    let names: Vec<_> = read.entries.iter().map(|e| (&*e.name, &e.value)).collect();
    assert_eq!(
        names,
        [("/shared/comment", &MetadataValue::Changed), ("/private/comment", &MetadataValue::Changed)]
    );
    assert_eq!(answer!(Metadata, "* METADATA \"\" /shared/comment").mailbox, None);
    assert_eq!(code("METADATA LONGENTRIES 2199"), Code::Metadata(MetadataCode::LongEntries(2199)));
    assert_eq!(code("METADATA MAXSIZE 1024"), Code::Metadata(MetadataCode::MaxSize(1024)));
    assert_eq!(code("METADATA TOOMANY"), Code::Metadata(MetadataCode::TooMany));
    assert_eq!(code("METADATA NOPRIVATE"), Code::Metadata(MetadataCode::NoPrivate));
}

/// RFC 5256 section 4, RFC 7162 section 3.1.6.
#[test]
fn sorted() {
    assert_eq!(answer!(Sort, "* SORT 5 3 4 1 2").numbers, list(&[5, 3, 4, 1, 2]));
    assert!(answer!(Sort, "* SORT").numbers.is_empty() && answer!(Sort, "* SORT ").numbers.is_empty());
    let read = answer!(Sort, "* SORT 2 84 882 (MODSEQ 917162500)");
    assert_eq!((read.numbers, read.mod_seq.unwrap().get()), (list(&[2, 84, 882]), 917_162_500));
}

/// RFC 5256 section 4.
#[test]
fn threads() {
    let shown = |text: &str| -> Vec<(u32, u32)> {
        answer!(Thread, text).iter().map(|node| (node.depth, node.number.unwrap_or(0))).collect()
    };
    assert_eq!(
        shown("* THREAD (2)(3 6 (4 23)(44 7 96))"),
        [(0, 2), (0, 3), (1, 6), (2, 4), (3, 23), (2, 44), (3, 7), (4, 96)]
    );
    assert_eq!(shown("* THREAD ((3)(5))"), [(0, 0), (1, 3), (1, 5)]);
    assert_eq!(shown("* THREAD"), []);
    let read = answer!(Thread, "* THREAD (166)(167)(168)(169)(172)((170)(179))");
    assert_eq!((read.len(), read.iter().last().unwrap().uid()), (6, Uid::new(179)));
    assert!(read_fails("* THREAD (1") && read_fails("* THREAD 1") && read_fails("* THREAD (1))"));
}

fn read_fails(text: &str) -> bool {
    read(text).is_err()
}

/// RFC 5267 sections 3 and 4: the result of a SORT is in its order, and updated results say how
/// they changed.
#[test]
fn esearch_in_order_and_changing() {
    let read = answer!(ESearch, "* ESEARCH (TAG \"E01\") UID ALL 23765,23764,23763,23761");
    assert_eq!(read.in_order(), list(&[23765, 23764, 23763, 23761]));
    assert_eq!(read.all.unwrap().to_string(), "23761,23763:23765");
    let read = answer!(ESearch, "* ESEARCH (TAG \"A283\") ALL 2,10:11");
    assert!(read.sorted.is_none() && read.in_order() == list(&[2, 10, 11]));
    let read = answer!(
        ESearch,
        "* ESEARCH (TAG \"C01\") UID ADDTO (1 2733) ADDTO (1 2731:2732) REMOVEFROM (0 32768)"
    );
    let changes: Vec<_> = read.changes.iter().map(|c| (c.added, c.position, c.numbers.to_string())).collect();
    assert_eq!(
        changes,
        [(true, 1, "2733".into()), (true, 1, "2731:2732".into()), (false, 0, "32768".into())]
    );
    let read = answer!(ESearch, "* ESEARCH (TAG \"C01\") UID ADDTO (1 2733 1 2732 1 2731)");
    assert_eq!(read.changes.len(), 3);
    assert_eq!(code("NOUPDATE \"B02\""), Code::NoUpdate("B02".into()));
    // RFC 5465 section 7 shows parentheses around an item.
    assert_eq!(answer!(ESearch, "* ESEARCH (TAG \"a00\") (COUNT 17)").count, Some(17));
}

/// RFC 9394 section 3.1, RFC 5267 section 4.4, RFC 6203 sections 4 and 6.
#[test]
fn esearch_in_pieces_and_by_relevancy() {
    let read = answer!(ESearch, "* ESEARCH (TAG \"A01\") UID PARTIAL (-1:-100 11,13:14)");
    let piece = read.partial.unwrap();
    assert_eq!((piece.range, piece.numbers), ((-1, -100), list(&[11, 13, 14])));
    let read = answer!(ESearch, "* ESEARCH (TAG \"A04\") UID PARTIAL (24000:24500 NIL)");
    let piece = read.partial.unwrap();
    assert_eq!((piece.range, piece.numbers.is_empty(), read.other.len()), ((24000, 24500), true, 0));
    let read = answer!(ESearch, "* ESEARCH (TAG \"C2\") ALL 5,10,1 RELEVANCY (99 42 4)");
    assert_eq!((read.in_order(), read.relevancy), (list(&[5, 10, 1]), vec![99, 42, 4]));
    let read = answer!(ESearch, "* ESEARCH (TAG \"C3\") PARTIAL (1:10 42,9,34,13,15,4,2,7,23,82)");
    assert_eq!(read.partial.unwrap().numbers.iter().nth(2), Some(34));
}

/// RFC 7377 section 2.1.
#[test]
fn esearch_of_several_mailboxes() {
    let read = answer!(
        ESearch,
        "* ESEARCH (TAG \"tag1\" MAILBOX \"folder2/banana\" UIDVALIDITY 503) UID ALL 3002,4004"
    );
    assert_eq!(read.mailbox, Some(MailboxName::new("folder2/banana")));
    assert_eq!((read.uid_validity, read.uid, read.other.len()), (UidValidity::new(503), true, 0));
}

/// RFC 8474 sections 4 and 5.
#[test]
fn object_ids() {
    let row = items("EMAILID (M6d99ac3275bb4e) THREADID (T64b478a75b7ea9)");
    assert_eq!((row.email_id(), row.thread_id()), (Some("M6d99ac3275bb4e"), Some("T64b478a75b7ea9")));
    let row = items("EMAILID (M00000001) THREADID NIL");
    assert_eq!((row.email_id(), row.thread_id(), row.extra_items().count()), (Some("M00000001"), None, 2));
    assert_eq!(
        code("MAILBOXID (F2212ea87-6097-4256-9d51-71338625)"),
        Code::MailboxId("F2212ea87-6097-4256-9d51-71338625".into())
    );
    let read = answer!(MailboxStatus, "* STATUS foo (MAILBOXID (F2212ea87-6097-4256-9d51-71338625))");
    assert_eq!(read.mailbox_id.as_deref(), Some("F2212ea87-6097-4256-9d51-71338625"));
}

/// RFC 8514 section 4.2, RFC 8970 sections 3.1 and 5.
#[test]
fn save_dates_and_previews() {
    let date = items("SAVEDATE \"01-Jan-2015 18:50:53 +0100\"").save_date().unwrap();
    assert_eq!((date.seconds(), date.offset_minutes()), (1_420_134_653, 60));
    let row = items("SAVEDATE NIL UID 5");
    assert_eq!((row.save_date(), row.extra_items().collect::<Vec<_>>()), (None, vec!["SAVEDATE"]));
    assert_eq!(items("PREVIEW \"Preview text!\"").preview(), Some("Preview text!"));
    assert_eq!(items("PREVIEW {5}\r\na\r\nb\" UID 3").preview(), Some("a\r\nb\""));
    assert_eq!((items("PREVIEW \"\"").preview(), items("PREVIEW NIL").preview()), (Some(""), None));
    assert_eq!(items("PREVIEW (FUZZY \"text\")").preview(), Some("text"));
}

/// RFC 3516 sections 4.2 and 4.3.
#[test]
fn binary() {
    use crate::types::{Part, Section};
    let first = Section::Part(Part::new(1));
    let row = items("BINARY[1] ~{4}\r\n\0\r\n) BINARY[1]<2> \"xy\" BINARY[] NIL BINARY.SIZE[1] 4096 UID 5");
    assert_eq!((&row.binary(&first).unwrap()[..], row.binary(&Section::Full)), (&b"\0\r\n)"[..], None));
    assert_eq!((row.binaries().len(), row.binaries()[1].origin), (3, Some(2)));
    assert_eq!((row.binary_size(&first), row.uid()), (Some(4096), Uid::new(5)));
    assert!(row.sections().is_empty() && row.other().next().is_none());
    assert_eq!(code("UNKNOWN-CTE"), Code::UnknownCte);
}

/// X-GM-EXT-1, as Gmail's own page on its extensions shows it.
#[test]
fn gmail() {
    let row = items(
        "X-GM-THRID 1278455344230334865 X-GM-MSGID 1278455344230334866 X-GM-LABELS (\\Inbox \\Sent Important \"Muy Importante\" \"\\\\Starred\" &AOk-)",
    );
    assert_eq!(row.gmail_thread_id(), Some(1_278_455_344_230_334_865));
    assert_eq!(row.gmail_msg_id(), Some(1_278_455_344_230_334_866));
    assert_eq!(
        row.gmail_labels().unwrap(),
        ["\\Inbox", "\\Sent", "Important", "Muy Importante", "\\Starred", "é"]
    );
    assert!(row.other().next().is_none());
}

/// RFC 9051 section 6.3.9.6 (CHILDINFO), RFC 5465 section 5.4 (OLDNAME), RFC 8440 section 4.
#[test]
fn extended_lists() {
    let read = answer!(List, "* LIST () \"/\" \"foo\" (CHILDINFO (\"SUBSCRIBED\"))");
    assert_eq!(read.child_info, ["SUBSCRIBED"]);
    let read = answer!(List, "* LIST () \"/\" \"Foo\" ((\"CHILDINFO\" (\"SUBSCRIBED\")))");
    assert_eq!((read.child_info.len(), read.extended.len()), (1, 0));
    let read = answer!(List, "* LIST () \"/\" \"New\" (\"OLDNAME\" (\"Old\") \"X-COLOR\" (\"red\" 5))");
    assert_eq!(read.old_name, Some(MailboxName::new("Old")));
    assert_eq!(read.extended, [("X-COLOR".to_owned(), "(\"red\" 5)".to_owned())]);
}

/// RFC 7889 section 3, RFC 8438 section 3.
#[test]
fn status_items() {
    let read = answer!(MailboxStatus, "* STATUS INBOX (APPENDLIMIT 257890)");
    assert_eq!(read.append_limit, Some(257_890));
    let read = answer!(MailboxStatus, "* STATUS INBOX (APPENDLIMIT NIL SIZE 44421)");
    assert_eq!((read.append_limit, read.size, read.other.len()), (None, Some(44421), 0));
}

/// RFC 9738 sections 3 and 5.
#[test]
fn message_limits() {
    assert_eq!(code("MESSAGELIMIT 1000 23221"), Code::MessageLimit { limit: 1000, uid: Uid::new(23221) });
    assert_eq!(code("MESSAGELIMIT 1000"), Code::MessageLimit { limit: 1000, uid: None });
}

/// RFC 9585, whose text was not at hand: the forms are those that Dovecot writes.
#[test]
fn progress() {
    let code_of = |tag: Option<&str>, done, total| {
        let mut progress = Progress::default();
        (progress.tag, progress.done, progress.total) = (tag.map(Into::into), done, total);
        Code::InProgress(progress)
    };
    assert_eq!(code("INPROGRESS (\"A001\" 454 1000)"), code_of(Some("A001"), Some(454), Some(1000)));
    assert_eq!(code("INPROGRESS (NIL 175 NIL)"), code_of(None, Some(175), None));
    assert_eq!(status("* OK [INPROGRESS] Hang in there..").code, Some(code_of(None, None, None)));
    assert_eq!(status("* OK [inprogress (\"a\" NIL NIL)]").code, Some(code_of(Some("a"), None, None)));
}

/// RFC 10022.
#[test]
fn uid_batches() {
    let line = "* UIDBATCHES (TAG \"A143\") 215295:99696,99695:20351,20350:7830,7829:1";
    let read = answer!(UidBatches, line);
    assert_eq!(read.tag.as_deref(), Some("A143"));
    let ranges = [(215_295, 99696), (99695, 20351), (20350, 7830), (7829, 1)];
    assert_eq!(read.batches.ranges().collect::<Vec<_>>(), ranges);
    assert!(answer!(UidBatches, "* UIDBATCHES (TAG \"A143\")").batches.is_empty());
    let one = answer!(UidBatches, "* UIDBATCHES (TAG \"A143\") 99695");
    assert_eq!(one.batches.ranges().collect::<Vec<_>>(), [(99695, 99695)]);
    assert_eq!(code("TOOFEW"), Code::TooFew);
    assert_eq!(code("TOOMANY"), Code::TooMany);
}

/// RFC 9698, whose text was not at hand: the form is that of servers which have it.
#[test]
fn jmap() {
    let url = answer!(JmapAccess, "* JMAPACCESS \"https://jmap.example.com/.well-known/jmap\"");
    assert_eq!(url, "https://jmap.example.com/.well-known/jmap");
}

/// RFC 4467 and RFC 5524, whose texts were not at hand: the forms are those that Dovecot writes.
#[test]
fn url_auth() {
    let first = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:91354a47";
    assert_eq!(answer!(GenUrlAuth, format!("* GENURLAUTH \"{first}\" \"imap://x\"")), [first, "imap://x"]);
    let read = answer!(UrlFetch, format!("* URLFETCH \"{first}\" {{4}}\r\nSi v \"imap://x\" NIL"));
    assert_eq!((&*read[0].url, &read[0].data.as_ref().unwrap()[..]), (first, &b"Si v"[..]));
    assert_eq!((&*read[1].url, &read[1].data), ("imap://x", &None));
    let read =
        answer!(UrlFetch, "* URLFETCH \"imap://x\" (BODYPARTSTRUCTURE (\"TEXT\" NIL)) (BINARY {2}\r\nhi)");
    assert_eq!(
        (&read[0].data.as_ref().unwrap()[..], &*read[0].other[0].0),
        (&b"hi"[..], "BODYPARTSTRUCTURE")
    );
    let mechs =
        Code::UrlMech(vec![("INTERNAL".into(), None), ("XSAMPLE".into(), Some("P34OKhO7VEk==".into()))]);
    assert_eq!(code("URLMECH INTERNAL XSAMPLE=P34OKhO7VEk=="), mechs);
}

/// RFC 2193 section 4, RFC 2221 section 4.
#[test]
fn referrals() {
    let two = "IMAP://user;AUTH=*@SERVER2/REMOTE IMAP://user;AUTH=*@SERVER3/REMOTE";
    assert_eq!(code(&format!("REFERRAL {two}")), Code::Referral(two.split(' ').map(Into::into).collect()));
    assert_eq!(code("REFERRAL IMAP://MIKE@SERVER2/"), Code::Referral(vec!["IMAP://MIKE@SERVER2/".into()]));
}

/// RFC 4469 section 4, RFC 4978, RFC 5259 section 8.5 and 9, RFC 5465 sections 3.1 and 5.8, RFC
/// 5466 section 3.1, RFC 6154 section 3; RFC 9586, whose text was not at hand (Dovecot writes no
/// more than the code's name).
#[test]
fn further_codes() {
    let url = "/INBOX;UIDVALIDITY=785799047/;UID=113330;section=1.5.9";
    assert_eq!(code(&format!("BADURL \"{url}\"")), Code::BadUrl(url.into()));
    assert_eq!(status(format!("* NO [BADURL {url}] x")).code, Some(Code::BadUrl(url.into())));
    assert_eq!(code("TOOBIG"), Code::TooBig);
    assert_eq!(code("COMPRESSIONACTIVE"), Code::CompressionActive);
    assert_eq!(code("MAXCONVERTMESSAGES 1"), Code::MaxConvertMessages(1));
    assert_eq!(code("MAXCONVERTPARTS 1"), Code::MaxConvertParts(1));
    assert_eq!(code("TEMPFAIL"), Code::TempFail);
    assert_eq!(code("NOTIFICATIONOVERFLOW"), Code::NotificationOverflow);
    assert_eq!(
        code("BADEVENT (MessageNew MessageExpunge)"),
        Code::BadEvent(vec!["MessageNew".into(), "MessageExpunge".into()])
    );
    assert_eq!(code("UNDEFINED-FILTER on-the-road"), Code::UndefinedFilter("on-the-road".into()));
    assert_eq!(code("USEATTR"), Code::UseAttr);
    assert_eq!(code("UIDREQUIRED"), Code::UidRequired);
    // A malformed code is kept as it is.
    for odd in ["MESSAGELIMIT soon", "METADATA x", "MAILBOXID ()", "INPROGRESS x", "BADURL", "REFERRAL"] {
        assert!(matches!(status(format!("* NO [{odd}] x")).code, Some(Code::Other { .. })), "{odd}");
    }
}

/// RFC 9586 sections 3 and 3.3, as other implementations quote their examples (its text was not at
/// hand): with UIDONLY, rows come by UID, with their UID as an item if that was asked for.
#[test]
fn uid_only() {
    for (text, uid, flags) in [
        ("* 25996 UIDFETCH (FLAGS (\\Seen))", 25996, "(\\Seen)"),
        ("* 25997 UIDFETCH (FLAGS (\\Flagged \\Answered))", 25997, "(\\Answered \\Flagged)"),
        ("* 7 UIDFETCH (UID 7 FLAGS ())", 7, "()"),
    ] {
        let row = fetch(text);
        assert_eq!((row.seq(), row.uid()), (None, Uid::new(uid)));
        assert_eq!(row.flags().map(ToString::to_string).as_deref(), Some(flags));
    }
    let (tag, refused) =
        tagged("07 BAD [UIDREQUIRED] Message numbers are not allowed once UIDONLY is enabled");
    assert_eq!((tag.as_str(), refused.status), ("07", Status::Bad));
    assert_eq!(refused.code, Some(Code::UidRequired));
    assert_eq!(refused.text, "Message numbers are not allowed once UIDONLY is enabled");
}

/// Deep and long threads cost no more than their text.
#[test]
fn a_thread_can_be_deep_but_not_without_end() {
    let deep = |n: usize| format!("* THREAD {}1{}", "(2 ".repeat(n), ")".repeat(n));
    assert_eq!(answer!(Thread, deep(9_000)).iter().last().unwrap().depth, 9_000);
    assert!(read_fails(&deep(100_000)));
    let long = format!("* ACL x{}", " a b".repeat(100_000));
    assert!(read_fails(&long));
    assert!(read_fails(&format!("* 1 FETCH ({})", "X y ".repeat(100_000))));
    let open = format!("* ESEARCH {}", "(".repeat(100_000));
    assert!(read(open).is_err());
}
