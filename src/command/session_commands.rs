//! Commands of one keyword or nearly: NOOP, CAPABILITY, LOGOUT, ENABLE, ID, CLOSE, UNSELECT, IDLE.

use super::{Claim, Class, Command, Effect, Flow, Line, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Capabilities, Code, Done, Untagged};

/// Commands of one keyword without a result.
macro_rules! one_word {
    ($($(#[$doc:meta])* $name:ident, $word:literal, $class:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[must_use]
        pub struct $name;

        impl Command for $name {
            type Item = ();
            type Output = ();

            fn name(&self) -> &str {
                $word
            }

            fn class(&self) -> Class {
                $class
            }

            fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
                line.word($word);
                Ok(Flow::Last)
            }

            fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
                Ok(())
            }
        }
    )*};
}

one_word! {
    /// `NOOP`: does nothing, but the server may report changes (RFC 9051 section 6.1.2).
    Noop, "NOOP", Class::query().ours();
    /// `LOGOUT`: ends the session; the connection closes after it (RFC 9051 section 6.1.3).
    Logout, "LOGOUT", Class::change().with_effect(Effect::Logout);
    /// `CLOSE`: removes all messages that have `\Deleted`, without reporting which, and ends the
    /// selection (RFC 9051 section 6.4.1).
    Close, "CLOSE", Class::change().in_mailbox().with_effect(Effect::Deselect);
    /// `IDLE` by hand: the server reports changes as they happen, until the command is cancelled,
    /// another one is submitted, or the server ends it (RFC 2177). Useful only where automatic IDLE
    /// is off.
    Idle, "IDLE", Class::query().with_effect(Effect::Idle);
}

/// `UNSELECT`: ends the selection and leaves all messages (RFC 9051 section 6.4.2). Needs UNSELECT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Unselect;

impl Command for Unselect {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "UNSELECT"
    }

    fn class(&self) -> Class {
        Class::change().in_mailbox().with_effect(Effect::Deselect)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("UNSELECT") {
            return Err(Error::unsupported(
                "the server has no UNSELECT (RFC 3691), and CLOSE would remove messages",
            ));
        }
        line.word("UNSELECT");
        Ok(Flow::Last)
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

/// `CAPABILITY`: what the server can do (RFC 9051 section 6.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Capability;

impl Command for Capability {
    type Item = Capabilities;
    type Output = Capabilities;

    fn name(&self) -> &str {
        "CAPABILITY"
    }

    fn class(&self) -> Class {
        Class::query().answered_by_kinds(ResponseKinds::CAPABILITY).ours()
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.word("CAPABILITY");
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::Capability(all) if all.is_whole() => Claim::Whole,
            _ => Claim::No,
        }
    }

    fn item(response: Untagged) -> Option<Capabilities> {
        match response.into_answer() {
            Answer::Capability(all) => Some(all),
            _ => None,
        }
    }

    fn finish(self, done: Done, items: Vec<Capabilities>) -> Result<Capabilities> {
        let in_code = match done.status.code {
            Some(Code::Capability(all)) if all.is_whole() => Some(all),
            _ => None,
        };
        items
            .into_iter()
            .next_back()
            .or(in_code)
            .ok_or_else(|| Error::protocol("the server answered OK without a list of capabilities"))
    }
}

/// `ENABLE`: switches extensions on; returns the names of those that are on now (RFC 9051 section
/// 6.3.1).
///
/// Sent at login from the list in [`Config`](crate::Config): it must precede any SELECT.
#[derive(Clone, Debug)]
#[must_use]
pub(crate) struct Enable(pub(crate) Vec<String>);

impl Command for Enable {
    type Item = Vec<String>;
    type Output = Vec<String>;

    fn name(&self) -> &str {
        "ENABLE"
    }

    fn class(&self) -> Class {
        Class::change().answered_by_kinds(ResponseKinds::ENABLED).ours()
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.word("ENABLE");
        for name in &self.0 {
            line.atom(name);
        }
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        if matches!(response.answer(), Answer::Enabled(_)) { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<Vec<String>> {
        match response.into_answer() {
            Answer::Enabled(names) => Some(names),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Vec<String>>) -> Result<Vec<String>> {
        // Some servers send OK without `* ENABLED`: nothing was switched on.
        Ok(items.into_iter().flatten().collect())
    }
}

/// `ID`: names this client to the server, and asks for the server's name (RFC 2971).
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Id(Vec<(String, String)>);

impl Id {
    /// Names nothing: `ID NIL`.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Id;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let server = imap.id(Id::nothing()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn nothing() -> Self {
        Self::default()
    }

    /// And this field, such as `name` or `version`. At most 30, names of at most 30 bytes, values
    /// of at most 1,024 (RFC 2971 section 3.3).
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }
}

impl Command for Id {
    type Item = Vec<(String, Option<String>)>;
    type Output = Vec<(String, Option<String>)>;

    fn name(&self) -> &str {
        "ID"
    }

    fn class(&self) -> Class {
        Class::query().answered_by_kinds(ResponseKinds::ID).ours()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("ID") {
            return Err(Error::unsupported("the server has no ID (RFC 2971)"));
        }
        line.word("ID");
        if self.0.is_empty() {
            // `ID ()` is refused by some servers.
            line.word("NIL");
            return Ok(Flow::Last);
        }
        line.open();
        for (name, value) in &self.0 {
            if name.len() > 30 || value.len() > 1024 || self.0.len() > 30 {
                return Err(Error::invalid(format!(
                    "the field {name:?} is beyond the limits of RFC 2971: 30 fields, names of 30 bytes, values of 1,024"
                )));
            }
            line.string(name).string(value);
        }
        line.close();
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        if matches!(response.answer(), Answer::Id(_)) { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<Self::Item> {
        match response.into_answer() {
            Answer::Id(fields) => Some(fields),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Self::Item>) -> Result<Self::Output> {
        Ok(items.into_iter().flatten().collect())
    }
}
