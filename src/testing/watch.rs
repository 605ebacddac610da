//! What a session has asked to be told of by NOTIFY (RFC 5465): of which mailboxes which events.

use crate::types::MailboxName;
use crate::wire::request::{FetchItem, Notify};

use super::names::DELIMITER;

/// What happened to a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    New,
    Expunge,
    Flags,
    Name,
    Subscription,
}

impl Happened {
    /// The event's name in NOTIFY (RFC 5465 section 8).
    fn event(self) -> &'static str {
        match self {
            Self::New => "MESSAGENEW",
            Self::Expunge => "MESSAGEEXPUNGE",
            Self::Flags => "FLAGCHANGE",
            Self::Name => "MAILBOXNAME",
            Self::Subscription => "SUBSCRIPTIONCHANGE",
        }
    }
}

/// The events that can be told, as BADEVENT lists them (RFC 5465 section 3.1).
pub(crate) const EVENTS: [&str; 5] =
    ["MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange"];

/// What is to be told of the selected mailbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct SelectedWatch {
    /// Removals wait for a command (SELECTED-DELAYED).
    pub(crate) delayed: bool,
    /// New messages and removals; without them nothing is told.
    pub(crate) messages: bool,
    pub(crate) flags: bool,
    /// What is told of new messages.
    pub(crate) items: Vec<FetchItem>,
}

/// All that a NOTIFY SET asked for.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    asked: Notify,
    pub(crate) selected: SelectedWatch,
}

impl Watch {
    /// `Err`: it asks for an event that this server does not know.
    pub(crate) fn new(asked: Notify) -> Result<Self, ()> {
        let known = |event: &str| EVENTS.iter().any(|known| known.eq_ignore_ascii_case(event));
        if asked.groups.iter().flat_map(|group| &group.events).any(|(event, _)| !known(event)) {
            return Err(());
        }
        let mut selected = SelectedWatch::default();
        if let Some(group) = asked.groups.iter().find(|group| group.filter.starts_with("SELECTED")) {
            selected.delayed = group.filter == "SELECTED-DELAYED";
            for (event, items) in &group.events {
                match &**event {
                    "MESSAGENEW" => (selected.messages, selected.items) = (true, items.clone()),
                    "FLAGCHANGE" => selected.flags = true,
                    _ => {}
                }
            }
        }
        Ok(Self { asked, selected })
    }

    /// Whether the counts are to be told at once.
    pub(crate) fn status(&self) -> bool {
        self.asked.status
    }

    /// Whether this event of this mailbox, which is not the selected one, is to be told.
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
        self.asked.groups.iter().any(|group| {
            let holds = match group.filter {
                "PERSONAL" => true,
                // Only INBOX is delivered to.
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
