//! The meaning of a response, in terms that all three parsers have.

use std::borrow::Cow;

use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::core::NString;
use imap_codec::imap_types::fetch::MessageDataItem;
use imap_codec::imap_types::flag::FlagFetch;
use imap_codec::imap_types::response::{Data, Response as CodecResponse};
use imap_duplex::replay::{RecordedKind, RecordedResponse};
use imap_duplex::types::Answer;
use imap_proto::{AttributeValue, MailboxDatum, Response as ProtoResponse};

/// The facts that all three can report of a response; `None`: it lacks the fact, or has it twice.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    exists: Option<u32>,
    recent: Option<u32>,
    expunge: Option<u32>,
    /// In ascending order, each once.
    search: Option<Vec<u32>>,
    seq: Option<u32>,
    uid: Option<u32>,
    size: Option<u64>,
    /// In small letters, in order, each once.
    flags: Option<Vec<String>>,
    subject: Option<String>,
    from: Option<Vec<Person>>,
}

/// A complete address: name, mailbox and host as the server wrote them.
type Person = (Option<String>, String, String);

impl Meaning {
    /// Each fact with its name.
    pub(crate) fn facts(&self) -> [(&'static str, Option<String>); 10] {
        fn shown(fact: &Option<impl std::fmt::Debug>) -> Option<String> {
            fact.as_ref().map(|fact| format!("{fact:?}"))
        }
        [
            ("the count", shown(&self.exists)),
            ("the count of recent ones", shown(&self.recent)),
            ("the removed one", shown(&self.expunge)),
            ("what was found", shown(&self.search)),
            ("the number", shown(&self.seq)),
            ("the UID", shown(&self.uid)),
            ("the size", shown(&self.size)),
            ("the flags", shown(&self.flags)),
            ("the subject", shown(&self.subject)),
            ("the senders", shown(&self.from)),
        ]
    }

    /// The meaning according to imap-proto, if it accepts the response.
    pub(crate) fn of_imap_proto(raw: &[u8]) -> Option<Self> {
        let Ok((rest, response)) = ProtoResponse::parse(raw) else { return None };
        if !rest.is_empty() {
            return None;
        }
        let mut meaning = Self::default();
        match response {
            ProtoResponse::MailboxData(MailboxDatum::Exists(count)) => meaning.exists = Some(count),
            ProtoResponse::MailboxData(MailboxDatum::Recent(count)) => meaning.recent = Some(count),
            ProtoResponse::MailboxData(MailboxDatum::Search(found)) => meaning.search = Some(sorted(found)),
            ProtoResponse::Expunge(seq) => meaning.expunge = Some(seq),
            ProtoResponse::Fetch(seq, items) => {
                meaning.seq = Some(seq);
                let (mut uid, mut size, mut flags, mut envelopes) = (vec![], vec![], vec![], vec![]);
                for item in items {
                    match item {
                        AttributeValue::Uid(value) => uid.push(value),
                        AttributeValue::Rfc822Size(value) => size.push(u64::from(value)),
                        AttributeValue::Flags(value) => {
                            flags.push(sorted(value.iter().map(|flag| flag.to_ascii_lowercase())));
                        }
                        AttributeValue::Envelope(value) => envelopes.push(value),
                        _ => {}
                    }
                }
                (meaning.uid, meaning.size, meaning.flags) = (once(uid), once(size), once(flags));
                if let Some(envelope) = once(envelopes) {
                    meaning.subject = envelope.subject.as_deref().map(text);
                    let from = envelope.from.unwrap_or_default();
                    meaning.from = Some(people(from.iter().map(|one| {
                        (
                            one.name.as_deref().map(text),
                            one.mailbox.as_deref().map(text),
                            one.host.as_deref().map(text),
                        )
                    })));
                }
            }
            _ => {}
        }
        Some(meaning)
    }

    /// The meaning according to imap-codec, if it accepts the response.
    pub(crate) fn of_imap_codec(raw: &[u8]) -> Option<Self> {
        let Ok((rest, response)) = ResponseCodec::new().decode(raw) else { return None };
        if !rest.is_empty() {
            return None;
        }
        let mut meaning = Self::default();
        match response {
            CodecResponse::Data(Data::Exists(count)) => meaning.exists = Some(count),
            CodecResponse::Data(Data::Recent(count)) => meaning.recent = Some(count),
            CodecResponse::Data(Data::Search(found, _)) => {
                meaning.search = Some(sorted(found.into_iter().map(Into::into)));
            }
            CodecResponse::Data(Data::Expunge(seq)) => meaning.expunge = Some(seq.get()),
            CodecResponse::Data(Data::Fetch { seq, items }) => {
                meaning.seq = Some(seq.get());
                let (mut uid, mut size, mut flags, mut envelopes) = (vec![], vec![], vec![], vec![]);
                for item in items.into_inner() {
                    match item {
                        MessageDataItem::Uid(value) => uid.push(value.get()),
                        MessageDataItem::Rfc822Size(value) => size.push(u64::from(value)),
                        MessageDataItem::Flags(value) => {
                            flags.push(sorted(value.iter().map(flag)));
                        }
                        MessageDataItem::Envelope(value) => envelopes.push(value),
                        _ => {}
                    }
                }
                (meaning.uid, meaning.size, meaning.flags) = (once(uid), once(size), once(flags));
                if let Some(envelope) = once(envelopes) {
                    meaning.subject = nstring(&envelope.subject);
                    meaning.from = Some(people(
                        envelope
                            .from
                            .iter()
                            .map(|one| (nstring(&one.name), nstring(&one.mailbox), nstring(&one.host))),
                    ));
                }
            }
            _ => {}
        }
        Some(meaning)
    }

    /// The meaning according to our grammar.
    pub(crate) fn of_ours(response: &RecordedResponse) -> Self {
        let mut meaning = Self::default();
        let RecordedKind::Untagged(untagged) = &response.what else { return meaning };
        match untagged.answer() {
            Answer::Exists(count) => meaning.exists = Some(*count),
            Answer::Recent(count) => meaning.recent = Some(*count),
            Answer::Expunge { seq, .. } => meaning.expunge = Some(seq.get()),
            Answer::Search(found) => {
                // No more than a line of the fuzzer can list; a range that a server wrote may have
                // more.
                let numbers = found.numbers.clone().into_uids();
                meaning.search = Some(numbers.iter().take(100_000).map(|number| number.get()).collect());
            }
            Answer::Fetch(row) => {
                meaning.seq = row.seq().map(|seq| seq.get());
                meaning.uid = row.uid().map(|uid| uid.get());
                meaning.size = row.size();
                let flags = row.flags();
                meaning.flags =
                    flags.map(|all| sorted(all.iter().map(|one| one.as_str().to_ascii_lowercase())));
                if let Some(envelope) = row.envelope() {
                    meaning.subject = envelope.subject_raw().map(text);
                    meaning.from = Some(people(envelope.from().map(|one| {
                        let owned = |text: Cow<'_, str>| text.into_owned();
                        (one.name_raw().map(text), one.mailbox().map(owned), one.host().map(owned))
                    })));
                }
            }
            _ => {}
        }
        meaning
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn nstring(string: &NString<'_>) -> Option<String> {
    string.0.as_ref().map(|string| text(string.as_ref()))
}

fn flag(flag: &FlagFetch<'_>) -> String {
    match flag {
        FlagFetch::Flag(flag) => flag.to_string().to_ascii_lowercase(),
        FlagFetch::Recent => "\\recent".into(),
    }
}

/// The only value, if there is just one.
fn once<T>(mut all: Vec<T>) -> Option<T> {
    if all.len() == 1 { all.pop() } else { None }
}

fn sorted<T: Ord>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.into_iter().collect();
    all.sort();
    all.dedup();
    all
}

/// The starts and ends of groups are excluded, because each parser represents them differently.
fn people(all: impl Iterator<Item = (Option<String>, Option<String>, Option<String>)>) -> Vec<Person> {
    all.filter_map(|(name, mailbox, host)| Some((name, mailbox?, host?))).collect()
}
