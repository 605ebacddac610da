//! What a command means, as a text: the same for all ways to write it. Only of commands, and forms
//! of them, that imap-codec knows too, so that its parser can be asked for a second opinion
//! (`fuzz/src/commands.rs` makes the same text of what it parses).

use crate::types::{Flags, MailboxName, Section, Uid, UidSet};
use crate::wire::request::{
    AppendMessage, Change, Command, Fetch, FetchItem, List, Numbers, Search, SearchKey, Select, SortBy,
    SortKey, Store, Value,
};

/// The meaning, if imap-codec has it all; `utf8`: how names are coded.
pub(super) fn meaning(command: &Command, utf8: bool) -> Option<String> {
    Some(match command {
        // RFC 8437 came later than what imap-codec 2.0.0-alpha.10 has.
        Command::Plain("UNAUTHENTICATE") => return None,
        Command::Plain(name) => (*name).to_owned(),
        Command::Authenticate { mechanism, initial } => {
            format!("AUTHENTICATE {mechanism} {}", initial.as_ref().map_or("-".into(), |first| text(first)))
        }
        Command::Login { user, password } => format!("LOGIN {} {}", text(user), text(password)),
        Command::Id(fields) => {
            let field = |(name, value): &(bytes::Bytes, Option<bytes::Bytes>)| {
                format!("{} {}", text(name), value.as_ref().map_or("NIL".into(), |value| text(value)))
            };
            format!("ID {}", joined(fields, field))
        }
        Command::Enable(names) => format!("ENABLE {}", names.join(" ")),
        Command::Select(select) => return selecting(select),
        Command::Create { mailbox, params } if params.is_empty() => format!("CREATE {}", name(mailbox)),
        Command::Delete(mailbox) => format!("DELETE {}", name(mailbox)),
        Command::Rename { from, to } => format!("RENAME {} {}", name(from), name(to)),
        Command::Subscribe(mailbox) => format!("SUBSCRIBE {}", name(mailbox)),
        Command::Unsubscribe(mailbox) => format!("UNSUBSCRIBE {}", name(mailbox)),
        Command::List(list) => return listing(list),
        Command::Status { mailbox, items } => {
            // MAILBOXID and APPENDLIMIT it does not parse.
            const KNOWN: [&str; 9] = [
                "MESSAGES",
                "RECENT",
                "UIDNEXT",
                "UIDVALIDITY",
                "UNSEEN",
                "DELETED",
                "DELETED-STORAGE",
                "SIZE",
                "HIGHESTMODSEQ",
            ];
            items.iter().all(|item| KNOWN.contains(&&**item)).then(|| {
                let mut items = items.clone();
                items.sort();
                format!("STATUS {} {}", name(mailbox), items.join(" "))
            })?
        }
        Command::Append { mailbox, messages } => {
            let [AppendMessage { flags, date, data, binary, utf8: false, pieces, annotations }] = &**messages
            else {
                return None;
            };
            if !pieces.is_empty() || !annotations.is_empty() {
                return None;
            }
            let date = date.map_or(String::new(), |date| date.to_string());
            let flags = flag_list(flags)?;
            format!("APPEND {} ({flags}) {date:?} {binary} {}", name(mailbox), text(data))
        }
        Command::UidExpunge(which) => format!("UID EXPUNGE {}", numbers(which)?),
        Command::Copy { uid, moving, which, to } => {
            let verb = if *moving { "MOVE" } else { "COPY" };
            format!("{verb} {} {} {}", by(*uid), numbers(which)?, name(to))
        }
        Command::Search(search) => return searching(search),
        Command::Sort(sort)
            if sort.returned.is_none() && sort.criteria.iter().all(|key| key.by != SortBy::Relevancy) =>
        {
            let one = |key: &SortKey| {
                Some(format!("{}{}", if key.reverse { "REVERSE " } else { "" }, sort_key(&key.by)?))
            };
            let order = sort.criteria.iter().map(one).collect::<Option<Vec<_>>>()?.join(" ");
            format!("SORT {} ({order}) {} {}", by(sort.uid), sort.charset, keys(&sort.keys)?)
        }
        Command::Thread(thread) => {
            let (by, keys) = (by(thread.uid), keys(&thread.keys)?);
            format!("THREAD {by} {} {} {keys}", thread.algorithm, thread.charset)
        }
        Command::Fetch(fetch) => return fetching(fetch),
        Command::Store(store) => return storing(store),
        Command::Other { name, arguments } => return other(name, arguments, utf8),
        _ => return None,
    })
}

fn selecting(select: &Select) -> Option<String> {
    let verb = if select.read_only { "EXAMINE" } else { "SELECT" };
    let (mut params, mut left) = (String::new(), &*select.params);
    while let Some((first, rest)) = left.split_first() {
        left = rest;
        params += &match (first, rest) {
            (Value::Word(word), _) if word == "CONDSTORE" => " CONDSTORE".to_owned(),
            (Value::Word(word), [Value::List(known), rest @ ..]) if word == "QRESYNC" => {
                left = rest;
                format!(" QRESYNC {}", joined(known, state))
            }
            // ANNOTATE (RFC 5257) is no parameter to imap-codec.
            _ => return None,
        };
    }
    Some(format!("{verb} {}{params}", name(&select.mailbox)))
}

/// What is known of the mailbox: numbers; sets of them as they are written, since they stand for
/// themselves (RFC 7162 section 3.2.5: `*` is in none).
fn state(value: &Value) -> String {
    match value {
        Value::Word(word) => word.clone(),
        Value::String(bytes) => text(bytes),
        Value::List(all) => format!("({})", joined(all, state)),
    }
}

fn listing(list: &List) -> Option<String> {
    let [pattern] = &*list.patterns else { return None };
    if !list.select.is_empty() || !list.returned.is_empty() {
        return None;
    }
    let verb = if list.lsub { "LSUB" } else { "LIST" };
    Some(format!("{verb} {} {}", name(&list.reference), name(pattern)))
}

fn searching(search: &Search) -> Option<String> {
    if search.returned.is_some() {
        return None;
    }
    let charset = search.charset.as_deref().unwrap_or("-");
    Some(format!("SEARCH {} {charset} {}", by(search.uid), keys(&search.keys)?))
}

/// All of these; nested ones in parentheses.
fn keys(keys: &[SearchKey]) -> Option<String> {
    Some(keys.iter().map(key).collect::<Option<Vec<_>>>()?.join(" "))
}

fn key(search_key: &SearchKey) -> Option<String> {
    Some(match search_key {
        SearchKey::Word("SAVEDATESUPPORTED") | SearchKey::Fuzzy(_) => return None,
        SearchKey::Annotation { .. } => return None,
        SearchKey::Word(word) => (*word).to_owned(),
        SearchKey::Text("EMAILID" | "THREADID" | "FILTER" | "X-GM-RAW" | "X-GM-LABELS", _) => return None,
        SearchKey::Text(word, value) => format!("{word} {}", text(value)),
        SearchKey::Header(field, value) => format!("HEADER {} {}", text(field), text(value)),
        SearchKey::Keyword(_, flag) if flag.contains(']') => return None,
        SearchKey::Keyword(word, flag) => format!("{word} {flag}"),
        SearchKey::Date(word, date) if !word.starts_with("SAVED") => format!("{word} {date}"),
        SearchKey::Number(word, number) if !word.starts_with("X-") && u32::try_from(*number).is_ok() => {
            format!("{word} {number}")
        }
        SearchKey::ModSeq(None, value) => format!("MODSEQ {value}"),
        SearchKey::Uids(set) => format!("UID {}", numbers(set)?),
        SearchKey::Seqs(set) => numbers(set)?,
        SearchKey::And(all) => format!("({})", keys(all)?),
        SearchKey::Or(two) => format!("OR {} {}", key(&two.0)?, key(&two.1)?),
        SearchKey::Not(one) => format!("NOT {}", key(one)?),
        SearchKey::Date(..) | SearchKey::Number(..) | SearchKey::ModSeq(Some(_), _) => return None,
    })
}

fn sort_key(by: &SortBy) -> Option<&'static str> {
    Some(match by {
        SortBy::Arrival => "ARRIVAL",
        SortBy::Cc => "CC",
        SortBy::Date => "DATE",
        SortBy::From => "FROM",
        SortBy::Size => "SIZE",
        SortBy::Subject => "SUBJECT",
        SortBy::To => "TO",
        SortBy::DisplayFrom => "DISPLAYFROM",
        SortBy::DisplayTo => "DISPLAYTO",
        SortBy::Relevancy => "RELEVANCY",
        SortBy::Annotation(..) => return None,
    })
}

fn fetching(fetch: &Fetch) -> Option<String> {
    let items = fetch.items.iter().map(item).collect::<Option<Vec<_>>>()?;
    let since = match &*fetch.modifiers {
        [] => String::new(),
        [Value::Word(word), Value::Word(value)] if word == "CHANGEDSINCE" => format!(" since {value}"),
        [Value::Word(word), Value::Word(value), Value::Word(last)]
            if word == "CHANGEDSINCE" && last == "VANISHED" =>
        {
            format!(" since {value} vanished")
        }
        _ => return None,
    };
    Some(format!("FETCH {} {} {}{since}", by(fetch.uid), numbers(&fetch.which)?, items.join(" ")))
}

fn item(item: &FetchItem) -> Option<String> {
    const KNOWN: [&str; 8] =
        ["BODY", "BODYSTRUCTURE", "ENVELOPE", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "UID", "MODSEQ"];
    match item {
        FetchItem::Name(name) => KNOWN.contains(&&**name).then(|| name.clone()),
        FetchItem::Section { name, section, part } => {
            // An offset is 32 bits wide there.
            let part = part.map(|part| Some((u32::try_from(part.origin).ok()?, part.length)));
            let part = match part {
                Some(part) => format!("<{}.{}>", part?.0, part?.1),
                None => String::new(),
            };
            Some(format!("{name}[{}]{part}", section_text(section)))
        }
        FetchItem::List(..) => None,
    }
}

/// The section, with the names of fields in capitals, however they were written.
fn section_text(section: &Section) -> String {
    let Some(fields) = section.fields() else { return section.to_string() };
    let part = section.part().map_or(String::new(), |part| format!("{part}."));
    let not = if fields.is_not() { ".NOT" } else { "" };
    let names: Vec<_> = fields.names().map(|name| text(name.to_ascii_uppercase().as_bytes())).collect();
    format!("{part}HEADER.FIELDS{not} {}", names.join(" "))
}

fn storing(store: &Store) -> Option<String> {
    let sign = match store.change {
        Change::Replace => "",
        Change::Add => "+",
        Change::Remove => "-",
    };
    let silent = if store.silent { " silent" } else { "" };
    let unless = store.unchanged_since.map_or(String::new(), |since| format!(" unless {since}"));
    let (by, which, flags) = (by(store.uid), numbers(&store.which)?, flag_list(&store.flags)?);
    Some(format!("STORE {by} {which} {sign}({flags}){silent}{unless}"))
}

/// Commands whose arguments the server's grammar leaves as they are.
fn other(verb: &str, arguments: &[Value], utf8: bool) -> Option<String> {
    let bytes = |value: &Value| match value {
        Value::Word(word) => Some(text(word.as_bytes())),
        Value::String(bytes) => Some(text(bytes)),
        Value::List(_) => None,
    };
    let mailbox = |value: &Value| {
        let name_of = crate::wire::request::value_as_mailbox(value, utf8)?;
        Some(name(&name_of))
    };
    Some(match (verb, arguments) {
        ("COMPRESS", [Value::Word(word)]) => format!("COMPRESS {}", word.to_ascii_uppercase()),
        ("GETQUOTA", [root]) => format!("GETQUOTA {}", bytes(root)?),
        ("GETQUOTAROOT", [of]) => format!("GETQUOTAROOT {}", mailbox(of)?),
        ("SETQUOTA", [root, Value::List(limits)]) => {
            let limits = limits.iter().map(bytes).collect::<Option<Vec<_>>>()?;
            format!("SETQUOTA {} {}", bytes(root)?, limits.join(" ").to_ascii_uppercase())
        }
        ("SETMETADATA", [of, Value::List(entries)]) => {
            let entry = |value: &Value| match value {
                Value::Word(word) if word == "NIL" => Some("NIL".to_owned()),
                other => bytes(other),
            };
            let entries = entries.iter().map(entry).collect::<Option<Vec<_>>>()?;
            format!("SETMETADATA {} {}", mailbox(of)?, entries.join(" "))
        }
        ("GETMETADATA", [Value::List(options), of, Value::List(entries)]) => {
            let entries = entries.iter().map(bytes).collect::<Option<Vec<_>>>()?;
            let options = options.iter().map(bytes).collect::<Option<Vec<_>>>()?;
            format!("GETMETADATA ({}) {} {}", options.join(" "), mailbox(of)?, entries.join(" "))
        }
        _ => return None,
    })
}

fn by(uid: bool) -> &'static str {
    if uid { "uid" } else { "number" }
}

/// Sorted and merged; the largest possible number for `*`.
fn numbers(which: &Numbers) -> Option<String> {
    let set: UidSet = which.to_set::<Uid>()?;
    let range = |range: std::ops::RangeInclusive<Uid>| format!("{}:{}", range.start(), range.end());
    Some(set.ranges().map(range).collect::<Vec<_>>().join(","))
}

/// `]` in flags is no atom's to imap-codec; some servers have it, and the client lets it pass.
fn flag_list(flags: &Flags) -> Option<String> {
    let mut flags: Vec<_> = flags.iter().map(|flag| flag.to_string().to_ascii_lowercase()).collect();
    flags.sort();
    flags.iter().all(|flag| !flag.contains(']')).then(|| flags.join(" "))
}

fn name(mailbox: &MailboxName) -> String {
    format!("{:?}", mailbox.as_str())
}

fn text(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

fn joined<T>(all: &[T], mut show: impl FnMut(&T) -> String) -> String {
    all.iter().map(&mut show).collect::<Vec<_>>().join(" ")
}
