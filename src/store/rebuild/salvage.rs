//! What is read out of a damaged file: the operations, and the rows that they name.
//!
//! In: a file that can be opened, whatever is wrong in it. Out: rows, as far as they can be read.
//! What can't be read is left out: the server has all but the operations, and their messages.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::store::error::Fault;

/// The columns that are kept of each table, in the order in which its rows can be put back.
const TABLES: [(&str, &[&str]); 7] = [
    ("account", &["id", "identity"]),
    ("mailbox", &["id", "account", "key", "name", "shown_name", "delimiter", "attributes", "uid_validity"]),
    ("thread", &["id", "account", "server"]),
    (
        "content",
        &[
            "id",
            "account",
            "global",
            "message_id",
            "in_reply_to",
            "refs",
            "thread",
            "sent",
            "received",
            "size",
            "subject",
            "people",
            "structure",
            "attachments",
        ],
    ),
    ("body", &["id", "content", "section", "size", "complete", "used", "pins"]),
    ("message", &["id", "mailbox", "uid", "place", "content", "flags", "shown", "unseen", "date"]),
    (
        "operation",
        &[
            "id", "account", "kind", "message", "mailbox", "target", "args", "state", "attempts", "error",
            "mark",
        ],
    ),
];

type Row = Vec<Value>;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Salvaged {
    rows: BTreeMap<&'static str, BTreeMap<i64, Row>>,
    /// Body, number, bytes.
    pieces: Vec<(i64, i64, Vec<u8>)>,
    /// The highest numbers that tables have used.
    sequences: Vec<(String, i64)>,
    /// Whether all operations could be read.
    pub(super) is_whole: bool,
}

impl Salvaged {
    /// Reads what can be read.
    pub(super) fn read(file: &Connection) -> Self {
        let mut salvaged = Self::default();
        salvaged.read_operations(file);
        salvaged.read_named(file);
        salvaged.read_pieces(file);
        salvaged.sequences = sequences(file).unwrap_or_default();
        salvaged
    }

    /// How many operations there are.
    pub(super) fn operations(&self) -> usize {
        self.rows.get("operation").map_or(0, BTreeMap::len)
    }

    /// All operations: from the front up to what can't be read, and from the back.
    fn read_operations(&mut self, file: &Connection) {
        self.is_whole = self.read_in_order(file, "ASC");
        if !self.is_whole {
            self.read_in_order(file, "DESC");
        }
    }

    /// Whether all could be read.
    fn read_in_order(&mut self, file: &Connection, order: &str) -> bool {
        let sql = format!("SELECT {} FROM operation NOT INDEXED ORDER BY id {order}", columns("operation"));
        let Ok(mut find) = file.prepare(&sql) else { return false };
        let Ok(mut rows) = find.query([]) else { return false };
        loop {
            match rows.next() {
                Ok(Some(row)) => match values(row, "operation") {
                    Ok((id, values)) => _ = self.rows.entry("operation").or_default().insert(id, values),
                    Err(_) => return false,
                },
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// The rows that operations name, and those that these name.
    fn read_named(&mut self, file: &Connection) {
        let mut messages = self.named("operation", "message");
        for key in ["source", "by"] {
            messages.extend(self.ids_in("operation", "args", |value| match value {
                Value::Text(args) => {
                    let args: serde_json::Value = serde_json::from_str(args).unwrap_or_default();
                    args[key].as_i64()
                }
                _ => None,
            }));
        }
        self.read_rows(file, "message", &messages);
        self.read_rows(file, "content", &self.named("message", "content"));
        self.read_rows(file, "thread", &self.named("content", "thread"));
        let mut mailboxes = self.named("operation", "mailbox");
        for (table, column) in [("operation", "target"), ("message", "mailbox"), ("message", "place")] {
            mailboxes.extend(self.named(table, column));
        }
        self.read_rows(file, "mailbox", &mailboxes);
        let mut accounts = self.named("operation", "account");
        accounts.extend(self.named("mailbox", "account"));
        self.read_rows(file, "account", &accounts);
    }

    /// The whole texts of the messages that were written here.
    fn read_pieces(&mut self, file: &Connection) {
        let contents = self.named("message", "content");
        for content in contents {
            let body = file
                .prepare_cached("SELECT id FROM body WHERE content = ? AND section = '' AND complete = 1")
                .and_then(|mut find| find.query_row([content], |row| row.get::<_, i64>(0)));
            let Ok(body) = body else { continue };
            let pieces = pieces(file, body);
            // Half a message is none.
            let Ok(pieces) = pieces else { continue };
            self.read_rows(file, "body", &BTreeSet::from([body]));
            self.pieces.extend(pieces.into_iter().map(|(number, data)| (body, number, data)));
        }
    }

    fn read_rows(&mut self, file: &Connection, table: &'static str, ids: &BTreeSet<i64>) {
        let sql = format!("SELECT {} FROM {table} WHERE id = ?", columns(table));
        let Ok(mut find) = file.prepare(&sql) else { return };
        for id in ids {
            if let Ok((id, row)) = find.query_row([id], |row| values(row, table)) {
                self.rows.entry(table).or_default().insert(id, row);
            }
        }
    }

    /// The numbers in a column.
    fn named(&self, table: &str, column: &str) -> BTreeSet<i64> {
        self.ids_in(table, column, |value| match value {
            Value::Integer(id) => Some(*id),
            _ => None,
        })
    }

    fn ids_in(&self, table: &str, column: &str, id: impl Fn(&Value) -> Option<i64>) -> BTreeSet<i64> {
        let at = names(table).iter().position(|name| *name == column).unwrap_or(usize::MAX);
        let rows = self.rows.get(table).into_iter().flat_map(BTreeMap::values);
        rows.filter_map(|row| id(row.get(at)?)).collect()
    }

    /// Puts all into a new file. What lacks something that it names is left out, the message of an
    /// operation above all: then that can't be done.
    pub(super) fn write(&self, file: &Connection) -> Result<(), Fault> {
        for (table, names) in TABLES {
            let marks = vec!["?"; names.len()].join(", ");
            let sql = format!("INSERT INTO {table} ({}) VALUES ({marks})", names.join(", "));
            let mut insert = file.prepare(&sql)?;
            for row in self.rows.get(table).into_iter().flat_map(BTreeMap::values) {
                insert.execute(params_from_iter(row))?;
            }
        }
        for (body, number, data) in &self.pieces {
            file.prepare_cached("INSERT INTO piece (body, number, data) VALUES (?, ?, ?)")?
                .execute(rusqlite::params![body, number, data])?;
        }
        file.execute_batch(
            "DELETE FROM message WHERE content NOT IN (SELECT id FROM content) \
               OR mailbox NOT IN (SELECT id FROM mailbox); \
             DELETE FROM operation WHERE message NOT IN (SELECT id FROM message) \
               OR account NOT IN (SELECT id FROM account) OR json_valid(args) = 0 \
               OR kind = 'copy' AND json_extract(args, '$.source') NOT IN (SELECT id FROM message) \
               OR kind = 'replaced' AND json_extract(args, '$.by') NOT IN (SELECT id FROM message); \
             UPDATE message SET place = mailbox WHERE place NOT IN (SELECT id FROM mailbox); \
             DELETE FROM message WHERE mailbox IS NULL AND id NOT IN (SELECT message FROM operation \
               WHERE message IS NOT NULL); \
             UPDATE bodies SET bytes = (SELECT ifnull(sum(size), 0) FROM body), \
               clock = (SELECT ifnull(max(used), 0) FROM body); \
             INSERT OR IGNORE INTO reference (account, message_id, thread) \
               SELECT account, message_id, thread FROM content WHERE message_id IS NOT NULL; \
             INSERT INTO search (rowid, subject, people, text) SELECT id, subject, people, '' FROM content; \
             DELETE FROM change;",
        )?;
        for (table, last) in &self.sequences {
            // Who reads changes from the last one on is to read all again.
            let last = last + i64::from(table == "change");
            file.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2 \
                 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
                rusqlite::params![table, last],
            )?;
            file.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
                rusqlite::params![table, last],
            )?;
        }
        Ok(())
    }
}

/// What is not taken over, since the server can say it again, or the triggers make it again.
#[cfg(test)]
const LEFT_OUT: [(&str, &[&str]); 7] = [
    ("mailbox", &["mod_seq", "counts", "at_server", "listed", "failure", "total", "unseen"]),
    ("message", &["misses"]),
    ("body", &["source"]),
    ("reference", &["account", "message_id", "thread"]),
    // Written by itself.
    ("piece", &["body", "number", "data"]),
    ("bodies", &["bytes", "clock"]),
    ("change", &["seq", "kind", "mailbox", "message"]),
];

fn names(table: &str) -> &'static [&'static str] {
    TABLES.iter().find(|(name, _)| *name == table).map_or(&[], |(_, names)| names)
}

fn columns(table: &str) -> String {
    names(table).join(", ")
}

fn values(row: &rusqlite::Row<'_>, table: &str) -> rusqlite::Result<(i64, Row)> {
    let values = (0..names(table).len()).map(|at| row.get::<_, Value>(at)).collect::<Result<Row, _>>()?;
    Ok((row.get(0)?, values))
}

fn pieces(file: &Connection, body: i64) -> rusqlite::Result<Vec<(i64, Vec<u8>)>> {
    let mut find = file.prepare_cached("SELECT number, data FROM piece WHERE body = ? ORDER BY number")?;
    find.query_map([body], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn sequences(file: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut find = file.prepare("SELECT name, seq FROM sqlite_sequence")?;
    find.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A column that a later version adds is either taken over or left out on purpose.
    #[test]
    fn each_column_of_the_schema_is_taken_over_or_left_out_on_purpose() {
        let file = Connection::open_in_memory().expect("memory");
        crate::store::schema::STEPS.iter().for_each(|step| file.execute_batch(step).expect("the schema"));
        let mut find = file
            .prepare(
                "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c \
                 WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%'",
            )
            .expect("SQL");
        let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        let schema: BTreeSet<(String, String)> = rows.collect::<Result<_, _>>().expect("rows");
        let known: Vec<(String, String)> = TABLES
            .iter()
            .chain(&LEFT_OUT)
            .flat_map(|(table, names)| names.iter().map(|name| ((*table).to_owned(), (*name).to_owned())))
            .collect();
        assert_eq!(known.iter().cloned().collect::<BTreeSet<_>>(), schema);
        assert_eq!(known.len(), schema.len(), "each once");
    }
}
