//! Commands about the session: CAPABILITY, NOOP, LOGOUT, ID, ENABLE, COMPRESS, UNAUTHENTICATE,
//! NAMESPACE, LOGIN, AUTHENTICATE, and one that the library does not know.

use zeroize::Zeroizing;

use super::transcript::{attempt, example};
use super::{line, next_line, refusal, session};
use crate::command::{
    Authenticate, Capability, Command, Create, Enable, Exchange, GetNamespaces, Id, Idle, Line, List, Login,
    Logout, Noop, Raw, Secret, Session, StartTls, Unauthenticate,
};
use crate::error::Result;
use crate::types::Namespace;

/// RFC 9051 sections 6.1.1 and 7.2.2, RFC 5161 section 3.1, RFC 7889 section 2.
#[test]
fn what_a_server_can_do() {
    let of = |text: &str| example(Capability, "", text);
    let can = of("C: abcd CAPABILITY\n\
        S: * CAPABILITY IMAP4rev2 STARTTLS AUTH=GSSAPI LOGINDISABLED\n\
        S: abcd OK CAPABILITY completed");
    assert!(can.has("IMAP4rev2") && can.has("STARTTLS") && can.has("LOGINDISABLED") && can.len() == 4);
    assert!(can.auth_mechanisms().eq(["GSSAPI"]));
    let can = of("C: ijkl CAPABILITY\n\
        S: * CAPABILITY IMAP4rev2 AUTH=GSSAPI AUTH=PLAIN\n\
        S: ijkl OK CAPABILITY completed");
    assert!(can.auth_mechanisms().eq(["GSSAPI", "PLAIN"]));
    let can = of("C: t1 CAPABILITY\n\
        S: * CAPABILITY IMAP4rev1 ID LITERAL+ ENABLE X-GOOD-IDEA\n\
        S: t1 OK foo");
    assert!(can.has("enable") && can.has("X-GOOD-IDEA"));
    let limited = "C: t1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 ID APPENDLIMIT=257890\nS: t1 OK foo";
    let limited = Session { capabilities: of(limited), ..Session::default() };
    assert_eq!(limited.append_limit(), Some(257_890));
    let unsaid = "C: t1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 ID APPENDLIMIT\nS: t1 OK foo";
    let unsaid = Session { capabilities: of(unsaid), ..Session::default() };
    assert!(unsaid.can("APPENDLIMIT") && unsaid.append_limit().is_none());
}

/// RFC 9051 sections 6.1.2 and 6.1.3.
#[test]
fn noop_and_logout() {
    example(Noop, "", "C: a002 NOOP\nS: a002 OK NOOP completed");
    example(
        Noop,
        "",
        "C: a047 NOOP\nE: * 22 EXPUNGE\nE: * 23 EXISTS\nE: * 14 FETCH (UID 1305 FLAGS (\\Seen \\Deleted))\n\
         S: a047 OK NOOP completed",
    );
    example(Logout, "", "C: A023 LOGOUT\nE: * BYE IMAP4rev2 Server logging out\nS: A023 OK LOGOUT completed");
    // Section 6.3.13.
    assert_eq!(line(Idle, "IDLE"), "IDLE");
}

/// RFC 2971 sections 3.1 and 3.2.
#[test]
fn who_client_and_server_are() {
    let sodr = Id::nothing().field("name", "sodr").field("version", "19.34");
    let nothing = example(
        sodr.field("vendor", "Pink Floyd Music Limited"),
        "ID",
        "C: a023 ID (\"name\" \"sodr\" \"version\" \"19.34\" \"vendor\" \"Pink Floyd Music Limited\")\n\
         S: * ID NIL\n\
         S: a023 OK ID completed",
    );
    assert!(nothing.is_empty());
    let cyrus = example(
        Id::nothing(),
        "ID",
        "C: a042 ID NIL\n\
         S: * ID (\"name\" \"Cyrus\" \"version\" \"1.5\" \"os\" \"sunos\" \"os-version\" \"5.5\" \
         \"support-url\" \"mailto:cyrus-bugs+@andrew.cmu.edu\")\n\
         S: a042 OK ID command completed",
    );
    assert_eq!(cyrus.len(), 5);
    assert_eq!(cyrus[4], ("support-url".to_owned(), Some("mailto:cyrus-bugs+@andrew.cmu.edu".to_owned())));
    assert!(refusal(Id::nothing(), "IMAP4rev1").contains("ID"));
}

/// RFC 9051 section 6.3.1.
#[test]
fn what_is_enabled() {
    let on = example(
        Enable::new(["CONDSTORE", "X-GOOD-IDEA"]),
        "ENABLE",
        "C: t2 ENABLE CONDSTORE X-GOOD-IDEA\nS: * ENABLED X-GOOD-IDEA\nS: t2 OK foo",
    );
    assert_eq!(on, ["X-GOOD-IDEA"]);
    let on = example(
        Enable::new(["CONDSTORE"]),
        "ENABLE",
        "C: a1 ENABLE CONDSTORE\nS: * ENABLED CONDSTORE\nS: a1 OK Conditional Store enabled",
    );
    assert_eq!(on, ["CONDSTORE"]);
}

/// RFC 4978 section 3; its tag `d` is a slip.
#[cfg(feature = "compress")]
#[test]
fn compression() {
    use crate::command::Compress;
    let can = "STARTTLS COMPRESS=DEFLATE";
    example(Compress, can, "C: c compress deflate\nS: c OK DEFLATE active");
    let compressed = Session { compressed: true, ..session(can) };
    assert!(next_line(&mut Compress, &compressed).is_err());
    let refused = super::done("NO [COMPRESSIONACTIVE] DEFLATE active via TLS");
    assert_eq!(refused.status.code, Some(crate::types::Code::CompressionActive));
}

/// RFC 8437, which has no example: section 7, `command-auth`.
#[test]
fn a_connection_that_logs_out_and_stays() {
    example(Unauthenticate, "UNAUTHENTICATE", "C: a UNAUTHENTICATE\nS: a OK done");
    assert!(refusal(Unauthenticate, "IMAP4rev1").contains("UNAUTHENTICATE"));
}

/// RFC 9051 sections 6.2.1, 6.2.3 and 8 (an example in literals, which a quoted string is as good
/// as).
#[test]
fn logins_by_password() {
    let session = Session { takes_passwords: true, ..session("STARTTLS") };
    let log_in = |user: &str, password: &str, text: &str| {
        attempt(Login::new(user, password), &session, text).expect("OK");
    };
    log_in("SMITH", "SESAME", "C: a001 LOGIN SMITH SESAME\nS: a001 OK LOGIN completed");
    let spaced = "C: A001 LOGIN \"FRED FOOBAR\" \"fat man\"\nS: A001 OK LOGIN completed";
    log_in("FRED FOOBAR", "fat man", spaced);
    attempt(StartTls, &session, "C: a002 STARTTLS\nS: a002 OK Begin TLS negotiation now").expect("OK");
}

/// A mechanism whose client says these, one after another.
struct Says {
    name: &'static str,
    client_first: bool,
    messages: Vec<&'static [u8]>,
    secret: Secret,
}

impl Exchange for Says {
    fn mechanism(&self) -> &str {
        self.name
    }

    fn is_client_first(&self) -> bool {
        self.client_first
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }

    fn is_over(&self) -> bool {
        self.messages.is_empty()
    }

    fn step(&mut self, _: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
        Ok(Zeroizing::new(self.messages.remove(0).to_vec()))
    }

    fn accepted(&mut self) -> Result<()> {
        Ok(())
    }
}

fn by(name: &'static str, client_first: bool, messages: &[&'static [u8]]) -> Authenticate {
    let (messages, secret) = (messages.to_vec(), Secret::from("test"));
    Authenticate::new(Box::new(Says { name, client_first, messages, secret }))
}

/// What a client answers to a `+`.
fn answer(login: &mut Authenticate, challenge: &str) -> String {
    let session = session("SASL-IR");
    let mut line = Line::new(None, &session);
    login.challenge(challenge.as_bytes(), &mut line).expect("there is more to say");
    let bytes: Vec<u8> =
        line.finish().expect("a line").iter().flat_map(|piece| piece.as_bytes().to_vec()).collect();
    String::from_utf8(bytes).expect("base64").trim_end().to_owned()
}

/// RFC 9051 section 6.2.2, RFC 4959 section 4.
#[test]
fn logins_by_mechanisms() {
    let plain = || by("PLAIN", true, &[b"test\0test\0test"]);
    let said = "C: A01 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=\nS: A01 OK Success (tls protection)";
    example(plain(), "SASL-IR AUTH=PLAIN", said);
    example(by("EXTERNAL", true, &[b""]), "SASL-IR", "C: A01 AUTHENTICATE EXTERNAL =\nS: A01 OK Success");
    for mut login in [plain(), plain().without_initial_response()] {
        let can = if login.awaits_challenge() { "AUTH=PLAIN" } else { "" };
        assert_eq!(next_line(&mut login, &session(can)).expect("a line").0, "AUTHENTICATE PLAIN");
        assert_eq!(answer(&mut login, ""), "dGVzdAB0ZXN0AHRlc3Q=");
    }
    let mut external = by("EXTERNAL", true, &[b""]);
    assert_eq!(next_line(&mut external, &session("")).expect("a line").0, "AUTHENTICATE EXTERNAL");
    assert_eq!(answer(&mut external, ""), "");
}

fn namespace(prefix: &str, delimiter: char) -> Namespace {
    Namespace { prefix: prefix.into(), delimiter: Some(delimiter), extensions: Vec::new(), translation: None }
}

/// RFC 2342 section 5, examples 1 to 9; the same in RFC 9051 section 6.3.10.
#[test]
fn where_mailboxes_are() {
    let own = || vec![namespace("", '/')];
    for (answer, personal, others, shared) in [
        ("((\"\" \"/\")) NIL NIL", own(), vec![], vec![]),
        ("NIL NIL ((\"\" \".\"))", vec![], vec![], vec![namespace("", '.')]),
        (
            "((\"\" \"/\")) NIL ((\"Public Folders/\" \"/\"))",
            own(),
            vec![],
            vec![namespace("Public Folders/", '/')],
        ),
        (
            "((\"\" \"/\")) ((\"~\" \"/\")) ((\"#shared/\" \"/\") (\"#public/\" \"/\")(\"#ftp/\" \"/\")(\"#news.\" \".\"))",
            own(),
            vec![namespace("~", '/')],
            vec![
                namespace("#shared/", '/'),
                namespace("#public/", '/'),
                namespace("#ftp/", '/'),
                namespace("#news.", '.'),
            ],
        ),
        ("((\"INBOX.\" \".\")) NIL  NIL", vec![namespace("INBOX.", '.')], vec![], vec![]),
        (
            "((\"\" \"/\")(\"#mh/\" \"/\" \"X-PARAM\" (\"FLAG1\" \"FLAG2\"))) NIL NIL",
            vec![
                namespace("", '/'),
                Namespace {
                    extensions: vec![("X-PARAM".into(), vec!["FLAG1".into(), "FLAG2".into()])],
                    ..namespace("#mh/", '/')
                },
            ],
            vec![],
            vec![],
        ),
        (
            "((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL",
            own(),
            vec![namespace("Other Users/", '/')],
            vec![],
        ),
        ("((\"\" \"/\")) ((\"#Users/\" \"/\")) NIL", own(), vec![namespace("#Users/", '/')], vec![]),
    ] {
        let text =
            format!("C: A001 NAMESPACE\nS: * NAMESPACE {answer}\nS: A001 OK NAMESPACE command completed");
        let all = example(GetNamespaces::new(), "NAMESPACE", &text);
        assert_eq!((all.personal, all.other_users, all.shared), (personal, others, shared), "{answer}");
    }
    for name in ["INBOX.Sent Mail", "Sent Mail", "Delete Items", "#mh/Deleted Items"] {
        let text = format!("C: A002 CREATE \"{name}\"\nS: A002 OK CREATE command completed");
        example(Create::new(name), "NAMESPACE", &text);
    }
    let others = example(
        List::new("Other Users/%"),
        "",
        "C: A002 LIST \"\" \"Other Users/%\"\n\
         S: * LIST () \"/\" \"Other Users/Mike\"\n\
         S: * LIST () \"/\" \"Other Users/Karen\"\n\
         S: * LIST () \"/\" \"Other Users/Matthew\"\n\
         S: * LIST () \"/\" \"Other Users/Tesa\"\n\
         S: A002 OK LIST command completed",
    );
    assert_eq!(others.len(), 4);
    let of_mark = example(
        List::new("~mark/%"),
        "",
        "C: A002 LIST \"\" \"~mark/%\"\n\
         S: * LIST () \"/\" \"~mark/INBOX\"\n\
         S: * LIST () \"/\" \"~mark/foo\"\n\
         S: A002 OK LIST command completed",
    );
    assert_eq!(of_mark[1].name.as_str(), "~mark/foo");
}

/// RFC 9051 section 6.5.
#[test]
fn a_command_that_is_not_known_here() {
    let pig = example(
        Raw::new("XPIG-LATIN"),
        "XPIG-LATIN",
        "C: A442 XPIG-LATIN\n\
         S: * XPIG-LATIN ow-nay eaking-spay ig-pay atin-lay\n\
         S: A442 OK XPIG-LATIN ompleted-cay",
    );
    assert_eq!(pig.responses.len(), 1);
    assert_eq!(&pig.responses[0].raw().expect("its bytes")[2..12], b"XPIG-LATIN");
    assert_eq!(pig.status.text, "XPIG-LATIN ompleted-cay");
}
