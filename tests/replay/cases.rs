//! What servers of public bug reports send, each file a kind (`data/cases`), and what is right for
//! it.

use imap_duplex::replay::{RecordedKind, RecordedResponse, Replay};
use imap_duplex::types::{Answer, BodyStructure, Code, Limits, Message, Uid};

/// All that is made of such a file. None of them has a line that can't be read.
fn case(recorded: &[u8]) -> Vec<RecordedResponse> {
    let all: Vec<_> = Replay::new(recorded, &Limits::default()).collect();
    assert!(all.iter().all(|response| !response.is_unparsed()), "{all:?}");
    all
}

fn answer(response: &RecordedResponse) -> &Answer {
    match &response.what {
        RecordedKind::Untagged(untagged) => untagged.answer(),
        other => panic!("{other:?}"),
    }
}

/// The rows of a file that ends in `* 7 EXISTS`, which must not get lost.
fn rows(recorded: &[u8]) -> Vec<Message> {
    let all = case(recorded);
    let (last, rows) = all.split_last().expect("responses");
    assert_eq!(*answer(last), Answer::Exists(7));
    let row = |response| match answer(response) {
        Answer::Fetch(row) => (**row).clone(),
        other => panic!("{other:?}"),
    };
    rows.iter().map(row).collect()
}

fn structure(row: &Message) -> &BodyStructure {
    row.body_structure().expect("a body structure")
}

#[test]
fn an_item_and_its_value_in_parentheses() {
    let rows = rows(include_bytes!("../data/cases/01-envelope-in-parentheses.imap"));
    let envelope = rows[0].envelope().expect("an envelope");
    assert_eq!((rows[0].uid(), envelope.subject().as_deref()), (Uid::new(14935), Some("report")));
    assert_eq!(envelope.to().map(|to| to.to_string()).collect::<Vec<_>>(), ["bob@example.org"]);
    assert!(structure(&rows[0]).root().is("text", "plain"));
    assert_eq!((rows[1].uid(), rows[1].size()), (Uid::new(14936), Some(77)));
    assert!(rows[1].flags().expect("flags").is_seen());
}

#[test]
fn a_control_byte_in_a_keyword() {
    let recorded = include_bytes!("../data/cases/03-control-byte-in-keyword.imap");
    let all = case(recorded);
    let Answer::Flags(flags) = answer(&all[0]) else { panic!() };
    let names: Vec<_> = flags.iter().map(|flag| flag.to_string()).collect();
    for kept in ["\\Answered", "\\Seen", "$Forwarded", "Junk"] {
        assert!(names.iter().any(|name| name == kept), "{names:?}");
    }
    assert!(matches!(answer(&all[3]), Answer::Fetch(row) if row.uid() == Uid::new(10)));
    assert_eq!(*answer(&all[4]), Answer::Exists(7));
}

#[test]
fn a_list_without_the_protocol() {
    // What becomes of the capabilities is a connection's: `contract/c13_capabilities.rs`.
    let all = case(include_bytes!("../data/cases/02-capability-without-imap4.imap"));
    assert!(matches!(answer(&all[0]), Answer::Capability(can) if can.has("MOVE")));
    assert!(matches!(answer(&all[1]), Answer::Capability(can) if !can.has("MOVE")));
}

#[test]
fn quotes_inside_quoted_strings() {
    let rows = rows(include_bytes!("../data/cases/04-quotes-inside-strings.imap"));
    let params: Vec<_> =
        structure(&rows[0]).root().params().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
    assert_eq!(params, [("charset ".to_owned(), " \"utf-8\"".to_owned())]);
    let to: Vec<_> = rows[1].envelope().expect("an envelope").sender().collect();
    assert_eq!(to[0].mailbox().as_deref(), Some("test\""));
}

#[test]
fn an_address_with_fields_too_many() {
    let all = case(include_bytes!("../data/cases/05-address-with-fields-too-many.imap"));
    let Answer::Fetch(row) = answer(&all[0]) else { panic!() };
    let from: Vec<_> = row.envelope().expect("an envelope").from().collect();
    assert_eq!(from[0].email().as_deref(), Some("office@example.org"));
    assert_eq!(from[0].name().as_deref(), Some("Дава \"Ян Ли\" №6"));
    assert_eq!(all.len(), 2);
}

#[test]
fn parts_of_one_word() {
    let rows = rows(include_bytes!("../data/cases/06-parts-of-one-word.imap"));
    let part = structure(&rows[0]).root();
    assert_eq!((&*part.media_type(), part.size()), ("APPLICATION", Some(356)));
    assert_eq!(part.encoding().as_deref(), Some("base64"));
    let part = structure(&rows[1]).root();
    assert!(part.is("multipart", "related") && part.children().next().is_none());
    assert!(part.disposition().expect("a disposition").is_attachment());
    for (row, subtype) in rows[2..].iter().zip(["alternative", "mixed"]) {
        let part = structure(row).root();
        assert!(part.is("multipart", subtype) && part.children().next().is_none(), "{subtype}");
    }
}

#[test]
fn a_star_is_no_uid() {
    let all = case(include_bytes!("../data/cases/07-copyuid-star.imap"));
    let Answer::Status(status) = answer(&all[0]) else { panic!() };
    let Some(Code::CopyUid(copied)) = &status.code else { panic!("{status:?}") };
    assert_eq!((copied.uid_validity().map(|it| it.get()), copied.pairs().count()), (Some(1_234_567_890), 0));
    assert!(copied.to().is_empty());
}

#[test]
fn bare_names_in_every_response() {
    let all = case(include_bytes!("../data/cases/08-bare-names.imap"));
    let name = "lists/Harbour(N)B";
    assert!(
        matches!(answer(&all[0]), Answer::QuotaRoot(data) if data.mailbox.as_str() == name && data.roots == [""])
    );
    assert!(
        matches!(answer(&all[1]), Answer::Acl(data) if data.mailbox.as_str() == name && data.entries.len() == 1)
    );
    assert!(matches!(answer(&all[2]),
        Answer::MailboxStatus(data) if data.name.as_str() == "ab\"cd" && data.messages == Some(1)));
    assert!(matches!(answer(&all[3]), Answer::List(data) if data.name.as_str() == "ab\"cd"));
}

#[test]
fn a_row_that_ends_behind_its_body() {
    let rows = rows(include_bytes!("../data/cases/09-row-ends-after-body.imap"));
    assert_eq!(rows[0].body().expect("a body"), "Subject: x\r\n");
    assert_eq!((rows[0].size(), rows[0].flags().expect("flags").is_seen()), (Some(12), true));
    assert_eq!((rows[1].uid(), &rows[1].body().expect("a body")[..]), (Uid::new(6), &b"foo\r\n"[..]));
}

#[test]
fn what_is_beyond_64_bits_is_unknown() {
    let recorded = include_bytes!("../data/cases/10-quota-beyond-64-bits.imap");
    let all: Vec<_> = Replay::new(recorded, &Limits::default()).collect();
    let Answer::Quota(quota) = answer(&all[0]) else { panic!() };
    let storage = quota.resource("STORAGE").expect("a STORAGE resource");
    assert_eq!((storage.usage, storage.limit), (None, Some(2)));
    // Two numbers are no mod-sequence.
    assert!(all[1].is_unparsed());
}
