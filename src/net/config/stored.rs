//! A `Config` in serde's data: what can be kept in a file, without secrets.
//!
//! Out: all that was set, but for what is secret or a program's own: passwords, tokens and the
//! callback that gives them, the client's certificate with its key, a TLS set-up of the caller's
//! own, the proxy's password. In: the same; what is missing is as of `Config::new`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Config, Security, Timeouts, TlsBackend, Way};
use crate::command::Id;
#[cfg(feature = "proxy")]
use crate::error::Error;
use crate::net::auth::{Identity, Mechanism, Provider};
use crate::types::{Limits, ViewSync};

/// The form in which it is kept.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Stored {
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    security: Security,
    #[serde(skip_serializing_if = "Option::is_none")]
    unix: Option<std::path::PathBuf>,
    /// Its URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    nodelay: bool,
    compress: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act_as: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<Login>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mechanism: Option<String>,
    allow_plaintext_login: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_backend: Option<TlsBackend>,
    /// In PEM form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trust: Vec<String>,
    enable: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignore_capabilities: Vec<String>,
    id: Option<Id>,
    limits: Limits,
    timeouts: Timeouts,
    auto_idle: bool,
    view_sync: ViewSync,
}

/// A login that needs no secret of ours.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Login {
    External,
    Anonymous,
    /// By a mechanism of the user's own, which has to be given again.
    Sasl,
}

impl Default for Stored {
    fn default() -> Self {
        Self::of(&Config::new(""))
    }
}

impl Stored {
    fn of(config: &Config) -> Self {
        let (user, login) = match &config.identity {
            Some(Identity::Anonymous { trace }) => (Some(trace.clone()), Some(Login::Anonymous)),
            Some(Identity::Elsewhere { user }) => (user.clone(), Some(Login::External)),
            Some(Identity::Own { user }) => (user.clone(), Some(Login::Sasl)),
            _ => (config.get_user().map(str::to_owned), None),
        };
        Self {
            host: config.host.clone(),
            port: config.port,
            security: config.security,
            #[cfg(unix)]
            unix: config.get_unix().map(Into::into),
            #[cfg(not(unix))]
            unix: None,
            #[cfg(feature = "proxy")]
            proxy: config.get_proxy().map(ToString::to_string),
            #[cfg(not(feature = "proxy"))]
            proxy: None,
            nodelay: config.nodelay,
            #[cfg(feature = "compress")]
            compress: config.compress,
            #[cfg(not(feature = "compress"))]
            compress: false,
            user,
            act_as: config.act_as.clone(),
            login,
            mechanism: config.mechanism.map(|mechanism| mechanism.name().to_owned()),
            allow_plaintext_login: config.allow_plaintext_login,
            tls_backend: config.tls.backend,
            trust: config.tls.extra_roots.iter().map(pem).collect(),
            enable: config.enable.clone(),
            ignore_capabilities: config.ignored.clone(),
            id: config.id.clone(),
            limits: config.limits.clone(),
            timeouts: config.timeouts.clone(),
            auto_idle: config.auto_idle,
            view_sync: config.view_sync,
        }
    }

    fn config(self) -> Result<Config, String> {
        let mut config = Config::new(self.host);
        config.way = way(self.unix, self.proxy)?;
        #[cfg(feature = "compress")]
        {
            config.compress = self.compress;
        }
        #[cfg(not(feature = "compress"))]
        if self.compress {
            return Err("this build has no compression: switch the feature `compress` on".into());
        }
        config.identity = match (self.login, self.user) {
            (Some(Login::External), user) => Some(Identity::Elsewhere { user }),
            (Some(Login::Sasl), user) => Some(Identity::Own { user }),
            (Some(Login::Anonymous), trace) => Some(Identity::Anonymous { trace: trace.unwrap_or_default() }),
            // The user is known, and what proves it has to be given again.
            (None, Some(user)) => {
                let missing = "no password or token is kept with a stored Config: give one before connecting";
                let provider = Provider::new(move |_| async move { Err(missing.into()) });
                Some(Identity::Asked { user, provider })
            }
            (None, None) => None,
        };
        config.act_as = self.act_as.filter(|user| !user.is_empty());
        let mechanism = self.mechanism.as_deref().map(str::parse::<Mechanism>).transpose();
        config.mechanism = mechanism.map_err(|error| error.to_string())?;
        (config.port, config.security, config.nodelay) = (self.port, self.security, self.nodelay);
        config.allow_plaintext_login = self.allow_plaintext_login;
        config.tls.backend = self.tls_backend;
        config.tls.extra_roots = self.trust.into_iter().map(Bytes::from).collect();
        (config.enable, config.id) = (self.enable, self.id);
        config.ignored = self.ignore_capabilities;
        (config.limits, config.timeouts) = (self.limits, self.timeouts);
        (config.auto_idle, config.view_sync) = (self.auto_idle, self.view_sync);
        Ok(config)
    }
}

fn way(unix: Option<std::path::PathBuf>, proxy: Option<String>) -> Result<Way, String> {
    match (unix, proxy) {
        (None, None) => Ok(Way::Tcp),
        #[cfg(unix)]
        (Some(path), None) => Ok(Way::Unix(path)),
        #[cfg(not(unix))]
        (Some(_), None) => Err("there are no Unix sockets on this system".into()),
        #[cfg(feature = "proxy")]
        (None, Some(url)) => Ok(Way::Proxy(url.parse().map_err(|error: Error| error.to_string())?)),
        #[cfg(not(feature = "proxy"))]
        (None, Some(_)) => Err("this build has no proxies: switch the feature `proxy` on".into()),
        (Some(_), Some(_)) => Err("either a Unix socket or a proxy leads to the server".into()),
    }
}

/// What is to be trusted, as text. DER begins with a sequence.
fn pem(certificates: &Bytes) -> String {
    if certificates.first() != Some(&0x30) {
        return String::from_utf8_lossy(certificates).into_owned();
    }
    let text = BASE64.encode(certificates);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

/// All that was set, but for what is secret or a program's own: passwords, tokens, the callback
/// that gives them, the client's certificate and key, a TLS set-up of the caller's own, and who
/// uses the proxy.
impl Serialize for Config {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored::of(self).serialize(serializer)
    }
}

/// What is missing is as of [`Config::new`]; an unknown name is an error. Times are numbers of
/// seconds. The user is known again, and a password or a token has to be
/// [given](Config::login) before connecting.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use imap_duplex::Config;
/// let text = r#"{ "host": "imap.example.org", "user": "alice", "timeouts": { "silence": 30 } }"#;
/// let config: Config = serde_json::from_str(text)?;
/// let user = config.get_user().unwrap_or_default().to_owned();
/// let config = config.login(user, "correct horse");
/// assert!(!serde_json::to_string(&config)?.contains("correct horse"));
/// # Ok(())
/// # }
/// ```
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Stored::deserialize(deserializer)?.config().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{ClientCertificate, ErrorKind};

    #[test]
    fn what_was_set_comes_back_and_secrets_do_not() {
        const SECRET: &str = "hunter2";
        let mut timeouts = Timeouts::default();
        (timeouts.silence, timeouts.dial) = (Duration::from_millis(1500), Duration::MAX);
        let limits = Limits { commands: 7, ..Limits::default() };
        let config = Config::new("imap.test")
            .port(1143)
            .starttls()
            .login("alice", SECRET)
            .mechanism(Mechanism::ScramSha256)
            .tls_backend(TlsBackend::Native)
            .trust_certificate("-----BEGIN CERTIFICATE-----\n")
            .trust_certificate(vec![0x30, 0x03, 1, 2, 3])
            .client_certificate(ClientCertificate::new("chain", SECRET))
            .enable(["CONDSTORE"])
            .ignore_capabilities(["NOTIFY"])
            .id(None)
            .limits(limits.clone())
            .timeouts(timeouts.clone())
            .nodelay(false)
            .auto_idle(false)
            .allow_plaintext_login(true)
            .view_sync(ViewSync::Flags);
        #[cfg(feature = "proxy")]
        let config = config.proxy(crate::Proxy::http("proxy.lan", 3128).login("ann", SECRET));
        let text = serde_json::to_string(&config).unwrap();
        assert!(!text.contains(SECRET) && !text.contains("ann"), "{text}");
        assert!(text.contains(r#""silence":1.5"#) && text.contains(r#""security":"start_tls""#), "{text}");
        let back: Config = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
        assert_eq!((back.get_host(), back.get_port(), back.get_user()), ("imap.test", 1143, Some("alice")));
        assert_eq!((back.get_limits(), back.get_timeouts()), (&limits, &timeouts));
        assert_eq!((back.mechanism, back.tls.backend), (config.mechanism, config.tls.backend));
        assert!(back.tls.client.is_none() && back.get_id().is_none() && back.tls.extra_roots.len() == 2);
        #[cfg(feature = "proxy")]
        assert_eq!(back.get_proxy().map(ToString::to_string).as_deref(), Some("http://proxy.lan:3128"));
    }

    /// Without its mechanism it must not connect as if no login were wanted.
    #[test]
    fn a_mechanism_of_ones_own_has_to_be_given_again() {
        struct Own;
        impl crate::SaslMechanism for Own {
            fn name(&self) -> &str {
                "GSSAPI"
            }
            fn user(&self) -> Option<&str> {
                Some("alice")
            }
            fn begin(
                &self,
                _: &crate::SaslPlace,
            ) -> Result<Box<dyn crate::SaslExchange>, Box<dyn std::error::Error + Send + Sync>> {
                Err("no ticket".into())
            }
        }
        let text = serde_json::to_string(&Config::new("imap.test").sasl(Own)).unwrap();
        let back: Config = serde_json::from_str(&text).unwrap();
        assert_eq!(back.get_user(), Some("alice"));
        assert_eq!((back.get_sasl().count(), back.sasl(Own).get_sasl().next()), (0, Some("GSSAPI")));
    }

    #[test]
    fn what_is_missing_is_as_usual_and_what_is_unknown_an_error() {
        let config: Config = serde_json::from_str(r#"{"host":"imap.test"}"#).unwrap();
        let usual = serde_json::to_string(&Config::new("imap.test")).unwrap();
        assert_eq!(serde_json::to_string(&config).unwrap(), usual);
        for wrong in [
            r#"{"hots":"x"}"#,
            r#"{"host":"x","timeouts":{"silence":-1}}"#,
            r#"{"host":"x","timeouts":{"silense":1}}"#,
            r#"{"host":"x","mechanism":"ROT13"}"#,
            r#"{"host":"x","proxy":"ftp://h"}"#,
            r#"{"host":"x","proxy":"http://h","unix":"/run/imap"}"#,
        ] {
            assert!(serde_json::from_str::<Config>(wrong).is_err(), "{wrong}");
        }
        for login in ["external", "anonymous"] {
            let text = format!(r#"{{"host":"imap.test","login":"{login}"}}"#);
            let config: Config = serde_json::from_str(&text).unwrap();
            assert!(serde_json::to_string(&config).unwrap().contains(login));
        }
    }

    #[tokio::test]
    async fn without_its_password_it_says_what_is_missing() {
        let text = r#"{"host":"127.0.0.1","port":1,"user":"alice","security":"plaintext"}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        let error = config.connect().await.map(drop).expect_err("no password");
        assert_ne!(error.kind(), ErrorKind::Connect, "it is asked for before: {error:#}");
        assert!(format!("{error:#}").contains("give one before connecting"), "{error:#}");
    }
}
