//! Through a proxy: SOCKS 5 (RFC 1928) by tokio-socks, or HTTP's CONNECT (RFC 9110 section 9.3.6).
//!
//! The proxy connects to the server, so that all of that counts for one limit, `Timeouts::dial`.
//! What a proxy says is not trusted: its head is bounded, and nothing of it is shown that has the
//! password in it.

use std::io;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_socks::tcp::Socks5Stream;
use zeroize::Zeroizing;

use super::tcp::{self, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::net::Config;
use crate::net::config::{Proxy, ProxyKind};

/// The longest head of an answer to CONNECT.
const MAX_HEAD: usize = 16 << 10;
const PASSWORD: &str = "give the user and the password that the proxy wants";

/// A byte stream to the server, by this proxy.
pub(super) async fn connect(config: &Config, proxy: &Proxy) -> Result<TcpStream> {
    let (begun, limit) = (Instant::now(), config.timeouts.dial);
    let stream = tcp::connect(&Target::proxy(proxy), config, limit).await?;
    let left = limit.saturating_sub(begun.elapsed());
    let asking = async {
        match proxy.kind {
            ProxyKind::Socks5 => socks(config, proxy, stream).await,
            ProxyKind::Http => http(config, proxy, stream).await,
        }
    };
    let stream = tokio::time::timeout(left, asking).await.map_err(|_| {
        let message = format!("the proxy {proxy} has not connected to {} within {limit:?}", config.whom());
        Error::new(ErrorKind::Timeout, message).advise("is it a proxy, and does it reach the server?")
    })??;
    tracing::info!(target: "imap_duplex", server = config.whom(), "the proxy has connected");
    Ok(stream)
}

async fn socks(config: &Config, proxy: &Proxy, stream: TcpStream) -> Result<TcpStream> {
    use tokio_socks::Error as E;
    let server = (config.host_name(), config.port_number());
    let asked = match &proxy.login {
        Some((user, password)) => {
            Socks5Stream::connect_with_password_and_socket(stream, server, user, password.expose()).await
        }
        None => Socks5Stream::connect_with_socket(stream, server).await,
    };
    asked.map(Socks5Stream::into_inner).map_err(|e| {
        let error = match &e {
            E::Io(cause) => return failed(proxy, io::Error::new(cause.kind(), cause.to_string())),
            E::InvalidAuthValues(what) => {
                return Error::invalid(format!(
                    "user or password of the proxy {proxy} can't be sent: {what}"
                ));
            }
            E::AuthorizationRequired | E::NoAcceptableAuthMethods | E::UnknownAuthMethod => {
                refused(proxy, "takes none of the ways to identify oneself that there are", config)
                    .advise(PASSWORD)
            }
            E::PasswordAuthFailure(_) => {
                refused(proxy, "does not accept user and password", config).advise(PASSWORD)
            }
            E::InvalidResponseVersion | E::InvalidReservedByte | E::UnknownAddressType => {
                refused(proxy, "does not speak SOCKS 5", config).advise("is it the proxy's port?")
            }
            _ => refused(proxy, "can't connect", config)
                .advise("are host and port right, and does the proxy allow this port?"),
        };
        error.because(e)
    })
}

async fn http(config: &Config, proxy: &Proxy, mut stream: TcpStream) -> Result<TcpStream> {
    let (host, port) = (config.host_name(), config.port_number());
    if !host.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid("a proxy takes no host whose name is not ASCII")
            .advise("write it in its ASCII form: xn--…"));
    }
    let server = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut basic = Zeroizing::new(String::new());
    if let Some((user, password)) = &proxy.login {
        if user.contains(':') {
            return Err(Error::invalid("a user of an HTTP proxy has no colon in the name (RFC 7617)"));
        }
        let both = Zeroizing::new([user, ":", password.expose()].concat());
        *basic = BASE64.encode(both.as_bytes());
    }
    // In one piece: a buffer that grows leaves copies behind.
    let mut head = Zeroizing::new(String::with_capacity(2 * server.len() + basic.len() + 128));
    for piece in ["CONNECT ", &server, " HTTP/1.1\r\nHost: ", &server, "\r\n"] {
        head.push_str(piece);
    }
    if !basic.is_empty() {
        for piece in ["Proxy-Authorization: Basic ", &basic, "\r\n"] {
            head.push_str(piece);
        }
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.map_err(|e| failed(proxy, e))?;
    let answer = read_head(&mut stream).await.map_err(|e| failed(proxy, e))?;
    let Some((code, reason)) = status(&answer) else {
        return Err(refused(proxy, "does not speak HTTP", config).advise("is it the proxy's port?"));
    };
    match code {
        200..=299 => Ok(stream),
        407 if proxy.login.is_some() => {
            Err(refused(proxy, "does not accept user and password (407)", config).advise(PASSWORD))
        }
        407 => Err(refused(proxy, "asks for a user and a password (407)", config).advise(PASSWORD)),
        _ => {
            let mut what = format!("answers {code}");
            let repeats = |secret: &str| !secret.is_empty() && reason.contains(secret);
            let secret = proxy.login.as_ref().map_or("", |(_, password)| password.expose());
            if !reason.is_empty() && !repeats(secret) && !repeats(&basic) {
                what = format!("{what} {}", reason.chars().take(80).collect::<String>());
            }
            Err(refused(proxy, &what, config)
                .advise("are host and port right, and does the proxy allow this port?"))
        }
    }
}

/// The head of an answer, up to its empty line, and not a byte more: behind it the server speaks.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && !head.ends_with(b"\n\n") {
        if head.len() >= MAX_HEAD {
            return Err(io::Error::other("the head of its answer is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(head)
}

/// Code and reason of `HTTP/1.1 200 Connection established`.
fn status(head: &[u8]) -> Option<(u16, String)> {
    let line = head.split(|&byte| byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let mut words = line.trim_end().splitn(3, ' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    let code = words.next().filter(|code| code.len() == 3)?.parse().ok()?;
    Some((code, words.next().unwrap_or_default().to_owned()))
}

fn refused(proxy: &Proxy, what: &str, config: &Config) -> Error {
    let message = format!("no connection to {}: the proxy {proxy} {what}", config.whom());
    Error::new(ErrorKind::Connect, message)
}

fn failed(proxy: &Proxy, error: io::Error) -> Error {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "hung up before it had connected",
        _ => "failed before it had connected",
    };
    Error::new(ErrorKind::Connect, format!("the proxy {proxy} {what}"))
        .advise("is it a proxy, and does it allow this port?")
        .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_an_answer_has_the_code() {
        let of = |head: &str| status(head.as_bytes());
        assert_eq!(
            of("HTTP/1.1 200 Connection established\r\n\r\n"),
            Some((200, "Connection established".into()))
        );
        assert_eq!(of("HTTP/1.0 200\r\n\r\n"), Some((200, String::new())));
        for head in
            ["", "* OK ready\r\n", "HTTP/2 200 x\r\n", "HTTP/1.1\r\n", "HTTP/1.1 2000 x", "HTTP/1.1 abc x"]
        {
            assert_eq!(of(head), None, "{head:?}");
        }
    }
}
