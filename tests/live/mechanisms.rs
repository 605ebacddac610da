//! Each mechanism against Dovecot with all of its own on: tokens that it checks by itself, client
//! certificates for EXTERNAL.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as URL};
use imap_duplex::command::SetAcl;
use imap_duplex::types::Code;
use imap_duplex::{
    Config, CredentialReason, Credentials, Error, ErrorKind, Mechanism, Remedy, SaslExchange, SaslMechanism,
    SaslPlace,
};
use ring::hmac;

use crate::account::{LIMIT, plain};
use crate::client::{Events, whole_text};
use crate::server::{Options, Server};
use crate::support::{PASSWORD, fresh_user, within};

/// What tokens are signed with.
const KEY: &[u8] = b"testkey";

/// Dovecot with all its mechanisms, and the folder of what it needs for them. Its certificates of
/// clients are of this authority.
fn server(authority: Option<&str>, password: Option<&str>) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().display();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        let parents: Vec<&Path> = path.ancestors().skip(1).take_while(|p| *p != folder.path()).collect();
        for parent in parents.iter().rev() {
            fs::create_dir_all(parent).expect("a folder");
        }
        fs::write(path, text).expect("it can be written");
    };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    write("keys/default/HS256/default", &BASE64.encode(KEY));
    write(
        "oauth2.conf",
        &format!(
            "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={dir}/keys/\n\
             username_attribute = sub\n"
        ),
    );
    let mut extra = format!(
        "auth_mechanisms = plain login scram-sha-1 scram-sha-256 xoauth2 oauthbearer external anonymous\n\
         auth_anonymous_username = anonymous\n\
         passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {dir}/oauth2.conf\n}}\n\
         passdb {{\n  driver = static\n  mechanisms = external\n  args = nopassword=y\n}}\n"
    );
    if let Some(authority) = authority {
        write("clients.pem", authority);
        extra.push_str(&format!(
            "ssl_ca = <{dir}/clients.pem\nssl_verify_client_cert = yes\nssl_require_crl = no\n\
             auth_ssl_username_from_cert = yes\n"
        ));
    }
    let password = password.map(str::to_owned);
    (Server::with(&Options { extra, password, ..Options::default() }), folder)
}

/// A token of this user that is valid for so many seconds.
fn token(user: &str, seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("later than 1970").as_secs();
    let now = i64::try_from(now).expect("a while from now");
    let header = URL.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let (begin, end) = (now - 3600, now + seconds);
    let claims = URL.encode(format!(r#"{{"sub":"{user}","iat":{begin},"exp":{end}}}"#));
    let signed = format!("{header}.{claims}");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), signed.as_bytes());
    format!("{signed}.{}", URL.encode(signature))
}

fn clear(server: &Server) -> Config {
    let address = server.plain_addr();
    Config::new(address.ip().to_string()).port(address.port()).plaintext()
}

async fn works(config: &Config, what: &str) {
    let (imap, receiver) = config.connect().await.unwrap_or_else(|error| panic!("{what}: {error:#}"));
    let mut events = Events::strict(receiver);
    assert!(imap.list("*").await.expect("LIST").len() >= 4, "{what}");
    imap.logout().await.expect("LOGOUT");
    events.end().await;
}

async fn fails(config: &Config) -> Error {
    let error = config.connect().await.map(drop).expect_err("it can't succeed");
    let text = whole_text(&error);
    assert!(!text.contains("hunter2") && !text.contains("eyJhbGci"), "{text}");
    error
}

/// How Dovecot says that this user came in, so many times: `method=SCRAM-SHA-256`. It may write
/// that after it has answered.
async fn methods(server: &Server, user: &str, times: usize) -> Vec<String> {
    loop {
        let log = server.log();
        let lines = log.lines().filter(|line| line.contains(&format!("Login: user=<{user}>")));
        let word = |line: &str| line.split("method=").nth(1)?.split(',').next().map(str::to_owned);
        let words: Vec<_> = lines.filter_map(word).collect();
        if words.len() >= times {
            return words;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn each_lets_in() {
    within(LIMIT, async {
        let (server, _folder) = server(None, None);
        let tls = Config::new("localhost").port(server.tls_addr().port());
        let tls = tls.trust_certificate(server.authority());
        for config in [clear(&server), tls] {
            for mechanism in [
                Mechanism::Plain,
                Mechanism::Login,
                Mechanism::ScramSha1,
                Mechanism::ScramSha256,
                Mechanism::Xoauth2,
                Mechanism::OauthBearer,
                Mechanism::Anonymous,
            ] {
                let mut user = fresh_user();
                let config = match mechanism {
                    Mechanism::Xoauth2 | Mechanism::OauthBearer => {
                        config.clone().token(&*user, token(&user, 600))
                    }
                    Mechanism::Anonymous => {
                        user = "anonymous".into();
                        config.clone().anonymous("guest@example.com")
                    }
                    _ => config.clone().login(&*user, PASSWORD),
                };
                works(&config.mechanism(mechanism), mechanism.name()).await;
                let methods = methods(&server, &user, 1).await;
                assert_eq!(methods.last().map(String::as_str), Some(mechanism.name()), "{user}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_strongest_is_used_and_the_command_where_there_is_no_other() {
    within(LIMIT, async {
        let (server, _folder) = server(None, None);
        let user = fresh_user();
        // Over TLS our header says that we could have bound it to the connection.
        let tls = Config::new("localhost").port(server.tls_addr().port());
        works(&tls.trust_certificate(server.authority()).login(&*user, PASSWORD), "TLS").await;
        works(&plain(&server, &user), "in clear text").await;
        assert_eq!(methods(&server, &user, 2).await, ["SCRAM-SHA-256", "SCRAM-SHA-256"]);
        let user = fresh_user();
        works(&clear(&server).token(&*user, token(&user, 600)), "by token").await;
        assert_eq!(methods(&server, &user, 1).await, ["OAUTHBEARER"]);
        // Dovecot counts LOGIN among PLAIN.
        let options = Options { extra: "auth_mechanisms = external plain\n".into(), ..Options::default() };
        let server = Server::with(&options);
        works(&clear(&server).login(&*user, PASSWORD).mechanism(Mechanism::Login), "LOGIN").await;
    })
    .await;
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn external_takes_whom_the_certificate_shows() {
    use crate::support::certificate;
    use imap_duplex::ClientCertificate;

    within(LIMIT, async {
        let user = fresh_user();
        let client = certificate::client(&user);
        let (server, _folder) = server(Some(&client.authority), None);
        let tls = Config::new("localhost").port(server.tls_addr().port());
        let tls = tls.trust_certificate(server.authority());
        let shown = tls.clone().client_certificate(ClientCertificate::new(client.server, client.key));
        works(&shown.clone().external(None), "as whom it shows").await;
        works(&shown.external(user.clone()), "as the same, by name").await;
        assert_eq!(methods(&server, &user, 2).await, ["EXTERNAL", "EXTERNAL"]);
        let error = fails(&tls.external(user)).await;
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Setup)), "{error:#}");
        assert!(error.hint().is_some_and(|hint| hint.contains("client certificate")), "{error:#}");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_whatever_the_mechanism() {
    within(LIMIT, async {
        let (server, _folder) = server(None, None);
        for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha1, Mechanism::ScramSha256] {
            let error = fails(&clear(&server).login(fresh_user(), "hunter2").mechanism(mechanism)).await;
            assert_eq!(
                (error.kind(), error.remedy()),
                (ErrorKind::Login, Some(Remedy::Credentials)),
                "{error:#}"
            );
            assert_eq!(error.code(), Some(&Code::AuthenticationFailed), "{mechanism}: {error:#}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_expired_token_is_renewed_and_else_said_to_have_expired() {
    within(LIMIT, async {
        let (server, _folder) = server(None, None);
        for mechanism in [Mechanism::Xoauth2, Mechanism::OauthBearer] {
            let user = fresh_user();
            let config = clear(&server).mechanism(mechanism);
            let error = fails(&config.clone().token(&*user, token(&user, -60))).await;
            assert_eq!(
                (error.kind(), error.remedy()),
                (ErrorKind::Login, Some(Remedy::Credentials)),
                "{error:#}"
            );
            assert!(error.to_string().contains("\"status\":"), "{error:#}");
            assert!(error.hint().is_some_and(|hint| hint.contains("a new one is needed")), "{error:#}");
            let config = config.credentials(&*user, |request| async move {
                let seconds = match request.reason() {
                    CredentialReason::First => -60,
                    CredentialReason::Expired => 600,
                    other => return Err(format!("{other:?}: {:?}", request.error()).into()),
                };
                Ok(Credentials::token(token(request.user(), seconds)))
            });
            works(&config, mechanism.name()).await;
            assert_eq!(methods(&server, &user, 1).await, [mechanism.name()]);
        }
    })
    .await;
}

/// Dovecot offers SCRAM, and can't do it with a password of which it has but another hash.
#[tokio::test]
async fn where_the_server_can_not_do_scram_after_all_plain_is_used() {
    within(LIMIT, async {
        let (server, _folder) = server(None, Some("{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69"));
        let user = fresh_user();
        works(&clear(&server).login(&*user, PASSWORD), "a hash of the password").await;
        assert_eq!(methods(&server, &user, 1).await, ["PLAIN"]);
        let error = fails(&clear(&server).login(&*user, PASSWORD).mechanism(Mechanism::ScramSha256)).await;
        assert_eq!(error.kind(), ErrorKind::Login, "{error:#}");
        let error = fails(&clear(&server).login(&*user, "hunter2")).await;
        assert_eq!(error.remedy(), Some(Remedy::Credentials), "{error:#}");
    })
    .await;
}

/// A mechanism of the test's own, under the name of one that Dovecot has: PLAIN, where the client
/// speaks first, or LOGIN, where the server does.
struct Own {
    name: &'static str,
    user: String,
    password: &'static str,
}

struct Answers(Vec<Vec<u8>>, bool);

impl SaslMechanism for Own {
    fn name(&self) -> &str {
        self.name
    }

    fn begin(
        &self,
        _: &SaslPlace,
    ) -> Result<Box<dyn SaslExchange>, Box<dyn std::error::Error + Send + Sync>> {
        let (user, password) = (&*self.user, self.password);
        // The last first.
        let answers = match self.name {
            "PLAIN" => vec![format!("\0{user}\0{password}").into_bytes()],
            _ => vec![password.into(), user.into()],
        };
        Ok(Box::new(Answers(answers, self.name == "PLAIN")))
    }
}

impl SaslExchange for Answers {
    fn first(&mut self) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(if self.1 { self.0.pop() } else { None })
    }

    fn step(&mut self, _: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        self.0.pop().ok_or_else(|| "nothing is left to say".into())
    }

    fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

#[tokio::test]
async fn a_mechanism_of_ones_own_lets_in_and_what_is_refused_is_named() {
    within(LIMIT, async {
        let (server, _folder) = server(None, None);
        for name in ["PLAIN", "LOGIN"] {
            let user = fresh_user();
            works(&clear(&server).sasl(Own { name, user: user.clone(), password: PASSWORD }), name).await;
            assert_eq!(methods(&server, &user, 1).await, [name]);
            let wrong = clear(&server).sasl(Own { name, user, password: "hunter2hunter2" });
            let error = fails(&wrong).await;
            assert_eq!((error.kind(), error.code()), (ErrorKind::Login, Some(&Code::AuthenticationFailed)));
            assert!(whole_text(&error).contains(name), "{error:#}");
        }
    })
    .await;
}

/// Anyone is a master user with this password.
const MASTER: &str = "auth_mechanisms = plain login scram-sha-1 scram-sha-256\npassdb {\n  driver = static\n  \
    master = yes\n  args = password=mastersecret\n}\n";

/// What a master user may see of the mailboxes of whom they act as: with Dovecot's ACL what the ACL
/// says of the master, which is nothing as long as the owner grants nothing; or all, where the
/// server's configuration says so.
#[tokio::test]
async fn what_a_master_user_sees_is_up_to_the_servers_acl() {
    within(LIMIT, async {
        for is_owner in [false, true] {
            let more = if is_owner { "plugin {\n  acl_user = %u\n}\n" } else { "" };
            let server = Server::with(&Options { extra: format!("{MASTER}{more}"), ..Options::default() });
            let user = fresh_user();
            let acting = clear(&server).login("admin", "mastersecret").act_as(user.clone());
            let (imap, _events) = acting.connect().await.expect("it may act");
            let selected = imap.select("INBOX").await;
            let made = imap.create("Plans").await;
            imap.logout().await.expect("LOGOUT");
            assert_eq!((selected.is_ok(), made.is_ok()), (is_owner, is_owner), "{selected:?} {made:?}");
            if is_owner {
                continue;
            }
            assert_eq!(made.expect_err("refused").code(), Some(&Code::NoPerm));
            let (owner, _events) = clear(&server).login(user, PASSWORD).connect().await.expect("in");
            owner.append("INBOX", "Subject: x\r\n\r\n").await.expect("APPEND");
            owner.set_acl(SetAcl::replace("INBOX", "admin", "lr")).await.expect("SETACL");
            owner.logout().await.expect("LOGOUT");
            let (imap, _events) = acting.connect().await.expect("it may act");
            assert_eq!(imap.my_rights("INBOX").await.expect("MYRIGHTS").rights.to_string(), "lr");
            let inbox = imap.select("INBOX").await.expect("SELECT");
            assert_eq!((inbox.exists(), inbox.is_read_only()), (1, true));
            imap.logout().await.expect("LOGOUT");
        }
    })
    .await;
}

/// A master user, as Dovecot calls who may act as others: by the authorization identity.
#[tokio::test]
async fn a_master_user_acts_as_another() {
    within(LIMIT, async {
        let server = Server::with(&Options { extra: MASTER.to_owned(), ..Options::default() });
        for mechanism in [Mechanism::Plain, Mechanism::ScramSha256, Mechanism::ScramSha1] {
            let user = fresh_user();
            let config = clear(&server).mechanism(mechanism).act_as(user.clone());
            let acting = config.clone().login("admin", "mastersecret").connect().await;
            let (imap, _events) = acting.unwrap_or_else(|error| panic!("{mechanism}: {error:#}"));
            imap.logout().await.expect("LOGOUT");
            assert_eq!(methods(&server, &user, 1).await, [mechanism.name()]);
            let error = fails(&config.login("admin", PASSWORD)).await;
            assert_eq!(error.kind(), ErrorKind::Login, "it is the password of no master: {error}");
        }
    })
    .await;
}
