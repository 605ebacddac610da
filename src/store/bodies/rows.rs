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
    let body = make(file, content, section, None)?;
    for (number, piece) in bytes.chunks(PIECE).enumerate() {
        add(file, body, number, piece)?;
    }
    complete(file, body, pinned).map(|_| ())
}

/// How much of a body is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It was removed meanwhile, to make room.
    Gone,
    Part,
    Whole,
}

/// What is here of a body that is not whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct HerePart {
    pub(super) body: i64,
    pub(super) pieces: usize,
    pub(super) bytes: u64,
}

/// What is here of a body from this source, if it is not whole.
pub(super) fn part(
    file: &Transaction<'_>,
    content: i64,
    section: &str,
    source: &str,
) -> Result<Option<HerePart>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT id, size, (SELECT count(*) FROM piece WHERE body = id) FROM body \
         WHERE content = ? AND section = ? AND complete = 0 AND source = ?",
    )?;
    let part = find.query_row(params![content, section, source], |row| {
        let (bytes, pieces) = (row.get::<_, i64>(1)?, row.get::<_, i64>(2)?);
        let (bytes, pieces) = (u64::try_from(bytes), usize::try_from(pieces));
        Ok(HerePart {
            body: row.get(0)?,
            pieces: pieces.unwrap_or_default(),
            bytes: bytes.unwrap_or_default(),
        })
    });
    Ok(part.optional()?)
}

/// A body that pieces can be added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    Body(i64),
    /// It is here as a whole.
    Whole,
    /// There is no message of this content any more.
    Gone,
}

/// Begins a body, unless it is here as a whole. Another one may have begun it from the same source:
/// then both bring its pieces. A part from elsewhere goes.
pub(super) fn begin(
    file: &Transaction<'_>,
    content: i64,
    section: &str,
    source: &str,
) -> Result<Begun, Fault> {
    if find(file, content, section)?.is_some() {
        return Ok(Begun::Whole);
    }
    if let Some(part) = part(file, content, section, source)? {
        return Ok(Begun::Body(part.body));
    }
    let mut find = file.prepare_cached("SELECT EXISTS (SELECT 1 FROM content WHERE id = ?)")?;
    match find.query_row([content], |row| row.get(0))? {
        true => make(file, content, section, Some(source)).map(Begun::Body),
        false => Ok(Begun::Gone),
    }
}

/// A new body, in place of what there is.
fn make(file: &Transaction<'_>, content: i64, section: &str, source: Option<&str>) -> Result<i64, Fault> {
    file.prepare_cached("DELETE FROM body WHERE content = ? AND section = ? AND pins = 0")?
        .execute(params![content, section])?;
    let used = tick(file)?;
    file.prepare_cached("INSERT INTO body (content, section, source, used) VALUES (?, ?, ?, ?)")?
        .execute(params![content, section, source, used])?;
    Ok(file.last_insert_rowid())
}

/// The next piece of a body; another one that fetches it, too, may have brought it.
pub(super) fn add(file: &Transaction<'_>, body: i64, number: usize, piece: &[u8]) -> Result<State, Fault> {
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let added = file
        .prepare_cached(
            "INSERT OR IGNORE INTO piece (body, number, data) SELECT id, ?2, ?3 FROM body WHERE id = ?1 AND complete = 0",
        )?
        .execute(params![body, number, piece])?;
    if added > 0 {
        let length = i64::try_from(piece.len()).unwrap_or(i64::MAX);
        file.prepare_cached("UPDATE body SET size = size + ? WHERE id = ?")?
            .execute(params![length, body])?;
        return Ok(State::Part);
    }
    let mut find = file.prepare_cached("SELECT complete FROM body WHERE id = ?")?;
    Ok(match find.query_row([body], |row| row.get::<_, bool>(0)).optional()? {
        None => State::Gone,
        Some(true) => State::Whole,
        Some(false) => State::Part,
    })
}

/// The body is whole, if it is still here.
pub(super) fn complete(file: &Transaction<'_>, body: i64, pinned: bool) -> Result<State, Fault> {
    let used = tick(file)?;
    let changed = file
        .prepare_cached(
            "UPDATE body SET complete = 1, source = NULL, used = ?2, pins = max(pins, ?3) WHERE id = ?1",
        )?
        .execute(params![body, used, pinned])?;
    Ok(if changed == 0 { State::Gone } else { State::Whole })
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
    beginning(file, body, usize::MAX)
}

/// The first bytes of a body: as many pieces as have the first so many.
pub(super) fn beginning(file: &Transaction<'_>, body: i64, count: usize) -> Result<Bytes, Fault> {
    let mut find = file.prepare_cached("SELECT data FROM piece WHERE body = ? ORDER BY number")?;
    let mut rows = find.query([body])?;
    let mut bytes = BytesMut::new();
    while bytes.len() < count
        && let Some(row) = rows.next()?
    {
        bytes.extend_from_slice(row.get_ref(0)?.as_blob().unwrap_or_default());
    }
    Ok(bytes.freeze())
}

/// One piece of a body; `None` behind its end.
pub(super) fn piece(file: &Transaction<'_>, body: i64, number: i64) -> Result<Option<Bytes>, Fault> {
    let mut find = file.prepare_cached("SELECT data FROM piece WHERE body = ? AND number = ?")?;
    let piece = find.query_row([body, number], |row| {
        Ok(Bytes::copy_from_slice(row.get_ref(0)?.as_blob().unwrap_or_default()))
    });
    Ok(piece.optional()?)
}

/// How many bytes a body has.
pub(super) fn size(file: &Transaction<'_>, body: i64) -> Result<u64, Fault> {
    let mut find = file.prepare_cached("SELECT size FROM body WHERE id = ?")?;
    let size: i64 = find.query_row([body], |row| row.get(0))?;
    Ok(u64::try_from(size).unwrap_or_default())
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

/// Removes those least recently used until no more than this is left; never what an operation
/// needs, nor this one, which was just asked for and may be longer than that.
pub(super) fn evict(file: &Transaction<'_>, max_bytes: i64, but: i64) -> Result<(), Fault> {
    loop {
        let bytes: i64 = file.prepare_cached("SELECT bytes FROM bodies")?.query_row([], |row| row.get(0))?;
        if bytes <= max_bytes {
            return Ok(());
        }
        let gone = file
            .prepare_cached(
                "DELETE FROM body WHERE id = (SELECT id FROM body WHERE pins = 0 AND id <> ? ORDER BY used LIMIT 1)",
            )?
            .execute([but])?;
        if gone == 0 {
            return Ok(());
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
