//! Known answers of SEARCH and SORT, with keys as clients write them.

use super::*;
use crate::wire::request::{Command, SortBy, SortKey, request};

struct Mail {
    seq: u32,
    uid: u32,
    flags: Flags,
    recent: bool,
    date: Timestamp,
    saved: Option<Timestamp>,
    content: Content,
    notes: Notes,
}

impl Candidate for Mail {
    fn seq(&self) -> u32 {
        self.seq
    }
    fn uid(&self) -> u32 {
        self.uid
    }
    fn flags(&self) -> &Flags {
        &self.flags
    }
    fn recent(&self) -> bool {
        self.recent
    }
    fn internal_date(&self) -> Timestamp {
        self.date
    }
    fn saved(&self) -> Option<Timestamp> {
        self.saved
    }
    fn mod_seq(&self) -> u64 {
        u64::from(self.uid) * 100
    }
    fn email_id(&self) -> &str {
        if self.seq == 1 { "Mabc" } else { "Mdef" }
    }
    fn thread_id(&self) -> Option<&str> {
        (self.seq == 2).then_some("T1")
    }
    fn content(&self) -> &Content {
        &self.content
    }
    fn notes(&self) -> &Notes {
        &self.notes
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn mail(seq: u32, flags: &[&str], date: &str, text: &str) -> Mail {
    Mail {
        seq,
        uid: seq * 10,
        flags: flags.iter().map(|name| Flag::new(name)).collect(),
        recent: seq == 3,
        date: time(date),
        saved: None,
        notes: Notes::default(),
        content: Content::new(text.replace('\n', "\r\n").into()),
    }
}

fn mailbox() -> [Mail; 4] {
    [
        mail(
            1,
            &["\\Seen", "$Work"],
            " 1-Feb-1994 23:30:00 -0800",
            "From: Ann Smith <ann@example.org>\nTo: bob@example.org\nSubject: Re: Zebra\n\
             Date: Mon, 31 Jan 1994 23:59:00 -0800\n\nHello Bob\n",
        ),
        mail(
            2,
            &["\\Answered", "\\Flagged", "\\Deleted"],
            " 2-Feb-1994 08:00:00 +0000",
            "From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\nCc: Carl <carl@example.org>\n\
             Subject: =?utf-8?b?Q2Fmw6k=?= at noon\nDate: Tue, 1 Feb 1994 08:00:00 +0100\nX-Empty:\n\
             Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nR3LDvMOfZQ==\n",
        ),
        mail(
            3,
            &["\\Draft"],
            " 3-Feb-1994 12:00:00 +0000",
            "From: bob@example.org\nBcc: x@y\nSubject: apple\n\nx",
        ),
        mail(
            4,
            &[],
            " 2-Feb-1994 08:00:00 +0000",
            "From: Bob <bob@example.net>\nSubject: [list] Fwd: zebra (fwd)\nDate: yesterday\n\nlonger than the others\n",
        ),
    ]
}

fn keys(line: &str) -> Vec<SearchKey> {
    let line = format!("a SEARCH {line}");
    match request(line.as_bytes(), true).unwrap().command {
        Command::Search(search) => search.keys,
        other => panic!("{other:?}"),
    }
}

fn found(line: &str) -> Result<Vec<u32>, Refused> {
    let saved: UidSet = "20:30".parse().unwrap();
    let now = time(" 3-Feb-1994 12:00:00 +0000");
    let scope = Scope {
        now,
        last_seq: 4,
        last_uid: 40,
        saved: Some(&saved),
        collation: Collation::default(),
        labels: &Labels::default(),
    };
    let key = SearchKey::And(keys(line));
    check(&key)?;
    let mut found = Vec::new();
    for mail in mailbox() {
        if matches(&key, &mail, &scope)? {
            found.push(mail.seq);
        }
    }
    Ok(found)
}

#[track_caller]
fn finds(line: &str, expected: &[u32]) {
    assert_eq!(found(line).as_deref(), Ok(expected), "{line}");
}

#[test]
fn flags_and_their_opposites() {
    finds("ALL", &[1, 2, 3, 4]);
    finds("SEEN", &[1]);
    finds("UNSEEN", &[2, 3, 4]);
    finds("ANSWERED", &[2]);
    finds("UNANSWERED UNFLAGGED", &[1, 3, 4]);
    finds("OR DRAFT DELETED", &[2, 3]);
    finds("NOT (UNDRAFT UNDELETED)", &[2, 3]);
    finds("KEYWORD $work", &[1]);
    finds("UNKEYWORD $Work", &[2, 3, 4]);
    finds("NEW", &[3]);
    finds("RECENT", &[3]);
    finds("OLD", &[1, 2, 4]);
}

#[test]
fn numbers_uids_and_what_was_saved() {
    finds("2", &[2]);
    finds("3:*", &[3, 4]);
    finds("*:3,1", &[1, 3, 4]);
    finds("9:*", &[4]);
    finds("9", &[]);
    finds("UID 20:30", &[2, 3]);
    finds("UID 100:*", &[4]);
    finds("$", &[2, 3]);
    finds("UID $", &[2, 3]);
    finds("NOT $", &[1, 4]);
    let empty = Scope {
        now: time(" 3-Feb-1994 12:00:00 +0000"),
        last_seq: 0,
        last_uid: 0,
        saved: None,
        collation: Collation::default(),
        labels: &Labels::default(),
    };
    let [first, ..] = mailbox();
    assert_eq!(matches(&SearchKey::Seqs(Numbers::Saved), &first, &empty), Ok(false));
    finds("MODSEQ 2000", &[2, 3, 4]);
    finds("MODSEQ \"/flags/\\\\draft\" all 4000", &[4]);
    finds("EMAILID Mabc", &[1]);
    finds("EMAILID mabc", &[]);
    finds("THREADID T1", &[2]);
}

/// RFC 9051 section 6.4.4: "disregarding time and timezone".
#[test]
fn days_are_those_of_their_own_zone() {
    finds("ON 1-Feb-1994", &[1]);
    finds("BEFORE 2-Feb-1994", &[1]);
    finds("SINCE 2-Feb-1994", &[2, 3, 4]);
    finds("SENTON 31-Jan-1994", &[1]);
    finds("SENTBEFORE 1-Feb-1994", &[1]);
    finds("SENTSINCE 1-Feb-1994", &[2]);
    // RFC 8514: without a save date the internal date counts.
    finds("SAVEDON 3-Feb-1994", &[3]);
    finds("SAVEDATESUPPORTED", &[]);
    let [_, mut second, ..] = mailbox();
    second.saved = Some(time("10-Feb-1994 00:00:00 +0000"));
    let scope = Scope {
        now: second.date,
        last_seq: 4,
        last_uid: 40,
        saved: None,
        collation: Collation::default(),
        labels: &Labels::default(),
    };
    for line in ["SAVEDSINCE 10-Feb-1994", "SAVEDATESUPPORTED", "NOT SAVEDBEFORE 10-Feb-1994"] {
        assert_eq!(matches(&SearchKey::And(keys(line)), &second, &scope), Ok(true), "{line}");
    }
}

/// RFC 5032 section 2: the moment itself belongs to both.
#[test]
fn older_and_younger() {
    finds("YOUNGER 100800", &[2, 3, 4]);
    finds("OLDER 100800", &[1, 2, 4]);
    finds("YOUNGER 100799", &[3]);
    finds("OLDER 9223372036854775807", &[]);
}

#[test]
fn texts() {
    finds("FROM smith", &[1]);
    finds("FROM \"@EXAMPLE.org>\"", &[1, 2]);
    finds("FROM \"Jörg\"", &[2]);
    finds("FROM \"JÖRG\"", &[2]);
    finds("TO bob", &[1]);
    finds("CC carl BCC x", &[]);
    finds("BCC x@", &[3]);
    finds("SUBJECT \"café\"", &[2]);
    finds("SUBJECT \"é at\"", &[2]);
    finds("HEADER X-Empty \"\"", &[2]);
    finds("HEADER x-none \"\"", &[]);
    finds("HEADER Subject zebra", &[1, 4]);
    finds("BODY \"grüße\"", &[2]);
    finds("BODY hello", &[1]);
    finds("BODY ann", &[]);
    finds("TEXT ann", &[1]);
    finds("TEXT \"bob\"", &[1, 3, 4]);
    finds("TEXT \"\"", &[1, 2, 3, 4]);
    finds("LARGER 110 SMALLER 100000", &[1, 2]);
    finds("LARGER 37", &[1, 2, 3, 4]);
    finds("SMALLER 100", &[3]);
}

#[test]
fn what_is_not_known_is_refused_whatever_the_messages() {
    assert_eq!(found("1 X-GM-RAW x"), Err(Refused::Key("X-GM-RAW")));
    assert_eq!(found("OR ALL FILTER x"), Err(Refused::Key("FILTER")));
    assert_eq!(charset(Some("utf-8")), Ok(()));
    assert_eq!(charset(Some("US-ASCII")), Ok(()));
    assert_eq!(charset(None), Ok(()));
    assert_eq!(charset(Some("KOI8-R")), Err(Refused::Charset));
}

#[track_caller]
fn sorts(criteria: &str, expected: [u32; 4]) {
    let line = format!("a UID SORT ({criteria}) UTF-8 ALL");
    let Command::Sort(requested) = request(line.as_bytes(), true).unwrap().command else { panic!("{line}") };
    let mails = mailbox();
    let mut all: Vec<&dyn Candidate> = mails.iter().rev().map(|mail| mail as &dyn Candidate).collect();
    sort(&requested.criteria, Collation::default(), &mut all);
    assert_eq!(all.iter().map(|mail| mail.seq()).collect::<Vec<_>>(), expected, "{criteria}");
}

/// The criteria of RFC 5256 section 3.
#[test]
fn orders() {
    sorts("ARRIVAL", [1, 2, 4, 3]);
    // Equal messages stay in the order of their sequence numbers.
    sorts("REVERSE ARRIVAL", [3, 2, 4, 1]);
    sorts("SUBJECT", [3, 2, 1, 4]);
    sorts("REVERSE SUBJECT", [1, 4, 2, 3]);
    sorts("SUBJECT REVERSE ARRIVAL", [3, 2, 4, 1]);
    // By the sent date in UTC; else by the internal date.
    sorts("DATE", [2, 1, 4, 3]);
    sorts("FROM", [1, 3, 4, 2]);
    sorts("TO", [2, 3, 4, 1]);
    sorts("CC REVERSE SIZE", [1, 4, 3, 2]);
    sorts("SIZE", [3, 4, 1, 2]);
    sorts("DISPLAYFROM", [1, 4, 3, 2]);
    sorts("DISPLAYTO", [2, 3, 4, 1]);
    // A group's head has no host (RFC 5957 section 3).
    let group = mail(1, &[], " 1-Feb-1994 00:00:00 +0000", "To: Friends: ann@example.org;\n\n");
    let none = mail(2, &[], " 1-Feb-1994 00:00:00 +0000", "\n");
    let mut all: [&dyn Candidate; 2] = [&group, &none];
    sort(&[SortKey { by: SortBy::DisplayTo, reverse: false }], Collation::default(), &mut all);
    assert_eq!(all.map(|mail| mail.seq()), [2, 1]);
}
