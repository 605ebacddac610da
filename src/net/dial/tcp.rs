//! TCP: from a host's name to a connected socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;

use crate::error::{Error, ErrorKind, Result};
use crate::net::Config;
#[cfg(feature = "proxy")]
use crate::net::config::Proxy;
use crate::net::config::Security;

/// How long an address has before the next one is tried beside it (RFC 8305 section 5, Connection
/// Attempt Delay).
const HEAD_START: Duration = Duration::from_millis(250);

/// What systems take for the time before TCP keep-alive begins; Linux takes no more seconds than 15
/// bits hold.
const MIN_KEEP_ALIVE: Duration = Duration::from_secs(1);
const MAX_KEEP_ALIVE: Duration = Duration::from_secs(0x7fff);

/// What to connect to, and its name in errors.
pub(super) struct Target<'a> {
    host: &'a str,
    port: u16,
    /// `the proxy …`, or nothing.
    what: String,
    hint: &'static str,
}

impl<'a> Target<'a> {
    /// The server itself.
    pub(super) fn server(config: &'a Config) -> Self {
        let hint = match config.security {
            Security::Tls => "is it the server's port? TLS from the first byte has 993 as a rule",
            _ => "is it the server's port? Without TLS from the first byte it is 143 as a rule",
        };
        Self { host: config.host_name(), port: config.port_number(), what: String::new(), hint }
    }

    /// The proxy that is to reach it.
    #[cfg(feature = "proxy")]
    pub(super) fn proxy(proxy: &'a Proxy) -> Self {
        let host = proxy.host.trim_start_matches('[').trim_end_matches(']');
        Self {
            host,
            port: proxy.port,
            what: "the proxy ".into(),
            hint: "does the proxy run, and is it its port?",
        }
    }

    fn refused(&self, failure: Option<(SocketAddr, io::Error)>) -> Error {
        let Self { host, port, what, hint } = self;
        let Some((address, e)) = failure else {
            return Error::new(ErrorKind::Resolve, format!("the host {host} has no address"));
        };
        let why = match e.kind() {
            io::ErrorKind::ConnectionRefused => ": refused, nothing listens there",
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => ": there is no way to it",
            _ => "",
        };
        let at =
            if address.ip().to_string() == *host { String::new() } else { format!(" ({})", address.ip()) };
        let message = format!("no connection to {what}{host} port {port}{at}{why}");
        Error::new(ErrorKind::Connect, message).advise(*hint).because(e)
    }
}

/// Connects to the host's addresses, each a little after the one before, until one answers: if the
/// network drops packets to one address family, that costs a moment, not the whole timeout (RFC
/// 8305). The look-up of the name has a limit of its own.
pub(super) async fn connect(target: &Target<'_>, config: &Config, limit: Duration) -> Result<TcpStream> {
    let looking_up = async { Ok(lookup_host((target.host, target.port)).await?.collect()) };
    let addresses = resolve(target.host, config.timeouts.resolve, looking_up).await?;
    let Target { host, port, what, .. } = target;
    let dialing = async { race(in_turns(addresses)).await.map_err(|failure| target.refused(failure)) };
    let stream = tokio::time::timeout(limit, dialing).await.map_err(|_| {
        let message = format!("no connection to {what}{host} port {port} within {limit:?}: no answer");
        Error::new(ErrorKind::Timeout, message).advise("is the port right, and does no firewall swallow it?")
    })??;
    tune(&stream, config).map_err(|e| {
        Error::new(ErrorKind::Connect, format!("the socket to {host} can't be set up")).because(e)
    })?;
    let address = stream.peer_addr().ok().map(tracing::field::display);
    tracing::info!(target: "imap_duplex", host, port, address, "connected");
    Ok(stream)
}

/// The host's addresses, by this look-up.
async fn resolve(
    host: &str,
    limit: Duration,
    looking_up: impl Future<Output = io::Result<Vec<SocketAddr>>>,
) -> Result<Vec<SocketAddr>> {
    let looked_up = tokio::time::timeout(limit, looking_up).await.map_err(|_| {
        let message = format!("the name of the host {host} was not looked up within {limit:?}: no answer");
        Error::new(ErrorKind::Timeout, message).advise("is there a network, and does its name server answer?")
    })?;
    looked_up
        .map_err(|e| Error::new(ErrorKind::Resolve, format!("the host {host} can't be found")).because(e))
}

/// The families of addresses by turns, beginning with the one that the system has put first (RFC
/// 8305 section 4).
fn in_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv4() == first_is_v4);
    let mut second = second.into_iter();
    let mut turns: Vec<_> = first.into_iter().flat_map(|a| [Some(a), second.next()]).flatten().collect();
    turns.extend(second);
    turns
}

/// The first connection that succeeds; else the last failure. Dropping the future ends the other
/// attempts.
async fn race(addresses: Vec<SocketAddr>) -> Result<TcpStream, Option<(SocketAddr, io::Error)>> {
    let mut waiting = addresses.into_iter();
    let mut dialing = JoinSet::new();
    let mut failed = None;
    loop {
        if let Some(address) = waiting.next() {
            dialing.spawn(async move { TcpStream::connect(address).await.map_err(|e| (address, e)) });
        }
        let more = waiting.len() > 0;
        let answered = match tokio::time::timeout(HEAD_START, dialing.join_next()).await {
            Ok(answered) => answered,
            Err(_) if more => continue,
            Err(_) => dialing.join_next().await,
        };
        match answered {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(e))) => failed = Some(e),
            // Its task was ended from outside, with the runtime.
            Some(Err(_)) => {}
            None if more => {}
            None => return Err(failed),
        }
    }
}

fn tune(stream: &TcpStream, config: &Config) -> io::Result<()> {
    stream.set_nodelay(config.nodelay)?;
    let keep_alive = config.timeouts.keep_alive;
    if keep_alive.is_zero() {
        return Ok(());
    }
    let time = keep_alive.clamp(MIN_KEEP_ALIVE, MAX_KEEP_ALIVE);
    // No TCP_USER_TIMEOUT: it would also end connections to servers that are there and do not read
    // for a while, and bytes that are not acknowledged are those of a command in flight, for which
    // there is `Timeouts::silence`.
    SockRef::from(stream).set_tcp_keepalive(&probing(TcpKeepalive::new().with_time(time), time))
}

/// How many unanswered probes the system waits for before the peer counts as dead.
const PROBES: u32 = 3;

/// The pause between two probes: a third of the silence before the first, so that a dead peer is
/// detected after twice that silence, whatever the system's own figures are (Linux: nine probes, 75
/// s apart).
fn probe_interval(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() / u64::from(PROBES)).max(MIN_KEEP_ALIVE)
}

/// Where the system takes interval and number of the probes.
#[cfg(any(
    target_os = "android",
    target_os = "freebsd",
    target_os = "ios",
    target_os = "linux",
    target_os = "macos",
    target_os = "netbsd",
    target_os = "windows",
))]
fn probing(keep_alive: TcpKeepalive, time: Duration) -> TcpKeepalive {
    keep_alive.with_interval(probe_interval(time)).with_retries(PROBES)
}

#[cfg(not(any(
    target_os = "android",
    target_os = "freebsd",
    target_os = "ios",
    target_os = "linux",
    target_os = "macos",
    target_os = "netbsd",
    target_os = "windows",
)))]
fn probing(keep_alive: TcpKeepalive, _: Duration) -> TcpKeepalive {
    keep_alive
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn families_take_turns_and_the_systems_choice_comes_first() {
        let of =
            |texts: &[&str]| -> Vec<SocketAddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let (a, b, c) = ("[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1");
        assert_eq!(in_turns(of(&[a, b, c, "192.0.2.1:1"])), of(&[a, "192.0.2.1:1", b, c]));
        assert_eq!(in_turns(of(&["192.0.2.1:1", a, b])), of(&["192.0.2.1:1", a, b]));
        assert_eq!(in_turns(Vec::new()), Vec::new());
    }

    #[tokio::test]
    async fn what_refuses_costs_no_time_and_all_failures_end() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let there = listener.local_addr().unwrap();
        let closed = {
            let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            gone.local_addr().unwrap()
        };
        let stream = race(vec![closed, closed, there]).await.expect("one of them is there");
        assert_eq!(stream.peer_addr().unwrap(), there);
        let (address, error) = race(vec![closed, closed]).await.expect_err("none is there").expect("tried");
        assert_eq!((address, error.kind()), (closed, io::ErrorKind::ConnectionRefused));
        assert!(race(Vec::new()).await.expect_err("none at all").is_none());
    }

    #[tokio::test]
    async fn any_time_will_do_for_keep_alive() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let there = listener.local_addr().unwrap();
        for keep_alive in
            [Duration::ZERO, Duration::from_millis(1), Duration::from_secs(40_000), Duration::MAX]
        {
            let mut config = Config::new("127.0.0.1").port(there.port()).plaintext();
            config.timeouts.keep_alive = keep_alive;
            let stream = connect(&Target::server(&config), &config, config.timeouts.dial)
                .await
                .unwrap_or_else(|e| panic!("{keep_alive:?}: {e}"));
            assert_eq!(SockRef::from(&stream).keepalive().unwrap(), !keep_alive.is_zero(), "{keep_alive:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_peer_that_is_gone_is_noticed_after_twice_the_silence() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let there = listener.local_addr().unwrap();
        for (keep_alive, time, interval, gone) in [
            (None, 60, 20, 120),
            (Some(30), 30, 10, 60),
            (Some(1), 1, 1, 4),
            (Some(99_999), 0x7fff, 10_922, 65_533),
        ] {
            let mut config = Config::new("127.0.0.1").port(there.port()).plaintext();
            if let Some(seconds) = keep_alive {
                config.timeouts.keep_alive = Duration::from_secs(seconds);
            }
            let stream = connect(&Target::server(&config), &config, config.timeouts.dial).await.unwrap();
            let socket = SockRef::from(&stream);
            assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(time));
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(interval));
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), PROBES);
            assert_eq!(u64::from(PROBES) * interval + time, gone, "the figure that the docs name");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_up_that_hangs_is_given_up_and_named() {
        let second = Duration::from_secs(1);
        let hanging = resolve("imap.example.org", second, std::future::pending());
        let error = hanging.await.expect_err("it hangs");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let text = error.to_string();
        assert!(text.contains("name of the host imap.example.org") && text.contains("within 1s"), "{text}");
        let failing = resolve("imap.example.org", second, async { Err(io::ErrorKind::NotFound.into()) });
        assert_eq!(failing.await.expect_err("it fails").kind(), ErrorKind::Resolve);
    }

    #[tokio::test]
    async fn commands_go_out_at_once_unless_they_may_wait() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for nodelay in [true, false] {
            let config = Config::new("127.0.0.1").port(port).plaintext().nodelay(nodelay);
            let stream = connect(&Target::server(&config), &config, config.timeouts.dial).await.unwrap();
            assert_eq!(stream.nodelay().unwrap(), nodelay);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_swallows_all_is_overtaken() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let there = listener.local_addr().unwrap();
        // A listener whose queue is full answers nothing: a socket that is bound and listens for
        // none.
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        full.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        full.listen(0).unwrap();
        let silent = full.local_addr().unwrap().as_socket().unwrap();
        let mut fill = Vec::new();
        while let Ok(Ok(stream)) =
            tokio::time::timeout(Duration::from_millis(50), TcpStream::connect(silent)).await
        {
            fill.push(stream);
            assert!(fill.len() < 1000, "its queue is never full");
        }
        let stream = race(vec![silent, there]).await.expect("the other one");
        assert_eq!(stream.peer_addr().unwrap(), there);
    }
}
