//! SRV records of IMAP (RFC 6186, RFC 8314), by hickory-resolver.
//!
//! In: a name server, a domain. Out: candidates; or that the domain offers no IMAP; or that it has
//! no records.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::SocketAddr;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData};
use hickory_resolver::{Resolver, TokioResolver};

use super::order::{Weighted, in_order};
use super::{Candidate, unknown};
use crate::error::{Error, ErrorKind, Result};

/// No domain has more servers than this.
const MAX_RECORDS: usize = 32;

/// What a domain says of a service.
enum Service {
    /// Nothing.
    Unsaid,
    /// That it has none: the target is the root (RFC 2782).
    None,
    /// Hosts and ports, in order.
    At(Vec<(String, u16)>),
}

pub(super) async fn candidates(
    server: Option<SocketAddr>,
    address: &str,
    domain: &str,
) -> Result<Vec<Candidate>> {
    let resolver = resolver(server).map_err(|error| failed(domain, error))?;
    let (tls, starttls) =
        tokio::join!(service(&resolver, "_imaps", domain), service(&resolver, "_imap", domain));
    let (tls, starttls) = (tls?, starttls?);
    let is_said = matches!((&tls, &starttls), (Service::None, _) | (_, Service::None));
    let mut candidates = Vec::new();
    for (found, tls) in [(tls, true), (starttls, false)] {
        let Service::At(hosts) = found else { continue };
        let of = |(host, port): (String, u16)| Candidate::new(&host, port, tls, address.to_owned(), domain);
        candidates.extend(hosts.into_iter().map(of));
    }
    match (candidates.is_empty(), is_said) {
        (false, _) => Ok(candidates),
        (true, true) => Err(unknown(format!("{domain} says by its SRV records that it has no IMAP"))),
        (true, false) => Err(unknown(format!("no SRV record says where the mail of {domain} is"))),
    }
}

fn resolver(
    server: Option<SocketAddr>,
) -> std::result::Result<TokioResolver, hickory_resolver::net::NetError> {
    let Some(server) = server else { return Resolver::builder_tokio()?.build() };
    let at = |mut connection: ConnectionConfig| {
        connection.port = server.port();
        connection
    };
    let connections = vec![at(ConnectionConfig::udp()), at(ConnectionConfig::tcp())];
    let servers = vec![NameServerConfig::new(server.ip(), true, connections)];
    let config = ResolverConfig::from_name_servers(servers);
    Resolver::builder_with_config(config, TokioRuntimeProvider::default()).build()
}

async fn service(resolver: &TokioResolver, service: &str, domain: &str) -> Result<Service> {
    let wrong = || Error::invalid(format!("{domain:?} is no name of a domain"));
    let mut name =
        Name::from_utf8(format!("{service}._tcp.{domain}")).map_err(|error| wrong().because(error))?;
    // As it is: no domain of the system's own is put behind it.
    name.set_fqdn(true);
    let found = match resolver.srv_lookup(name).await {
        Ok(found) => found,
        Err(error) if error.is_no_records_found() => return Ok(Service::Unsaid),
        Err(error) => return Err(failed(domain, error)),
    };
    let records: Vec<&SRV> = found
        .answers()
        .iter()
        .filter_map(|record| match &record.data {
            RData::SRV(srv) => Some(srv),
            _ => None,
        })
        .take(MAX_RECORDS)
        .collect();
    if !records.is_empty() && records.iter().all(|srv| srv.target.is_root()) {
        return Ok(Service::None);
    }
    let usable = records.into_iter().filter(|srv| !srv.target.is_root() && srv.port != 0);
    let weighted = usable.map(|srv| Weighted {
        priority: srv.priority,
        weight: srv.weight,
        what: (srv.target.to_ascii(), srv.port),
    });
    Ok(Service::At(in_order(weighted.collect(), draw)))
}

fn draw(sum: u32) -> u32 {
    // A hasher's key is random: the only numbers that std draws.
    let random = RandomState::new().hash_one(sum);
    u32::try_from(random % (u64::from(sum) + 1)).unwrap_or_default()
}

fn failed(domain: &str, error: hickory_resolver::net::NetError) -> Error {
    Error::new(ErrorKind::Resolve, format!("the SRV records of {domain} can't be looked up")).because(error)
}
