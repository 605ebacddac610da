//! The bodies of the fuzz targets: one function for each, which panics on a defect for any input.
//!
//! In: a fuzzer's bytes. Out: nothing, or a panic. The targets in `fuzz/` only call these, so that
//! the tests here can run the same code over the checked-in seeds, with a stable compiler and
//! without a fuzzer.
//!
//! For the framer and the grammar, the first bytes choose limits and how the rest is split; the
//! rest is the server's stream. For the round trip and for arguments all bytes choose values, for
//! the engine operations.

mod answers;
mod arguments;
mod builders;
mod chooser;
pub(crate) mod codes;
mod commands;
mod engine;
mod logins;
mod mailbox_commands;
mod meaning;
mod message_commands;
mod round_trip;
mod rows;
mod selecting;
mod session_commands;
mod uploads;

use bytes::{Bytes, BytesMut};

pub use arguments::{Written, arguments, mailbox_text};
pub use engine::engine;
pub use round_trip::round_trip;

use crate::types::{Answer, Envelope, Event, EventKind, Limits, Message};
use crate::wire::frame::{Frame, FrameError, Framer};
use crate::wire::{Parser, Response};

/// A framer's output for a stream: the frames, the error that ended them, and whether another frame
/// had begun.
type Framed = (Vec<Frame>, Option<FrameError>, bool);

/// The same where literals pass through: the frames, the literals' bytes, the end.
type Passed = (Vec<Frame>, Vec<u8>, String);

/// However a stream is split, the framer returns the same frames, the same error at the same
/// position, and the same rest; no frame exceeds the limits.
pub fn framer(data: &[u8]) {
    let [choice, cut, stream @ ..] = data else { return };
    let limits = limits(*choice);
    let whole = frames(stream, &limits, |_| stream.len());
    // Byte by byte, where that does not take long.
    let step = if stream.len() <= 2048 { 1 } else { 61 };
    assert_eq!(whole, frames(stream, &limits, |_| step), "in steps of {step}");
    // Small and large pieces in a pseudo-random order.
    let mut state = u32::from(*cut) + 1;
    let pieces = frames(stream, &limits, |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let bits = (state >> 24) as usize;
        if bits < 128 { bits % 8 + 1 } else { bits * 37 }
    });
    assert_eq!(whole, pieces, "in pieces");

    let (frames, error, _) = &whole;
    let mut bytes = 0;
    for frame in frames {
        let whole = frame.to_bytes();
        // The line ends before literals are normalised to CR LF, and are not counted.
        let literals = 2 * whole.iter().filter(|byte| **byte == b'{').count();
        assert!(whole.len() <= limits.response + literals, "a frame of {} bytes", whole.len());
        assert!(frame.literals.iter().all(|literal| literal.len() <= limits.literal));
        // A CR before the line end belongs to it, unless it is the last byte of a literal.
        assert!(!frame.text.is_empty() && (literals > 0 || !frame.text.ends_with(b"\r")));
        // Each piece of a long list repeats the beginning of its response, which is at most half of
        // the limit.
        let share = if is_list(&frame.text) { 2 } else { 1 };
        bytes += whole.len().saturating_sub(literals) / share;
    }
    assert!(bytes <= stream.len(), "frames have more bytes than the stream");
    assert!(error.as_ref().is_none_or(|error| error.to_string().contains("Limits::")));
    let whole = passed(stream, &limits, |_| stream.len());
    assert_eq!(whole, passed(stream, &limits, |_| step), "passed through in steps of {step}");
}

/// The same where each literal that is offered passes through, or every other one: the frames
/// without them, all that passed, and how it ended.
fn passed(mut stream: &[u8], limits: &Limits, mut length: impl FnMut(usize) -> usize) -> Passed {
    let (mut framer, mut buffer) = (Framer::new(limits), BytesMut::new());
    let (mut frames, mut passed, mut offers) = (Vec::new(), Vec::new(), 0);
    framer.offer_from(0);
    loop {
        let step = framer.decode(&mut buffer).and_then(|frame| match frame {
            Some(frame) => {
                frames.push(frame);
                Ok(true)
            }
            None if framer.offered().is_some() => {
                offers += 1;
                if offers % 3 > 0 {
                    framer.pass();
                }
                // Keeps what has not passed.
                framer.keep().map(|()| true)
            }
            None => Ok(framer.passing(&mut buffer).map(|(piece, _)| passed.extend(piece)).is_some()),
        });
        match step {
            Ok(true) => {}
            Ok(false) if stream.is_empty() => {
                return (frames, passed, framer.is_partial(&buffer).to_string());
            }
            Ok(false) => {
                let (piece, rest) = stream.split_at(length(stream.len()).clamp(1, stream.len()));
                buffer.extend_from_slice(piece);
                stream = rest;
            }
            Err(error) => return (frames, passed, error.to_string()),
        }
    }
}

/// Whether the framer may return this response in pieces.
fn is_list(text: &[u8]) -> bool {
    let keyword = text.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).nth(1);
    ["SEARCH", "SORT", "ESEARCH", "VANISHED"]
        .iter()
        .any(|name| keyword.is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes())))
}

/// Frames a stream that arrives in pieces of these lengths.
fn frames(mut stream: &[u8], limits: &Limits, mut length: impl FnMut(usize) -> usize) -> Framed {
    let mut framer = Framer::new(limits);
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    loop {
        match framer.decode(&mut buffer) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) if stream.is_empty() => return (frames, None, framer.is_partial(&buffer)),
            Ok(None) => {
                assert!(buffer.is_empty(), "it asks for more, and has not used what it has");
                let (piece, rest) = stream.split_at(length(stream.len()).clamp(1, stream.len()));
                buffer.extend_from_slice(piece);
                stream = rest;
            }
            Err(error) => {
                assert_eq!(framer.decode(&mut buffer), Err(error.clone()), "what is lost stays lost");
                return (frames, Some(error), false);
            }
        }
    }
}

/// Small limits, so that inputs of a fuzzer's size reach them; or the defaults.
fn limits(choice: u8) -> Limits {
    let mut limits = Limits::default();
    if choice & 1 == 1 {
        limits.line = 40 + usize::from(choice >> 4) * 100;
        limits.literal = 5000;
        limits.response = 6000;
        limits.depth = 4;
    }
    limits
}

/// Any frame is parsed into a typed response, all of which can be read, or into an error with a
/// position.
pub fn response(data: &[u8]) {
    let [choice, stream @ ..] = data else { return };
    let limits = limits(*choice);
    let (frames, ..) = frames(stream, &limits, |_| stream.len());
    for frame in &frames {
        read(frame, &limits);
    }
    // As the text of one frame: with line ends where none can be, and without the literals.
    read(&Frame { text: Bytes::copy_from_slice(stream), literals: Default::default() }, &limits);
}

fn read(frame: &Frame, limits: &Limits) {
    match Parser::new(limits).read(frame) {
        Ok(Response::Continuation { text }) => assert!(text.len() < frame.text.len()),
        Ok(Response::Tagged { tag, status }) => {
            assert!(!tag.is_empty() && !tag.contains(' '), "{tag:?}");
            assert!(!status.to_string().is_empty());
        }
        Ok(Response::Untagged(untagged)) => {
            assert!(!untagged.name().is_empty());
            // A response of an unknown kind has nothing but its bytes.
            assert_eq!(untagged.raw().is_some(), *untagged.answer() == Answer::Other);
            assert_eq!(*untagged.answer(), untagged.clone().into_answer());
            look_at(untagged.answer());
        }
        Err(why) => {
            assert!(why.at <= frame.text.len() && !why.message.is_empty(), "{why:?}");
            assert!(why.keyword.is_none_or(|keyword| !keyword.is_empty()));
        }
    }
}

/// Reads everything in an answer: that must not panic either.
fn look_at(answer: &Answer) {
    assert!(!format!("{answer:?}").is_empty());
    assert!(!Event::new(EventKind::Data(answer.clone())).to_string().is_empty());
    match answer {
        Answer::Fetch(row) => look_at_row(row),
        Answer::Status(status) => assert!(!status.to_string().is_empty()),
        Answer::Search(found) => {
            let seqs = found.numbers.clone().into_seqs();
            assert_eq!(seqs.len(), found.numbers.clone().into_uids().len());
        }
        Answer::ESearch(found) => assert!(found.all.is_some() || found.in_order().is_empty()),
        _ => {}
    }
}

fn look_at_row(row: &Message) {
    if let Some(envelope) = row.envelope() {
        look_at_envelope(envelope);
    }
    if let Some(structure) = row.body_structure() {
        let mut parts = 0;
        for part in structure.parts() {
            parts += 1;
            assert_eq!(part.is_multipart(), part.media_type().eq_ignore_ascii_case("multipart"), "{part:?}");
            let disposition = part.disposition().map(|disposition| disposition.is_attachment());
            let texts = (part.file_name(), part.description(), part.location(), part.md5(), part.extension());
            let sizes = (part.size(), part.lines(), part.params().count(), part.languages().count());
            let _ = (disposition, texts, sizes, part.id(), part.encoding());
            part.envelope().iter().for_each(look_at_envelope);
        }
        assert!(parts > 0, "at least the root");
        // Found by its number, which no other part has.
        for part in structure.parts().take(100) {
            let found = part.number().map(|number| structure.part(number));
            assert!(found.is_none_or(|found| found.is_some()));
        }
    }
    if let Some(flags) = row.flags() {
        assert!(flags.iter().all(|flag| flags.contains(&flag)));
        assert_eq!(flags.iter().count(), flags.len());
    }
    for data in row.sections().iter().filter(|data| data.origin.is_none()) {
        assert!(row.section(&data.section).is_some() || data.data.is_none());
    }
    let _ = row.internal_date().map(|date| date.to_string());
}

fn look_at_envelope(envelope: &Envelope) {
    let _ = (envelope.sent(), envelope.date(), envelope.in_reply_to(), envelope.message_id());
    if let Some(subject) = envelope.subject_text() {
        assert!(subject.as_str().is_empty() || envelope.subject_raw().is_some_and(|raw| !raw.is_empty()));
        assert!(subject.unknown_charsets().all(|charset| !charset.is_empty()));
    }
    let lists = [envelope.from(), envelope.sender(), envelope.reply_to(), envelope.to(), envelope.cc()];
    for address in lists.into_iter().flatten().chain(envelope.bcc()) {
        let _ = (address.name_text(), address.mailbox(), address.host(), address.email(), address.group());
        assert!(!address.is_group() || address.group().is_some(), "{address:?}");
    }
}

#[cfg(test)]
mod tests;
