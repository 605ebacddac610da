//! The keys of queries: what each needs of the server, and how it is written.

use super::raw;
use crate::command::annotations::{AnnotationKey, CAPABILITY};
use crate::command::line::is_name;
use crate::command::{Line, Messages, Session};
use crate::error::{Error, Result};
use crate::types::{AnnotationScope, Date, Flag, MailboxName, UidSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// One keyword: `UNSEEN`.
    Word(&'static str),
    /// A keyword and a string: `FROM "alice"`.
    Text(&'static str, String),
    /// A header field and what it holds.
    Header(String, String),
    /// A search key and a flag keyword.
    Keyword(&'static str, Flag),
    Date(&'static str, Date),
    Number(&'static str, u64),
    /// The mod-sequence of one flag; the user's own, everyone's, or whichever is higher.
    ModSeqOf(Flag, Option<AnnotationScope>, u64),
    /// EMAILID or THREADID.
    Id(&'static str, String),
    /// A filter that the server has stored.
    Filter(String),
    /// One of Gmail's labels.
    Label(String),
    /// In annotations.
    Annotation(AnnotationKey),
    Uids(UidSet),
    /// The messages that the query builds on: `$`, or by number.
    Within,
    /// Of the user's own.
    Raw(String),
    And(Vec<Key>),
    Or(Box<(Key, Key)>),
    Not(Box<Key>),
    Fuzzy(Box<Key>),
}

impl Key {
    pub(super) fn is_ascii(&self) -> bool {
        match self {
            Self::Text(_, text) => text.is_ascii(),
            Self::Header(name, text) => name.is_ascii() && text.is_ascii(),
            Self::Annotation(key) => key.text.is_ascii(),
            _ if self.has_parts() => self.parts().all(Self::is_ascii),
            _ => true,
        }
    }

    pub(super) fn hangs_on_flags(&self) -> bool {
        match self {
            Self::Word(word) => !matches!(*word, "ALL" | "SAVEDATESUPPORTED"),
            // What it hangs on is not known.
            Self::Keyword(..) | Self::Raw(_) => true,
            _ => self.parts().any(Self::hangs_on_flags),
        }
    }

    pub(super) fn names_uids(&self) -> bool {
        match self {
            Self::Uids(set) => !Messages::independent_of_uid_validity(set),
            Self::Raw(keys) => keys.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("UID")),
            _ => self.parts().any(Self::names_uids),
        }
    }

    /// The keys that it is made of.
    fn parts(&self) -> impl Iterator<Item = &Self> {
        let (list, two, one): (&[Self], _, _) = match self {
            Self::And(keys) => (keys, None, None),
            Self::Or(both) => (&[], Some([&both.0, &both.1]), None),
            Self::Not(key) | Self::Fuzzy(key) => (&[], None, Some(&**key)),
            _ => (&[], None, None),
        };
        list.iter().chain(two.into_iter().flatten()).chain(one)
    }

    fn has_parts(&self) -> bool {
        matches!(self, Self::And(_) | Self::Or(_) | Self::Not(_) | Self::Fuzzy(_))
    }

    fn has_within(&self) -> bool {
        matches!(self, Self::Within) || self.parts().any(Self::has_within)
    }

    /// Whether the messages that a query builds on stand where they don't narrow all of it.
    pub(super) fn has_within_below(&self) -> bool {
        match self {
            Self::And(keys) => keys.iter().any(Self::has_within_below),
            Self::Within => false,
            key => key.has_within(),
        }
    }

    /// The capability that it needs; `""` where it needs IMAP4rev1.
    fn needs(&self) -> Option<&'static str> {
        Some(match self {
            // RFC 9051 appendix E: removed in IMAP4rev2.
            Self::Word("NEW" | "OLD" | "RECENT") => "IMAP4rev1",
            Self::Word("SAVEDATESUPPORTED") | Self::Date("SAVEDBEFORE" | "SAVEDON" | "SAVEDSINCE", _) => {
                "SAVEDATE"
            }
            Self::Number("OLDER" | "YOUNGER", _) => "WITHIN",
            Self::Number("MODSEQ", _) | Self::ModSeqOf(..) => "CONDSTORE",
            Self::Number("X-GM-MSGID" | "X-GM-THRID", _) | Self::Text("X-GM-RAW", _) | Self::Label(_) => {
                "X-GM-EXT-1"
            }
            Self::Id(..) => "OBJECTID",
            Self::Filter(_) => "FILTERS",
            Self::Annotation(_) => CAPABILITY,
            Self::Fuzzy(_) => "SEARCH=FUZZY",
            _ => return None,
        })
    }

    /// Whether the server has all that the keys need.
    pub(super) fn check(&self, session: &Session) -> Result<()> {
        let has = |needs: &str| match needs {
            "IMAP4rev1" => !session.is_rev2(),
            "CONDSTORE" => session.can("CONDSTORE") || session.can("QRESYNC"),
            _ => session.can(needs),
        };
        if let Some(capability) = self.needs().filter(|needs| !has(needs)) {
            let why = format!("the server lacks {capability}, which a key of this query needs");
            return Err(Error::unsupported(why));
        }
        match self {
            Self::Annotation(key) => key.check()?,
            Self::ModSeqOf(flag, ..) => check_entry(flag)?,
            Self::Uids(set) if set.names_last() && session.is_enabled("UIDONLY") => {
                let why = "`*` can't be used once UIDONLY is enabled: name the last message by its UID";
                return Err(Error::invalid(why));
            }
            _ => {}
        }
        self.parts().try_for_each(|key| key.check(session))
    }

    /// Nested keys in parentheses; depth is the caller's own. `within`: the messages that the query
    /// builds on. `trimmed`: all that is found has to fit it, and what does not is left out.
    pub(super) fn encode(
        &self,
        line: &mut Line,
        within: Option<&Messages>,
        nested: bool,
        trimmed: bool,
    ) -> Result<()> {
        match self {
            Self::Fuzzy(key) => {
                line.word("FUZZY");
                key.encode(line, within, true, false)?;
            }
            // An empty set can't be written: no message has all flags of none.
            Self::Uids(set) if set.is_empty() => {
                line.word("NOT").word("ALL");
            }
            // `n:*` would match the last message, whatever its UID: negate those below n instead.
            Self::Uids(set) if set.goes_on_to_last() && !trimmed => {
                let below = below(set);
                if below.is_empty() {
                    line.word("ALL");
                } else {
                    line.word("NOT").word("UID").word(&below.to_string());
                }
            }
            Self::Uids(set) => {
                line.word("UID").messages(&Messages::Uids(set.clone()));
            }
            Self::Within => match within {
                // RFC 9051 section 6.4.4.1: `$` needs no UID before it.
                Some(Messages::Saved(_)) => {
                    line.word("$");
                }
                Some(Messages::Uids(set)) => Self::Uids(set.clone()).encode(line, None, nested, trimmed)?,
                Some(which) => {
                    line.messages(which);
                }
                None => return Err(Error::invalid("the query builds on messages that are not named")),
            },
            Self::Raw(keys) => raw::encode(keys, line, nested)?,
            Self::And(keys) => {
                if nested {
                    line.open();
                }
                for key in keys {
                    key.encode(line, within, true, trimmed)?;
                }
                if nested {
                    line.close();
                }
            }
            Self::Or(both) => {
                line.word("OR");
                both.0.encode(line, within, true, false)?;
                both.1.encode(line, within, true, false)?;
            }
            Self::Not(key) => match &**key {
                Self::Uids(set) if set.goes_on_to_last() => {
                    Self::Uids(below(set)).encode(line, None, true, false)?
                }
                key => {
                    line.word("NOT");
                    key.encode(line, within, true, false)?;
                }
            },
            simple => simple.encode_simple(line),
        }
        Ok(())
    }

    /// A key with its argument, that is made of no others.
    fn encode_simple(&self, line: &mut Line) {
        match self {
            Self::Word(word) => {
                line.word(word);
            }
            Self::Text(word, text) => {
                line.word(word).string(text);
            }
            Self::Header(name, text) => {
                // Some servers take header names as atoms only.
                line.word("HEADER").astring(name).string(text);
            }
            Self::Keyword(word, flag) => {
                line.word(word).atom(flag.as_str());
            }
            Self::Date(word, date) => {
                line.word(word).word(&date.to_string());
            }
            Self::Number(word, number) => {
                line.word(word).number(*number);
            }
            Self::ModSeqOf(flag, scope, number) => {
                // RFC 7162 section 3.1.5: the flag's name in lower case.
                let name = flag.as_str().to_ascii_lowercase();
                let scope = match scope {
                    Some(AnnotationScope::Private) => "priv",
                    Some(AnnotationScope::Shared) => "shared",
                    None => "all",
                };
                line.word("MODSEQ").quoted(&format!("/flags/{name}")).word(scope).number(*number);
            }
            Self::Id(word, id) => {
                line.word(word).object_id(id);
            }
            Self::Filter(name) => {
                line.word("FILTER").atom(name);
            }
            Self::Annotation(key) => key.write(line),
            Self::Label(name) => {
                line.word("X-GM-LABELS");
                match name.strip_prefix('\\') {
                    Some(_) => line.flag(&Flag::new(name)),
                    None => line.mailbox(&MailboxName::exact(name)),
                };
            }
            // Of several keys, or of messages.
            _ => {}
        }
    }
}

/// RFC 7162 section 7, `attr-flag`: what a flag's entry can be called.
fn check_entry(flag: &Flag) -> Result<()> {
    let name = flag.as_str();
    if matches!(flag, Flag::Recent | Flag::Wildcard) || !is_name(name.strip_prefix('\\').unwrap_or(name)) {
        let why = format!("the server keeps no mod-sequence of {:?}", name.get(..80).unwrap_or(name));
        return Err(Error::invalid(why));
    }
    Ok(())
}

/// All UIDs that are not in it.
fn below(set: &UidSet) -> UidSet {
    UidSet::all().difference(set)
}
