//! The schema: the tables of each subject in a file of its own.
//!
//! In: nothing. Out: the steps from each version to the next. A step that has been released is
//! never changed; what changes later is another step.
//!
//! Cleaning up is done by triggers, so that no path forgets it: what nothing refers to any more is
//! deleted with the last reference, and each change that a user can see is in the log of changes.

/// `STEPS[n]` leads from version n to n + 1.
pub(super) const STEPS: &[&str] = &[
    concat!(
        include_str!("mailboxes.sql"),
        include_str!("contents.sql"),
        include_str!("messages.sql"),
        include_str!("operations.sql"),
        include_str!("changes.sql"),
    ),
    include_str!("waiting.sql"),
    include_str!("resumed.sql"),
    include_str!("replaced.sql"),
    include_str!("ordered.sql"),
    include_str!("joined.sql"),
    include_str!("narrowed.sql"),
    include_str!("named.sql"),
];

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::store::migrate::migrate;

    /// The index that was made narrower is still the one by which messages are found.
    #[test]
    fn each_version_is_upgraded_with_its_rows() {
        for version in 1..=STEPS.len() {
            let mut file = Connection::open_in_memory().expect("memory");
            migrate(&mut file, &STEPS[..version]).expect("new");
            let rows = "INSERT INTO account VALUES (1, 'ann'); \
                 INSERT INTO mailbox (account, key, name, shown_name) VALUES (1, 'k', 'INBOX', 'INBOX'); \
                 INSERT INTO content (account, thread, people) VALUES (1, 1, '{}'); \
                 INSERT INTO message (mailbox, uid, place, content, flags, shown, unseen) \
                 VALUES (1, 7, 1, 1, '', '', 1), (1, 8, 1, NULL, '', '', 1)";
            file.execute_batch(rows).expect("rows");
            migrate(&mut file, STEPS).expect("upgraded");
            let count = "SELECT count(*), count(content), max(uid) FROM message WHERE place = 1";
            let count = file.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            assert_eq!(count.expect("readable"), (2, 1, 8), "version {version}");
            let plan =
                "EXPLAIN QUERY PLAN SELECT 1 FROM message m, content c WHERE m.content = c.id AND c.id = 1";
            let mut plan = file.prepare(plan).expect("valid");
            let steps = plan.query_map([], |row| row.get::<_, String>(3)).expect("readable");
            let steps: Vec<String> = steps.collect::<Result<_, _>>().expect("texts");
            assert!(steps.iter().any(|step| step.contains("INDEX message_content")), "{steps:?}");
        }
    }
}
