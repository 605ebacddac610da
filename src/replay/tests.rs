//! Recorded bytes: each response with its position, and how the recording ends.

use super::{RecordedKind, RecordedResponse, Replay};
use crate::types::Limits;

fn all(recorded: &[u8]) -> Vec<RecordedResponse> {
    Replay::new(recorded, &Limits::default()).collect()
}

/// Offsets and lengths.
fn places(recorded: &[u8]) -> Vec<(usize, usize)> {
    all(recorded).iter().map(|one| (one.offset, one.bytes)).collect()
}

#[test]
fn offsets_count_line_ends_and_literals() {
    let recorded = b"* OK hi\r\n* 1 FETCH (BODY[] {4}\r\na\r\nb)\r\n+ go on\r\n";
    assert_eq!(places(recorded), [(0, 9), (9, 30), (39, 9)]);
    // LF alone, and empty lines between responses, which belong to none.
    assert_eq!(places(b"* OK hi\n\r\n\n* 2 EXISTS\n"), [(0, 8), (11, 11)]);
    // A CR alone ends no line: it becomes part of the response, which is then malformed.
    assert_eq!(places(b"* OK hi\n\r* 2 EXISTS\n"), [(0, 8), (8, 12)]);
}

#[test]
fn offsets_go_on_from_block_to_block() {
    let row = b"* 12 FETCH (UID 4711 FLAGS (\\Seen))\r\n";
    let recorded = row.repeat(super::BLOCK / row.len() * 3);
    let wrong = all(&recorded)
        .into_iter()
        .enumerate()
        .find(|(n, one)| (one.offset, one.bytes) != (n * row.len(), row.len()) || one.is_unparsed());
    assert!(wrong.is_none(), "{wrong:?}");
}

#[test]
fn each_kind_is_returned() {
    let responses = all(b"* 1 EXISTS\r\n* XNEWS 1 (a b)\r\nA1 NO [ALERT] no\r\n+ \r\n* 1 FETCH (UID)\r\n");
    let [exists, other, tagged, more, unparsed] = &responses[..] else { panic!("{responses:?}") };
    assert!(matches!(&exists.what, RecordedKind::Untagged(response) if response.name() == "EXISTS"));
    assert!(other.is_other() && !other.is_unparsed());
    assert!(matches!(&tagged.what, RecordedKind::Tagged { tag, .. } if tag == "A1"));
    assert!(matches!(&more.what, RecordedKind::Continuation { text } if text.is_empty()));
    assert!(unparsed.is_unparsed() && !unparsed.is_other());
    let names: Vec<_> = responses.iter().map(|one| one.event().map(|event| event.name())).collect();
    assert_eq!(names, [Some("data"), Some("unknown"), None, None, Some("unparsed")]);
}

#[test]
fn a_partial_response_is_incomplete_and_not_returned() {
    for (recorded, count, begins) in [
        (&b"* OK hi\r\n* 1 FETCH (BODY[] {4}\r\nab"[..], 1, Some(9)),
        (b"* OK hi\r\n\r\n* 1 FET", 1, Some(11)),
        (b"* OK hi", 0, Some(0)),
        (b"* OK hi\r\n", 1, None),
        (b"* OK hi\r\n\r\n", 1, None),
        (b"", 0, None),
    ] {
        let mut replay = Replay::new(recorded, &Limits::default());
        assert_eq!(replay.by_ref().count(), count, "{}", recorded.escape_ascii());
        assert_eq!(replay.incomplete(), begins, "{}", recorded.escape_ascii());
    }
}

#[test]
fn nothing_is_parsed_after_lost_framing() {
    let recorded = b"* OK hi\r\n* 1 FETCH (BODY[] {4294967296}\r\n* 2 EXISTS\r\n";
    let mut replay = Replay::new(recorded, &Limits::default());
    let responses: Vec<_> = replay.by_ref().collect();
    assert_eq!(responses.len(), 2);
    let lost = &responses[1];
    assert!(
        matches!(&lost.what, RecordedKind::Lost { error } if error.contains("Limits::literal")),
        "{lost:?}"
    );
    assert_eq!((lost.offset, lost.offset + lost.bytes), (9, recorded.len()));
    assert!(lost.is_unparsed() && replay.next().is_none() && replay.incomplete().is_none());
}

#[test]
fn names_are_utf8_once_that_is_enabled() {
    let responses = all(b"* LIST () \"/\" \"R&-D\"\r\n* ENABLED UTF8=ACCEPT\r\n* LIST () \"/\" \"R&-D\"\r\n");
    let names: Vec<_> = responses
        .iter()
        .filter_map(|one| match &one.what {
            RecordedKind::Untagged(response) => match response.answer() {
                crate::types::Answer::List(entry) => Some(entry.name.as_str()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(names, ["R&D", "R&-D"]);
}
