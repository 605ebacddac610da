//! Logins by each mechanism, with arguments from a fuzzer's bytes: AUTHENTICATE is one command,
//! what follows it are lines of base64, and in the messages the server reads who logs in, whom they
//! act as and by which secret, as it was meant; or the client refuses to write them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::chooser::Chooser;
use crate::command::{self, Authenticate, Command as _, Line, Session};
use crate::net::{Mechanism, login_messages};
use crate::wire::encode::Fragment;
use crate::wire::request::Command;

/// Those of which the messages are known without a server that has the password.
const MECHANISMS: [Mechanism; 8] = [
    Mechanism::Plain,
    Mechanism::Login,
    Mechanism::ScramSha256,
    Mechanism::ScramSha1,
    Mechanism::OauthBearer,
    Mechanism::Xoauth2,
    Mechanism::External,
    Mechanism::Anonymous,
];

/// Who logs in.
struct Who {
    user: String,
    act_as: Option<String>,
    secret: String,
}

/// Logs in by a mechanism, or by hand.
pub(super) fn about_logins(from: &mut Chooser<'_>, known: &Session) {
    let mechanism = from.one_of(&MECHANISMS);
    let who = Who { user: from.text(), act_as: from.maybe(Chooser::text), secret: from.text() };
    let mut session = known.clone();
    session.takes_passwords = from.yes();
    by_hand(from, &session, &who);
    if from.yes() {
        session.capabilities = session.capabilities().iter().chain(["SASL-IR"]).collect();
    }
    let begin = || login_messages(mechanism, &who.user, who.act_as.as_deref(), &who.secret);
    let Ok(exchange) = begin() else {
        let is_odd = |text: &str| text.is_empty() || text.contains(|c: char| !c.is_ascii_graphic());
        let token = matches!(mechanism, Mechanism::OauthBearer | Mechanism::Xoauth2);
        let names = [Some(&who.user), who.act_as.as_ref()];
        let control = names.into_iter().flatten().any(|name| name.contains(char::is_control));
        assert!(control || token && is_odd(&who.secret), "{mechanism} can be begun");
        return;
    };
    let is_client_first = exchange.is_client_first();
    let Some(read) = from.read(Authenticate::new(exchange), &session) else {
        // Only what is in the line can be refused with it.
        assert!(is_client_first && session.can("SASL-IR"), "{mechanism} says nothing yet");
        return;
    };
    let Command::Authenticate { mechanism: name, initial } = read else { panic!("{read:?}") };
    assert_eq!(name, mechanism.name());
    assert_eq!(initial.is_some(), is_client_first && session.can("SASL-IR"));
    let first = match initial {
        Some(initial) => initial,
        None => {
            let Ok(exchange) = begin() else { panic!("it began before") };
            let mut login = Authenticate::new(exchange);
            let mut line = Line::new(Some("A1"), &session);
            login.encode(&mut line, &session).expect("it was written before");
            let Some(answer) = answer(&mut login, b"", &session) else { return };
            if mechanism == Mechanism::Login {
                assert_eq!(answer, who.user.as_bytes());
                let password = answer_of_login(&mut login, &session);
                assert!(password.is_none_or(|password| password == who.secret.as_bytes()));
            }
            answer
        }
    };
    assert_message(mechanism, &first, &who);
}

fn answer_of_login(login: &mut Authenticate, session: &Session) -> Option<Vec<u8>> {
    answer(login, BASE64.encode("Password:").as_bytes(), session)
}

/// The command LOGIN of a user: not where a password would be read on the way.
fn by_hand(from: &mut Chooser<'_>, session: &Session, who: &Who) {
    let Who { user, secret, .. } = who;
    let meant = Command::Login { user: user.clone().into(), password: secret.clone().into() };
    let login = command::Login::new(user.clone(), secret.as_str());
    let read = from.read(login, session);
    assert!(read.is_none() || session.takes_passwords);
    assert!(read.is_none_or(|read| read == meant));
}

/// What the client answers to a challenge, decoded: one line, or nothing if it gives up.
fn answer(login: &mut Authenticate, challenge: &[u8], session: &Session) -> Option<Vec<u8>> {
    let mut line = Line::new(None, session);
    login.challenge(challenge, &mut line).ok()?;
    let fragments = line.finish().expect("base64 can be written");
    assert!(
        fragments.iter().all(|one| matches!(one, Fragment::Text(_) | Fragment::Secret(_))),
        "{fragments:?}"
    );
    let bytes: Vec<u8> = fragments.iter().flat_map(|one| one.as_bytes().to_vec()).collect();
    let text = bytes.strip_suffix(b"\r\n").expect("a line");
    Some(BASE64.decode(text).unwrap_or_else(|error| panic!("{error}: {}", text.escape_ascii())))
}

/// Asserts that a server takes the first message for what was meant. What parts its fields is in
/// none of them.
fn assert_message(mechanism: Mechanism, message: &[u8], who: &Who) {
    let Who { user, act_as, secret } = who;
    let text = std::str::from_utf8(message).expect("all of it is UTF-8");
    let named = act_as.as_ref().unwrap_or(user);
    match mechanism {
        Mechanism::Plain => {
            let fields: Vec<&str> = text.split('\0').collect();
            assert_eq!(fields, [act_as.as_deref().unwrap_or_default(), user, secret]);
        }
        Mechanism::ScramSha256 | Mechanism::ScramSha1 => {
            let fields: Vec<&str> = text.split(',').collect();
            let [binding, acts, name, nonce] = &*fields else { panic!("{text:?}") };
            assert!(matches!(*binding, "n" | "y") && nonce.starts_with("r="), "{text:?}");
            assert_eq!(acts.is_empty(), act_as.is_none());
            let plain = |text: &str, prefix: &str| {
                text.strip_prefix(prefix).map(|text| text.replace("=2C", ",").replace("=3D", "="))
            };
            assert_eq!(plain(acts, "a="), act_as.clone().filter(|_| !acts.is_empty()));
            let prepared = stringprep::saslprep(user).map_or_else(|_| user.clone(), Into::into);
            assert_eq!(plain(name, "n="), Some(prepared));
        }
        Mechanism::OauthBearer => {
            let fields: Vec<&str> = text.split('\x01').collect();
            let [header, host, port, token, "", ""] = &*fields else { panic!("{text:?}") };
            let parts: Vec<&str> = header.split(',').collect();
            let ["n", name, ""] = &*parts else { panic!("{text:?}") };
            let name = name.strip_prefix("a=").unwrap_or(name).replace("=2C", ",").replace("=3D", "=");
            assert_eq!((&*name, *host, *port), (&**named, "host=imap.example.org", "port=993"));
            assert_eq!(*token, format!("auth=Bearer {secret}"));
        }
        Mechanism::Xoauth2 => {
            let fields: Vec<&str> = text.split('\x01').collect();
            let (name, token) = (format!("user={user}"), format!("auth=Bearer {secret}"));
            assert_eq!(fields, [&*name, &*token, "", ""]);
        }
        Mechanism::External => assert_eq!(text, named),
        Mechanism::Anonymous => assert_eq!(text, user),
        _ => {}
    }
}
