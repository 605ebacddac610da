//! COMPARATOR: by which rules the server orders and compares text (RFC 5255).

use super::{Claim, Class, Command, Effect, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Comparator, Done, Untagged};

/// `COMPARATOR`: by which rules SEARCH and SORT compare text (RFC 5255 section 4.7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Comparators(Vec<String>);

impl Comparators {
    /// Which one is in use.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Comparators;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let now = imap.comparator(Comparators::active()).await?;
    /// println!("{:?}", now.map(|now| now.active)); // Some("i;unicode-casemap")
    /// # Ok(())
    /// # }
    /// ```
    pub fn active() -> Self {
        Self(Vec::new())
    }

    /// The first of these that the server has is used from now on, by its name or a pattern of
    /// names (RFC 4790): `i;basic`, `cz;*`; `default` is the server's own. If it has none of them,
    /// the command fails with [`No`](crate::ErrorKind::No).
    ///
    /// ```no_run
    /// # use imap_duplex::command::Comparators;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.comparator(Comparators::first_of(["cz;*", "i;basic"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn first_of(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut all: Vec<String> = names.into_iter().map(Into::into).collect();
        if all.is_empty() {
            all.push("default".to_owned());
        }
        Self(all)
    }
}

impl Command for Comparators {
    type Item = Comparator;
    type Output = Option<Comparator>;

    fn name(&self) -> &str {
        "COMPARATOR"
    }

    fn class(&self) -> Class {
        let class = if self.0.is_empty() { Class::query() } else { Class::change() };
        class.answered_by(&["COMPARATOR"]).with_effect(Effect::Setting)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("I18NLEVEL=2") {
            return Err(Error::unsupported("the server has no choice of comparators (I18NLEVEL=2)"));
        }
        line.atom("COMPARATOR");
        for name in &self.0 {
            line.astring(name);
        }
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        if matches!(response.answer(), Answer::Comparator(_)) { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<Comparator> {
        match response.into_answer() {
            Answer::Comparator(now) => Some(now),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Comparator>) -> Result<Option<Comparator>> {
        Ok(items.into_iter().next_back())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{answered, lines, refused, server};

    /// RFC 5255 section 4.7, word for word.
    #[test]
    fn comparators_are_asked_for_and_chosen() {
        let session = server(&["I18NLEVEL=2"]);
        assert_eq!(lines(Comparators::active(), &session), ["COMPARATOR"]);
        let choice = Comparators::first_of(["cz;*", "i;basic"]);
        assert_eq!(lines(choice.clone(), &session), ["COMPARATOR \"cz;*\" i;basic"]);
        let ok = "OK Will use i;basic for collation";
        let now = answered(choice.clone(), &["* COMPARATOR i;basic"], ok).expect("OK").expect("one");
        assert_eq!((now.active.as_str(), now.matching.len()), ("i;basic", 0));
        let several = ["* COMPARATOR i;basic (i;basic i;unicode-casemap)"];
        let now = answered(choice.clone(), &several, ok).expect("OK").expect("one");
        assert_eq!(now.matching, ["i;basic", "i;unicode-casemap"]);
        // The response is "possible" (section 4.7).
        assert_eq!(answered(choice.clone(), &[], ok).expect("OK"), None);
        assert_eq!(lines(Comparators::first_of([""; 0]), &session), ["COMPARATOR default"]);
        assert!(refused(choice, &server(&["I18NLEVEL=1"])).contains("I18NLEVEL=2"));
    }
}
