//! The sending half: commands about the session.
//!
//! In: arguments. Out: a token at once; the command is submitted by `submit`.

use super::{Sender, Token};
use crate::command::{Capability, Id, Login, Logout, Noop, Secret, Unauthenticate};

impl Sender {
    /// Does nothing, but gives the server an occasion to report changes: `NOOP` (RFC 9051 section
    /// 6.1.2).
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.noop().await?; // all earlier responses are in the event stream now
    /// # Ok(())
    /// # }
    /// ```
    pub fn noop(&self) -> Token<Noop> {
        self.submit(Noop)
    }

    /// Asks whether the server is still there: a NOOP that ends the connection, with
    /// [`CloseReason::Timeout`](crate::types::CloseReason::Timeout), if nothing comes from the
    /// server for [`Timeouts::check`](crate::Timeouts::check) while any answer is due. Any bytes
    /// count: a download that goes on slowly does not end the connection.
    ///
    /// Call it when the network has changed, or when the machine wakes from sleep: a connection may
    /// be dead then, and an idle one would notice within
    /// [`Timeouts::idle_renew`](crate::Timeouts::idle_renew) and
    /// [`silence`](crate::Timeouts::silence) only. Await the token, or detach it: dropped
    /// at once, it withdraws the NOOP. On a connection whose reader is slow the time counts from
    /// when the socket is read again.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.check().await?; // it is there, or this and all other tokens fail within 10 s
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(&self) -> Token<Noop> {
        let token = self.submit(Noop);
        self.handle().check.begin();
        self.shared().wake_driver();
        token
    }

    /// Asks the server for its capabilities: `CAPABILITY` (RFC 9051 section 6.1.1).
    /// [`capabilities`](Sender::capabilities) has the last report, without asking.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let capabilities = imap.capability().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn capability(&self) -> Token<Capability> {
        self.submit(Capability)
    }

    /// Names this client to the server, and asks for the server's name: `ID` (RFC 2971).
    ///
    /// ```no_run
    /// # use imap_duplex::command::Id;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let server = imap.id(Id::nothing().field("name", "my program")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn id(&self, who: Id) -> Token<Id> {
        self.submit(who)
    }

    /// Logs out, and keeps the connection for another login: `UNAUTHENTICATE` (RFC 8437). Needs
    /// UNAUTHENTICATE.
    ///
    /// It waits until nothing is in flight. Behind its OK the session is as it was before the
    /// login: the connection is not compressed, the selection has ended, and with it all that is
    /// submitted through its [`Mailbox`](super::Mailbox); extensions that were enabled are so no
    /// more, NOTIFY is forgotten, the capabilities are unknown unless the server has reported them
    /// since. Commands that need a login are refused, unsent, until [`login`](Sender::login) has
    /// succeeded.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.unauthenticate().await?;
    /// imap.login("bob", "correct horse").await?;
    /// imap.capability().await?; // what the server can do for bob
    /// imap.enable(["CONDSTORE"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unauthenticate(&self) -> Token<Unauthenticate> {
        self.submit(Unauthenticate)
    }

    /// Logs in on a connection on which no user is logged in: `LOGIN` (RFC 9051 section 6.2.3). As
    /// a rule [`Config::login`](crate::Config::login) does so while connecting, by the best
    /// mechanism that the server has; this is for another user behind
    /// [`unauthenticate`](Sender::unauthenticate).
    ///
    /// Behind it ask for the [`capabilities`](Sender::capability), and [`enable`](Sender::enable)
    /// what you use: neither is done by itself.
    ///
    /// The token fails, unsent, with [`Insecure`](crate::ErrorKind::Insecure) where the password
    /// would go in clear text over a network, or the server takes none (LOGINDISABLED).
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.unauthenticate().await?;
    /// imap.login("bob", "correct horse").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn login(&self, user: impl Into<String>, password: impl Into<Secret>) -> Token<Login> {
        self.submit(Login::new(user, password))
    }

    /// Compresses the connection from here on: `COMPRESS DEFLATE` (RFC 4978). As a rule
    /// [`Config::compress`](crate::Config::compress) does so while connecting. Needs
    /// COMPRESS=DEFLATE.
    ///
    /// It waits until nothing is in flight, and what is submitted behind it is sent compressed. On
    /// a connection that is compressed already it fails, unsent.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.compress().await?; // a large download follows
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "compress")]
    #[cfg_attr(docsrs, doc(cfg(feature = "compress")))]
    pub fn compress(&self) -> Token<crate::command::Compress> {
        self.submit(crate::command::Compress)
    }

    /// Ends the session: `LOGOUT` (RFC 9051 section 6.1.3). It keeps its place in the order of
    /// commands and waits for none of their answers. What is submitted after it is not sent, and
    /// fails when the connection ends.
    ///
    /// ```no_run
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.logout().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn logout(&self) -> Token<Logout> {
        self.submit(Logout)
    }
}
