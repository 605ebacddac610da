//! What imap-codec makes of a command that the client has written: the same text that
//! `imap_duplex::fuzz::Written` has for what was meant.
//!
//! This file is part of the crate's unit tests, too, so that they need no fuzzer.

use imap_codec::CommandCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::command::{Command, CommandBody, FetchModifier, SelectParameter, StoreModifier};
use imap_codec::imap_types::core::{AString, IString, NString, NString8};
use imap_codec::imap_types::extensions::binary::LiteralOrLiteral8;
use imap_codec::imap_types::extensions::metadata::{Depth, GetMetadataOption};
use imap_codec::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName, Part, Section};
use imap_codec::imap_types::flag::{Flag, StoreResponse, StoreType};
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use imap_codec::imap_types::search::SearchKey;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};
use imap_codec::imap_types::status::StatusDataItemName;

/// Decodes mailbox names: how they are coded is not what is compared.
pub(crate) type MailboxText = fn(bytes: &[u8], utf8: bool) -> Option<String>;

/// The meaning according to imap-codec.
///
/// # Errors
/// Why it does not accept these bytes as one command; or what it has no text for.
pub(crate) fn meaning_by_imap_codec(
    bytes: &[u8],
    utf8: bool,
    mailbox: MailboxText,
) -> Result<String, String> {
    let (rest, Command { tag, body }) =
        CommandCodec::default().decode(bytes).map_err(|error| format!("{error:?}"))?;
    if !rest.is_empty() || tag.as_ref() != "A1" {
        return Err(format!("it leaves {} bytes, or has the tag {}", rest.len(), tag.as_ref()));
    }
    Judge { mailbox, utf8 }.command(&body).ok_or_else(|| format!("no text for {body:?}"))
}

struct Judge {
    mailbox: MailboxText,
    utf8: bool,
}

impl Judge {
    fn command(&self, body: &CommandBody<'_>) -> Option<String> {
        use CommandBody as C;
        Some(match body {
            C::Login { username, password } => {
                format!("LOGIN {} {}", astring(username), astring(password.declassify()))
            }
            C::Id { parameters } => {
                let field = |(name, value): &(IString<'_>, NString<'_>)| {
                    let value = value.0.as_ref().map_or("NIL".into(), |value| text(value.as_ref()));
                    format!("{} {value}", text(name.as_ref()))
                };
                format!("ID {}", joined(parameters.iter().flatten(), field))
            }
            C::Enable { capabilities } => {
                format!("ENABLE {}", joined(capabilities.as_ref(), |name| name.to_string().to_uppercase()))
            }
            C::Select { mailbox, parameters } => {
                format!(
                    "SELECT {}{}",
                    self.name(mailbox)?,
                    parameters.iter().map(select_parameter).collect::<String>()
                )
            }
            C::Examine { mailbox, parameters } => {
                format!(
                    "EXAMINE {}{}",
                    self.name(mailbox)?,
                    parameters.iter().map(select_parameter).collect::<String>()
                )
            }
            C::Create { mailbox } => format!("CREATE {}", self.name(mailbox)?),
            C::Delete { mailbox } => format!("DELETE {}", self.name(mailbox)?),
            C::Rename { from, to } => format!("RENAME {} {}", self.name(from)?, self.name(to)?),
            C::Subscribe { mailbox } => format!("SUBSCRIBE {}", self.name(mailbox)?),
            C::Unsubscribe { mailbox } => format!("UNSUBSCRIBE {}", self.name(mailbox)?),
            C::List { reference, mailbox_wildcard } => {
                format!("LIST {} {}", self.name(reference)?, self.pattern(mailbox_wildcard)?)
            }
            C::Lsub { reference, mailbox_wildcard } => {
                format!("LSUB {} {}", self.name(reference)?, self.pattern(mailbox_wildcard)?)
            }
            C::Status { mailbox, item_names } => {
                let mut items: Vec<_> = item_names.iter().map(status_item).collect();
                items.sort_unstable();
                format!("STATUS {} {}", self.name(mailbox)?, items.join(" "))
            }
            C::Append { mailbox, flags, date, message } => {
                let date = date
                    .as_ref()
                    .map_or(String::new(), |date| date.as_ref().format("%e-%b-%Y %H:%M:%S %z").to_string());
                let (binary, data) = match message {
                    LiteralOrLiteral8::Literal(data) => (false, data.as_ref()),
                    LiteralOrLiteral8::Literal8(data) => (true, data.data.as_ref()),
                };
                format!(
                    "APPEND {} ({}) {date:?} {binary} {}",
                    self.name(mailbox)?,
                    flag_list(flags),
                    text(data)
                )
            }
            C::GetQuotaRoot { mailbox } => format!("GETQUOTAROOT {}", self.name(mailbox)?),
            C::SetMetadata { mailbox, entry_values } => {
                let entries = joined(entry_values.as_ref(), |entry| {
                    let value = match &entry.value {
                        NString8::NString(NString(None)) => "NIL".to_owned(),
                        NString8::NString(NString(Some(value))) => text(value.as_ref()),
                        NString8::Literal8(value) => text(&value.data),
                    };
                    format!("{} {value}", text(entry.entry.as_ref()))
                });
                format!("SETMETADATA {} {entries}", self.name(mailbox)?)
            }
            C::GetMetadata { options, mailbox, entries } => {
                let options = joined(options, |option| match option {
                    GetMetadataOption::MaxSize(size) => format!("\"MAXSIZE\" \"{size}\""),
                    GetMetadataOption::Depth(Depth::Null) => "\"DEPTH\" \"0\"".to_owned(),
                    GetMetadataOption::Depth(Depth::One) => "\"DEPTH\" \"1\"".to_owned(),
                    GetMetadataOption::Depth(Depth::Infinity) => "\"DEPTH\" \"infinity\"".to_owned(),
                });
                let entries = joined(entries.as_ref(), |entry| text(entry.as_ref()));
                format!("GETMETADATA ({options}) {} {entries}", self.name(mailbox)?)
            }
            C::Copy { sequence_set, mailbox, uid } => {
                format!("COPY {} {} {}", by(*uid), set(sequence_set), self.name(mailbox)?)
            }
            C::Move { sequence_set, mailbox, uid } => {
                format!("MOVE {} {} {}", by(*uid), set(sequence_set), self.name(mailbox)?)
            }
            other => return of_no_mailbox(other),
        })
    }

    fn name(&self, mailbox: &Mailbox<'_>) -> Option<String> {
        match mailbox {
            Mailbox::Inbox => Some("\"INBOX\"".to_owned()),
            Mailbox::Other(other) => Some(format!("{:?}", (self.mailbox)(other.as_ref(), self.utf8)?)),
        }
    }

    fn pattern(&self, pattern: &ListMailbox<'_>) -> Option<String> {
        let bytes = match pattern {
            ListMailbox::Token(token) => token.as_ref(),
            ListMailbox::String(string) => string.as_ref(),
        };
        Some(format!("{:?}", (self.mailbox)(bytes, self.utf8)?))
    }
}

fn of_no_mailbox(body: &CommandBody<'_>) -> Option<String> {
    use CommandBody as C;
    Some(match body {
        C::Capability => "CAPABILITY".to_owned(),
        C::Noop => "NOOP".to_owned(),
        C::StartTLS => "STARTTLS".to_owned(),
        C::Authenticate { mechanism, initial_response } => {
            let initial = initial_response.as_ref().map_or("-".into(), |first| text(first.declassify()));
            format!("AUTHENTICATE {mechanism} {initial}")
        }
        C::Logout => "LOGOUT".to_owned(),
        C::Check => "CHECK".to_owned(),
        C::Close => "CLOSE".to_owned(),
        C::Expunge => "EXPUNGE".to_owned(),
        C::Idle => "IDLE".to_owned(),
        C::Unselect => "UNSELECT".to_owned(),
        C::Namespace => "NAMESPACE".to_owned(),
        C::Compress { algorithm } => format!("COMPRESS {}", format!("{algorithm:?}").to_uppercase()),
        C::GetQuota { root } => format!("GETQUOTA {}", astring(root)),
        C::SetQuota { root, quotas } => {
            let limits = joined(quotas, |quota| {
                format!(
                    "{} {}",
                    text(quota.resource.to_string().as_bytes()),
                    text(quota.limit.to_string().as_bytes())
                )
            });
            format!("SETQUOTA {} {}", astring(root), limits.to_ascii_uppercase())
        }
        C::ExpungeUid { sequence_set } => format!("UID EXPUNGE {}", set(sequence_set)),
        C::Search { charset, criteria, uid } => {
            let charset = charset.as_ref().map_or("-", |charset| charset.as_ref());
            format!("SEARCH {} {charset} {}", by(*uid), keys(criteria.as_ref()))
        }
        C::Sort { sort_criteria, charset, search_criteria, uid } => {
            let order = joined(sort_criteria.as_ref(), |key| {
                format!("{}{}", if key.reverse { "REVERSE " } else { "" }, key.key.as_ref())
            });
            format!("SORT {} ({order}) {} {}", by(*uid), charset.as_ref(), keys(search_criteria.as_ref()))
        }
        C::Thread { algorithm, charset, search_criteria, uid } => {
            let algorithm = algorithm.to_string().to_uppercase();
            let (by, keys) = (by(*uid), keys(search_criteria.as_ref()));
            format!("THREAD {by} {algorithm} {} {keys}", charset.as_ref())
        }
        C::Fetch { sequence_set, macro_or_item_names, uid, modifiers } => {
            let MacroOrMessageDataItemNames::MessageDataItemNames(items) = macro_or_item_names else {
                return None;
            };
            let items = joined(items, item);
            let since: String = modifiers.iter().map(fetch_modifier).collect();
            format!("FETCH {} {} {items}{since}", by(*uid), set(sequence_set))
        }
        C::Store { sequence_set, kind, response, flags, uid, modifiers } => {
            let sign = match kind {
                StoreType::Replace => "",
                StoreType::Add => "+",
                StoreType::Remove => "-",
            };
            let silent = if *response == StoreResponse::Silent { " silent" } else { "" };
            let unless: String = modifiers
                .iter()
                .map(|StoreModifier::UnchangedSince(since)| format!(" unless {since}"))
                .collect();
            let (by, which, flags) = (by(*uid), set(sequence_set), flag_list(flags));
            format!("STORE {by} {which} {sign}({flags}){silent}{unless}")
        }
        _ => return None,
    })
}

fn select_parameter(parameter: &SelectParameter) -> String {
    let SelectParameter::QResync { uid_validity, mod_sequence_value, known_uids, seq_match_data } = parameter
    else {
        return " CONDSTORE".to_owned();
    };
    let known = known_uids.as_ref().map_or(String::new(), |uids| format!(" {}", as_written(uids)));
    let matched = seq_match_data
        .as_ref()
        .map_or(String::new(), |(seqs, uids)| format!(" ({} {})", as_written(seqs), as_written(uids)));
    format!(" QRESYNC {uid_validity} {mod_sequence_value}{known}{matched}")
}

fn fetch_modifier(modifier: &FetchModifier) -> String {
    match modifier {
        FetchModifier::ChangedSince(since) => format!(" since {since}"),
        FetchModifier::Vanished => " vanished".to_owned(),
    }
}

fn status_item(item: &StatusDataItemName) -> &'static str {
    match item {
        StatusDataItemName::Messages => "MESSAGES",
        StatusDataItemName::Recent => "RECENT",
        StatusDataItemName::UidNext => "UIDNEXT",
        StatusDataItemName::UidValidity => "UIDVALIDITY",
        StatusDataItemName::Unseen => "UNSEEN",
        StatusDataItemName::Deleted => "DELETED",
        StatusDataItemName::DeletedStorage => "DELETED-STORAGE",
        StatusDataItemName::Size => "SIZE",
        StatusDataItemName::HighestModSeq => "HIGHESTMODSEQ",
    }
}

fn keys(all: &[SearchKey<'_>]) -> String {
    joined(all, key)
}

fn key(search_key: &SearchKey<'_>) -> String {
    use SearchKey as K;
    let date = |word: &str, date: &imap_codec::imap_types::datetime::NaiveDate| {
        format!("{word} {}", date.as_ref().format("%-d-%b-%Y"))
    };
    match search_key {
        K::And(all) => format!("({})", keys(all.as_ref())),
        K::SequenceSet(numbers) => set(numbers),
        K::Bcc(value) => format!("BCC {}", astring(value)),
        K::Body(value) => format!("BODY {}", astring(value)),
        K::Cc(value) => format!("CC {}", astring(value)),
        K::From(value) => format!("FROM {}", astring(value)),
        K::Subject(value) => format!("SUBJECT {}", astring(value)),
        K::Text(value) => format!("TEXT {}", astring(value)),
        K::To(value) => format!("TO {}", astring(value)),
        K::Header(field, value) => format!("HEADER {} {}", astring(field), astring(value)),
        K::Before(value) => date("BEFORE", value),
        K::On(value) => date("ON", value),
        K::Since(value) => date("SINCE", value),
        K::SentBefore(value) => date("SENTBEFORE", value),
        K::SentOn(value) => date("SENTON", value),
        K::SentSince(value) => date("SENTSINCE", value),
        K::Keyword(flag) => format!("KEYWORD {flag}"),
        K::Unkeyword(flag) => format!("UNKEYWORD {flag}"),
        K::Larger(size) => format!("LARGER {size}"),
        K::Smaller(size) => format!("SMALLER {size}"),
        K::Older(seconds) => format!("OLDER {seconds}"),
        K::Younger(seconds) => format!("YOUNGER {seconds}"),
        K::Uid(numbers) => format!("UID {}", set(numbers)),
        K::ModSequence { entry: None, modseq } => format!("MODSEQ {modseq}"),
        K::Not(one) => format!("NOT {}", key(one)),
        K::Or(one, other) => format!("OR {} {}", key(one), key(other)),
        // The others are single words, which their names spell.
        word => format!("{word:?}").to_uppercase(),
    }
}

fn item(item: &MessageDataItemName<'_>) -> String {
    use MessageDataItemName as I;
    let part = |partial: &Option<(u32, std::num::NonZeroU32)>| {
        partial.map_or(String::new(), |(origin, length)| format!("<{origin}.{length}>"))
    };
    let peek = |peek: bool| if peek { ".PEEK" } else { "" };
    match item {
        I::BodyExt { section: of, partial, peek: peeks } => {
            let section = of.as_ref().map_or(String::new(), section);
            format!("BODY{}[{section}]{}", peek(*peeks), part(partial))
        }
        I::Binary { section, partial, peek: peeks } => {
            format!("BINARY{}[{}]{}", peek(*peeks), dotted(section), part(partial))
        }
        I::BinarySize { section } => format!("BINARY.SIZE[{}]", dotted(section)),
        I::Rfc822Size => "RFC822.SIZE".to_owned(),
        // The others are single words, which their names spell.
        word => format!("{word:?}").to_uppercase(),
    }
}

fn section(section: &Section<'_>) -> String {
    let number = |part: &Part| dotted(part.0.as_ref());
    let below =
        |part: &Option<Part>| part.as_ref().map_or(String::new(), |part| format!("{}.", number(part)));
    let fields = |names: &[AString<'_>]| joined(names, |name| text(&name.as_ref().to_ascii_uppercase()));
    match section {
        Section::Part(part) => number(part),
        Section::Mime(part) => format!("{}.MIME", number(part)),
        Section::Header(part) => format!("{}HEADER", below(part)),
        Section::Text(part) => format!("{}TEXT", below(part)),
        Section::HeaderFields(part, names) => {
            format!("{}HEADER.FIELDS {}", below(part), fields(names.as_ref()))
        }
        Section::HeaderFieldsNot(part, names) => {
            format!("{}HEADER.FIELDS.NOT {}", below(part), fields(names.as_ref()))
        }
    }
}

fn dotted(numbers: &[std::num::NonZeroU32]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

fn by(uid: bool) -> &'static str {
    if uid { "uid" } else { "number" }
}

/// In the order and in the form in which it came.
fn as_written(set: &SequenceSet) -> String {
    let value = |end: &SeqOrUid| match end {
        SeqOrUid::Value(number) => number.to_string(),
        SeqOrUid::Asterisk => "*".to_owned(),
    };
    let one = |sequence: &Sequence| match sequence {
        Sequence::Single(one) => value(one),
        Sequence::Range(one, other) => format!("{}:{}", value(one), value(other)),
    };
    set.0.as_ref().iter().map(one).collect::<Vec<_>>().join(",")
}

/// Sorted and merged; the largest possible number for `*`.
fn set(set: &SequenceSet) -> String {
    let value = |end: &SeqOrUid| match end {
        SeqOrUid::Value(number) => number.get(),
        SeqOrUid::Asterisk => u32::MAX,
    };
    let mut ranges: Vec<(u32, u32)> = set
        .0
        .as_ref()
        .iter()
        .map(|sequence| match sequence {
            Sequence::Single(one) => (value(one), value(one)),
            Sequence::Range(one, other) => (value(one).min(value(other)), value(one).max(value(other))),
        })
        .collect();
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged.iter().map(|(first, last)| format!("{first}:{last}")).collect::<Vec<_>>().join(",")
}

fn flag_list(flags: &[Flag<'_>]) -> String {
    let mut flags: Vec<_> = flags.iter().map(|flag| flag.to_string().to_ascii_lowercase()).collect();
    flags.sort();
    flags.join(" ")
}

fn astring(string: &AString<'_>) -> String {
    text(string.as_ref())
}

fn text(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

fn joined<T>(all: impl IntoIterator<Item = T>, show: impl FnMut(T) -> String) -> String {
    all.into_iter().map(show).collect::<Vec<_>>().join(" ")
}
