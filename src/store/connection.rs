//! What all connections to the file have in common.
//!
//! In: a new connection, or a failure of one. Out: how it is set up; an error that names the file.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::error::{Fault, StoreError};

/// How long SQLite waits for a lock: only programs that read may hold one, for a moment.
const PATIENCE: Duration = Duration::from_secs(10);
/// Statements that are kept compiled, for each connection.
const MAX_STATEMENTS: usize = 128;

pub(super) fn set_up(connection: &Connection) -> Result<(), Fault> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(())
}

/// The number of the last change.
pub(super) fn last_change(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection
        .prepare_cached("SELECT ifnull(max(seq), 0) FROM change")?
        .query_row([], |row| row.get(0))?)
}

/// The error, which names the file.
pub(super) fn in_file(fault: Fault, path: &Path) -> StoreError {
    match fault {
        Fault::Store(error) if error.is_about_file() => error.about_file(path),
        fault => fault.into_error(path),
    }
}
