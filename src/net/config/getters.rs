//! What a `Config` has been set to: for programs that show it, or that derive one from another. The
//! password has no getter.

use super::{Config, Timeouts};
use crate::command::Id;
use crate::types::{Limits, ViewSync};

impl Config {
    /// The host, as it was given.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert_eq!(Config::new("imap.example.org").get_host(), "imap.example.org");
    /// ```
    #[must_use]
    pub fn get_host(&self) -> &str {
        &self.host
    }

    /// The port to connect to: as set, else 993 for implicit TLS and 143 otherwise.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert_eq!(Config::new("imap.example.org").get_port(), 993);
    /// assert_eq!(Config::new("imap.example.org").starttls().get_port(), 143);
    /// assert_eq!(Config::new("imap.example.org").port(1993).get_port(), 1993);
    /// ```
    #[must_use]
    pub fn get_port(&self) -> u16 {
        self.port_number()
    }

    /// The extensions that are enabled after login, where the server offers them.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").enable(["UIDONLY"]);
    /// assert_eq!(config.get_enable(), ["UIDONLY"]);
    /// ```
    #[must_use]
    pub fn get_enable(&self) -> &[String] {
        &self.enable
    }

    /// The capabilities that are taken for missing, whatever the server says.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").ignore_capabilities(["NOTIFY"]);
    /// assert_eq!(config.get_ignore_capabilities(), ["NOTIFY"]);
    /// ```
    #[must_use]
    pub fn get_ignore_capabilities(&self) -> &[String] {
        &self.ignored
    }

    /// What the client says of itself after login; `None` if it sends no ID.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert!(Config::new("imap.example.org").id(None).get_id().is_none());
    /// ```
    #[must_use]
    pub fn get_id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// The bounds of the connection.
    ///
    /// ```
    /// # use imap_duplex::{Config, types::Limits};
    /// assert_eq!(*Config::new("imap.example.org").get_limits(), Limits::default());
    /// ```
    #[must_use]
    pub fn get_limits(&self) -> &Limits {
        &self.limits
    }

    /// How long to wait for what.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// # use std::time::Duration;
    /// let config = Config::new("imap.example.org");
    /// assert_eq!(config.get_timeouts().silence, Duration::from_secs(120));
    /// ```
    #[must_use]
    pub fn get_timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// How much of the messages of each selected mailbox the client fetches by itself.
    ///
    /// ```
    /// # use imap_duplex::{Config, types::ViewSync};
    /// assert_eq!(Config::new("imap.example.org").get_view_sync(), ViewSync::Uids);
    /// ```
    #[must_use]
    pub fn get_view_sync(&self) -> ViewSync {
        self.view_sync
    }

    /// Whether the connection idles by itself while there is nothing to do.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert!(Config::new("imap.example.org").get_auto_idle());
    /// ```
    #[must_use]
    pub fn get_auto_idle(&self) -> bool {
        self.auto_idle
    }
}
