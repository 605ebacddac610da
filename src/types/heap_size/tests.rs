//! The counted sizes are those of real allocators: the sums are repeated here by hand.

use super::*;
use crate::types::{Acl, Answer, Capabilities, Limits, StatusResponse, Untagged};
use crate::wire::frame::Framer;
use crate::wire::{Parser, Response};

fn response(text: &[u8]) -> Untagged {
    let limits = Limits::default();
    let mut bytes = bytes::BytesMut::from(text);
    let frame = Framer::new(&limits).decode(&mut bytes).unwrap().expect("a whole response");
    match Parser::new(&limits).read(&frame) {
        Ok(Response::Untagged(response)) => response,
        other => panic!("{other:?}"),
    }
}

/// The heap size of this line's answer.
fn of(text: &str) -> usize {
    response(format!("* {text}\r\n").as_bytes()).answer().heap_size()
}

#[test]
fn an_allocation_takes_what_common_allocators_take() {
    let taken =
        [(0, 0), (1, 32), (24, 32), (25, 48), (40, 48), (41, 64), (1000, 1008), (1 << 20, (1 << 20) + 16)];
    for (requested, takes) in taken {
        assert_eq!(block(requested), takes, "{requested}");
    }
}

#[test]
fn what_has_no_text_takes_none() {
    for text in ["5 EXISTS", "5 EXPUNGE"] {
        assert_eq!(of(text), 0, "{text}");
    }
    // What is rare and large is in a box.
    let boxes = [
        ("OK [ALERT]", size_of::<StatusResponse>()),
        ("LIST () NIL INBOX", size_of::<ListEntry>()),
        ("STATUS INBOX (MESSAGES 5)", size_of::<MailboxStatus>()),
    ];
    for (text, size) in boxes {
        assert_eq!(of(text), block(size), "{text}");
    }
    assert_eq!(of("1 FETCH (UID 5 FLAGS (\\Seen) RFC822.SIZE 5)"), block(size_of::<Message>()));
}

/// Each text takes an allocation, and an entry of a list that may have spare capacity.
#[test]
fn words_take_a_place_and_a_text() {
    let word = block(4);
    let list = |count: usize| room::<String>(count.next_power_of_two().max(4)) + count * word;
    let name = shared(3);
    let (entry, status) = (block(size_of::<ListEntry>()), block(size_of::<MailboxStatus>()));
    assert_eq!(of("LIST (abcd) \"/\" box"), entry + name + list(1));
    assert_eq!(of("LIST (abcd abcd abcd abcd abcd) \"/\" box"), entry + name + list(5));
    let pairs = |count: usize| room::<(String, String)>(count.next_power_of_two().max(4)) + count * 2 * word;
    assert_eq!(of("STATUS box (ABCD 1234)"), status + name + pairs(1));
    assert_eq!(of("ACL box abcd lrsw wxyz lrsw"), block(size_of::<Acl>()) + name + pairs(2));
    assert_eq!(of("LIST () \"/\" box (OLDNAME (old))"), entry + 2 * name);
    let other = "other-box-with-a-long-name-that-takes-more-than-the-least";
    assert_eq!(of(&format!("LIST () \"/\" {other}")), entry + shared(other.len()));
}

#[test]
fn names_that_are_respelt_are_held_in_both_spellings() {
    let name = response(b"* LIST () \"/\" \"a\xff\"\r\n");
    let Answer::List(entry) = name.answer() else { panic!("a list") };
    assert_eq!((entry.name.as_str(), entry.name.heap_size()), ("a\u{fffd}", shared(4) + shared(2)));
}

#[test]
fn a_row_takes_its_box_and_each_of_its_pieces() {
    let (bare, row) =
        (block(size_of::<Message>()), block(size_of::<Message>()) + block(size_of::<Contents>()));
    let data = |length: usize| block(length) + block(3 * size_of::<usize>());
    let sections = |count: usize| room::<BodyData>(count.next_power_of_two().max(4));
    assert_eq!(of("1 FETCH (BODY[] \"0123456789\")"), row + sections(1) + data(10));
    // The numbers of a part as well.
    let part = |count: usize| room::<u32>(count.next_power_of_two().max(4));
    assert_eq!(of("1 FETCH (BODY[1.2] \"01\" BODY[2] \"\")"), row + sections(2) + data(2) + 2 * part(2));
    let all: String = (1..100).map(|n| format!(" BODY[{n}] \"x\"")).collect();
    assert_eq!(of(&format!("1 FETCH (UID 1{all})")), row + sections(99) + 99 * (data(1) + part(1)));
    let fields = of("1 FETCH (BODY[HEADER.FIELDS (A B)] \"\")");
    assert_eq!(fields, row + sections(1) + room::<String>(4) + 2 * block(1));
    let extras = block(size_of::<Extras>());
    assert_eq!(of("1 FETCH (EMAILID (abcd))"), bare + extras + block(4));
    assert_eq!(of("1 FETCH (X-GM-LABELS (abcd))"), bare + extras + room::<String>(4) + block(4));
}

#[test]
fn an_envelope_takes_about_its_text() {
    let text = "x".repeat(500);
    let envelope = format!("1 FETCH (ENVELOPE (NIL \"{text}\" NIL NIL NIL NIL NIL NIL NIL NIL))");
    let held = of(&envelope) - block(size_of::<Message>()) - block(size_of::<Contents>());
    assert!((500..550).contains(&held), "{held}");
}

/// Shared keywords are counted by shares, which add up to their size.
#[test]
fn keywords_are_shared() {
    let row = b"* 1 FETCH (FLAGS ($Forwarded NonJunk))\r\n";
    let limits = Limits::default();
    let mut parser = Parser::new(&limits);
    let mut rows = Vec::new();
    let keywords = shared(2 * size_of::<Arc<str>>()) + shared(10) + shared(7);
    for count in 1..=200 {
        let frame = Framer::new(&limits).decode(&mut bytes::BytesMut::from(&row[..])).unwrap().unwrap();
        let Ok(Response::Untagged(response)) = parser.read(&frame) else { panic!("a row") };
        let Answer::Fetch(message) = response.into_answer() else { panic!("a row") };
        let held = message.flags().map_or(0, HeapSize::heap_size);
        assert!(held <= keywords, "{held}");
        assert_eq!(held == 0, count >= 64 + 2, "the {count}th");
        rows.push((message, held));
    }
    assert_eq!(rows[0].1, keywords, "the first has them alone, beside the parser");
    let sum: usize = rows.iter().map(|(_, held)| held).sum();
    assert!((keywords..8 * keywords).contains(&sum), "{sum}");
}

#[test]
fn numbers_take_eight_bytes_a_range() {
    assert_eq!(of("SEARCH 1 2 3 4 5 6 7 8"), room::<(u32, u32)>(4));
    let many: String = (1..=1000).map(|n| format!(" {}", 2 * n)).collect();
    let held = of(&format!("SEARCH{many}"));
    assert!((room::<(u32, u32)>(1000)..=room::<(u32, u32)>(2048)).contains(&held), "{held}");
    let sorted = of(&format!("SORT{many}"));
    assert!((room::<(u32, u32)>(1000)..=room::<(u32, u32)>(2048)).contains(&sorted), "{sorted}");
    let threads = of("THREAD (1)(2)(3)(4)(5)");
    assert_eq!(threads, room::<(u32, u32)>(8));
}

#[test]
fn status_responses_count_with_text_and_code() {
    let plain = of("OK some text of many words");
    assert_eq!(plain, block(size_of::<StatusResponse>()) + block("some text of many words".len()));
    assert!(of("OK [BADCHARSET (abcd abcd)] some text of many words") >= plain + 2 * (block(4) + 24));
    let capabilities: Capabilities = ["IMAP4rev1", "IDLE"].into_iter().collect();
    assert_eq!(capabilities.heap_size(), shared(2 * size_of::<Box<str>>()) + block(9) + block(4));
}

/// The bytes of an untyped response are copied, whatever was in the same buffer.
#[test]
fn raw_bytes_are_copied_out_of_their_buffer() {
    let unknown = response(b"* XNEW 5\r\n");
    let raw = unknown.raw().expect("its bytes");
    let rare = block(size_of::<crate::types::answer::Rare>());
    assert_eq!(unknown.heap_size(), rare + block("XNEW".len()) + raw.heap_size());
    assert_eq!(raw.heap_size(), block(raw.len()) + 32);
}
