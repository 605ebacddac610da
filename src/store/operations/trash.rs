//! Where deleted messages go.
//!
//! In: an account. Out: its mailbox for them: as the server says, else the one with a name that
//! mail programs give to it.

use rusqlite::{Transaction, params};

use crate::account::usual_name;
use crate::store::error::Fault;
use crate::store::ids::{MailboxId, RowIds as _};
use crate::types::{ListEntry, SpecialUse};

/// The mailbox for deleted messages, if there is one.
pub(super) fn trash(file: &Transaction<'_>, account: i64) -> Result<Option<MailboxId>, Fault> {
    let mut find = file.prepare_cached(
        "SELECT id, shown_name, delimiter, attributes FROM mailbox \
         WHERE account = ? AND shown_name IS NOT NULL ORDER BY id",
    )?;
    let rows = find.query_map(params![account], |row| {
        let delimiter: Option<String> = row.get(2)?;
        Ok((row.id(0)?, row.get::<_, String>(1)?, delimiter, row.get::<_, String>(3)?))
    })?;
    let mut best = None;
    for row in rows {
        let (id, name, delimiter, attributes) = row?;
        let mut entry = ListEntry::new(name);
        entry.attributes = serde_json::from_str(&attributes).unwrap_or_default();
        if !entry.is_selectable() {
            continue;
        }
        if entry.is_for(&SpecialUse::Trash) {
            return Ok(Some(id));
        }
        let delimiter = delimiter.and_then(|delimiter| delimiter.chars().next());
        let rank = usual_name(&SpecialUse::Trash, entry.name.as_str(), delimiter)
            .filter(|_| entry.special_uses().next().is_none());
        if let Some(rank) = rank
            && best.is_none_or(|(before, _)| rank < before)
        {
            best = Some((rank, id));
        }
    }
    Ok(best.map(|(_, id)| id))
}
