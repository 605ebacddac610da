//! The version of the schema: an older one is upgraded, a newer one is refused.
//!
//! In: an open file and the steps from each version to the next. Out: a file of the last version;
//! or the file as it was, and an error. A step and its number are one transaction.

use rusqlite::{Connection, TransactionBehavior};

use super::error::{Fault, StoreError, StoreErrorKind};

/// Marks the file as a store of this library: "IDup".
pub(super) const APPLICATION: i64 = 0x4944_7570;

/// Brings the schema up to date. `steps[n]` leads from version n to n + 1.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), Fault> {
    loop {
        // Within the transaction: between two programs only one of them upgrades.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = checked_version(&transaction, steps.len())?;
        let Some(step) = steps.get(version) else { return Ok(()) };
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", i64::try_from(version + 1).unwrap_or(i64::MAX))?;
        transaction.commit()?;
    }
}

/// The version of the schema, if it is one that we know.
pub(super) fn checked_version(connection: &Connection, known: usize) -> Result<usize, Fault> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && (version, tables) != (0, 0) {
        let what = "this SQLite file is of another program: name another one";
        return Err(StoreError::new(StoreErrorKind::Corrupt, what).into());
    }
    usize::try_from(version).ok().filter(|version| *version <= known).ok_or_else(|| {
        let what = format!(
            "the store has version {version}, and this program knows those up to {known}: a newer version of it has \
             written the store; use that one"
        );
        StoreError::new(StoreErrorKind::Newer, what).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[&str] = &["CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (7);"];
    const NEW: &[&str] = &[OLD[0], "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 1;"];

    #[test]
    fn an_older_version_is_upgraded_with_its_rows() {
        let mut file = Connection::open_in_memory().expect("memory");
        migrate(&mut file, OLD).expect("new");
        migrate(&mut file, OLD).expect("nothing to do");
        migrate(&mut file, NEW).expect("older");
        let row = file.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row.expect("one row"), (7, 1));
        assert_eq!(checked_version(&file, 2).expect("known"), 2);
    }

    #[test]
    fn a_step_that_fails_changes_nothing() {
        let mut file = Connection::open_in_memory().expect("memory");
        migrate(&mut file, OLD).expect("new");
        let broken = &[OLD[0], "ALTER TABLE a ADD COLUMN y; INSERT INTO nowhere VALUES (1);"];
        migrate(&mut file, broken).expect_err("there is no such table");
        assert_eq!(checked_version(&file, 2).expect("known"), 1);
        file.query_row("SELECT x FROM a", [], |row| row.get::<_, i64>(0)).expect("its row");
        assert!(file.prepare("SELECT y FROM a").is_err(), "no half of a step");
    }

    #[test]
    fn a_newer_version_and_a_foreign_file_are_refused() {
        let mut file = Connection::open_in_memory().expect("memory");
        migrate(&mut file, NEW).expect("new");
        let Err(Fault::Store(error)) = migrate(&mut file, OLD) else { panic!("it is newer") };
        assert_eq!(error.kind(), StoreErrorKind::Newer);
        let mut foreign = Connection::open_in_memory().expect("memory");
        foreign.execute_batch("CREATE TABLE theirs (x)").expect("a table");
        let Err(Fault::Store(error)) = migrate(&mut foreign, OLD) else { panic!("it is none of ours") };
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(foreign.prepare("SELECT x FROM theirs").is_ok());
    }
}
