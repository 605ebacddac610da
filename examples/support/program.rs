//! How an example begins and ends: its arguments, its runtime, ctrl-c, and one line if something is
//! wrong.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use imap_duplex::Sender;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::Registry;

use super::failure::Failure;

/// Who sees what the library logs.
pub(crate) type Observers = Vec<Box<dyn Layer<Registry> + Send + Sync>>;

/// How long to wait for the server's answer to LOGOUT.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Runs `body` with the command line's arguments. A failure is one line on the standard error,
/// after `name`.
pub(crate) fn run<A: Parser>(name: &str, body: impl AsyncFnOnce(A) -> Result<(), Failure>) -> ExitCode {
    run_observed(name, Vec::new(), body)
}

/// The same with these observers of what the library logs.
pub(crate) fn run_observed<A: Parser>(
    name: &str,
    observers: Observers,
    body: impl AsyncFnOnce(A) -> Result<(), Failure>,
) -> ExitCode {
    let print = |failure: &Failure| {
        // Without a receiver the result is not needed.
        let _ = writeln!(io::stderr(), "{name}: {failure}");
        ExitCode::FAILURE
    };
    let args = match A::try_parse() {
        Ok(args) => args,
        Err(e) if e.use_stderr() => return print(&usage(&e)),
        Err(help) => {
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => return print(&Failure::new(format!("the asynchronous runtime can't be started: {e}"))),
    };
    let result = runtime.block_on(async {
        log(observers)?;
        body(args).await
    });
    // A write to a reader that has stopped reading would keep it for ever.
    runtime.shutdown_background();
    match result {
        Err(failure) if !failure.is_quiet() => print(&failure),
        _ => ExitCode::SUCCESS,
    }
}

/// What is wrong with the command line, in one line, and without a URL: there may be a password in
/// it.
fn usage(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let what = if first.contains("://") { "there is a URL where none is expected" } else { first };
    Failure::new(what.strip_prefix("error: ").unwrap_or(what)).hint("--help tells more")
}

/// Reads an argument that is a number of seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let number: Option<f64> = text.parse().ok();
    let time = number.and_then(|number| Duration::try_from_secs_f64(number).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| "a number of seconds is wanted, such as 2.5".into())
}

/// Resolves at ctrl-c, when the system asks to end, or after this time if one is given.
pub(crate) async fn end(after: Option<Duration>) {
    let time = async {
        match after {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = interrupted() => {}
        () = time => {}
    }
}

/// Logs out, if the server answers in time.
pub(crate) async fn log_out(imap: &Sender) -> Result<(), Failure> {
    match tokio::time::timeout(PATIENCE, imap.logout()).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Failure::new(format!("the server did not answer LOGOUT within {PATIENCE:?}"))),
    }
}

/// Resolves at ctrl-c, or when the system asks to end.
async fn interrupted() {
    #[cfg(unix)]
    let asked = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut asked) => asked.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let asked = std::future::pending::<Option<()>>();
    let pressed = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        _ = asked => {}
        () = pressed => {}
    }
}

/// Logs to the standard error what RUST_LOG asks for, and to the observers.
fn log(mut observers: Observers) -> Result<(), Failure> {
    if let Ok(wanted) = env::var("RUST_LOG") {
        let targets: Targets = wanted.parse().map_err(|e| {
            Failure::new(format!("RUST_LOG: {e}")).hint("for example RUST_LOG=imap_duplex=debug")
        })?;
        let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        observers.push(layer.with_filter(targets).boxed());
    }
    if !observers.is_empty() {
        tracing_subscriber::registry().with(observers).init();
    }
    Ok(())
}
