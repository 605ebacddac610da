//! The mechanisms by name, in the order of their strength.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A SASL mechanism (RFC 4422): how a user proves who they are; for
/// [`Config::mechanism`](crate::Config::mechanism).
///
/// Without one the strongest is used that the server offers and the credentials allow: for a
/// password in the order of this list, for a token OAUTHBEARER before XOAUTH2.
///
/// ```
/// use imap_duplex::Mechanism;
/// let mechanism: Mechanism = "scram-sha-256".parse()?;
/// assert_eq!(mechanism, Mechanism::ScramSha256);
/// assert_eq!(mechanism.to_string(), "SCRAM-SHA-256");
/// # Ok::<(), imap_duplex::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// `SCRAM-SHA-256-PLUS`: as [`ScramSha256`](Self::ScramSha256), bound to the TLS connection, so
    /// that it fails if anyone decrypts on the way (RFC 7677, RFC 9266). By rustls over TLS 1.3
    /// only.
    ScramSha256Plus,
    /// `SCRAM-SHA-1-PLUS`: as [`ScramSha1`](Self::ScramSha1), bound to the TLS connection (RFC
    /// 5802). By rustls over TLS 1.3 only.
    ScramSha1Plus,
    /// `SCRAM-SHA-256`: the password is not sent, and the server proves that it knows it, too (RFC
    /// 7677). The password is hashed as often as the server says, in the task that connects: 4,096
    /// times take about 5 ms in a release build, 600,000 half a second; above 1,000,000 the login
    /// fails.
    ScramSha256,
    /// `SCRAM-SHA-1`: the same with an older hash (RFC 5802).
    ScramSha1,
    /// `PLAIN`: user and password as they are (RFC 4616).
    Plain,
    /// `LOGIN`: user and password as they are, one after the other; or, where the server does not
    /// offer that, the command LOGIN (RFC 9051 section 6.2.3).
    Login,
    /// `OAUTHBEARER`: a token (RFC 7628).
    OauthBearer,
    /// `XOAUTH2`: a token, as Google and Microsoft take it.
    Xoauth2,
    /// `EXTERNAL`: who the user is has been shown otherwise, as a rule by a client certificate (RFC
    /// 4422 appendix A).
    External,
    /// `ANONYMOUS`: no user in particular (RFC 4505).
    Anonymous,
}

/// What a mechanism makes use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Material {
    Password,
    Token,
    /// Something outside of IMAP.
    Elsewhere,
    /// None at all.
    Nothing,
    /// What a mechanism of the user's own has.
    Own,
}

impl Mechanism {
    /// All, the strongest first among those for the same material. What is bound comes before what
    /// is not: a stronger hash does not show who is in between.
    pub(super) const ALL: [Self; 10] = [
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::Plain,
        Self::Login,
        Self::OauthBearer,
        Self::Xoauth2,
        Self::External,
        Self::Anonymous,
    ];

    /// Its registered name: `SCRAM-SHA-256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Xoauth2 => "XOAUTH2",
            Self::External => "EXTERNAL",
            Self::Anonymous => "ANONYMOUS",
        }
    }

    pub(super) fn material(self) -> Material {
        match self {
            Self::ScramSha256Plus
            | Self::ScramSha1Plus
            | Self::ScramSha256
            | Self::ScramSha1
            | Self::Plain
            | Self::Login => Material::Password,
            Self::OauthBearer | Self::Xoauth2 => Material::Token,
            Self::External => Material::Elsewhere,
            Self::Anonymous => Material::Nothing,
        }
    }

    /// Whether it is bound to the TLS connection.
    pub(super) fn is_bound(self) -> bool {
        matches!(self, Self::ScramSha256Plus | Self::ScramSha1Plus)
    }

    pub(super) fn is_scram(self) -> bool {
        self.is_bound() || matches!(self, Self::ScramSha256 | Self::ScramSha1)
    }

    /// Whether its messages can name a user to act as.
    pub(super) fn can_act_as(self) -> bool {
        self.is_scram() || matches!(self, Self::Plain | Self::OauthBearer | Self::External)
    }

    /// The same without the binding.
    pub(super) fn unbound(self) -> Self {
        match self {
            Self::ScramSha256Plus => Self::ScramSha256,
            Self::ScramSha1Plus => Self::ScramSha1,
            other => other,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// By its registered name; case does not matter.
impl FromStr for Mechanism {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            let names = Self::ALL.map(|mechanism| mechanism.name().to_ascii_lowercase());
            Error::invalid("there is no mechanism of this name")
                .advise(format!("one of {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name_and_no_other() {
        for mechanism in Mechanism::ALL {
            assert_eq!(mechanism.name().parse::<Mechanism>().unwrap(), mechanism);
            assert_eq!(mechanism.name().to_lowercase().parse::<Mechanism>().unwrap(), mechanism);
            assert_eq!(mechanism.is_bound(), mechanism.name().ends_with("-PLUS"));
            assert_eq!(mechanism.is_scram(), mechanism.name().starts_with("SCRAM-"));
            assert_eq!(mechanism.unbound().name(), mechanism.name().trim_end_matches("-PLUS"));
        }
        for name in ["", "CRAM-MD5", "PLAIN ", "SCRAM-SHA-512"] {
            assert!(name.parse::<Mechanism>().is_err(), "{name}");
        }
    }
}
