//! Connections to PostgreSQL, by TLS where the server offers it; its certificate is checked then.
//!
//! In: the set-up. Out: a pool, and single connections for what no other statement may hold up.

use std::path::Path;
use std::sync::Arc;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::FleetConfig;
use crate::error::{Error, Result};
use crate::stream::REQUEST;

/// Where the database is, and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Connector {
    address: tokio_postgres::Config,
    tls: MakeRustlsConnect,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Connector {
    /// That of this set-up.
    ///
    /// # Errors
    /// If its address or the certificates can't be read.
    pub(crate) fn new(config: &FleetConfig) -> Result<Self> {
        let mut address: tokio_postgres::Config = config.database.parse().map_err(|_| {
            // The text may have a password in it.
            Error::invalid(
                "database is no address of PostgreSQL: postgres://USER@HOST/DATABASE, perhaps with \
                 ?sslmode=disable, prefer or require",
            )
        })?;
        address.connect_timeout(REQUEST).application_name(&config.name);
        // A peer that is gone without a word ends a statement, rather than holding it for hours.
        address.tcp_user_timeout(config.ttl()).keepalives_idle(config.ttl());
        let tls = MakeRustlsConnect::new(tls(config.database_ca.as_deref())?);
        Ok(Self { address, tls })
    }

    /// A connection of its own.
    ///
    /// # Errors
    /// If the database can't be reached, or its certificate is not trusted.
    pub(crate) async fn connect(&self) -> Result<Client> {
        let (client, connection) = self.address.connect(self.tls.clone()).await?;
        // It ends with the client.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the database has ended");
            }
        });
        Ok(client)
    }

    /// Connections for all else.
    pub(crate) fn pool(&self, config: &FleetConfig) -> Result<Pool> {
        let manager = Manager::from_config(
            self.address.clone(),
            self.tls.clone(),
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        Pool::builder(manager)
            .max_size(config.database_connections)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .wait_timeout(Some(config.ttl()))
            .create_timeout(Some(REQUEST))
            .recycle_timeout(Some(REQUEST))
            .build()
            .map_err(|error| Error::invalid(error.to_string()))
    }
}

fn tls(authorities: Option<&Path>) -> Result<ClientConfig> {
    // The provider of the whole tree; none is installed for the process by a library.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let failed = |error: rustls::Error| Error::invalid(format!("TLS to PostgreSQL: {error}"));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let Some(path) = authorities else {
        return Ok(builder.with_platform_verifier().map_err(failed)?.with_no_client_auth());
    };
    let wrong = |why: String| Error::invalid(format!("database_ca {}: {why}", path.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("no certificate is in it".into()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
