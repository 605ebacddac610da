//! What has to come back. In: what a command brought. Out: what the row shows of it; and the
//! verdict that it has failed where a server says OK and sends nothing, or not what was asked for.

use imap_duplex::types::{Message, Uid};

use crate::checks::count;
use crate::scratch::Scratch;

impl Scratch {
    /// What is shown, if it came.
    pub(crate) fn needs(&mut self, came: Option<impl ToString>, what: &str) -> String {
        match came {
            Some(came) => came.to_string(),
            None => self.fail(format!("the server says OK, and sends no {what}")),
        }
    }

    /// The words for a list, if something is in it.
    pub(crate) fn needs_some(&mut self, number: usize, words: String, what: &str) -> String {
        self.needs((number > 0).then_some(words), what)
    }

    /// How many messages these are, among which are to be those of the scratch mailbox.
    pub(crate) fn needs_messages(&mut self, came: impl IntoIterator<Item = Uid>) -> String {
        self.needs_in_order(came, false)
    }

    /// The same, in the order of the scratch mailbox.
    pub(crate) fn needs_sorted(&mut self, came: impl IntoIterator<Item = Uid>) -> String {
        self.needs_in_order(came, true)
    }

    /// A server can name more messages than fit into the memory.
    fn needs_in_order(&mut self, came: impl IntoIterator<Item = Uid>, sorted: bool) -> String {
        let (mut number, mut own) = (0_u64, Vec::new());
        for uid in came {
            number += 1;
            if self.uids.contains(&uid) && !own.contains(&uid) {
                own.push(uid);
            }
        }
        let messages = count(number, "message", "messages");
        if let Some(lost) = self.uids.iter().find(|uid| !own.contains(uid)) {
            return self
                .fail(format!("the server says OK, with {messages}, and UID {lost} is not among them"));
        }
        if sorted && own != self.uids {
            let order: Vec<_> = own.iter().map(Uid::to_string).collect();
            return self.fail(format!("the UIDs come in the order {}", order.join(", ")));
        }
        messages
    }

    /// A number of messages, as many as there are at least.
    pub(crate) fn needs_number(&mut self, came: Option<impl Into<u64>>) -> String {
        let least = self.uids.len() as u64;
        match came.map(Into::into) {
            Some(came) if came < least => self.fail(format!("the server counts {came}, where {least} are")),
            came => {
                let words = came.map(|came| count(came, "message", "messages"));
                self.needs(words, "number of messages")
            }
        }
    }

    /// How many rows these are, of which each message of the scratch mailbox is to have one with
    /// all that was asked for.
    pub(crate) fn needs_rows(&mut self, rows: &[Message], has_all: impl Fn(&Message) -> bool) -> String {
        let of = |uid: &Uid| rows.iter().find(|row| row.uid() == Some(*uid));
        match self.uids.iter().find(|uid| !of(uid).is_some_and(&has_all)) {
            None => count(rows.len(), "row", "rows"),
            Some(lost) => {
                self.fail(format!("the server says OK, and does not send what was asked for of UID {lost}"))
            }
        }
    }
}
