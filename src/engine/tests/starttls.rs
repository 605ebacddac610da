//! STARTTLS: what was received before it is dropped (RFC 9051 section 6.2.1: "the client MUST
//! discard cached information about server capabilities"; an attacker on the way may have sent it).

use std::sync::Arc;

use super::{Bench, settings};
use crate::command::{Capability, Command, StartTls};
use crate::engine::{Settings, Submitted};
use crate::types::EventKind;

/// Submits one of the commands of logging in.
fn submit(bench: &Bench, command: impl Command) {
    let class = command.class();
    let (job, _slot) = Submitted::new(command);
    let (_, refused) =
        bench.shared.submit(Box::new(job), class, None, None, crate::engine::Origin::Handshake);
    assert!(refused.is_none());
}

#[test]
fn what_was_said_before_it_is_forgotten() {
    let (mut bench, sender) = Bench::new(Settings { auto_idle: false, ..settings() });
    bench.feed(b"* OK [CAPABILITY IMAP4rev1 STARTTLS XEVIL] hello\r\n* OK [ALERT] call this number\r\n");
    bench.feed(b"* ENABLED QRESYNC\r\n* XPLANTED\r\n");
    submit(&bench, StartTls);
    assert_eq!(bench.write_all(), b"A1 STARTTLS\r\n");
    bench.feed(b"A1 OK begin\r\n");
    assert!(bench.engine.lifecycle().is_tls_due());
    // Nothing more is sent in clear text.
    submit(&bench, Capability);
    assert_eq!(bench.write_all(), b"");
    bench.engine.on_tls_established();
    assert!(bench.engine.session().capabilities().is_empty());
    assert!(!bench.engine.session().is_enabled("QRESYNC"));
    assert!(bench.event().is_none(), "no event of what was said in clear text is left");
    assert_eq!(bench.write_all(), b"A2 CAPABILITY\r\n");
    bench.feed(b"* CAPABILITY IMAP4rev1\r\nA2 OK done\r\n* OK [ALERT] welcome\r\n");
    assert!(!sender.capabilities().has("XEVIL"));
    assert!(sender.capabilities().has("IMAP4rev1"));
    let events: Vec<_> = std::iter::from_fn(|| bench.event()).map(|event| event.kind).collect();
    assert!(matches!(&events[..], [EventKind::Alert { text }] if text == "welcome"), "{events:?}");
    assert_eq!(Arc::strong_count(&bench.shared), 3, "engine, bench, handles");
}
