//! Builds an [`Envelope`].

use super::envelope::{BCC, CC, Envelope, FROM, LISTS, REPLY_TO, SENDER, TO};
use super::text_arena::Writer;

/// Builds an [`Envelope`], for tests and for servers.
#[derive(Clone, Debug, Default)]
pub struct EnvelopeBuilder {
    date: Option<String>,
    subject: Option<String>,
    lists: [Writer; LISTS],
    in_reply_to: Option<String>,
    message_id: Option<String>,
}

impl EnvelopeBuilder {
    /// An envelope with no fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the text of its `Date:` field.
    #[must_use]
    pub fn date(mut self, date: impl Into<String>) -> Self {
        self.date = Some(date.into());
        self
    }

    /// Sets its subject.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Adds an author: name, and the parts before and after the `@`. An empty name is none.
    #[must_use]
    pub fn from(self, name: &str, mailbox: &str, host: &str) -> Self {
        self.address(FROM, name, mailbox, host)
    }

    /// Adds a sender.
    #[must_use]
    pub fn sender(self, name: &str, mailbox: &str, host: &str) -> Self {
        self.address(SENDER, name, mailbox, host)
    }

    /// Adds an address for replies.
    #[must_use]
    pub fn reply_to(self, name: &str, mailbox: &str, host: &str) -> Self {
        self.address(REPLY_TO, name, mailbox, host)
    }

    /// Adds a recipient.
    #[must_use]
    pub fn to(self, name: &str, mailbox: &str, host: &str) -> Self {
        self.address(TO, name, mailbox, host)
    }

    /// Adds a recipient of a copy.
    #[must_use]
    pub fn cc(self, name: &str, mailbox: &str, host: &str) -> Self {
        self.address(CC, name, mailbox, host)
    }

    /// Adds a recipient of a blind copy.
    #[must_use]
    pub fn bcc(self, name: &str, mailbox: &str, host: &str) -> Self {
        self.address(BCC, name, mailbox, host)
    }

    /// Sets the Message-ID of the message it replies to, with its angle brackets.
    #[must_use]
    pub fn in_reply_to(mut self, id: impl Into<String>) -> Self {
        self.in_reply_to = Some(id.into());
        self
    }

    /// Sets its own Message-ID, with its angle brackets.
    #[must_use]
    pub fn message_id(mut self, id: impl Into<String>) -> Self {
        self.message_id = Some(id.into());
        self
    }

    /// The envelope.
    #[must_use]
    pub fn build(self) -> Envelope {
        let mut writer = Writer::default();
        writer.string(self.date.as_deref().map(str::as_bytes));
        writer.string(self.subject.as_deref().map(str::as_bytes));
        for list in self.lists {
            writer.append(&list.finish());
            writer.mark(0);
        }
        writer.string(self.in_reply_to.as_deref().map(str::as_bytes));
        writer.string(self.message_id.as_deref().map(str::as_bytes));
        Envelope::from_packed(writer.finish())
    }

    fn address(mut self, list: usize, name: &str, mailbox: &str, host: &str) -> Self {
        let filled = |text: &'_ str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
        if let Some(list) = self.lists.get_mut(list) {
            list.mark(1);
            for text in [name, mailbox, host] {
                list.string(filled(text).as_deref());
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::Addresses;
    use super::*;

    #[test]
    fn each_field_is_found_behind_the_others() {
        let envelope = EnvelopeBuilder::new()
            .date("Mon, 1 Jan 2024 10:00:00 +0100")
            .subject("Lunch")
            .from("Ann", "ann", "example.org")
            .to("", "bob", "example.org")
            .to("Carl", "carl", "example.net")
            .bcc("", "dora", "example.org")
            .in_reply_to("<1@example.org>")
            .message_id("<2@example.org>")
            .build();
        assert_eq!(envelope.date().as_deref(), Some("Mon, 1 Jan 2024 10:00:00 +0100"));
        assert_eq!(envelope.subject().as_deref(), Some("Lunch"));
        let text = |list: Addresses<'_>| list.map(|a| a.to_string()).collect::<Vec<_>>();
        assert_eq!(text(envelope.from()), ["Ann <ann@example.org>"]);
        assert_eq!(text(envelope.to()), ["bob@example.org", "Carl <carl@example.net>"]);
        assert!(text(envelope.sender()).is_empty() && text(envelope.cc()).is_empty());
        assert_eq!(text(envelope.bcc()), ["dora@example.org"]);
        assert_eq!(envelope.in_reply_to().as_deref(), Some("<1@example.org>"));
        assert_eq!(envelope.message_id().as_deref(), Some("<2@example.org>"));
    }

    #[test]
    fn groups_name_their_members() {
        let envelope = EnvelopeBuilder::new()
            .to("", "friends", "")
            .to("", "ann", "example.org")
            .to("", "", "")
            .to("", "bob", "example.org")
            .to("", "undisclosed-recipients", "")
            .to("", "", "")
            .build();
        let all: Vec<_> = envelope.to().collect();
        assert_eq!(all.len(), 4);
        assert!(all[0].is_group() && all[0].group().as_deref() == Some("friends"));
        assert!(!all[1].is_group() && all[1].group().as_deref() == Some("friends"));
        assert!(!all[2].is_group() && all[2].group().is_none());
        assert!(all[3].is_group() && all[3].to_string() == "undisclosed-recipients:");
    }
}
