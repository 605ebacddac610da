//! Which server it is, and the way to it.

use std::net::IpAddr;

use super::{Config, Security};
use crate::error::{Error, Result};

impl Config {
    pub(crate) fn port_number(&self) -> u16 {
        self.port.unwrap_or(if self.security == Security::Tls { 993 } else { 143 })
    }

    /// The host as it is dialled and as certificates name it: an IPv6 address may be given in
    /// brackets.
    pub(crate) fn host_name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Refuses what is no host, before it is looked up in vain. It may be a URL with a password in
    /// it, so that no more of it is repeated than a host and a port.
    pub(crate) fn check_host(&self) -> Result<()> {
        let given = self.host.as_str();
        if self.host_name().parse::<IpAddr>().is_ok() {
            return Ok(());
        }
        let is_url = given.contains("://");
        if !is_url
            && !given.is_empty()
            && !given.contains([':', '/', '@', '[', ']'])
            && !given.contains(char::is_whitespace)
        {
            return Ok(());
        }
        let server = given.rsplit('@').next().unwrap_or_default();
        let server = server.split_once("://").map_or(server, |(_, rest)| rest);
        let server = server.split(['/', '?', '#']).next().unwrap_or_default();
        let (name, port) =
            match (server.strip_prefix('[').and_then(|s| s.split_once("]:")), server.rsplit_once(':')) {
                (Some((name, port)), _) => (name, port.parse::<u16>().ok()),
                (None, Some((name, port))) if !name.contains(':') => (name, port.parse::<u16>().ok()),
                _ => (server, None),
            };
        let what = match (given.is_empty(), is_url, port) {
            (true, ..) => "no host is named",
            (_, true, _) => "a URL is no host: its name or address alone is wanted",
            (_, _, Some(_)) => "the host has a port in it: name and port are set apart",
            _ => "this is no host: a name or an address is wanted",
        };
        let error = Error::invalid(what);
        let is_address = name.parse::<IpAddr>().is_ok();
        let plain = |c: char| is_address || c.is_alphanumeric() || ".-_".contains(c);
        // A part of a password may look like a host as well, where a URL is cut in the wrong place.
        let sure = given.contains('@') || !server.contains(':') || port.is_some();
        Err(match port {
            _ if name.is_empty() || !sure || !name.chars().all(plain) => error,
            Some(port) => error.advise(format!("write Config::new({name:?}).port({port})")),
            None => error.advise(format!("write Config::new({name:?})")),
        })
    }

    /// Whether the host is this very machine, by its name or address.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host_name();
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}
