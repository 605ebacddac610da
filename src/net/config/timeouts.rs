//! How long to wait for what.

use std::time::Duration;

/// How long to wait for what.
///
/// ```
/// use std::time::Duration;
/// use imap_duplex::Timeouts;
/// let mut timeouts = Timeouts::default();
/// timeouts.silence = Duration::from_secs(30);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the host's name, or the proxy's, to be looked up. 30 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub resolve: Duration,
    /// For the TCP connection, over all addresses of the host; through a proxy until it has
    /// connected. 30 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub dial: Duration,
    /// For TLS to be agreed on. 30 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub tls: Duration,
    /// For the server's greeting. 30 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub greeting: Duration,
    /// From the greeting to the end of login, ENABLE and ID, and again after fresh
    /// [credentials](super::Config::credentials); also for each time that these are asked for. 60
    /// s.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub login: Duration,
    /// How long the server may send nothing at all while a command is in flight, and how long the
    /// source of a [streamed upload](crate::command::Append#streamed-uploads) may give nothing. 2
    /// min.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub silence: Duration,
    /// How long the server may send nothing after [`Sender::check`](crate::Sender::check), or after
    /// the machine has been asleep ([`suspend`](Self::suspend)). 10 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub check: Duration,
    /// How often the driver looks at the clocks, for whether the machine has been asleep; zero:
    /// never. 15 s.
    ///
    /// If it has (the wall clock has got more than 10 s ahead of the timers, or the look itself
    /// comes more than 10 s late), the server is asked at once, by a NOOP, and the connection ends
    /// if nothing comes for [`check`](Self::check). So a connection that died meanwhile is found
    /// out within 25 s of waking, in IDLE too, and within 10 s by a command that is submitted. A
    /// wall clock that is set forward costs a NOOP.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub suspend: Duration,
    /// How long nothing must have been to do before the connection idles by itself. 100 ms: an
    /// eager IDLE would cost a caller that sends one command after the other a round trip for each.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub idle_delay: Duration,
    /// How long one IDLE may last until it is renewed. 10 min; servers may hang up after 30 (RFC
    /// 9051 section 5.4).
    ///
    /// This bounds for how long a connection can be dead in IDLE unnoticed: `idle_renew` and
    /// [`silence`](Self::silence) together, 12 min by default, whatever it runs over; on TCP
    /// [`keep_alive`](Self::keep_alive) finds it out within 2 min, and after a sleep of the machine
    /// [`suspend`](Self::suspend) within 25 s. For less, renew more often.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub idle_renew: Duration,
    /// How often NOOP polls for changes where IDLE is unavailable, with a mailbox selected or
    /// without. 60 s.
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub poll_every: Duration,
    /// TCP keep-alive: how long the line may be silent before the system looks whether the other
    /// end is still there. Between a second and nine hours; zero: it does not look. 60 s.
    ///
    /// The system sends three probes, a third of this time apart, so that a dead peer is detected
    /// after twice this time: 120 s by default, in IDLE too. (While a command is in flight,
    /// [`silence`](Self::silence) applies as well.) On systems without settings for interval and
    /// number of the probes (OpenBSD and others) it may take longer. It applies to connections that
    /// the library dials itself, not to those of [`connect_over`](super::Config::connect_over).
    #[cfg_attr(feature = "serde", serde(with = "crate::types::seconds"))]
    pub keep_alive: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            resolve: s(30),
            dial: s(30),
            tls: s(30),
            greeting: s(30),
            login: s(60),
            silence: s(120),
            check: s(10),
            suspend: s(15),
            idle_delay: Duration::from_millis(100),
            idle_renew: s(600),
            poll_every: s(60),
            keep_alive: s(60),
        }
    }
}
