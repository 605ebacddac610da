//! A search in the store, joined with that of the servers: they have the texts of all messages.
//!
//! ```text
//!   text ──> rows of the store, at once ───────────────────────────┐
//!     └────> words ──> SEARCH in each mailbox ──> UIDs ──> rows ──> both, newest first
//!                                └── no connection, or refused ──> said so
//! ```
//!
//! Only the words go to a server. What narrows besides (flags, dates, people) is decided by the
//! rows, which have what is queued, too.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Value;
use rusqlite::{Transaction, params, params_from_iter};
use serde::Serialize;

use super::page::{MessageSummary, NEWEST_FIRST, SUMMARY, summary};
use super::search::{LocalSearch, Query};
use crate::account::Account;
use crate::client::Select;
use crate::command::Search;
use crate::store::error::{Fault, StoreError, StoreErrorKind, StoreResult};
use crate::store::handle::Store;
use crate::store::ids::{MailboxId, RowIds as _};
use crate::store::rows::content::json;
use crate::store::rows::message::{self, Likeness};
use crate::store::sync::{Either, is_away, race, traits};
use crate::types::{MailboxName, Message, UidSet, UidValidity, ViewSync};

/// What a search has found in the store, and can be joined with what the servers find; from
/// [`Store::search_joined`].
#[derive(Clone, Debug)]
#[must_use]
pub struct JoinedSearch {
    store: Store,
    search: LocalSearch,
    local: Vec<MessageSummary>,
}

/// What was found in the store and at the servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JoinedHits {
    /// The messages, the newest first; no more than the search asks for.
    pub messages: Vec<MessageSummary>,
    /// How many of them the servers alone have found.
    pub from_servers: u64,
    /// How many messages the servers have found that are not in the store yet, or not any more.
    pub unknown: u64,
    /// The mailboxes in which no server has looked: of these there is only what the store has
    /// found.
    pub not_searched: Vec<NotSearched>,
}

impl JoinedHits {
    /// Whether the servers have looked in all mailboxes, or none had to: the search has no words.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.not_searched.is_empty()
    }

    /// Whether some were not searched since there is no connection.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.not_searched.iter().any(|mailbox| mailbox.is_offline)
    }
}

/// A mailbox in which no server has looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotSearched {
    /// Its number.
    pub mailbox: MailboxId,
    /// Whether that is since there is no connection.
    pub is_offline: bool,
    /// Why, for people.
    pub reason: String,
}

/// A mailbox that is to be searched.
#[derive(Debug)]
struct Place {
    id: MailboxId,
    account: i64,
    name: MailboxName,
    key: String,
    uid_validity: Option<UidValidity>,
}

impl Store {
    /// The messages that a search finds, in the store and at the servers, which know the texts of
    /// messages whose bodies are not here. What the store has is there at once
    /// ([`JoinedSearch::local`]); the servers are asked by [`JoinedSearch::joined`]. Without a
    /// connection that has what the store has found, and says so.
    ///
    /// A server finds words anywhere, also within longer ones.
    ///
    /// # Errors
    /// If the store can't be read.
    ///
    /// ```no_run
    /// # use imap_duplex::store::{Store, StoreResult};
    /// # async fn example(store: Store) -> StoreResult<()> {
    /// let search = store.search_joined("from:ann invoice").await?;
    /// println!("{} here", search.local().len());
    /// let hits = search.joined().await?;
    /// println!("{} in all", hits.messages.len());
    /// if hits.is_offline() {
    ///     println!("without a connection: only what is here");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn search_joined(&self, search: impl Into<LocalSearch>) -> StoreResult<JoinedSearch> {
        let search: LocalSearch = search.into();
        let local = self.search(search.clone()).await?;
        Ok(JoinedSearch { store: self.clone(), search, local })
    }
}

impl JoinedSearch {
    /// What the store has found, the newest first.
    #[must_use]
    pub fn local(&self) -> &[MessageSummary] {
        &self.local
    }

    /// The same with what the servers find, mailbox after mailbox. Waits as long as a server takes;
    /// not for a connection. Cancel-safe.
    ///
    /// # Errors
    /// If the store can't be read. What a server refuses is in
    /// [`not_searched`](JoinedHits::not_searched).
    pub async fn joined(&self) -> StoreResult<JoinedHits> {
        let mut hits = JoinedHits {
            messages: self.local.clone(),
            from_servers: 0,
            unknown: 0,
            not_searched: Vec::new(),
        };
        let Some(query) = Query::of(&self.search.text).server else { return Ok(hits) };
        let mut found: BTreeMap<_, _> =
            std::mem::take(&mut hits.messages).into_iter().map(|message| (message.id, message)).collect();
        let local: BTreeSet<_> = found.keys().copied().collect();
        // Those that have lost their connection are not asked again and again.
        let mut away = BTreeMap::new();
        for place in self.places().await? {
            let asked = match away.get(&place.account) {
                Some(error) => Err(StoreError::clone(error)),
                None => self.ask(&place, query.clone()).await,
            };
            match asked {
                Ok(uids) if uids.is_empty() => {}
                Ok(uids) => {
                    let (rows, unknown) = self.rows(&place, uids).await?;
                    hits.unknown += unknown;
                    found.extend(rows.into_iter().map(|message| (message.id, message)));
                }
                Err(error) => {
                    let is_offline = error.kind() == StoreErrorKind::Offline;
                    let reason = error.to_string();
                    hits.not_searched.push(NotSearched { mailbox: place.id, is_offline, reason });
                    if is_offline {
                        away.insert(place.account, error);
                    }
                }
            }
        }
        hits.messages = found.into_values().collect();
        hits.messages.sort_by_key(|message| std::cmp::Reverse(message.cursor()));
        hits.messages.truncate(usize::try_from(self.search.count).unwrap_or(usize::MAX));
        let new = hits.messages.iter().filter(|message| !local.contains(&message.id));
        hits.from_servers = u64::try_from(new.count()).unwrap_or(u64::MAX);
        Ok(hits)
    }

    /// The mailboxes at the servers that have what the user sees in those to be searched.
    async fn places(&self) -> StoreResult<Vec<Place>> {
        let wanted = self.search.mailbox.map(|mailbox| mailbox.0);
        self.store
            .database
            .read(move |file| {
                let mut find = file.prepare_cached(
                    "SELECT id, account, name, uid_validity, key FROM mailbox b \
                     WHERE key IS NOT NULL AND name IS NOT NULL AND EXISTS \
                     (SELECT 1 FROM message WHERE mailbox = b.id AND uid IS NOT NULL \
                     AND (?1 IS NULL OR place = ?1)) ORDER BY account, name",
                )?;
                let places = find.query_map([wanted], |row| {
                    Ok(Place {
                        id: row.id(0)?,
                        account: row.get(1)?,
                        name: MailboxName::exact(row.get::<_, String>(2)?),
                        uid_validity: row.get::<_, Option<u32>>(3)?.and_then(UidValidity::new),
                        key: row.get(4)?,
                    })
                })?;
                Ok(places.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// What the server finds in a mailbox.
    async fn ask(&self, place: &Place, query: Search) -> StoreResult<UidSet> {
        let offline = || {
            let what = "there is no connection to the account: only what is in the store was searched";
            StoreError::new(StoreErrorKind::Offline, what)
        };
        let account = self.store.database.engaged(place.account).ok_or_else(offline)?;
        let held = async {
            let _held = self.store.database.structure(place.account).hold().await;
            search(&account, place, query).await
        };
        let (uids, newest) = match race(held, is_away(&account)).await {
            Either::First(found) => found?,
            Either::Second(()) => return Err(offline()),
        };
        // A server that was restored from a backup may have given the UIDs to others.
        let id = place.id;
        let is_other = move |file: &Transaction<'_>| {
            for row in &newest {
                let known = row.uid().map_or(Ok(None), |uid| message::by_uid(file, id, uid))?;
                if known
                    .is_some_and(|known| matches!(message::likeness(file, known, row), Ok(Likeness::Other)))
                {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        if self.store.database.read(is_other).await? {
            self.store.database.doubt(place.account, place.key.clone());
            let what =
                format!("{}: it has other messages than are known, and is not in step yet", place.name);
            return Err(StoreError::new(StoreErrorKind::Server, what));
        }
        Ok(uids)
    }

    /// The rows of these messages that match what else the search says; and how many there are not.
    async fn rows(&self, place: &Place, uids: UidSet) -> StoreResult<(Vec<MessageSummary>, u64)> {
        let (search, mailbox, uid_validity) = (self.search.clone(), place.id, place.uid_validity);
        let ranges: Vec<(u32, u32)> =
            uids.ranges().map(|range| (range.start().get(), range.end().get())).collect();
        let (ranges, all) = (json(&ranges), uids.len());
        self.store
            .database
            .read(move |file| {
                if !is_still(file, mailbox, uid_validity)? {
                    return Ok((Vec::new(), all));
                }
                let mut find = file.prepare_cached(&format!("SELECT count(*) {JOINED}"))?;
                let known: i64 = find.query_row(params![ranges, mailbox.0], |row| row.get(0))?;
                let unknown = all.saturating_sub(u64::try_from(known).unwrap_or_default());
                let Query { mut conditions, values, .. } = Query::of(&search.text);
                let mut all_values = vec![Value::Text(ranges), Value::Integer(mailbox.0)];
                all_values.extend(values);
                if let Some(place) = search.mailbox {
                    conditions.push("m.place = ?".to_owned());
                    all_values.push(Value::Integer(place.0));
                }
                conditions.push("m.place IS NOT NULL".to_owned());
                all_values.push(Value::Integer(search.count.into()));
                let sql = format!(
                    "SELECT {SUMMARY} {JOINED} AND {} {NEWEST_FIRST} LIMIT ?",
                    conditions.join(" AND ")
                );
                let mut find = file.prepare_cached(&sql)?;
                let rows = find.query_map(params_from_iter(all_values), summary)?;
                Ok((rows.collect::<Result<_, _>>()?, unknown))
            })
            .await
    }
}

/// The messages of a mailbox whose UIDs are in ranges, range by range; they have their content.
const JOINED: &str = "FROM json_each(?) r CROSS JOIN message m ON m.mailbox = ? \
     AND m.uid BETWEEN r.value ->> 0 AND r.value ->> 1 JOIN content c ON c.id = m.content WHERE true";

/// Whether the mailbox has the UIDVALIDITY yet under which was searched.
fn is_still(
    file: &Transaction<'_>,
    mailbox: MailboxId,
    uid_validity: Option<UidValidity>,
) -> Result<bool, Fault> {
    let mut find =
        file.prepare_cached("SELECT EXISTS (SELECT 1 FROM mailbox WHERE id = ? AND uid_validity IS ?)")?;
    Ok(find.query_row(params![mailbox.0, uid_validity.map(UidValidity::get)], |row| row.get(0))?)
}

/// What is found, and by what the newest of it is known.
async fn search(account: &Account, place: &Place, query: Search) -> StoreResult<(UidSet, Vec<Message>)> {
    let select = Select::new(place.name.clone()).read_only().view_sync(ViewSync::Off);
    let mailbox = account.mailbox(select).await?;
    if mailbox.uid_validity() != place.uid_validity {
        let what = format!("{}: it has been made again, and is not in step yet", place.name);
        return Err(StoreError::new(StoreErrorKind::Server, what));
    }
    let uids = mailbox.search(query).await?.into_uids();
    let newest: UidSet = uids.last().into_iter().collect();
    if newest.is_empty() {
        return Ok((uids, Vec::new()));
    }
    // One that the server can't read can't be compared either.
    let rows = traits(&mailbox, newest).await;
    Ok((uids, rows.or_else(|error| if error.refuses_messages() { Ok(Vec::new()) } else { Err(error) })?))
}
