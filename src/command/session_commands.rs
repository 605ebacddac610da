//! Commands about the session, of one keyword or nearly: NOOP, CAPABILITY, LOGOUT, ENABLE, ID,
//! NAMESPACE, CLOSE, IDLE.

use super::{Claim, Class, Command, Effect, Flow, Line, ResponseKinds, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Capabilities, Code, Done, Namespaces, Untagged};

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

/// `NAMESPACE`: where whose mailboxes are (RFC 9051 section 6.3.10, RFC 2342).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct GetNamespaces {
    answered: bool,
}

impl GetNamespaces {
    /// All of them.
    ///
    /// ```no_run
    /// # use imap_duplex::command::GetNamespaces;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let namespaces = imap.submit(GetNamespaces::new()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> Self {
        Self::default()
    }
}

impl Command for GetNamespaces {
    type Item = Namespaces;
    type Output = Namespaces;

    fn name(&self) -> &str {
        "NAMESPACE"
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["NAMESPACE"])
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("NAMESPACE") {
            return Err(Error::unsupported("the server has no NAMESPACE (RFC 2342)"));
        }
        line.atom("NAMESPACE");
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match response.answer() {
            Answer::Namespace(_) => {
                if self.answered {
                    Claim::Part
                } else {
                    Claim::Whole
                }
            }
            _ => Claim::No,
        }
    }

    fn received(&mut self, _: &Untagged) {
        self.answered = true;
    }

    fn item(response: Untagged) -> Option<Namespaces> {
        match response.into_answer() {
            Answer::Namespace(all) => Some(*all),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Namespaces>) -> Result<Namespaces> {
        let none = || Error::protocol("the server answered OK without any NAMESPACE");
        items.into_iter().next_back().ok_or_else(none)
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

/// `ENABLE`: switches extensions on; returns the names of those that were off before and are on now
/// (RFC 9051 section 6.3.1). It waits until nothing is in flight.
///
/// What [`Config::enable`](crate::Config::enable) names has been enabled at login. It can't be sent
/// while a mailbox is selected: then it fails, unsent, with [`Invalid`](crate::ErrorKind::Invalid).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Enable {
    names: Vec<String>,
    /// Nothing has been sent that it could change the meaning of.
    at_login: bool,
}

impl Enable {
    /// These extensions, by their capabilities. What the server does not know it leaves off.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Enable;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let on = imap.submit(Enable::new(["CONDSTORE"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { names: names.into_iter().map(Into::into).collect(), at_login: false }
    }

    /// Directly after login.
    pub(crate) fn at_login(names: Vec<String>) -> Self {
        Self { names, at_login: true }
    }
}

impl Command for Enable {
    type Item = Vec<String>;
    type Output = Vec<String>;

    fn name(&self) -> &str {
        "ENABLE"
    }

    fn class(&self) -> Class {
        // Alone: what is sent beside it may mean something else once it is on (names in UTF-8).
        let class =
            Class { alone: !self.at_login, ..Class::change().answered_by_kinds(ResponseKinds::ENABLED) };
        class.with_effect(Effect::Enable)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("ENABLE") && !session.capabilities().has("IMAP4rev2") {
            return Err(Error::unsupported("the server has no ENABLE (RFC 5161)"));
        }
        if self.names.is_empty() {
            return Err(Error::invalid("nothing is to be enabled: name at least one extension"));
        }
        line.word("ENABLE");
        for name in &self.names {
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
        // One or two: no room for more.
        self.0.reserve_exact(1);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{answered, lines, refused, server};

    /// RFC 9051 section 6.3.10, RFC 5161 section 3.1.
    #[test]
    fn the_examples_of_the_rfcs() {
        let all = server(&["NAMESPACE", "ENABLE", "UNSELECT"]);
        assert_eq!(lines(GetNamespaces::new(), &all), ["NAMESPACE"]);
        let answer = "* NAMESPACE ((\"\" \"/\")) NIL ((\"Public Folders/\" \"/\"))";
        let spaces = answered(GetNamespaces::new(), &[answer], "OK done").expect("OK");
        assert_eq!((spaces.personal.len(), spaces.other_users.len(), spaces.shared.len()), (1, 0, 1));
        assert_eq!(lines(Enable::new(["CONDSTORE", "X-GOOD-IDEA"]), &all), ["ENABLE CONDSTORE X-GOOD-IDEA"]);
        let on = answered(Enable::new(["CONDSTORE"]), &["* ENABLED CONDSTORE"], "OK done").expect("OK");
        assert_eq!(on, ["CONDSTORE"]);
        assert!(refused(Enable::new([""; 0]), &all).contains("nothing"));
        assert!(refused(Enable::new(["A B"]), &all).contains("atom"));
        assert!(refused(Enable::new(["A"]), &server(&[])).contains("ENABLE"));
        assert!(refused(GetNamespaces::new(), &server(&[])).contains("NAMESPACE"));
    }
}
