//! Drafts as messages: addresses as people type them, and the fields by which a conversation holds
//! together.

use crate::app::Draft;
use crate::reply::{author, message};

fn written(draft: &Draft, from: &str) -> String {
    let bytes = message(draft, &author(from)).expect("in memory");
    // Folded lines are one.
    String::from_utf8(bytes).expect("ASCII").replace("\r\n\t", " ").replace("\r\n ", " ")
}

#[track_caller]
fn has(message: &str, field: &str) {
    assert!(message.lines().any(|line| line == field), "{field:?} is missing in:\n{message}");
}

#[test]
fn addresses_are_read_as_people_type_them() {
    let to = |to: &str| written(&Draft { to: to.to_owned(), ..Draft::default() }, "alice@example.org");
    has(&to("ann@example.org"), "To: <ann@example.org>");
    has(&to("Ann Lee <ann@example.org>"), "To: \"Ann Lee\" <ann@example.org>");
    let several = to("\"Lee, Ann\" <ann@example.org>,bob@example.org , ");
    has(&several, "To: \"Lee, Ann\" <ann@example.org>, <bob@example.org>");
    assert!(!to(" , ").contains("\nTo:"));
}

#[test]
fn an_answer_names_what_it_answers() {
    let draft = Draft {
        to: "ann@example.org".to_owned(),
        subject: "Re: Grüße".to_owned(),
        text: "Ja.\n".to_owned(),
        answers: Some(1),
        references: vec!["a@example.org".to_owned(), "b@example.org".to_owned()],
        replaces: None,
    };
    let answer = written(&draft, "Alice <alice@example.org>");
    has(&answer, "In-Reply-To: <b@example.org>");
    has(&answer, "References: <a@example.org> <b@example.org>");
    has(&answer, "From: \"Alice\" <alice@example.org>");
    assert!(answer.contains("Subject: =?utf-8?"), "{answer}");
    let id = answer.lines().find(|line| line.starts_with("Message-ID: ")).expect("it has one");
    assert!(id.ends_with("@example.org>"), "this machine is not named: {id}");
    let first = written(&Draft { references: Vec::new(), ..draft }, "alice@example.org");
    assert!(!first.contains("In-Reply-To") && !first.contains("References"), "{first}");
}
