//! Rows of FETCH made from a fuzzer's bytes: everything that a row can hold, in the one form in
//! which the grammar returns it.

use super::chooser::Chooser;
use crate::types::{
    Annotation, BodyData, BodyStructure, BodyStructureBuilder, Contents, Envelope, EnvelopeBuilder, Flag,
    Flags, Message, ModSeq, Part, Section, Seq, Timestamp, Uid,
};

const FLAGS: &[&str] =
    &["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Recent", "\\*", "$Junk", "\\X"];

/// How deep parts nest.
const DEPTH: usize = 6;

pub(super) fn mod_seq(from: &mut Chooser<'_>) -> Option<ModSeq> {
    ModSeq::new(from.large().max(1))
}

pub(super) fn flags(from: &mut Chooser<'_>) -> Flags {
    let flags = from.list(6, |from| if from.yes() { from.one_of(FLAGS).to_owned() } else { from.word() });
    flags.iter().map(|name| Flag::new(name)).collect()
}

/// A row of FETCH, or of UIDFETCH if it has no sequence number.
pub(super) fn message(from: &mut Chooser<'_>) -> Message {
    let mut message = Message { uid: Uid::new(from.small()), ..Message::default() };
    message.seq = if message.uid.is_none() { Seq::new(from.positive()) } else { Seq::new(from.small()) };
    message.flags = from.maybe(flags);
    message.internal_date = from.maybe(timestamp).flatten();
    message.size = from.maybe(Chooser::large);
    message.mod_seq = from.maybe(mod_seq).flatten();
    message.set_contents(Contents {
        envelope: from.maybe(envelope),
        body_structure: from.maybe(|from| structure(from, DEPTH)),
        body: from.list(3, |from| data(section(from), from)),
    });
    if from.yes() {
        extras(&mut message, from);
    }
    message
}

fn extras(message: &mut Message, from: &mut Chooser<'_>) {
    let extras = message.extras_mut();
    extras.email_id = from.maybe(|from| Some(from.word()));
    extras.thread_id = from.maybe(|from| from.maybe(Chooser::word));
    extras.save_date = from.maybe(timestamp);
    extras.preview = from.maybe(|from| from.maybe(Chooser::text));
    extras.gmail_msg_id = from.maybe(Chooser::large);
    extras.gmail_thread_id = from.maybe(Chooser::large);
    extras.gmail_labels = from.maybe(|from| from.list(4, Chooser::text));
    extras.annotations = from.maybe(|from| {
        from.list(3, |from| {
            let value = |from: &mut Chooser<'_>| (from.word(), from.maybe(Chooser::bytes));
            Annotation::new(from.word(), from.list(2, value))
        })
    });
    extras.binary = from.list(2, |from| {
        // Missing data is excluded: the grammar has NIL for that and for data that could not be
        // decoded.
        let section = part(from).map_or(Section::Full, Section::Part);
        BodyData::new(section, from.maybe(|from| from.small().into()), Some(from.bytes()))
    });
    extras.binary_size = from.list(2, |from| {
        let section = part(from).map_or(Section::Full, Section::Part);
        (section, from.maybe(|from| from.small().into()))
    });
    extras.other = from.list(2, |from| (from.word(), from.raw().into()));
    // A row without any has no extras.
    message.extras.take_if(|extras| **extras == Default::default());
}

fn timestamp(from: &mut Chooser<'_>) -> Option<Timestamp> {
    // Within the years of four digits.
    let seconds = i64::from(from.small()) * 60;
    let offset = i16::from(from.byte()) * 6 - 768;
    Timestamp::new(if from.yes() { -seconds / 5 } else { seconds / 2 }, offset)
}

fn part(from: &mut Chooser<'_>) -> Option<Part> {
    Part::from_numbers(from.list(4, Chooser::positive))
}

fn section(from: &mut Chooser<'_>) -> Section {
    let names = |from: &mut Chooser<'_>| from.some(3, |from| from.word());
    let section = match from.below(6) {
        0 => Section::Full,
        1 => Section::Header,
        2 => Section::Text,
        3 => Section::header_fields(names(from)),
        4 => Section::header_fields_not(names(from)),
        _ => return part(from).map_or(Section::Full, Section::PartMime),
    };
    match part(from) {
        Some(part) => section.of(part),
        None => section,
    }
}

fn data(section: Section, from: &mut Chooser<'_>) -> BodyData {
    BodyData::new(section, from.maybe(|from| from.small().into()), from.maybe(Chooser::bytes))
}

fn envelope(from: &mut Chooser<'_>) -> Envelope {
    type Add = fn(EnvelopeBuilder, &str, &str, &str) -> EnvelopeBuilder;
    let lists: [Add; 6] = [
        EnvelopeBuilder::from,
        EnvelopeBuilder::sender,
        EnvelopeBuilder::reply_to,
        EnvelopeBuilder::to,
        EnvelopeBuilder::cc,
        EnvelopeBuilder::bcc,
    ];
    let mut made = EnvelopeBuilder::new();
    let contents: [fn(EnvelopeBuilder, String) -> EnvelopeBuilder; 4] = [
        EnvelopeBuilder::date,
        EnvelopeBuilder::subject,
        EnvelopeBuilder::in_reply_to,
        EnvelopeBuilder::message_id,
    ];
    for add in contents {
        if let Some(text) = from.maybe(Chooser::text) {
            made = add(made, text);
        }
    }
    for add in lists {
        for _ in 0..from.below(4) {
            made = add(made, &from.text(), &from.text(), &from.text());
        }
    }
    made.build()
}

fn structure(from: &mut Chooser<'_>, depth: usize) -> BodyStructure {
    let inner = depth.saturating_sub(1);
    let (mut made, is_leaf) = match from.below(4) {
        1 if depth > 0 => {
            let children = from.some(3, |from| structure(from, inner));
            (BodyStructureBuilder::multipart(from.word(), children), false)
        }
        2 if depth > 0 => {
            let message = BodyStructureBuilder::message(envelope(from), structure(from, inner));
            (message.size(from.large()).lines(from.large()), true)
        }
        3 => (BodyStructureBuilder::new("text", from.word()).size(from.large()).lines(from.large()), true),
        _ => (BodyStructureBuilder::new(from.word(), from.word()).size(from.large()), true),
    };
    for _ in 0..from.below(4) {
        made = made.param(from.word(), from.text());
    }
    type Add = fn(BodyStructureBuilder, String) -> BodyStructureBuilder;
    let of_leaf: [Add; 3] =
        [BodyStructureBuilder::id, BodyStructureBuilder::description, BodyStructureBuilder::md5];
    if is_leaf {
        made = made.encoding(from.word());
        for add in of_leaf {
            if let Some(text) = from.maybe(Chooser::text) {
                made = add(made, text);
            }
        }
    }
    made = match from.below(3) {
        0 => made,
        1 => made.attachment(from.text()),
        _ => made.disposition(from.word()),
    };
    made = from.list(3, Chooser::word).into_iter().fold(made, BodyStructureBuilder::language);
    from.maybe(Chooser::text).into_iter().fold(made, BodyStructureBuilder::location).build()
}
