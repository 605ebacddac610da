//! Every phase with every input, by a table; and which cause is the connection's last.

use super::*;

const PHASES: [&str; 7] = ["Greeting", "LoggingIn", "TlsDue", "Ready", "LoggingOut", "Draining", "Closed"];

/// For each input what each phase of [`PHASES`] becomes; `-` where it stays.
const TABLE: [(&str, [&str; 7]); 10] = [
    ("greeting", ["LoggingIn", "-", "-", "-", "-", "-", "-"]),
    ("BYE as greeting", ["Draining", "Draining", "-", "Draining", "Draining", "-", "-"]),
    ("ready", ["-", "Ready", "-", "-", "-", "-", "-"]),
    ("BYE", ["Draining", "Draining", "-", "Draining", "Draining", "-", "-"]),
    ("write error", ["Draining", "Draining", "-", "Draining", "Draining", "-", "-"]),
    ("LOGOUT sent", ["LoggingOut", "LoggingOut", "-", "LoggingOut", "-", "-", "-"]),
    ("LOGOUT withdrawn", ["-", "-", "-", "-", "Ready", "-", "-"]),
    ("STARTTLS", ["TlsDue", "TlsDue", "-", "TlsDue", "TlsDue", "TlsDue", "-"]),
    ("TLS", ["-", "-", "LoggingIn", "-", "-", "-", "-"]),
    ("end", ["Closed", "Closed", "Closed", "Closed", "Closed", "Closed", "-"]),
];

fn in_phase(phase: &str) -> Lifecycle {
    let mut lifecycle = Lifecycle::default();
    if phase != "Greeting" {
        input(&mut lifecycle, "greeting");
    }
    let inputs: &[_] = match phase {
        "TlsDue" => &["STARTTLS"],
        "Ready" => &["ready"],
        "LoggingOut" => &["ready", "LOGOUT sent"],
        "Draining" => &["ready", "BYE"],
        "Closed" => &["end"],
        _ => &[],
    };
    inputs.iter().for_each(|name| input(&mut lifecycle, name));
    lifecycle
}

fn input(lifecycle: &mut Lifecycle, name: &str) {
    let status = |status| StatusResponse::new(status, None, "text");
    match name {
        "greeting" => lifecycle.on_greeting(status(Status::Ok)),
        "BYE as greeting" => lifecycle.on_greeting(status(Status::Bye)),
        "ready" => lifecycle.on_ready(),
        "BYE" => lifecycle.on_bye(&status(Status::Bye), Instant::now()),
        "write error" => lifecycle.on_write_error(CloseReason::Dropped, Instant::now()),
        "LOGOUT sent" => lifecycle.on_logout_sent(),
        "LOGOUT withdrawn" => lifecycle.on_logout_withdrawn(),
        "STARTTLS" => lifecycle.on_starttls(),
        "TLS" => lifecycle.on_tls_established(),
        _ => lifecycle.on_closed(CloseReason::Eof),
    }
}

fn name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Greeting => "Greeting",
        Phase::LoggingIn => "LoggingIn",
        Phase::TlsDue(_) => "TlsDue",
        Phase::Ready => "Ready",
        Phase::LoggingOut => "LoggingOut",
        Phase::Draining(_) => "Draining",
        Phase::Closed(_) => "Closed",
    }
}

#[test]
fn each_input_leads_from_each_phase_to_the_one_in_the_table() {
    for (event, row) in TABLE {
        for (before, expected) in PHASES.into_iter().zip(row) {
            let mut lifecycle = in_phase(before);
            assert_eq!(name(&lifecycle.phase), before);
            input(&mut lifecycle, event);
            let expected = if expected == "-" { before } else { expected };
            assert_eq!(name(&lifecycle.phase), expected, "{event} in {before}");
            let ends = matches!(event, "BYE" | "BYE as greeting" | "write error");
            let ended = matches!(before, "Draining" | "Closed") || ends || event == "end";
            assert_eq!(lifecycle.may_write(), !ended, "{event} in {before}");
        }
    }
}

#[test]
fn bye_is_the_cause_whatever_happens_to_the_socket() {
    let bye = || CloseReason::Bye(StatusResponse::new(Status::Bye, None, "text"));
    for inputs in [&["BYE"][..], &["write error", "BYE"], &["BYE", "write error"], &["BYE as greeting"]] {
        let mut lifecycle = in_phase("Ready");
        inputs.iter().for_each(|name| input(&mut lifecycle, name));
        assert_eq!(lifecycle.final_cause(false, CloseReason::Eof), bye());
        assert_eq!(lifecycle.final_cause(true, CloseReason::Eof), CloseReason::Logout);
    }
    let mut lifecycle = in_phase("Ready");
    assert_eq!(lifecycle.final_cause(true, CloseReason::Eof), CloseReason::Eof);
    input(&mut lifecycle, "write error");
    assert_eq!(lifecycle.final_cause(false, CloseReason::Eof), CloseReason::Dropped);
}

#[test]
fn what_ends_the_connection_is_kept_over_tls_and_a_logout() {
    let mut lifecycle = in_phase("Draining");
    ["STARTTLS", "write error", "TLS"].iter().for_each(|name| input(&mut lifecycle, name));
    assert!(
        lifecycle.bye().is_some() && lifecycle.has_write_failed() && lifecycle.drain_deadline().is_some()
    );
    let mut lifecycle = in_phase("LoggingOut");
    input(&mut lifecycle, "BYE");
    assert!(lifecycle.is_logging_out());
    input(&mut lifecycle, "LOGOUT withdrawn");
    assert!(!lifecycle.is_logging_out() && lifecycle.is_ready());
    assert!(in_phase("Greeting").drain_deadline().is_none());
    let mut refused = in_phase("Greeting");
    input(&mut refused, "BYE as greeting");
    assert!(refused.bye().is_some() && refused.drain_deadline().is_none(), "the handshake fails at once");
}
