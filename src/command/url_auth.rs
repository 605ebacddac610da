//! URLAUTH: URLs by which others can read a message, and what is behind such URLs (RFC 4467, RFC
//! 5524).

use super::{Claim, Class, Command, Flow, Line, Secret, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, MailboxName, Untagged, UrlData};

fn check(session: &Session) -> Result<()> {
    if session.can("URLAUTH") {
        Ok(())
    } else {
        Err(Error::unsupported("the server makes no URLs for others to read (URLAUTH)"))
    }
}

/// `GENURLAUTH` (RFC 4467 section 7): gives a URL for each of these, by which who has it can read
/// the message. Needs URLAUTH.
#[derive(Clone, Debug)]
#[must_use]
pub struct GenUrlAuth(Vec<String>);

impl GenUrlAuth {
    /// For these URLs, each with `;URLAUTH=` and who may use it, by the mechanism `INTERNAL`.
    ///
    /// ```no_run
    /// # use imap_duplex::command::GenUrlAuth;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let rump = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred";
    /// let urls = imap.submit(GenUrlAuth::new([rump])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new<S: Into<String>>(urls: impl IntoIterator<Item = S>) -> Self {
        Self(urls.into_iter().map(Into::into).collect())
    }
}

impl Command for GenUrlAuth {
    type Item = Vec<String>;
    /// The URLs, in the order of the arguments. Each is as good as a password.
    type Output = Vec<Secret>;

    fn name(&self) -> &str {
        "GENURLAUTH"
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["GENURLAUTH"])
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session)?;
        if self.0.is_empty() {
            return Err(Error::invalid("there is no URL to authorize"));
        }
        line.word("GENURLAUTH");
        for url in &self.0 {
            line.string(url).word("INTERNAL");
        }
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        if matches!(response.answer(), Answer::GenUrlAuth(_)) { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<Vec<String>> {
        match response.into_answer() {
            Answer::GenUrlAuth(urls) => Some(urls),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Vec<String>>) -> Result<Vec<Secret>> {
        Ok(items.into_iter().flatten().map(Secret::from).collect())
    }
}

/// `URLFETCH` (RFC 4467 section 7): gives what is behind URLs. Needs URLAUTH.
#[derive(Clone, Debug)]
#[must_use]
pub struct UrlFetch {
    urls: Vec<Secret>,
    decoded: bool,
    structure: bool,
}

impl UrlFetch {
    /// What is behind these URLs of GENURLAUTH.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Secret, UrlFetch};
    /// # async fn example(imap: &imap_duplex::Sender, url: Secret) -> imap_duplex::Result<()> {
    /// for found in imap.submit(UrlFetch::new([url])).await? {
    ///     println!("{:?} bytes", found.data.map(|data| data.len()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn new<S: Into<Secret>>(urls: impl IntoIterator<Item = S>) -> Self {
        let urls = urls.into_iter().map(Into::into).collect();
        Self { urls, decoded: false, structure: false }
    }

    /// Decoded from base64 and the like by the server (RFC 5524 section 3). Needs URLAUTH=BINARY.
    ///
    /// ```
    /// # use imap_duplex::command::UrlFetch;
    /// # fn example(url: imap_duplex::command::Secret) -> UrlFetch {
    /// UrlFetch::new([url]).decoded()
    /// # }
    /// ```
    #[doc(alias = "BINARY")]
    pub fn decoded(mut self) -> Self {
        self.decoded = true;
        self
    }

    /// With the body structure of each part, as `BODYPARTSTRUCTURE` in
    /// [`UrlData::other`](crate::types::UrlData::other) (RFC 5524 section 3). Needs
    /// URLAUTH=BINARY.
    ///
    /// ```
    /// # use imap_duplex::command::UrlFetch;
    /// # fn example(url: imap_duplex::command::Secret) -> UrlFetch {
    /// UrlFetch::new([url]).decoded().with_structure()
    /// # }
    /// ```
    #[doc(alias = "BODYPARTSTRUCTURE")]
    pub fn with_structure(mut self) -> Self {
        self.structure = true;
        self
    }
}

impl Command for UrlFetch {
    type Item = Vec<UrlData>;
    /// What is behind each of them; without data where a URL is not valid, or no longer.
    type Output = Vec<UrlData>;

    fn name(&self) -> &str {
        "URLFETCH"
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["URLFETCH"])
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session)?;
        if self.urls.is_empty() {
            return Err(Error::invalid("there is no URL to fetch"));
        }
        let is_extended = self.decoded || self.structure;
        if is_extended && !session.can("URLAUTH=BINARY") {
            let why = "the server gives what is behind URLs as it is stored (it lacks URLAUTH=BINARY)";
            return Err(Error::unsupported(why));
        }
        line.word("URLFETCH");
        for url in &self.urls {
            if is_extended {
                line.open();
            }
            line.secret(url.expose().as_bytes());
            if self.structure {
                line.word("BODYPARTSTRUCTURE");
            }
            if is_extended {
                line.word(if self.decoded { "BINARY" } else { "BODY" }).close();
            }
        }
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        if matches!(response.answer(), Answer::UrlFetch(_)) { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<Vec<UrlData>> {
        match response.into_answer() {
            Answer::UrlFetch(found) => Some(found),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Vec<UrlData>>) -> Result<Vec<UrlData>> {
        Ok(items.into_iter().flatten().collect())
    }
}

/// `RESETKEY` (RFC 4467 section 7): takes the validity of all URLs of a mailbox, or of all
/// mailboxes. Needs URLAUTH.
#[derive(Clone, Debug)]
#[must_use]
pub struct ResetKey(Option<MailboxName>);

impl ResetKey {
    /// The URLs of this mailbox.
    ///
    /// ```no_run
    /// # use imap_duplex::command::ResetKey;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(ResetKey::of("INBOX")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn of(mailbox: impl Into<MailboxName>) -> Self {
        Self(Some(mailbox.into()))
    }

    /// The URLs of all mailboxes.
    ///
    /// ```no_run
    /// # use imap_duplex::command::ResetKey;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.submit(ResetKey::of_all()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_all() -> Self {
        Self(None)
    }
}

impl Command for ResetKey {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "RESETKEY"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        self.0.as_ref()
    }

    fn class(&self) -> Class {
        Class::change()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        check(session)?;
        line.word("RESETKEY");
        if let Some(mailbox) = &self.0 {
            line.mailbox(mailbox);
        }
        Ok(Flow::Last)
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}
