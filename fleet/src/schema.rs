//! The tables, and how an older form of them becomes the newest.
//!
//! In: a database of any earlier version. Out: the newest schema. Each step is one transaction
//! under an advisory lock, so that two `fleet migrate` at once do it once. A step only adds, so
//! that the workers of the version before go on while it runs and after it; what no one needs any
//! more is dropped a version later.

use tokio_postgres::Client;

use crate::error::{Error, Result};

/// The version of the schema that this program works with.
pub const SCHEMA_VERSION: i32 = 3;

/// The steps; the first makes version 1.
const STEPS: [&str; SCHEMA_VERSION as usize] = [VERSION_1, VERSION_2, VERSION_3];

/// Any number that no other program uses in this database.
const LOCK: i64 = 0x696d_6170_666c_6565;

// `worker.retired` never goes back: that is what makes claims and renewals safe beside each other
// (see lease.rs). `account.token` grows with each claim and never goes back either.
const VERSION_1: &str = "
create table fleet.worker (
    id           bigint generated always as identity primary key,
    name         text        not null,
    started      timestamptz not null default clock_timestamp(),
    renewed      timestamptz not null default clock_timestamp(),
    valid_until  timestamptz not null,
    draining     boolean     not null default false,
    retired      boolean     not null default false,
    max_accounts integer     not null,
    events       bigint      not null default 0,
    duplicates   bigint      not null default 0,
    waiting      bigint      not null default 0
);
create index worker_live on fleet.worker (valid_until) where not retired;

create table fleet.account (
    id          bigint generated always as identity primary key,
    name        text    not null unique,
    settings    jsonb   not null,
    credential  jsonb   not null,
    revision    bigint  not null default 1,
    state       text    not null default 'active' check (state in ('active', 'parked')),
    reason      text,
    worker      bigint  references fleet.worker (id),
    token       bigint  not null default 0
) with (fillfactor = 80);
create index account_worker on fleet.account (worker) where worker is not null;
create index account_free on fleet.account (id) where worker is null and state = 'active';

create table fleet.cursor (
    account bigint not null references fleet.account (id) on delete cascade,
    mailbox text   not null,
    record  jsonb  not null,
    primary key (account, mailbox)
) with (fillfactor = 80);

create table fleet.outbox (
    account bigint not null references fleet.account (id) on delete cascade,
    mailbox text   not null,
    number  bigint not null,
    change  jsonb  not null,
    primary key (account, mailbox, number)
);
";

// One row: how many accounts there are, counted by one worker for all (see lease.rs). It is as old
// as can be, so that the first worker counts.
const VERSION_2: &str = "
create table fleet.census (
    one     boolean     primary key default true check (one),
    active  bigint      not null default 0,
    counted timestamptz not null default '-infinity'
);
insert into fleet.census default values;
";

// Which mailboxes an account's watch was of, beside its cursors: a worker of version 2 writes none.
const VERSION_3: &str = "
create table fleet.selection (
    account   bigint primary key references fleet.account (id) on delete cascade,
    selection text   not null
) with (fillfactor = 80);
";

/// Brings the tables to the newest version, and says from which.
///
/// # Errors
/// If the database refuses it, or has been used by a newer version of this program.
pub async fn migrate(client: &mut Client) -> Result<i32> {
    migrate_to(client, SCHEMA_VERSION).await
}

/// As [`migrate`], to an older version: what the workers of that version work with.
async fn migrate_to(client: &mut Client, wanted: i32) -> Result<i32> {
    let transaction = client.transaction().await?;
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction
        .batch_execute(
            "create schema if not exists fleet;
             create table if not exists fleet.migration (
                 version integer primary key,
                 applied timestamptz not null default clock_timestamp()
             );",
        )
        .await?;
    let row = transaction.query_one("select coalesce(max(version), 0) from fleet.migration", &[]).await?;
    let before: i32 = row.get(0);
    refuse_newer(before)?;
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| (before + 1..=wanted).contains(version)) {
        transaction.batch_execute(step).await?;
        transaction.execute("insert into fleet.migration (version) values ($1)", &[&version]).await?;
    }
    transaction.commit().await?;
    Ok(before)
}

/// Whether the tables are those of this version, or of a newer one that still serves it.
pub(crate) async fn check(client: &Client) -> Result<()> {
    let there: bool =
        client.query_one("select to_regclass('fleet.migration') is not null", &[]).await?.get(0);
    let version: i32 = if there {
        client.query_one("select coalesce(max(version), 0) from fleet.migration", &[]).await?.get(0)
    } else {
        0
    };
    if version < SCHEMA_VERSION {
        return Err(Error::invalid(format!(
            "the database has version {version} of the tables, and this program needs {SCHEMA_VERSION}: \
             run `fleet migrate`"
        )));
    }
    // One version ahead only adds to this one: the workers of a rolling update meet it.
    refuse_newer(version - 1)
}

fn refuse_newer(version: i32) -> Result<()> {
    if version > SCHEMA_VERSION {
        return Err(Error::invalid(format!(
            "the database has version {version} of the tables, and this program knows \
             {SCHEMA_VERSION}: a newer `fleet` has been here"
        )));
    }
    Ok(())
}

#[cfg(all(test, feature = "demo"))]
mod tests {
    use super::*;
    use crate::config::FleetConfig;
    use crate::services::Postgres;
    use crate::worker::pool;

    /// What a worker of version 1 does in each round: its statements, as they were.
    const ROUND_OF_VERSION_1: [&str; 5] = [
        "update fleet.worker set renewed = clock_timestamp(), valid_until = clock_timestamp() + interval '1 hour',
             events = 1, duplicates = 0, waiting = 0, draining = false where id = 1 and not retired",
        "select (select count(*) from fleet.account where state = 'active'),
                (select count(*) from fleet.account where state = 'active' and worker is null),
                (select count(*) from fleet.worker where not retired and not draining)",
        "with free as (select id from fleet.account where worker is null and state = 'active'
                       order by id limit 1 for update skip locked)
         update fleet.account a set worker = 1, token = a.token + 1 from free where a.id = free.id",
        "insert into fleet.cursor (account, mailbox, record) select id, 'INBOX', '{}' from fleet.account limit 1
         on conflict (account, mailbox) do update set record = excluded.record",
        "update fleet.account set worker = null where worker = 1",
    ];

    #[tokio::test]
    async fn the_version_before_works_while_and_after_the_tables_change() {
        let postgres = Postgres::start().expect("PostgreSQL; `tests/run fleet` installs it");
        let config = FleetConfig { database: postgres.url(), ..FleetConfig::default() };
        let pool = pool(&config).expect("an address");
        let mut client = pool.get().await.expect("a connection");
        assert_eq!(migrate_to(&mut client, 1).await.expect("version 1"), 0);
        let refused = check(&client).await.expect_err("the tables are too old").to_string();
        assert!(refused.contains("fleet migrate"), "{refused}");
        client
            .batch_execute(
                "insert into fleet.worker (name, max_accounts, valid_until) values ('old', 9, 'infinity');
                 insert into fleet.account (name, settings, credential) values ('a', '{}', '{}');",
            )
            .await
            .expect("a worker and an account");
        let old = pool.get().await.expect("a connection");
        let rounds = tokio::spawn(async move {
            for round in 0..200 {
                for statement in ROUND_OF_VERSION_1 {
                    let result = old.batch_execute(statement).await;
                    result.unwrap_or_else(|error| panic!("round {round}: {error:?}: {statement}"));
                }
            }
        });
        assert_eq!(migrate(&mut client).await.expect("the newest version"), 1);
        assert_eq!(migrate(&mut client).await.expect("nothing to do"), SCHEMA_VERSION);
        check(&client).await.expect("of this version");
        rounds.await.expect("no statement fails");
    }

    #[tokio::test]
    async fn one_version_ahead_is_met_and_two_are_not() {
        let postgres = Postgres::start().expect("PostgreSQL; `tests/run fleet` installs it");
        let config = FleetConfig { database: postgres.url(), ..FleetConfig::default() };
        let mut client = pool(&config).expect("an address").get().await.expect("a connection");
        migrate(&mut client).await.expect("the tables");
        for (version, is_met) in [(SCHEMA_VERSION + 1, true), (SCHEMA_VERSION + 2, false)] {
            client
                .execute("insert into fleet.migration (version) values ($1)", &[&version])
                .await
                .expect("inserted");
            assert_eq!(check(&client).await.is_ok(), is_met, "{version}");
        }
        let refused = migrate(&mut client).await.expect_err("newer tables").to_string();
        assert!(refused.contains("a newer `fleet` has been here"), "{refused}");
    }
}
