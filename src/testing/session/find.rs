//! Which messages a SEARCH, SORT or THREAD finds: the keys checked, filters in place (RFC 5466),
//! within the limit of RFC 9738. In: keys. Out: [`Found`].

use crate::testing::labels::Labels;
use crate::testing::search::{
    Candidate, Collation, Refused, Scope, charset, check, cost, gmail_search, matches, sort,
};
use crate::testing::world::World;
use crate::types::{Code, ModSeq, Status, Timestamp, Uid};
use crate::wire::request::{End, Numbers, SearchKey, SortKey, search_keys};

use super::Session;
use super::reply::Reply;
use super::search::ReturnOptions;
use super::snapshot::{Numbered, Snapshot, uid_set};

/// The maximum of keys in a search, nested ones included: each is evaluated for each message, while
/// all other sessions wait.
const MAX_KEYS: usize = 1000;

/// Whether the extensions for these keys, nested ones included, are on.
fn is_supported(world: &World, key: &SearchKey) -> bool {
    match key {
        SearchKey::Word("SAVEDATESUPPORTED")
        | SearchKey::Date("SAVEDBEFORE" | "SAVEDON" | "SAVEDSINCE", _) => world.has("SAVEDATE"),
        SearchKey::Word("NEW" | "OLD" | "RECENT") => world.has("IMAP4rev1"),
        SearchKey::Number("OLDER" | "YOUNGER", _) => world.has("WITHIN"),
        SearchKey::Text("EMAILID" | "THREADID", _) => world.has("OBJECTID"),
        SearchKey::ModSeq(..) => world.has("CONDSTORE"),
        SearchKey::Uids(Numbers::Saved) | SearchKey::Seqs(Numbers::Saved) => world.has("SEARCHRES"),
        SearchKey::Fuzzy(_) if !world.has("SEARCH=FUZZY") => false,
        SearchKey::Text("FILTER", _) => world.has("FILTERS"),
        SearchKey::Text("X-GM-RAW" | "X-GM-LABELS", _)
        | SearchKey::Number("X-GM-MSGID" | "X-GM-THRID", _) => world.has("X-GM-EXT-1"),
        SearchKey::Number("UIDAFTER" | "UIDBEFORE", _) => world.settings.message_limit.is_some(),
        key => key.parts().all(|key| is_supported(world, key)),
    }
}

/// Whether the sequence numbers exist (RFC 9051 section 9, `seq-number`: BAD for others); UIDs need
/// not exist.
fn in_range(key: &SearchKey, snapshot: &Snapshot) -> bool {
    match key {
        SearchKey::Seqs(numbers) => snapshot.places(numbers, false).is_ok(),
        key => key.parts().all(|key| in_range(key, snapshot)),
    }
}

pub(super) fn by_mod_seq(key: &SearchKey) -> bool {
    matches!(key, SearchKey::ModSeq(..)) || key.parts().any(by_mod_seq)
}

pub(super) fn is_fuzzy(key: &SearchKey) -> bool {
    matches!(key, SearchKey::Fuzzy(_)) || key.parts().any(is_fuzzy)
}

/// The key without what FUZZY allows.
fn strictly(key: &SearchKey) -> SearchKey {
    match key {
        SearchKey::Fuzzy(key) => strictly(key),
        key => key.map_parts(strictly),
    }
}

/// The keys with sequence numbers and `$` as what they stand for now: so that a result that is
/// kept up to date does not change with them (RFC 5267 section 4.3).
pub(super) fn fixed(key: &SearchKey, snapshot: &Snapshot) -> SearchKey {
    let by_uid = |numbers: &Numbers| {
        let places = snapshot.places(numbers, false).unwrap_or_default();
        let uids = uid_set(snapshot.uids(&places));
        let range = |(first, last): &(u32, u32)| (End::Number(*first), End::Number(*last));
        SearchKey::Uids(Numbers::Ranges(uids.raw().iter().map(range).collect()))
    };
    match key {
        SearchKey::Seqs(numbers) => by_uid(numbers),
        SearchKey::Uids(Numbers::Saved) => by_uid(&Numbers::Saved),
        key => key.map_parts(|key| fixed(key, snapshot)),
    }
}

/// A message that was found: its number, UID and mod-sequence, and how well it fits, up to 100.
pub(super) type Hit = (u32, u32, u64, u8);

/// How well a message fits that does so by FUZZY alone.
const ROUGHLY: u8 = 50;

/// What a search depends on beside its keys and the mailbox.
#[derive(Debug)]
pub(super) struct Terms {
    now: Timestamp,
    collation: Collation,
    labels: Labels,
}

/// The messages of a mailbox that fit all keys, in this order, or in that of the mailbox.
pub(super) fn found_in(
    snapshot: &Snapshot,
    keys: &[SearchKey],
    order: Option<&[SortKey]>,
    terms: &Terms,
) -> Result<Vec<Hit>, Refused> {
    let scope = Scope {
        now: terms.now,
        collation: terms.collation,
        labels: &terms.labels,
        last_seq: snapshot.count(),
        last_uid: snapshot.last_uid(),
        saved: Some(&snapshot.saved),
    };
    let strict: Vec<SearchKey> =
        if keys.iter().any(is_fuzzy) { keys.iter().map(strictly).collect() } else { Vec::new() };
    let fits = |message: &Numbered<'_>, keys: &[SearchKey]| {
        keys.iter().try_fold(true, |fits, key| Ok(fits && matches(key, message, &scope)?))
    };
    let mut found = Vec::new();
    for (at, row) in snapshot.rows.iter().enumerate().filter(|(_, row)| !row.expunged) {
        let mut message = Numbered { seq: Snapshot::seq(at), row, relevancy: 100 };
        if fits(&message, keys)? {
            message.relevancy = if fits(&message, &strict)? { 100 } else { ROUGHLY };
            found.push(message);
        }
    }
    let mut sorted: Vec<&dyn Candidate> = Vec::new();
    found.iter().for_each(|message| sorted.push(message));
    if let Some(order) = order {
        sort(order, terms.collation, &mut sorted);
    }
    Ok(sorted.iter().map(|m| (m.seq(), m.uid(), m.mod_seq(), m.relevancy())).collect())
}

/// NO or BAD for a search that is refused.
pub(super) fn refused(refused: Refused) -> Reply {
    match refused {
        Refused::Charset => {
            let known = ["US-ASCII", "UTF-8"].map(str::to_owned).to_vec();
            Reply::no(Some(Code::BadCharset(known)), "This charset is not supported")
        }
        Refused::Key(key) => Reply::bad(format!("{key} is not supported")),
    }
}

/// How often a filter may name another one (RFC 5466 section 3.1: three times at least).
const MAX_FILTERS: usize = 5;

/// The key with the stored filters that it names in their places (RFC 5466 section 3.1), and with
/// Gmail's searches as keys.
fn unfiltered(world: &World, user: &str, key: &SearchKey, passes: usize) -> Result<SearchKey, Reply> {
    if let SearchKey::Text("X-GM-RAW", text) = key
        && world.has("X-GM-EXT-1")
    {
        return Ok(gmail_search(&String::from_utf8_lossy(text)));
    }
    let SearchKey::Text("FILTER", name) = key else {
        let mut failed = None;
        let key = key.map_parts(|part| {
            unfiltered(world, user, part, passes).unwrap_or_else(|reply| {
                failed.get_or_insert(reply);
                SearchKey::Word("ALL")
            })
        });
        return failed.map_or(Ok(key), Err);
    };
    let name = String::from_utf8_lossy(name).into_owned();
    let undefined = || Reply::no(Some(Code::UndefinedFilter(name.clone())), "There is no such filter");
    let value = |space: &str| {
        let entry = format!("/{space}/filters/values/{}", name.to_ascii_lowercase());
        world.users.get(user)?.annotations.get(&entry)
    };
    let value = value("private").or_else(|| value("shared")).ok_or_else(undefined)?;
    let keys = search_keys(value).ok_or_else(undefined)?;
    let passes = passes.checked_sub(1).ok_or_else(undefined)?;
    let inner = keys.iter().map(|key| unfiltered(world, user, key, passes));
    inner.collect::<Result<_, _>>().map(SearchKey::And)
}

/// The keys without filters; refuses those that the server does not have, or that take too long.
pub(super) fn checked(
    world: &World,
    user: &str,
    named: Option<&str>,
    keys: &[SearchKey],
) -> Result<Vec<SearchKey>, Reply> {
    let has_filter = |key: &SearchKey| matches!(key, SearchKey::Text("FILTER", _));
    charset(named).map_err(refused).map_err(|mut reply| {
        // RFC 5466 section 3.1: filters are in UTF-8.
        if keys.iter().any(has_filter) {
            reply.status.status = Status::Bad;
        }
        reply
    })?;
    let is_known = |keys: &[SearchKey]| keys.iter().all(|key| is_supported(world, key));
    if !is_known(keys) {
        return Err(Reply::bad("An unknown search key"));
    }
    let keys: Vec<SearchKey> =
        keys.iter().map(|key| unfiltered(world, user, key, MAX_FILTERS)).collect::<Result<_, _>>()?;
    if keys.iter().map(cost).sum::<usize>() > MAX_KEYS {
        return Err(Reply::bad("Too many search keys"));
    }
    if !is_known(&keys) {
        return Err(Reply::bad("An unknown search key"));
    }
    keys.iter().try_for_each(check).map_err(refused)?;
    Ok(keys)
}

/// OK for a command that has dealt with a part of the messages (RFC 9738 section 3.1).
pub(super) fn limit_reached(code: Code) -> Reply {
    Reply::ok_with(code, "Not with all of the messages")
}

/// The result of a search.
#[derive(Debug)]
pub(super) struct Found {
    /// In the result's order.
    pub(super) rows: Vec<Hit>,
    /// The keys, without filters.
    pub(super) keys: Vec<SearchKey>,
    /// Whether to return the highest mod-sequence.
    pub(super) by_mod_seq: bool,
    /// MESSAGELIMIT, if not all messages were searched.
    pub(super) limited: Option<Code>,
}

impl Found {
    pub(super) fn mod_seq(&self) -> Option<ModSeq> {
        let highest = self.rows.iter().map(|row| row.2).max().filter(|_| self.by_mod_seq)?;
        ModSeq::new(highest)
    }

    /// That of the messages returned (RFC 4731 section 3.2): with MIN and MAX alone of those two at
    /// most.
    pub(super) fn mod_seq_of(&self, options: &ReturnOptions) -> Option<ModSeq> {
        let ends_alone =
            (options.min || options.max) && !(options.all || options.count || options.partial.is_some());
        if !ends_alone {
            return self.mod_seq();
        }
        let first = self.rows.first().filter(|_| options.min);
        let last = self.rows.last().filter(|_| options.max);
        let highest = first.into_iter().chain(last).map(|row| row.2).max();
        ModSeq::new(highest.filter(|_| self.by_mod_seq)?)
    }

    pub(super) fn numbers(&self, uid: bool) -> Vec<u32> {
        self.rows.iter().map(|(seq, row_uid, ..)| if uid { *row_uid } else { *seq }).collect()
    }
}

impl Session {
    pub(super) fn terms(&self, world: &World, keys: &[SearchKey]) -> Terms {
        let labels = self.labels_of_keys(world, keys);
        Terms { now: world.now(), collation: self.collation, labels }
    }

    pub(super) fn find(
        &mut self,
        world: &mut World,
        named: Option<&str>,
        keys: &[SearchKey],
        order: Option<&[SortKey]>,
    ) -> Result<Found, Reply> {
        let mut keys = checked(world, &self.user(), named, keys)?;
        let by_mod_seq = keys.iter().any(by_mod_seq);
        if by_mod_seq {
            self.enable_condstore(world);
        }
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        if !keys.iter().all(|key| in_range(key, snapshot)) {
            return Err(Reply::bad("There is no message with such a number"));
        }
        // RFC 9738 section 3.1: the messages that are searched count, not those that are found.
        let is_named = |key: &&SearchKey| matches!(key, SearchKey::Seqs(_) | SearchKey::Uids(_));
        let named: Vec<SearchKey> = keys.iter().filter(is_named).cloned().collect();
        let mut limited = None;
        let terms = self.terms(world, &keys);
        if let Some(limit) = world.settings.message_limit {
            let all = found_in(snapshot, &named, None, &terms).map_err(refused)?;
            if let Some(lowest) = all.iter().rev().nth(at(limit) - 1).filter(|_| all.len() > at(limit)) {
                limited = Some(Code::MessageLimit { limit, uid: Uid::new(lowest.1) });
                keys.push(SearchKey::Uids(Numbers::Ranges(vec![(End::Number(lowest.1), End::Last)])));
            }
        }
        let rows = found_in(snapshot, &keys, order, &terms).map_err(refused)?;
        Ok(Found { rows, keys, by_mod_seq, limited })
    }

    /// RFC 9738 section 3.3: SORT and THREAD see all messages, or none.
    pub(super) fn within_limit(&self, world: &World) -> Result<(), Reply> {
        let count = self.selected.as_ref().map_or(0, |snapshot| snapshot.rows.len());
        match world.settings.message_limit.filter(|limit| count > at(*limit)) {
            Some(limit) => Err(Reply::no(Some(Code::MessageLimit { limit, uid: None }), "Too many messages")),
            None => Ok(()),
        }
    }

    /// The last of these positions, as far as a limit goes, from the last to the first, with
    /// MESSAGELIMIT if there are more (RFC 9738 section 3.1).
    pub(super) fn limited(&self, world: &World, places: Vec<usize>) -> (Vec<usize>, Option<Code>) {
        let Some(limit) = world.settings.message_limit.filter(|limit| places.len() > at(*limit)) else {
            return (places, None);
        };
        let kept: Vec<usize> = places.into_iter().rev().take(at(limit)).collect();
        let lowest = self.selected.as_ref().zip(kept.last()).and_then(|(snapshot, at)| snapshot.row(*at));
        let uid = lowest.and_then(|row| Uid::new(row.message.uid));
        (kept, Some(Code::MessageLimit { limit, uid }))
    }
}

fn at(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
