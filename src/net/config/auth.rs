//! Who logs in, and how.
//!
//! In: a user with a password, token or callback. Out: the `Identity` in the `Config`.

use super::Config;
use crate::command::Secret;
use crate::net::auth::{CredentialRequest, Credentials, Identity, Mechanism, OwnMechanism, Provider};

impl Config {
    /// Logs in as this user by a password. Without this, [`token`](Self::token),
    /// [`credentials`](Self::credentials), [`external`](Self::external),
    /// [`anonymous`](Self::anonymous) or [`sasl`](Self::sasl), the server must greet with PREAUTH,
    /// or the user's commands must do without a login. Of the first five of these the last call
    /// counts.
    ///
    /// The [mechanism](Mechanism) is the strongest that the server offers: SCRAM, which does not
    /// send the password, before PLAIN and LOGIN.
    ///
    /// No error, event or trace shows the password. A server may repeat it, for instance by quoting
    /// the line that it refuses: until the login is over, a text of the server that contains the
    /// password or a part of it is dropped whole. A password of up to eight bytes is matched as a
    /// whole word only, since parts of it may occur in any text.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").login("alice", "correct horse");
    /// ```
    pub fn login(mut self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        let credentials = Credentials::password(password);
        self.identity = Some(Identity::Known { user: user.into(), credentials });
        self
    }

    /// Logs in as this user by an access token of OAuth 2.0 (OAUTHBEARER, XOAUTH2), without
    /// `Bearer`. Such tokens expire within the hour as a rule: a program that runs for longer uses
    /// [`credentials`](Self::credentials).
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").token("alice@example.org", "ya29.a0Ad52N3");
    /// ```
    pub fn token(mut self, user: impl Into<String>, token: impl Into<Secret>) -> Self {
        let credentials = Credentials::token(token);
        self.identity = Some(Identity::Known { user: user.into(), credentials });
        self
    }

    /// Logs in as this user by what the callback gives: a password, or a token that is fetched or
    /// refreshed.
    ///
    /// It is asked at each [`connect`](Self::connect), before a connection is made, and once more
    /// if the server refuses what it gave; [`CredentialRequest::reason`] says which. If it then
    /// gives something else, that is used at once, on a new connection if the server has hung up; a
    /// second refusal is final. It is not asked again where the server says that something else is
    /// wrong ([`Remedy::Later`](crate::Remedy::Later), [`Remedy::Setup`](crate::Remedy::Setup)). An
    /// account asks once more only at the first of several refusals in a row.
    ///
    /// It may take as long as [`Timeouts::login`](crate::Timeouts::login) each time. Its error ends
    /// the connect, and is the [source](std::error::Error::source) of that error: it must show no
    /// secret. If it is an [`io::Error`](std::io::Error) of the network, or one is among its
    /// causes, the provider could not be reached, and the remedy is
    /// [`Remedy::Later`](crate::Remedy::Later); else it is
    /// [`Remedy::Credentials`](crate::Remedy::Credentials). Where several connections share
    /// credentials, let one request serve all of them; an [account](crate::account) does so.
    ///
    /// # Cancel safety
    /// The callback's future is dropped with that of [`connect`](Self::connect), at any await
    /// point: a refresh token that is valid once belongs into a task of its own.
    ///
    /// ```
    /// # use imap_duplex::{Config, CredentialReason, Credentials};
    /// # async fn stored(user: &str) -> std::io::Result<String> { Ok(String::new()) }
    /// # async fn refreshed(user: &str) -> std::io::Result<String> { Ok(String::new()) }
    /// let config = Config::new("imap.example.org").credentials("alice@example.org", |request| async move {
    ///     let token = match request.reason() {
    ///         CredentialReason::First => stored(request.user()).await?,
    ///         _ => refreshed(request.user()).await?,
    ///     };
    ///     Ok(Credentials::token(token))
    /// });
    /// ```
    pub fn credentials<F, Fut>(mut self, user: impl Into<String>, callback: F) -> Self
    where
        F: Fn(CredentialRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Credentials, Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        let provider = Provider::new(callback);
        self.identity = Some(Identity::Asked { user: user.into(), provider });
        self
    }

    /// For one more connect after a refusal, for which fresh credentials have been asked for.
    #[cfg(feature = "account")]
    pub(crate) fn without_refresh(&self) -> Self {
        Self { may_refresh: false, ..self.clone() }
    }

    /// Logs in as whom the connection shows otherwise, as a rule by a client certificate: EXTERNAL
    /// (RFC 4422 appendix A). With a user it asks to act as that one.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").external(None);
    /// let config = Config::new("imap.example.org").external("shared-mailbox".to_owned());
    /// ```
    pub fn external(mut self, user: impl Into<Option<String>>) -> Self {
        self.identity = Some(Identity::Elsewhere { user: user.into() });
        self
    }

    /// Logs in without a user: ANONYMOUS (RFC 4505). The text is for the server's log, such as an
    /// address; it may be empty.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").anonymous("guest@example.com");
    /// ```
    pub fn anonymous(mut self, trace: impl Into<String>) -> Self {
        self.identity = Some(Identity::Anonymous { trace: trace.into() });
        self
    }

    /// Logs in by a mechanism of your own, where the server offers it: see
    /// [`SaslMechanism`](crate::SaslMechanism).
    ///
    /// It may be called several times: mechanisms are used in the order of the calls, and before
    /// those of this library, which follow if there is a [`login`](Self::login), a
    /// [`token`](Self::token) or the like as well, and none of yours is offered or can be begun.
    /// Once one has been begun, what comes of it is final. With [`mechanism`](Self::mechanism) none
    /// of yours is used.
    ///
    /// ```
    /// # use imap_duplex::{Config, SaslMechanism};
    /// # fn example(kerberos: impl SaslMechanism) {
    /// // By Kerberos, or by the password where the server has none.
    /// let config = Config::new("imap.example.org").login("alice", "correct horse").sasl(kerberos);
    /// # }
    /// ```
    pub fn sasl(mut self, mechanism: impl Into<OwnMechanism>) -> Self {
        let mechanism = mechanism.into();
        if self.identity.is_none() {
            self.identity = Some(Identity::Own { user: mechanism.user().map(str::to_owned) });
        }
        self.sasl.push(mechanism);
        self
    }

    /// Acts as this user once the one who logs in is in: a SASL authorization identity (RFC 4422
    /// section 3.4.1), for administrators, shared mailboxes and programs that serve many users, as
    /// far as the server allows it. An empty name is none.
    ///
    /// SCRAM, PLAIN, OAUTHBEARER and EXTERNAL can say it; without any of these the login fails
    /// before anything is sent. By OAUTHBEARER the token alone shows who logs in. A mechanism of
    /// your own finds it in [`SaslPlace::act_as`](crate::SaslPlace::act_as). A server that does not
    /// allow it answers with
    /// [`Code::AuthorizationFailed`](crate::types::Code::AuthorizationFailed), or as if the
    /// password were wrong.
    ///
    /// What may be seen then is up to the server. Dovecot with its ACL asks what the one who logged
    /// in may do: nothing, until the owner [grants it](crate::Sender::set_acl), and then by the
    /// next connection; or, with `acl_user = %u` in its configuration, all that the owner may.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").login("admin", "correct horse").act_as("alice");
    /// assert_eq!((config.get_user(), config.get_act_as()), (Some("admin"), Some("alice")));
    /// ```
    #[doc(alias("authzid", "authorization identity"))]
    pub fn act_as(mut self, user: impl Into<String>) -> Self {
        self.act_as = Some(user.into()).filter(|user| !user.is_empty());
        self
    }

    /// Logs in by this mechanism or not at all. Without it the strongest is used that the server
    /// offers, and another one where SCRAM is refused before it has begun in earnest.
    ///
    /// Naming one makes sense where no weaker one may do: anyone who can decrypt the connection can
    /// also make the stronger ones fail. Or where a server offers what does not work: Cyrus 3.6 has
    /// SCRAM with `-PLUS` by TLS 1.3, where it never succeeds, and takes three seconds to say so
    /// before the same without `-PLUS` is used.
    ///
    /// ```
    /// # use imap_duplex::{Config, Mechanism};
    /// let config = Config::new("imap.example.org").login("alice", "correct horse");
    /// let config = config.mechanism(Mechanism::ScramSha256);
    /// ```
    pub fn mechanism(mut self, mechanism: impl Into<Option<Mechanism>>) -> Self {
        self.mechanism = mechanism.into();
        self
    }

    /// Allows passwords and tokens to be sent in clear text to hosts other than this machine.
    /// Anyone on the network path can read them. The messages of SCRAM count as the password: with
    /// them it can be guessed.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("mail.lan").plaintext().allow_plaintext_login(true);
    /// ```
    pub fn allow_plaintext_login(mut self, allowed: bool) -> Self {
        self.allow_plaintext_login = allowed;
        self
    }

    /// The user to log in as; `None` without one.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").login("alice", "secret");
    /// assert_eq!(config.get_user(), Some("alice"));
    /// ```
    #[must_use]
    pub fn get_user(&self) -> Option<&str> {
        self.identity.as_ref().and_then(Identity::user)
    }

    /// Whom the user acts as, if that is another one.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert_eq!(Config::new("imap.example.org").get_act_as(), None);
    /// ```
    #[must_use]
    pub fn get_act_as(&self) -> Option<&str> {
        self.act_as.as_deref()
    }

    /// The mechanism that is used in any case.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert_eq!(Config::new("imap.example.org").get_mechanism(), None);
    /// ```
    #[must_use]
    pub fn get_mechanism(&self) -> Option<Mechanism> {
        self.mechanism
    }

    /// The names of the mechanisms of your own, in the order of their use.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert_eq!(Config::new("imap.example.org").get_sasl().count(), 0);
    /// ```
    pub fn get_sasl(&self) -> impl Iterator<Item = &str> {
        self.sasl.iter().map(OwnMechanism::name)
    }

    /// Whether passwords and tokens may be sent without TLS.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert!(!Config::new("imap.example.org").get_allow_plaintext_login());
    /// ```
    #[must_use]
    pub fn get_allow_plaintext_login(&self) -> bool {
        self.allow_plaintext_login
    }
}
