//! GETMETADATA and SETMETADATA (RFC 5464), of mailboxes and of the server. Other sessions learn of
//! changes where they have asked for that by NOTIFY.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::testing::mailbox::MailboxId;
use crate::testing::names::missing;
use crate::testing::world::World;
use crate::types::{Answer, Code, MailboxName, Metadata, MetadataCode, MetadataEntry, MetadataValue};
use crate::wire::request::{Value, value_as_mailbox};

use super::Session;
use super::acl::text_of;
use super::reply::{Done, Reply};

/// The largest value.
const MAX_VALUE: usize = 64 * 1024;
/// How many annotations a mailbox may have.
const MAX_ENTRIES: usize = 100;

/// Annotations, by their names in small letters.
pub(crate) type Annotations = BTreeMap<String, Bytes>;

#[derive(Debug, Default)]
struct GetOptions {
    max_size: Option<usize>,
    /// How many levels below.
    depth: usize,
}

fn options(values: &[Value]) -> Option<GetOptions> {
    let mut options = GetOptions::default();
    let mut values = values.iter();
    while let Some(name) = values.next() {
        let value = text_of(values.next()?)?;
        match &*text_of(name)?.to_ascii_uppercase() {
            "MAXSIZE" => options.max_size = Some(value.parse().ok()?),
            "DEPTH" if value.eq_ignore_ascii_case("infinity") => options.depth = usize::MAX,
            "DEPTH" => options.depth = value.parse().ok().filter(|depth| *depth < 2)?,
            _ => return None,
        }
    }
    Some(options)
}

/// RFC 5464 section 3.2.
fn is_entry(name: &str) -> bool {
    (name.starts_with("/private/") || name.starts_with("/shared/"))
        && name.is_ascii()
        && !name.ends_with('/')
        && !name.contains("//")
        && !name.contains(|c: char| c.is_ascii_control() || matches!(c, '*' | '%'))
}

/// The names that an argument asks for.
fn names_of(value: &Value) -> Option<Vec<String>> {
    let all = match value {
        Value::List(values) => values.iter().map(text_of).collect::<Option<_>>()?,
        one => vec![text_of(one)?],
    };
    let is_known =
        |name: &String| is_entry(name) || matches!(&*name.to_ascii_lowercase(), "/private" | "/shared");
    all.iter().all(is_known).then_some(all)
}

/// Those below or at these names, as far as asked for.
fn found<'a>(
    all: &'a Annotations,
    names: &'a [String],
    depth: usize,
) -> impl Iterator<Item = (&'a String, &'a Bytes)> {
    let asked = move |have: &str| {
        names.iter().any(|name| match have.strip_prefix(&name.to_ascii_lowercase()) {
            Some("") => true,
            Some(rest) => rest.starts_with('/') && rest.matches('/').count() <= depth,
            None => false,
        })
    };
    all.iter().filter(move |(have, _)| asked(have))
}

impl Session {
    pub(super) fn metadata(&mut self, world: &mut World, name: &str, arguments: &[Value]) -> Done {
        let bad = || Reply::bad("A mailbox and its annotations were expected");
        if name == "SETMETADATA" {
            let [mailbox, Value::List(entries)] = arguments else { return Err(bad()) };
            let mailbox = value_as_mailbox(mailbox, self.enabled.utf8).ok_or_else(bad)?;
            return self.set_metadata(world, &mailbox, entries);
        }
        // The grammar has the options first, the examples of RFC 5464 behind the mailbox.
        let (given, mailbox, names) = match arguments {
            [mailbox, names] => (&[][..], mailbox, names),
            [Value::List(options), mailbox, names] | [mailbox, Value::List(options), names] => {
                (&**options, mailbox, names)
            }
            _ => return Err(bad()),
        };
        let options = options(given).ok_or_else(bad)?;
        let mailbox = value_as_mailbox(mailbox, self.enabled.utf8).ok_or_else(bad)?;
        let names = names_of(names).ok_or_else(bad)?;
        let id = self.annotated(world, &mailbox)?;
        let Some(all) = world.annotations(&self.user(), id) else { return Err(bad()) };
        let is_small = |value: &Bytes| options.max_size.is_none_or(|most| value.len() <= most);
        let mut entries = Vec::new();
        let mut longest = None;
        for (name, value) in found(all, &names, options.depth) {
            if is_small(value) {
                entries.push(MetadataEntry::new(name.clone(), MetadataValue::Set(value.clone())));
            } else {
                longest = longest.max(Some(value.len()));
            }
        }
        // RFC 5464 section 4.2: what was named and is not there is NIL.
        for name in
            names.iter().filter(|name| is_entry(name) && !all.contains_key(&name.to_ascii_lowercase()))
        {
            entries.push(MetadataEntry::new(name.clone(), MetadataValue::Unset));
        }
        if !entries.is_empty() {
            let mailbox = Some(mailbox).filter(|name| !name.as_str().is_empty());
            self.answer("METADATA", Answer::Metadata(Box::new(Metadata::new(mailbox, entries))));
        }
        Ok(match longest.and_then(|bytes| u64::try_from(bytes).ok()) {
            Some(bytes) => Reply::ok_with(Code::Metadata(MetadataCode::LongEntries(bytes)), "Some were long"),
            None => Reply::ok("Annotations listed"),
        })
    }

    /// The mailbox with this name; `None` for the server, which has the empty name.
    fn annotated(&self, world: &World, mailbox: &MailboxName) -> Result<Option<MailboxId>, Reply> {
        if mailbox.as_str().is_empty() {
            return Ok(None);
        }
        let id = world.find(&self.user(), mailbox);
        id.map(Some).ok_or_else(|| Reply::from(missing(mailbox)))
    }

    fn set_metadata(&mut self, world: &mut World, mailbox: &MailboxName, entries: &[Value]) -> Done {
        let bad = || Reply::bad("Annotations and their values were expected");
        let mut changes = Vec::new();
        for pair in entries.chunks(2) {
            let [name, value] = pair else { return Err(bad()) };
            let name = text_of(name).filter(|name| is_entry(name)).ok_or_else(bad)?;
            let value = match value {
                Value::Word(word) if word.eq_ignore_ascii_case("NIL") => None,
                Value::String(bytes) => Some(bytes.clone()),
                _ => return Err(bad()),
            };
            if value.as_ref().is_some_and(|value| value.len() > MAX_VALUE) {
                let most = u64::try_from(MAX_VALUE).unwrap_or(u64::MAX);
                return Err(Reply::no(Some(Code::Metadata(MetadataCode::MaxSize(most))), "That is too long"));
            }
            changes.push((name.to_ascii_lowercase(), value));
        }
        let id = self.annotated(world, mailbox)?;
        let Some(all) = world.annotations_mut(&self.user(), id) else { return Err(bad()) };
        let mut next = all.clone();
        let names: Vec<String> = changes.iter().map(|(name, _)| name.clone()).collect();
        for (name, value) in changes {
            match value {
                Some(value) => drop(next.insert(name, value)),
                None => drop(next.remove(&name)),
            }
        }
        if next.len() > MAX_ENTRIES {
            return Err(Reply::no(Some(Code::Metadata(MetadataCode::TooMany)), "There are too many"));
        }
        if *all != next {
            *all = next;
            let (user, named) = (self.user(), Some(mailbox).filter(|_| id.is_some()));
            world.notify_metadata(&user, named, &names, self.id);
        }
        Ok(Reply::ok("Annotations set"))
    }

    /// The annotations that a LIST asks for (RFC 9590).
    pub(super) fn list_metadata(&mut self, world: &World, mailbox: &MailboxName, names: &[String]) {
        let user = self.user();
        let id = world.find(&user, mailbox);
        let Some(all) = id.and_then(|id| world.annotations(&user, Some(id))) else { return };
        let entry = |name: &String| {
            let value = all.get(&name.to_ascii_lowercase());
            let value = value.map_or(MetadataValue::Unset, |value| MetadataValue::Set(value.clone()));
            MetadataEntry::new(name.clone(), value)
        };
        let entries = names.iter().map(entry).collect();
        self.answer("METADATA", Answer::Metadata(Box::new(Metadata::new(Some(mailbox.clone()), entries))));
    }
}

impl World {
    /// The annotations of a mailbox, or of the server, which each user has for themselves.
    fn annotations(&self, user: &str, id: Option<MailboxId>) -> Option<&Annotations> {
        match id {
            Some(id) => self.mailboxes.get(&id).map(|held| &held.annotations),
            None => self.users.get(user).map(|held| &held.annotations),
        }
    }

    fn annotations_mut(&mut self, user: &str, id: Option<MailboxId>) -> Option<&mut Annotations> {
        match id {
            Some(id) => self.mailboxes.get_mut(&id).map(|held| &mut held.annotations),
            None => self.users.get_mut(user).map(|held| &mut held.annotations),
        }
    }
}
