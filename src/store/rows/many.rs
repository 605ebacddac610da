//! Statements for many rows, several of them at a time.
//!
//! A statement has a cost of its own: with triggers SQLite keeps what it would need to take it
//! back, and with AUTOINCREMENT it writes down the last number. Rows that are written by one
//! statement share that, and their triggers run all the same.
//!
//! In: the two ends of a statement, rows. Out: how many rows it has changed.

use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Transaction, params_from_iter};

use crate::store::error::Fault;

/// Rows of one statement, at most: more save little, and make the statement longer.
const MAX_ROWS: usize = 32;

/// The values of one row.
pub(super) type Values<'a, const N: usize> = [ToSqlOutput<'a>; N];

/// Executes `head (?, …), (?, …) tail` for all of these rows.
pub(super) fn execute<const N: usize>(
    file: &Transaction<'_>,
    (head, tail): (&str, &str),
    rows: &[Values<'_, N>],
) -> Result<usize, Fault> {
    let row = format!("({})", ["?"; N].join(", "));
    let (mut changed, mut rest) = (0, rows);
    while !rest.is_empty() {
        // Powers of two: few statements, which stay compiled.
        let count = MAX_ROWS.min(1 << rest.len().ilog2());
        let (now, later) = rest.split_at(count);
        let sql = format!("{head} {}{tail}", vec![row.as_str(); count].join(", "));
        changed += file.prepare_cached(&sql)?.execute(params_from_iter(now.iter().flatten()))?;
        rest = later;
    }
    Ok(changed)
}

/// The last number that was given out in a table of AUTOINCREMENT.
pub(super) fn last_number(file: &Transaction<'_>, table: &str) -> Result<i64, Fault> {
    let mut find =
        file.prepare_cached("SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = ?), 0)")?;
    Ok(find.query_row([table], |row| row.get(0))?)
}

/// A number, or NULL.
pub(super) fn number(number: Option<i64>) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(number.map_or(Value::Null, Value::Integer))
}

/// A text, or NULL.
pub(super) fn text(text: Option<&str>) -> ToSqlOutput<'_> {
    text.map_or(ToSqlOutput::Owned(Value::Null), ToSqlOutput::from)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn each_row_is_written_once_however_many_there_are() {
        let mut file = Connection::open_in_memory().expect("memory");
        file.execute_batch("CREATE TABLE a (x INTEGER PRIMARY KEY, y TEXT)").expect("made");
        let file = file.transaction().expect("begun");
        let mut next = 0;
        for count in [0, 1, 2, 31, 32, 33, 100, 255] {
            let texts: Vec<String> = (next..next + count).map(|at| format!("text {at}")).collect();
            let rows: Vec<Values<'_, 2>> =
                (next..).zip(&texts).map(|(at, of)| [number(Some(at)), text(Some(of))]).collect();
            let changed = execute(&file, ("INSERT INTO a VALUES", ""), &rows).expect("written");
            assert_eq!(i64::try_from(changed), Ok(count));
            next += count;
        }
        let whole = "SELECT count(*), sum(x), sum(y = 'text ' || x) FROM a";
        let found = file.query_row(whole, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        assert_eq!(found.expect("readable"), (next, next * (next - 1) / 2, next));
    }
}
