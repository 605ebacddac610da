//! The events and mailboxes that a session watches by NOTIFY (RFC 5465).

use crate::types::MailboxName;
use crate::wire::request::{FetchItem, Notify};

use super::names::DELIMITER;

/// A change of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    New,
    Expunge,
    Flags,
    Annotations,
    Name,
    Subscription,
    /// Annotations of the mailbox.
    MailboxMetadata,
    /// Those of the server, which has no name.
    ServerMetadata,
}

impl Happened {
    /// The event's name in NOTIFY (RFC 5465 section 8).
    fn event(self) -> &'static str {
        match self {
            Self::New => "MESSAGENEW",
            Self::Expunge => "MESSAGEEXPUNGE",
            Self::Flags => "FLAGCHANGE",
            Self::Annotations => "ANNOTATIONCHANGE",
            Self::Name => "MAILBOXNAME",
            Self::Subscription => "SUBSCRIPTIONCHANGE",
            Self::MailboxMetadata => "MAILBOXMETADATACHANGE",
            Self::ServerMetadata => "SERVERMETADATACHANGE",
        }
    }
}

/// All events, and the extensions that those of annotations need.
const EVENTS: [(&str, Option<&str>); 8] = [
    ("MessageNew", None),
    ("MessageExpunge", None),
    ("FlagChange", None),
    ("AnnotationChange", Some("ANNOTATE-EXPERIMENT-1")),
    ("MailboxName", None),
    ("SubscriptionChange", None),
    ("MailboxMetadataChange", Some("METADATA")),
    ("ServerMetadataChange", Some("METADATA")),
];

/// The supported events, as BADEVENT lists them (RFC 5465 section 3.1).
pub(crate) fn events(has: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let supported = EVENTS.iter().filter(|(_, needs)| needs.is_none_or(&has));
    supported.map(|(name, _)| *name).collect()
}

/// The events to report for the selected mailbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct SelectedWatch {
    /// Removals wait for a command (SELECTED-DELAYED).
    pub(crate) delayed: bool,
    /// New messages and removals; without them nothing is reported.
    pub(crate) messages: bool,
    pub(crate) flags: bool,
    pub(crate) annotations: bool,
    /// The items to send for new messages.
    pub(crate) items: Vec<FetchItem>,
}

/// The content of a NOTIFY SET.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    command: Notify,
    pub(crate) selected: SelectedWatch,
}

impl Watch {
    /// `Err`: it requests an event that this server does not support.
    pub(crate) fn new(command: Notify, supported: &[&str]) -> Result<Self, ()> {
        let known = |event: &str| supported.iter().any(|known| known.eq_ignore_ascii_case(event));
        if command.groups.iter().flat_map(|group| &group.events).any(|(event, _)| !known(event)) {
            return Err(());
        }
        let mut selected = SelectedWatch::default();
        if let Some(group) = command.groups.iter().find(|group| group.filter.starts_with("SELECTED")) {
            selected.delayed = group.filter == "SELECTED-DELAYED";
            for (event, items) in &group.events {
                match &**event {
                    "MESSAGENEW" => (selected.messages, selected.items) = (true, items.clone()),
                    "FLAGCHANGE" => selected.flags = true,
                    "ANNOTATIONCHANGE" => selected.annotations = true,
                    _ => {}
                }
            }
        }
        Ok(Self { command, selected })
    }

    /// Whether to send the counts at once.
    pub(crate) fn status(&self) -> bool {
        self.command.status
    }

    /// Whether to report this event of this mailbox, which is not the selected one as far as its
    /// messages go.
    pub(crate) fn wants(
        &self,
        what: Happened,
        name: &MailboxName,
        subscribed: impl Fn(&MailboxName) -> bool,
    ) -> bool {
        let below = |of: &MailboxName| {
            let rest = name.as_str().strip_prefix(of.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(DELIMITER))
        };
        self.command.groups.iter().any(|group| {
            let holds = match group.filter {
                _ if what == Happened::ServerMetadata => true,
                "PERSONAL" => true,
                // Only INBOX receives deliveries.
                "INBOXES" => name.is_inbox(),
                "SUBSCRIBED" => subscribed(name),
                "SUBTREE" => group.names.iter().any(below),
                "MAILBOXES" => group.names.contains(name),
                _ => false,
            };
            holds && group.events.iter().any(|(event, _)| event == what.event())
        })
    }
}
