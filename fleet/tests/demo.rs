//! The demonstration, as a user runs it: nothing is lost or doubled while parts are killed; and if
//! something is lost, it says so.
#![allow(missing_docs)]
#![allow(clippy::print_stderr, reason = "shown when a test fails")]

use std::process::Command;

use serde_json::Value;

fn demo(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_fleet"))
        .args(["demo", "--json"])
        // Of a fleet of the user's, which is none of the demonstration's.
        .envs([("FLEET_DATABASE", "postgres://127.0.0.1:1/x"), ("FLEET_NATS", "nats://127.0.0.1:1")])
        .envs([("FLEET_NAME", "another"), ("FLEET_TTL", "600")])
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        eprintln!("{errors}");
    }
    let summary = text.lines().last().unwrap_or_default();
    let summary = serde_json::from_str(summary).unwrap_or_else(|error| panic!("{error}: {text}"));
    (output.status.code(), summary)
}

fn count(summary: &Value, key: &str) -> u64 {
    summary[key].as_u64().unwrap_or_else(|| panic!("no {key}: {summary}"))
}

#[test]
fn nothing_is_lost_while_workers_are_killed() {
    let (code, summary) = demo(&["--seconds", "20", "--accounts", "40", "--rate", "40", "--pause", "4"]);
    assert_eq!(code, Some(0), "{summary}");
    assert_eq!((count(&summary, "lost"), count(&summary, "duplicates")), (0, 0), "{summary}");
    assert!(count(&summary, "kills") > 0 && count(&summary, "delivered") > 100, "{summary}");
    assert!(count(&summary, "takeover_ms") > 0, "{summary}");
}

#[test]
fn an_event_that_is_dropped_on_purpose_is_missed() {
    let (code, summary) =
        demo(&["--seconds", "3", "--accounts", "5", "--rate", "20", "--pause", "60", "--drop-one"]);
    assert_eq!((code, count(&summary, "lost")), (Some(1), 1), "{summary}");
}

/// Everything is killed, stopped or cut off in turn. `.ci/run` asks for a minute and 1,000
/// accounts; an hour is run by hand.
#[test]
fn nothing_is_lost_in_chaos() {
    let given = |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.into());
    let seconds = given("FLEET_CHAOS_SECONDS", "25");
    let accounts = given("FLEET_CHAOS_ACCOUNTS", "60");
    let (code, summary) = demo(&[
        "--chaos",
        "--pause",
        "2",
        "--rate",
        "50",
        "--workers",
        "4",
        "--seconds",
        &seconds,
        "--accounts",
        &accounts,
    ]);
    assert_eq!(code, Some(0), "{summary}");
    assert_eq!((count(&summary, "lost"), count(&summary, "duplicates")), (0, 0), "{summary}");
    assert!(count(&summary, "faults") > 1, "{summary}");
}
