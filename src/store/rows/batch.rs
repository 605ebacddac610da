//! Contents that are stored together, as those of a window are.
//!
//! ```text
//!   add ──> the number of its row; its conversation
//!    └─ conversations become one: all before is written
//!   write ──> rows of conversations and contents ──> (rows of messages, by the caller) ──> index
//! ```
//!
//! The words for the search come last, and nothing else is written between them: before each
//! statement that can be taken back by itself SQLite has the index write out what it was given, and
//! for every message that costs as much as all else together.
//!
//! In: contents. Out: one row of the table for each, shared by messages that the server says to be
//! the same, with its conversation and its words for the search.

use std::collections::HashMap;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::content::{NewContent, json};
use super::many::{self, Values, number, text};
use super::thread::Threads;
use crate::store::error::Fault;

const INSERT: &str = "INSERT INTO content (id, account, global, message_id, in_reply_to, refs, thread, sent, received, \
     size, subject, people, structure, attachments) VALUES";

/// A content that is not in the file yet.
struct Pending<'a> {
    id: i64,
    thread: i64,
    content: &'a NewContent,
}

pub(super) struct Batch<'a> {
    file: &'a Transaction<'a>,
    account: i64,
    threads: Threads<'a>,
    /// The number of the last row, once there was one.
    last: Option<i64>,
    by_global: HashMap<&'a str, i64>,
    pending: Vec<Pending<'a>>,
    /// Those whose words are not in the index yet.
    unindexed: Vec<(i64, &'a NewContent)>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(file: &'a Transaction<'a>, account: i64) -> Self {
        let (by_global, threads) = (HashMap::new(), Threads::new(file, account));
        Self { file, account, threads, last: None, by_global, pending: Vec::new(), unindexed: Vec::new() }
    }

    /// The number of its row, which may have been there, or will be once this is written.
    pub(super) fn add(&mut self, content: &'a NewContent) -> Result<i64, Fault> {
        if let Some(known) = content.global.as_deref().map_or(Ok(None), |global| self.known(global))? {
            return Ok(known);
        }
        let belonging = content.belonging();
        let known = self.threads.known(&belonging)?;
        if Threads::joins(&belonging, &known) {
            self.write()?;
        }
        let thread = self.threads.of(&belonging, &known)?;
        let last = match self.last {
            Some(last) => last,
            None => many::last_number(self.file, "content")?,
        };
        let id = last + 1;
        self.last = Some(id);
        self.pending.push(Pending { id, thread, content });
        self.unindexed.push((id, content));
        if let Some(global) = &content.global {
            self.by_global.insert(global, id);
        }
        Ok(id)
    }

    /// The row of what the server says to be the same.
    fn known(&self, global: &str) -> Result<Option<i64>, Fault> {
        if let Some(known) = self.by_global.get(global) {
            return Ok(Some(*known));
        }
        let mut find = self.file.prepare_cached("SELECT id FROM content WHERE account = ? AND global = ?")?;
        Ok(find.query_row(params![self.account, global], |row| row.get(0)).optional()?)
    }

    /// Writes all but the words.
    pub(super) fn write(&mut self) -> Result<(), Fault> {
        self.threads.write()?;
        let texts: Vec<[String; 3]> = self.pending.iter().map(|one| one.content.texts()).collect();
        let rows: Vec<Values<'_, 14>> =
            self.pending.iter().zip(&texts).map(|(one, texts)| one.values(self.account, texts)).collect();
        many::execute(self.file, (INSERT, ""), &rows)?;
        self.pending.clear();
        Ok(())
    }

    /// Writes the words of what was written.
    pub(super) fn index(&mut self) -> Result<(), Fault> {
        // One row a statement: one of several rows could be taken back by itself.
        let mut add = self
            .file
            .prepare_cached("INSERT INTO search (rowid, subject, people, text) VALUES (?, ?, ?, '')")?;
        for (id, content) in self.unindexed.drain(..) {
            add.execute(params![id, content.subject, content.people.words()])?;
        }
        Ok(())
    }
}

impl NewContent {
    /// What is put together for the row.
    fn texts(&self) -> [String; 3] {
        [self.references.join(" "), json(&self.people), json(&self.parts)]
    }
}

impl<'a> Pending<'a> {
    fn values<'b>(&self, account: i64, [references, people, parts]: &'b [String; 3]) -> Values<'b, 14>
    where
        'a: 'b,
    {
        let content = self.content;
        let attachments = content.parts.iter().filter(|part| part.attachment).count();
        let small = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        [
            number(Some(self.id)),
            number(Some(account)),
            text(content.global.as_deref()),
            text(content.message_id.as_deref()),
            text(content.in_reply_to.as_deref()),
            text(Some(references)),
            number(Some(self.thread)),
            number(content.sent),
            number(content.received),
            number(content.size.and_then(|size| i64::try_from(size).ok())),
            text(content.subject.as_deref()),
            text(Some(people)),
            text(Some(parts)),
            number(Some(small(attachments))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;
    use crate::store::migrate::migrate;
    use crate::store::schema;

    /// Messages that refer to each other at random; some of which the server says to be the same,
    /// or names the conversation.
    fn contents() -> impl Strategy<Value = Vec<NewContent>> {
        let one = (
            0..12_u32,
            prop::collection::vec(0..12_u32, 0..3),
            prop::option::weighted(0.2, 0..3_u32),
            0..9_u32,
        );
        let id = |number: u32| format!("{number}@example.org");
        let content = move |(own, answers, name, global): (u32, Vec<u32>, Option<u32>, u32)| NewContent {
            global: (global < 3).then(|| format!("e:{global}")),
            server_thread: name.map(|name| format!("t:{name}")),
            message_id: (own > 0).then(|| id(own)),
            in_reply_to: answers.first().map(|answer| id(*answer)),
            references: answers.iter().map(|answer| id(*answer)).collect(),
            subject: Some(format!("Subject {own}")),
            ..NewContent::default()
        };
        prop::collection::vec(one.prop_map(content), 0..40)
    }

    /// What is in the file, with conversations as sets: their numbers say nothing.
    type Found = (Vec<i64>, Vec<String>, BTreeSet<BTreeSet<String>>, BTreeMap<String, Option<String>>);

    fn stored(contents: &[NewContent], at_once: usize) -> Found {
        let mut file = Connection::open_in_memory().expect("memory");
        migrate(&mut file, schema::STEPS).expect("new");
        let file = file.transaction().expect("begun");
        let mut rows = Vec::new();
        for together in contents.chunks(at_once) {
            let mut batch = Batch::new(&file, 1);
            rows.extend(together.iter().map(|content| batch.add(content).expect("added")));
            batch.write().expect("written");
            batch.index().expect("indexed");
        }
        let strings = |sql: &str| -> Vec<String> {
            let mut find = file.prepare(sql).expect("valid");
            let rows = find.query_map([], |row| row.get(0)).expect("readable");
            rows.collect::<Result<_, _>>().expect("texts")
        };
        let all = strings(
            "SELECT id || ' ' || subject || ' ' || ifnull(global, '') || ' ' || refs FROM content ORDER BY id",
        );
        let members = "SELECT group_concat(id) FROM content GROUP BY thread \
             UNION ALL SELECT group_concat(message_id) FROM reference GROUP BY thread";
        let sets = strings(members).iter().map(|set| set.split(',').map(str::to_owned).collect()).collect();
        let named = strings(
            "SELECT r.message_id || ' ' || ifnull(t.server, '') FROM reference r JOIN thread t ON t.id = r.thread",
        );
        let named = named.iter().filter_map(|row| row.split_once(' '));
        let named =
            named.map(|(id, name)| (id.to_owned(), (!name.is_empty()).then(|| name.to_owned()))).collect();
        let indexed = "SELECT count(*) FROM search WHERE search MATCH 'subject'";
        let count: i64 = file.query_row(indexed, [], |row| row.get(0)).expect("readable");
        assert_eq!(usize::try_from(count), Ok(all.len()), "each is found by its words");
        let lost = "SELECT count(*) FROM content WHERE thread NOT IN (SELECT id FROM thread)";
        assert_eq!(file.query_row(lost, [], |row| row.get::<_, i64>(0)).expect("readable"), 0);
        (rows, all, sets, named)
    }

    proptest! {
        #[test]
        fn a_batch_makes_the_same_of_them_as_one_after_the_other(contents in contents(), at_once in 2..40_usize) {
            prop_assert_eq!(stored(&contents, at_once), stored(&contents, 1));
        }
    }
}
