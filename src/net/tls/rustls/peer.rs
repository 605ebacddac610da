//! What a certificate says of itself, for an error: whose it is, who issued it, until when it is
//! valid.
//!
//! In: DER bytes of a server that is not trusted. Out: one line, of bounded length.

use std::fmt;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::der::{DateTime, Decode};
use x509_cert::time::Time;

/// How many characters of a name are shown.
const MAX_NAME: usize = 120;

/// Whose certificate it is.
pub(super) struct Peer {
    subject: String,
    issuer: String,
    from: String,
    until: String,
}

impl Peer {
    /// Reads it; nothing if it can't be read.
    pub(super) fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let read = Certificate::from_der(der).ok()?.tbs_certificate;
        let day = |time: Time| day(time.to_unix_duration());
        Some(Self {
            subject: short(&read.subject.to_string()),
            issuer: short(&read.issuer.to_string()),
            from: day(read.validity.not_before),
            until: day(read.validity.not_after),
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, issuer, from, until } = self;
        write!(f, "it is that of {subject}, issued by {issuer}, valid from {from} to {until}")
    }
}

/// The names that a certificate is for, as rustls gives them: `DnsName("mail.example.org")`.
pub(super) fn names(presented: &[String]) -> String {
    let bare = |name: &String| name.split('"').nth(1).map_or_else(|| name.clone(), str::to_owned);
    short(&presented.iter().map(bare).collect::<Vec<_>>().join(", "))
}

/// The day of this point in time: `2026-11-29`.
pub(super) fn date(time: UnixTime) -> String {
    day(Duration::from_secs(time.as_secs()))
}

fn day(since_1970: Duration) -> String {
    DateTime::from_unix_duration(since_1970).map_or_else(
        |_| "an unknown day".to_owned(),
        |time| format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.day()),
    )
}

fn short(text: &str) -> String {
    if text.is_empty() {
        return "no name".to_owned();
    }
    match text.char_indices().nth(MAX_NAME) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
