//! The rows of bodies, in pieces, and the words in them for the search.

use bytes::{Bytes, BytesMut};
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::store::error::Fault;

/// Bytes of a piece: what is written, or read, at a time.
pub(super) const PIECE: usize = 256 << 10;

/// Stores a body as a whole. `pinned`: an operation needs it.
pub(in crate::store) fn insert(
    file: &Transaction<'_>,
    content: i64,
    section: &str,
    bytes: &[u8],
    pinned: bool,
) -> Result<(), Fault> {
    let body = begin(file, content, section)?;
    for (number, piece) in bytes.chunks(PIECE).enumerate() {
        add(file, body, number, piece)?;
    }
    complete(file, body, pinned)
}

/// Begins a body, in place of one that was begun before.
pub(super) fn begin(file: &Transaction<'_>, content: i64, section: &str) -> Result<i64, Fault> {
    file.prepare_cached("DELETE FROM body WHERE content = ? AND section = ? AND pins = 0")?
        .execute(params![content, section])?;
    file.prepare_cached("INSERT INTO body (content, section) VALUES (?, ?)")?
        .execute(params![content, section])?;
    Ok(file.last_insert_rowid())
}

pub(super) fn add(file: &Transaction<'_>, body: i64, number: usize, piece: &[u8]) -> Result<(), Fault> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    // Another one may have begun it again meanwhile.
    file.prepare_cached(
        "INSERT INTO piece (body, number, data) SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM body WHERE id = ?1)",
    )?
    .execute(params![body, number, piece])?;
    Ok(())
}

/// The body is whole.
pub(super) fn complete(file: &Transaction<'_>, body: i64, pinned: bool) -> Result<(), Fault> {
    let used = tick(file)?;
    file.prepare_cached(
        "UPDATE body SET size = (SELECT ifnull(sum(length(data)), 0) FROM piece WHERE body = ?1), complete = 1, \
         used = ?2, pins = ?3 WHERE id = ?1",
    )?
    .execute(params![body, used, pinned])?;
    Ok(())
}

fn tick(file: &Transaction<'_>) -> Result<i64, Fault> {
    let mut next = file.prepare_cached("UPDATE bodies SET clock = clock + 1 RETURNING clock")?;
    Ok(next.query_row([], |row| row.get(0))?)
}

/// The body of a content, if it is here as a whole.
pub(super) fn find(file: &Transaction<'_>, content: i64, section: &str) -> Result<Option<i64>, Fault> {
    let mut find =
        file.prepare_cached("SELECT id FROM body WHERE content = ? AND section = ? AND complete = 1")?;
    Ok(find.query_row(params![content, section], |row| row.get(0)).optional()?)
}

pub(super) fn read(file: &Transaction<'_>, body: i64) -> Result<Bytes, Fault> {
    let mut find = file.prepare_cached("SELECT data FROM piece WHERE body = ? ORDER BY number")?;
    let mut rows = find.query([body])?;
    let mut bytes = BytesMut::new();
    while let Some(row) = rows.next()? {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob().unwrap_or_default());
    }
    Ok(bytes.freeze())
}

/// The whole message, if it is here.
pub(in crate::store) fn whole(file: &Transaction<'_>, content: i64) -> Result<Option<Bytes>, Fault> {
    find(file, content, "")?.map(|body| read(file, body)).transpose()
}

/// It was used just now.
pub(super) fn touch(file: &Transaction<'_>, body: i64) -> Result<(), Fault> {
    let used = tick(file)?;
    file.prepare_cached("UPDATE body SET used = ? WHERE id = ?")?.execute(params![used, body])?;
    Ok(())
}

/// Removes those least recently used until no more than this is left; never what an operation needs.
/// How many bytes there are then.
pub(super) fn evict(file: &Transaction<'_>, max_bytes: i64) -> Result<i64, Fault> {
    loop {
        let bytes: i64 = file.prepare_cached("SELECT bytes FROM bodies")?.query_row([], |row| row.get(0))?;
        if bytes <= max_bytes {
            return Ok(bytes);
        }
        let gone = file
            .prepare_cached(
                "DELETE FROM body WHERE id = (SELECT id FROM body WHERE pins = 0 AND complete = 1 ORDER BY used LIMIT 1)",
            )?
            .execute([])?;
        if gone == 0 {
            return Ok(bytes);
        }
    }
}

/// The words of a body, for the search.
pub(in crate::store) fn index(file: &Transaction<'_>, content: i64, text: &str) -> Result<(), Fault> {
    let row = file
        .prepare_cached("SELECT subject, people FROM content WHERE id = ?")?
        .query_row([content], |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let Some((subject, people)) = row else { return Ok(()) };
    let people: crate::store::rows::content::People = serde_json::from_str(&people).unwrap_or_default();
    file.prepare_cached("DELETE FROM search WHERE rowid = ?")?.execute([content])?;
    file.prepare_cached("INSERT INTO search (rowid, subject, people, text) VALUES (?, ?, ?, ?)")?
        .execute(params![content, subject, people.words(), text])?;
    Ok(())
}
