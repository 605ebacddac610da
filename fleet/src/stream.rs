//! The stream of events in JetStream: made where it is missing, checked where it is there, read.
//!
//! In: a NATS server, the set-up of the fleet. Out: the last event of a subject, and all of them as
//! they come.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::Context;
use async_nats::jetstream::stream::{Config, DiscardPolicy, LastRawMessageErrorKind, StorageType, Stream};
use async_nats::jetstream::{self, Message};
use async_nats::{ConnectOptions, header};
use futures::StreamExt as _;

use crate::config::FleetConfig;
use crate::error::{Error, Result, with_causes};
use crate::event::Event;

/// How long a request to NATS may take.
pub(crate) const REQUEST: Duration = Duration::from_secs(5);

/// The stream of the fleet's events.
#[derive(Clone, Debug)]
pub struct EventStream {
    context: Context,
    stream: Stream,
    prefix: String,
}

impl EventStream {
    /// Connects to NATS, and makes the stream if it is missing.
    ///
    /// # Errors
    /// If NATS can't be reached, has no JetStream, or has the stream with a shorter memory of
    /// identities than the set-up asks for.
    pub async fn open(config: &FleetConfig) -> Result<Self> {
        let mut options = ConnectOptions::new();
        if let Some(authorities) = &config.nats_ca {
            options = options.add_root_certificates(authorities.clone());
        }
        let client = options
            .name(config.name.as_str())
            .connection_timeout(REQUEST)
            .max_reconnects(None)
            .reconnect_delay_callback(|attempts| Duration::from_millis((50 << attempts.min(6)) as u64))
            .connect(config.nats.as_str())
            .await
            .map_err(|error| {
                let (address, causes) = (without_password(&config.nats), with_causes(&error));
                Error::nats(format!("{address}: {causes}"))
            })?;
        let context = jetstream::context::ContextBuilder::new().timeout(REQUEST).build(client);
        let wanted = Config {
            name: config.stream.clone(),
            subjects: vec![format!("{}.>", config.prefix)],
            // A full stream refuses new events, which wait in their mailboxes; the other way would
            // drop events that no one has read.
            discard: DiscardPolicy::New,
            storage: StorageType::File,
            duplicate_window: Duration::from_secs(config.duplicate_window),
            max_age: Duration::from_secs(config.max_age),
            ..Config::default()
        };
        let mut stream = context.get_or_create_stream(wanted).await.map_err(Error::nats)?;
        let found = stream.info().await.map_err(Error::nats)?.config.duplicate_window;
        if found.as_secs() < config.duplicate_window {
            return Err(Error::invalid(format!(
                "the stream {} remembers identities for {} s, and this set-up needs {} s: change the \
                 stream's duplicate window, or duplicate_window",
                config.stream,
                found.as_secs(),
                config.duplicate_window
            )));
        }
        Ok(Self { context, stream, prefix: config.prefix.clone() })
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Sequence and identity of the last event of a subject.
    pub(crate) async fn last(&self, subject: &str) -> Result<Option<(u64, Option<String>)>> {
        match self.stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => {
                let id = message.headers.get(header::NATS_MESSAGE_ID).map(ToString::to_string);
                Ok(Some((message.sequence, id)))
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(Error::nats(error)),
        }
    }

    /// The events from now on, or all that there are and those that follow.
    ///
    /// # Errors
    /// If NATS refuses the consumer.
    pub async fn tail(&self, from_start: bool) -> Result<Tail> {
        let deliver_policy = if from_start { DeliverPolicy::All } else { DeliverPolicy::New };
        let config = pull::OrderedConfig { deliver_policy, ..pull::OrderedConfig::default() };
        let consumer = self.stream.create_consumer(config).await.map_err(Error::nats)?;
        Ok(Tail { messages: Box::pin(consumer.messages().await.map_err(Error::nats)?) })
    }

    /// A durable consumer of this name, made where it is missing: it gets each event until it has
    /// acknowledged it.
    ///
    /// # Errors
    /// If NATS refuses it.
    pub async fn durable(&self, name: &str) -> Result<pull::Stream> {
        let config = pull::Config {
            durable_name: Some(name.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 20_000,
            ..pull::Config::default()
        };
        let consumer = self.stream.get_or_create_consumer(name, config).await.map_err(Error::nats)?;
        consumer.messages().await.map_err(Error::nats)
    }
}

/// The address of a NATS server as it may be shown.
fn without_password(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            format!("{scheme}://{host}")
        }
        None => url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned(),
    }
}

/// Events as they come; from [`EventStream::tail`].
pub struct Tail {
    messages: futures::stream::BoxStream<'static, Result<Message, pull::OrderedError>>,
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tail")
    }
}

impl Tail {
    /// The next event, with its place in the stream. Cancel-safe.
    ///
    /// # Errors
    /// If the consumer has ended, or what is in the stream is no event of this version.
    pub async fn next(&mut self) -> Result<(u64, Event)> {
        let message = self.messages.next().await.ok_or_else(|| Error::nats("the consumer has ended"))?;
        read(&message.map_err(Error::nats)?)
    }
}

/// Sequence and event of a message.
pub(crate) fn read(message: &Message) -> Result<(u64, Event)> {
    let sequence = message.info().map_err(Error::nats)?.stream_sequence;
    let event = serde_json::from_slice(&message.payload).map_err(|error| {
        Error::invalid(format!("message {sequence} of the stream is no event of this version: {error}"))
    })?;
    Ok((sequence, event))
}
