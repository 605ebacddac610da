//! The messages themselves, against the vectors of the RFCs and a server of the test's own.

use super::*;

fn parts(mechanism: Mechanism, user: &str, secret: &str) -> Parts {
    let (user, secret) = (user.to_owned(), secret.into());
    let host = "server.example.com".into();
    Parts { mechanism, user, act_as: None, secret, host, port: 143, binding: None }
}

/// RFC 4616 section 4, RFC 4422 appendix A, RFC 5802 section 7, RFC 7628 section 4.
#[test]
fn a_user_who_acts_as_another_says_so() {
    let first = |mechanism, user: &str, act_as: &str, secret: &str| {
        let parts = Parts { act_as: Some(act_as.to_owned()), ..parts(mechanism, user, secret) };
        begin(parts, Notes::default()).map(|mut exchange| {
            let answer = exchange.step(None).unwrap();
            String::from_utf8(answer.to_vec()).unwrap()
        })
    };
    let plain = first(Mechanism::Plain, "Kurt", "Ursel", "xipj3plmq").unwrap();
    assert_eq!(plain, "Ursel\0Kurt\0xipj3plmq");
    assert_eq!(first(Mechanism::External, "", "fred@example.com", "").unwrap(), "fred@example.com");
    assert_eq!(first(Mechanism::External, "ann", "fred", "").unwrap(), "fred");
    for mechanism in [Mechanism::ScramSha256, Mechanism::ScramSha1] {
        let scram = first(mechanism, "user", "a,b=c", "pencil").unwrap();
        assert!(scram.starts_with("n,a=a=2Cb=3Dc,n=user,r="), "{scram}");
    }
    let bearer = first(Mechanism::OauthBearer, "ann", "user@example.com", "vF9dft4==").unwrap();
    assert!(bearer.starts_with("n,a=user@example.com,\x01host="), "{bearer}");
    for mechanism in [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::OauthBearer, Mechanism::External] {
        for act_as in ["a\0b", "a\x01auth=", "a\r\nb"] {
            let error = first(mechanism, "user", act_as, "pencil").expect_err("it ends what it is in");
            assert!(error.to_string().contains("control character"), "{error}");
        }
    }
}

fn exchange(mechanism: Mechanism, user: &str, secret: &str) -> (Box<dyn Exchange>, Notes) {
    let notes = Notes::default();
    let exchange = begin(parts(mechanism, user, secret), notes.clone()).unwrap();
    (exchange, notes)
}

#[test]
fn what_is_sent_at_once_is_that_of_the_rfcs() {
    for (mechanism, user, secret, wanted) in [
        (Mechanism::Plain, "tim", "tanstaaftanstaaf", "\0tim\0tanstaaftanstaaf"),
        (Mechanism::Plain, "grün", " pä ss ", "\0grün\0 pä ss "),
        (Mechanism::External, "fred@example.com", "", "fred@example.com"),
        (Mechanism::External, "", "", ""),
        (Mechanism::Anonymous, "sirhc", "", "sirhc"),
        (
            Mechanism::Xoauth2,
            "someuser@example.com",
            "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
            "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01",
        ),
        (
            Mechanism::OauthBearer,
            "user@example.com",
            "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
            "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer \
                vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01",
        ),
    ] {
        let (mut exchange, _) = exchange(mechanism, user, secret);
        assert!(exchange.is_client_first() && !exchange.is_over());
        let sent = exchange.step(None).unwrap();
        assert_eq!(String::from_utf8_lossy(&sent), wanted, "{mechanism}");
        assert!(exchange.is_over() && exchange.accepted().is_ok(), "{mechanism}");
    }
    let (mut login, _) = exchange(Mechanism::Login, "tim", "tanstaaf");
    assert!(!login.is_client_first());
    assert_eq!(*login.step(Some(b"Username:")).unwrap(), b"tim");
    assert!(!login.is_over());
    assert_eq!(*login.step(Some(b"Password:")).unwrap(), b"tanstaaf");
    assert!(login.is_over());
    assert!(login.step(Some(b"Again:")).is_err());
    assert!(login.step(Some(b"Again:")).is_err(), "and it does not panic");
}

#[test]
fn what_can_not_be_sent_is_an_error_without_the_secret() {
    for (mechanism, user, secret) in [
        (Mechanism::Plain, "tim", "tanst\0aaf"),
        (Mechanism::Plain, "ti\0m", "tanst"),
        (Mechanism::Xoauth2, "tim", "tanst aaf"),
        (Mechanism::OauthBearer, "tim", "tanst\r\naaf"),
        (Mechanism::ScramSha256, "", "tanst"),
    ] {
        let made = begin(parts(mechanism, user, secret), Notes::default());
        let error = made.and_then(|mut exchange| exchange.step(None).map(drop)).expect_err("refused");
        assert!(!format!("{error:#} {error:?}").contains("tanst"), "{mechanism}: {error:#}");
    }
}

#[test]
fn a_token_that_is_refused_is_noted_and_answered() {
    let json = br#"{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}"#;
    for (mechanism, answer) in [(Mechanism::Xoauth2, &b""[..]), (Mechanism::OauthBearer, &b"\x01"[..])] {
        for json in [&json[..], b"not JSON", br#"{"status":401}"#, b"\xff\xfe"] {
            let (mut exchange, notes) = exchange(mechanism, "tim", "ya29.vF9dft4qmTc2Nv");
            exchange.step(None).unwrap();
            assert_eq!(notes.verdict(), None);
            assert_eq!(*exchange.step(Some(json)).unwrap(), answer, "{mechanism}");
            let words = notes.verdict().expect("noted").words;
            assert_eq!(words.as_deref(), Some(&*String::from_utf8_lossy(json)));
            assert!(exchange.step(Some(json)).is_err());
        }
    }
}

/// The client's first message, and the nonce in it.
fn first(exchange: &mut dyn Exchange, header: &str) -> String {
    let first = exchange.step(None).unwrap();
    let text = String::from_utf8(first.to_vec()).unwrap();
    let rest = text.strip_prefix(header).unwrap_or_else(|| panic!("{header} {text}"));
    rest.strip_prefix("n=user,r=").unwrap().to_owned()
}

#[test]
fn the_header_of_scram_says_what_is_bound() {
    let binding = || Some(ChannelBinding::Exporter([7; 32]));
    for (mechanism, binding, header) in [
        (Mechanism::ScramSha256, None, "n,,"),
        (Mechanism::ScramSha1, None, "n,,"),
        (Mechanism::ScramSha256, binding(), "y,,"),
        (Mechanism::ScramSha1, binding(), "y,,"),
        (Mechanism::ScramSha256Plus, binding(), "p=tls-exporter,,"),
        (Mechanism::ScramSha1Plus, binding(), "p=tls-exporter,,"),
    ] {
        let parts = Parts { binding, ..parts(mechanism, "user", "pencil") };
        let mut exchange = begin(parts, Notes::default()).unwrap();
        assert_eq!(exchange.mechanism(), mechanism.name());
        first(&mut *exchange, header);
    }
    let unbound = parts(Mechanism::ScramSha256Plus, "user", "pencil");
    assert!(begin(unbound, Notes::default()).is_err(), "nothing to bind to");
}

#[test]
fn a_server_that_makes_no_sense_ends_scram_and_panics_nothing() {
    for message in [
        "",
        ",",
        "r",
        "r=,s,i",
        "r=NONCE",
        "r=NONCE,s=QQ==",
        "r=NONCE,s=QQ==,i=4096",
        "r=other,s=QQ==,i=4096",
        "r=NONCEmore,s=*,i=4096",
        "r=NONCEmore,s=QQ==,i=99999999",
        "r=NONCEmore,s=QQ==,i=x",
        "m=x,r=NONCEmore,s=QQ==,i=1",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ] {
        let (mut exchange, notes) = exchange(Mechanism::ScramSha1, "user", "pencil");
        let nonce = first(&mut *exchange, "n,,");
        let message = message.replace("NONCE", &nonce);
        assert!(exchange.step(Some(message.as_bytes())).is_err(), "{message}");
        assert!(exchange.step(Some(message.as_bytes())).is_err(), "{message}, again");
        assert!(!notes.has_shown() && !exchange.is_over() && exchange.accepted().is_err());
    }
}

#[test]
fn a_server_has_to_show_that_it_knows_the_password() {
    for (last, is_refusal) in [
        ("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", false),
        ("v=", false),
        ("v", false),
        ("", false),
        ("x", false),
        ("e=invalid-proof", true),
    ] {
        let (mut exchange, notes) = exchange(Mechanism::ScramSha1, "user", "pencil");
        let nonce = first(&mut *exchange, "n,,");
        let proof =
            exchange.step(Some(format!("r={nonce}more,s=QSXCR+Q6sek8bf92,i=4096").as_bytes())).unwrap();
        assert!(String::from_utf8_lossy(&proof).starts_with(&format!("c=biws,r={nonce}more,p=")));
        assert!(notes.has_shown() && !exchange.is_over());
        assert!(exchange.accepted().is_err(), "OK before it has shown anything");
        let answer = exchange.step(Some(last.as_bytes()));
        assert_eq!(answer.is_ok(), is_refusal, "{last}");
        assert_eq!(notes.word().as_deref(), is_refusal.then_some("invalid-proof"));
        let error = exchange.accepted().expect_err("not shown");
        assert_eq!(error.remedy(), Some(Remedy::Setup));
    }
}
