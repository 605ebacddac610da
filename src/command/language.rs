//! LANGUAGE: in which language the server writes its texts (RFC 5255).

use super::{Claim, Class, Command, Effect, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, Untagged};

/// `LANGUAGE`: in which language the server writes its texts (RFC 5255 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Language(Vec<String>);

impl Language {
    /// Which languages there are.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Language;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// println!("{:?}", imap.language(Language::all()).await?); // ["EN", "DE", "i-default"]
    /// # Ok(())
    /// # }
    /// ```
    pub fn all() -> Self {
        Self(Vec::new())
    }

    /// The first of these that the server has is used from now on (RFC 4647 ranges: `de`, `fr-CA`);
    /// `default` is what the server thinks best. The result is that language alone.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Language;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// imap.language(Language::first_of(["fr-CA", "en"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn first_of(ranges: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut all: Vec<String> = ranges.into_iter().map(Into::into).collect();
        if all.is_empty() {
            all.push("default".to_owned());
        }
        Self(all)
    }
}

impl Command for Language {
    type Item = Vec<String>;
    type Output = Vec<String>;

    fn name(&self) -> &str {
        "LANGUAGE"
    }

    fn class(&self) -> Class {
        let class = if self.0.is_empty() { Class::query() } else { Class::change() };
        class.answered_by(&["LANGUAGE"]).with_effect(Effect::Setting)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("LANGUAGE") {
            return Err(Error::unsupported("the server has no LANGUAGE (RFC 5255)"));
        }
        line.atom("LANGUAGE");
        for range in &self.0 {
            // RFC 5255 section 3.2: only this word is in quotation marks in its examples.
            if range.eq_ignore_ascii_case("default") {
                line.quoted(range)
            } else {
                line.astring(range)
            };
        }
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        if matches!(response.answer(), Answer::Language(_)) { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<Vec<String>> {
        match response.into_answer() {
            Answer::Language(all) => Some(all),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<Vec<String>>) -> Result<Vec<String>> {
        let none = || Error::protocol("the server answered OK without any LANGUAGE");
        items.into_iter().next_back().ok_or_else(none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{answered, lines, refused, server};

    /// RFC 5255 section 3.2, word for word.
    #[test]
    fn languages_are_listed_and_chosen() {
        let session = server(&["LANGUAGE"]);
        let line = |language: Language| lines(language, &session);
        assert_eq!(line(Language::all()), ["LANGUAGE"]);
        let all = answered(Language::all(), &["* LANGUAGE (EN DE IT i-default)"], "OK done").expect("OK");
        assert_eq!(all, ["EN", "DE", "IT", "i-default"]);
        assert_eq!(line(Language::first_of(["DE"])), ["LANGUAGE DE"]);
        assert_eq!(line(Language::first_of(["FR-CA", "EN-CA"])), ["LANGUAGE FR-CA EN-CA"]);
        assert_eq!(line(Language::first_of(["default"])), ["LANGUAGE \"default\""]);
        assert_eq!(line(Language::first_of([""; 0])), ["LANGUAGE \"default\""]);
        let now = answered(Language::first_of(["DE"]), &["* LANGUAGE (DE)"], "OK done").expect("OK");
        assert_eq!(now, ["DE"]);
        assert!(refused(Language::all(), &server(&[])).contains("LANGUAGE"));
        assert_eq!(line(Language::first_of(["*", "a b"])), ["LANGUAGE \"*\" \"a b\""]);
    }
}
