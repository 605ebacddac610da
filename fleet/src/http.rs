//! The page of a worker, its health, its figures.
//!
//! ```text
//!   /         one page, made for looking        /healthz   200 while the worker may publish
//!   /stream   the overview, once a second       /metrics   figures for Prometheus
//! ```
//!
//! In: the database. Out: HTTP, without anything from outside.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use deadpool_postgres::Pool;
use futures::Stream;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::overview::Overview;

/// How often the page is brought up to date.
const REFRESH: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Site {
    pool: Pool,
    figures: Option<PrometheusHandle>,
    stop: CancellationToken,
}

/// Serves the page until `stop` is cancelled. Returns the address at once; the rest goes on in a
/// task.
///
/// # Errors
/// If the address can't be listened on.
pub async fn serve(
    address: SocketAddr,
    pool: Pool,
    figures: Option<PrometheusHandle>,
    stop: CancellationToken,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).await.map_err(Error::io(address.to_string()))?;
    let local = listener.local_addr().map_err(Error::io(address.to_string()))?;
    let site = Site { pool, figures, stop: stop.clone() };
    let router = Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .route("/stream", get(stream))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics))
        .with_state(site);
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::warn!(%error, "the page is not served any more");
        }
    });
    Ok(local)
}

async fn stream(State(site): State<Site>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let overviews = futures::stream::unfold((site, false), |(site, waits)| async move {
        if waits {
            tokio::select! {
                () = site.stop.cancelled() => return None,
                () = tokio::time::sleep(REFRESH) => {}
            }
        }
        let event = match Overview::read(&site.pool).await {
            Ok(overview) => Event::default().data(serde_json::to_string(&overview).unwrap_or_default()),
            Err(error) => {
                Event::default().event("problem").data(error.to_string().replace(['\r', '\n'], " "))
            }
        };
        Some((Ok(event), (site, true)))
    });
    Sse::new(overviews).keep_alive(KeepAlive::default())
}

async fn health(State(site): State<Site>) -> Response {
    match site.pool.get().await {
        Ok(client) if client.simple_query("select 1").await.is_ok() => {
            (StatusCode::OK, "ok\n").into_response()
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, "PostgreSQL does not answer\n").into_response(),
    }
}

async fn metrics(State(site): State<Site>) -> Response {
    match &site.figures {
        Some(figures) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], figures.render()).into_response()
        }
        None => (StatusCode::NOT_FOUND, "this process collects no figures\n").into_response(),
    }
}
