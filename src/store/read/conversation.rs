//! Conversations: the messages that belong together, as a tree.
//!
//! Which belong together was found when they were stored (`rows::thread`). Which answers which is
//! found here, as JWZ and RFC 5256 do: the last known one of a message's references is its parent.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;

use super::page::{MessageSummary, SUMMARY, summary};
use crate::store::error::{StoreError, StoreResult};
use crate::store::handle::Store;
use crate::store::ids::MessageId;

/// A message in its conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConversationMessage {
    /// How deep it is: 0 begins a conversation.
    pub depth: u32,
    /// The message. Copies in several mailboxes are one: the first that the user sees.
    #[serde(flatten)]
    pub message: MessageSummary,
}

/// The messages that belong together, each behind the one that it answers; answers in the order of
/// their dates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Conversation {
    /// The messages.
    pub messages: Vec<ConversationMessage>,
}

/// What a message says of its place.
#[derive(Clone, Debug)]
struct Place {
    message_id: Option<String>,
    /// Oldest first; the one that it answers is the last.
    references: Vec<String>,
    date: i64,
}

impl Store {
    /// The conversation of a message: the server's (THREADID of RFC 8474, X-GM-THRID), or else what
    /// refers to each other, over all mailboxes of the account. What is written here belongs to the
    /// conversation of what it answers. Subjects don't count.
    ///
    /// # Errors
    /// [`NotFound`](crate::store::StoreErrorKind::NotFound) if there is no such message, or no
    /// longer.
    pub async fn thread(&self, message: MessageId) -> StoreResult<Conversation> {
        let rows = self
            .database
            .read(move |file| {
                let sql = "SELECT c.thread FROM message m JOIN content c ON c.id = m.content WHERE m.id = ?";
                let thread: Option<i64> =
                    file.prepare_cached(sql)?.query_row([message.0], |row| row.get(0)).optional()?;
                let Some(thread) = thread else { return Ok(None) };
                let sql = format!(
                    "SELECT {SUMMARY}, c.in_reply_to, c.refs, c.id FROM message m JOIN content c ON c.id = m.content \
                     WHERE c.thread = ? AND m.place IS NOT NULL ORDER BY ifnull(c.sent, m.date), m.id"
                );
                let mut find = file.prepare_cached(&sql)?;
                let rows = find.query_map(params![thread], |row| {
                    let (answers, refs): (Option<String>, Option<String>) = (row.get(13)?, row.get(14)?);
                    let mut references: Vec<String> =
                        refs.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
                    references.extend(answers);
                    Ok((summary(row)?, references, row.get::<_, i64>(15)?))
                })?;
                Ok(Some(rows.collect::<Result<Vec<_>, _>>()?))
            })
            .await?;
        let rows = rows
            .ok_or_else(|| StoreError::not_found(format!("there is no message {message}, or no longer")))?;
        let (mut seen, mut places, mut messages) = (BTreeSet::new(), Vec::new(), Vec::new());
        for (summary, references, content) in rows {
            let is_new = seen.insert(format!("c{content}"))
                & summary.message_id.as_ref().is_none_or(|id| seen.insert(format!("m{id}")));
            if is_new {
                let date = summary.sent.unwrap_or(summary.date);
                places.push(Place { message_id: summary.message_id.clone(), references, date });
                messages.push(Some(summary));
            }
        }
        let order = arrange(&places).into_iter();
        let messages = order.filter_map(|(at, depth)| {
            let message = messages.get_mut(at)?.take()?;
            Some(ConversationMessage { depth, message })
        });
        Ok(Conversation { messages: messages.collect() })
    }
}

/// The messages in the order of the tree, each with its depth.
fn arrange(places: &[Place]) -> Vec<(usize, u32)> {
    let by_id: BTreeMap<&str, usize> = places
        .iter()
        .enumerate()
        .filter_map(|(at, place)| Some((place.message_id.as_deref()?, at)))
        .collect();
    let mut parents: Vec<Option<usize>> = vec![None; places.len()];
    for (at, place) in places.iter().enumerate() {
        let known = place.references.iter().rev().filter_map(|id| by_id.get(id.as_str()).copied());
        // A message that answers itself by a detour, as hostile ones do, begins a conversation.
        parents[at] = known.into_iter().find(|parent| !reaches(&parents, *parent, at));
    }
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (at, parent) in parents.iter().enumerate() {
        children.entry(*parent).or_default().push(at);
    }
    for answers in children.values_mut() {
        answers.sort_by_key(|at| (places[*at].date, *at));
    }
    let mut order = Vec::with_capacity(places.len());
    let mut waiting: Vec<(usize, u32)> =
        children.get(&None).into_iter().flatten().rev().map(|at| (*at, 0)).collect();
    while let Some((at, depth)) = waiting.pop() {
        order.push((at, depth));
        waiting.extend(children.get(&Some(at)).into_iter().flatten().rev().map(|child| (*child, depth + 1)));
    }
    order
}

/// Whether `at` is `from` or above it.
fn reaches(parents: &[Option<usize>], from: usize, at: usize) -> bool {
    let mut now = Some(from);
    while let Some(here) = now {
        if here == at {
            return true;
        }
        now = parents[here];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str, references: &[&str], date: i64) -> Place {
        let references = references.iter().map(|id| (*id).to_owned()).collect();
        Place { message_id: Some(id.to_owned()), references, date }
    }

    #[test]
    fn answers_stand_behind_what_they_answer() {
        let places = [
            place("a", &[], 1),
            place("b", &["a"], 3),
            place("c", &["a", "missing"], 2),
            place("d", &["a", "b"], 4),
            place("e", &["gone"], 0),
        ];
        assert_eq!(arrange(&places), [(4, 0), (0, 0), (2, 1), (1, 1), (3, 2)]);
    }

    #[test]
    fn circles_are_cut() {
        let places = [place("a", &["b"], 1), place("b", &["a"], 2), place("c", &["c"], 3)];
        let mut seen: Vec<usize> = arrange(&places).into_iter().map(|(at, _)| at).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2]);
    }
}
