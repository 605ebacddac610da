//! The server's extensions by name, each with those that it needs. In: names to switch on or off.
//! Out: a consistent set, and the capabilities to advertise.

use std::collections::BTreeSet;

/// Each extension that can be switched, with those that it needs.
const ALL: &[(&str, &[&str])] = &[
    ("IMAP4rev1", &[]),
    (
        "IMAP4rev2",
        // RFC 9051 appendix E: former extensions that are part of IMAP4rev2.
        &[
            "BINARY",
            "CHILDREN",
            "ENABLE",
            "ESEARCH",
            "IDLE",
            "LIST-EXTENDED",
            "LIST-STATUS",
            "LITERAL-",
            "MOVE",
            "NAMESPACE",
            "SASL-IR",
            "SEARCHRES",
            "SPECIAL-USE",
            "STATUS=SIZE",
            "UIDPLUS",
            "UNSELECT",
        ],
    ),
    ("ACL", &[]),
    ("ANNOTATE-EXPERIMENT-1", &[]),
    ("APPENDLIMIT", &[]),
    ("BINARY", &[]),
    ("CATENATE", &[]),
    ("CHILDREN", &[]),
    ("COMPRESS=DEFLATE", &[]),
    ("CONDSTORE", &[]),
    ("CONTEXT=SEARCH", &["ESEARCH"]),
    // CANCELUPDATE is that of both.
    ("CONTEXT=SORT", &["CONTEXT=SEARCH", "ESORT"]),
    ("CREATE-SPECIAL-USE", &["SPECIAL-USE"]),
    ("ENABLE", &[]),
    ("ESEARCH", &[]),
    ("ESORT", &["ESEARCH", "SORT"]),
    ("FILTERS", &["METADATA"]),
    ("I18NLEVEL=2", &[]),
    ("ID", &[]),
    ("IDLE", &[]),
    ("LANGUAGE", &[]),
    ("LIST-EXTENDED", &[]),
    ("LIST-METADATA", &["LIST-EXTENDED", "METADATA"]),
    ("LIST-MYRIGHTS", &["LIST-EXTENDED", "ACL"]),
    ("LIST-STATUS", &["LIST-EXTENDED"]),
    // Includes LITERAL- without its limit, and is advertised in its place (RFC 7888 section 5:
    // never both).
    ("LITERAL+", &[]),
    ("LITERAL-", &[]),
    ("METADATA", &[]),
    ("MOVE", &[]),
    ("MULTIAPPEND", &[]),
    ("MULTISEARCH", &["ESEARCH"]),
    ("NAMESPACE", &[]),
    ("NOTIFY", &[]),
    ("OBJECTID", &[]),
    ("PARTIAL", &["ESEARCH"]),
    ("PREVIEW", &[]),
    ("QRESYNC", &["CONDSTORE", "ENABLE"]),
    ("QUOTA", &[]),
    ("QUOTASET", &["QUOTA"]),
    ("REPLACE", &[]),
    ("SASL-IR", &[]),
    ("SAVEDATE", &[]),
    ("SEARCH=FUZZY", &["ESEARCH"]),
    ("SEARCHRES", &["ESEARCH"]),
    ("SORT", &[]),
    ("SORT=DISPLAY", &["SORT"]),
    ("SPECIAL-USE", &[]),
    ("STATUS=SIZE", &[]),
    ("THREAD=ORDEREDSUBJECT", &[]),
    ("THREAD=REFERENCES", &[]),
    ("THREAD=REFS", &[]),
    ("UIDBATCHES", &[]),
    ("UIDONLY", &["ENABLE"]),
    ("UIDPLUS", &[]),
    ("UNAUTHENTICATE", &[]),
    ("UNSELECT", &[]),
    ("URLAUTH", &[]),
    ("URLAUTH=BINARY", &["URLAUTH"]),
    ("UTF8=ACCEPT", &["ENABLE"]),
    ("WITHIN", &[]),
    ("X-GM-EXT-1", &[]),
    ("XLIST", &[]),
];

/// Those of one provider alone, and an experiment (RFC 9586), which a server has only if a test
/// asks for them.
const ON_REQUEST: [&str; 3] = ["UIDONLY", "X-GM-EXT-1", "XLIST"];

/// The names for [`Builder::only`](super::Builder::only),
/// [`Builder::without`](super::Builder::without) and [`Builder::with`](super::Builder::with):
/// revisions of IMAP and extensions, as in CAPABILITY. Case does not matter.
pub const EXTENSIONS: &[&str] = &NAMES;

const NAMES: [&str; ALL.len()] = {
    let mut names = [""; ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ALL[at].0;
        at += 1;
    }
    names
};

/// The extensions that are on.
#[derive(Clone, Debug)]
pub(crate) struct Extensions {
    on: BTreeSet<&'static str>,
}

fn known(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).copied()
}

impl Default for Extensions {
    /// All extensions but those on request.
    fn default() -> Self {
        Self { on: ALL.iter().map(|(name, _)| *name).filter(|name| !ON_REQUEST.contains(name)).collect() }
    }
}

impl Extensions {
    /// Only these, and those that they need. `Err`: an unknown name.
    pub(crate) fn only<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, &'a str> {
        let mut few = Self { on: BTreeSet::new() };
        names.into_iter().try_for_each(|name| few.add(name))?;
        Ok(few)
    }

    /// Adds an extension, and those that it needs. `Err`: an unknown name.
    pub(crate) fn add<'a>(&mut self, name: &'a str) -> Result<(), &'a str> {
        let mut wanted = vec![known(name).ok_or(name)?];
        while let Some((name, needs)) = wanted.pop() {
            if self.on.insert(name) {
                wanted.extend(needs.iter().filter_map(|need| known(need)));
            }
        }
        Ok(())
    }

    /// Removes an extension, and those that need it. `Err`: an unknown name.
    pub(crate) fn remove<'a>(&mut self, name: &'a str) -> Result<(), &'a str> {
        let (name, _) = known(name).ok_or(name)?;
        self.on.remove(name);
        // LITERAL+ satisfies a need for LITERAL-: it includes small literals.
        let has = |need: &str, on: &BTreeSet<&str>| {
            on.contains(need) || need == "LITERAL-" && on.contains("LITERAL+")
        };
        loop {
            let broken = ALL.iter().find(|(name, needs)| {
                self.on.contains(name) && !needs.iter().all(|need| has(need, &self.on))
            });
            match broken {
                Some((name, _)) => self.on.remove(name),
                None => return Ok(()),
            };
        }
    }

    /// Whether any revision of IMAP is on.
    pub(crate) fn has_revision(&self) -> bool {
        self.has("IMAP4rev1") || self.has("IMAP4rev2")
    }

    /// Whether this extension is on.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.on.contains(name)
    }

    /// The largest non-synchronizing literal; `None`: none at all.
    pub(crate) fn plus_limit(&self) -> Option<usize> {
        if self.has("LITERAL+") {
            return Some(usize::MAX - 1);
        }
        // RFC 7888 section 5.
        self.has("LITERAL-").then_some(4096)
    }

    /// The capabilities to advertise.
    pub(crate) fn advertised(&self, advertised: &Facts) -> Vec<String> {
        let mut names = Vec::new();
        for name in &self.on {
            match *name {
                "IMAP4rev1" | "IMAP4rev2" => names.push((*name).to_owned()),
                "LITERAL-" if self.has("LITERAL+") => {}
                // Before login only those that matter there, as other servers do.
                "ENABLE" | "ID" | "LITERAL+" | "LITERAL-" | "SASL-IR" => names.push((*name).to_owned()),
                _ if !advertised.logged_in => {}
                "APPENDLIMIT" => names.push(format!("APPENDLIMIT={}", advertised.append_limit)),
                "QUOTA" => {
                    names.extend(["QUOTA", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE"].map(str::to_owned));
                    names.push("QUOTA=RES-MAILBOX".to_owned());
                    if self.has("ANNOTATE-EXPERIMENT-1") {
                        names.push("QUOTA=RES-ANNOTATION-STORAGE".to_owned());
                    }
                }
                // RFC 4314 section 2.2: which of the rights that older servers had as one.
                "ACL" => names.extend(["ACL", "RIGHTS=kxte"].map(str::to_owned)),
                name => names.push(name.to_owned()),
            }
        }
        if let Some(limit) = advertised.message_limit.filter(|_| advertised.logged_in) {
            names.push(format!("MESSAGELIMIT={limit}"));
        }
        // IMAP4rev1 first, because old clients look for it there.
        names.sort_by_key(|name| !name.starts_with("IMAP4"));
        if !advertised.logged_in {
            if advertised.starttls {
                names.push("STARTTLS".to_owned());
            }
            if advertised.login_disabled || advertised.no_login {
                names.push("LOGINDISABLED".to_owned());
            }
            names.extend(advertised.mechanisms.iter().map(|name| format!("AUTH={name}")));
        }
        names
    }
}

/// The state of a session that its advertised capabilities depend on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// A user has logged in.
    pub(crate) logged_in: bool,
    /// STARTTLS is possible.
    pub(crate) starttls: bool,
    /// Plaintext passwords are refused.
    pub(crate) login_disabled: bool,
    /// LOGIN is off.
    pub(crate) no_login: bool,
    /// What AUTHENTICATE takes.
    pub(crate) mechanisms: Vec<String>,
    /// The largest message.
    pub(crate) append_limit: usize,
    /// The most messages of one command.
    pub(crate) message_limit: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_removed_with_those_that_need_it() {
        let mut all = Extensions::default();
        all.remove("condstore").unwrap();
        assert!(!all.has("CONDSTORE") && !all.has("QRESYNC") && all.has("IMAP4rev2"));
        all.remove("ENABLE").unwrap();
        assert!(!all.has("IMAP4rev2") && !all.has("UTF8=ACCEPT") && all.has("IMAP4rev1"));
        assert_eq!(all.remove("XYZZY"), Err("XYZZY"));
    }

    #[test]
    fn a_few_bring_what_they_need() {
        let few = Extensions::only(["IMAP4rev1", "QRESYNC"]).unwrap();
        let advertised = few.advertised(&Facts { logged_in: true, ..Facts::default() });
        assert_eq!(advertised, ["IMAP4rev1", "CONDSTORE", "ENABLE", "QRESYNC"]);
        assert!(Extensions::only(["IMAP4rev2"]).unwrap().has("MOVE"));
    }

    #[test]
    fn what_is_one_providers_is_asked_for() {
        let mut all = Extensions::default();
        assert!(ON_REQUEST.iter().all(|name| known(name).is_some() && !all.has(name)));
        all.add("x-gm-ext-1").unwrap();
        assert!(all.has("X-GM-EXT-1") && !all.has("XLIST"));
        assert_eq!(all.add("XYZZY"), Err("XYZZY"));
    }

    #[test]
    fn one_kind_of_literal_is_advertised() {
        let mut all = Extensions::default();
        let advertised = |all: &Extensions| all.advertised(&Facts::default()).join(" ");
        assert!(advertised(&all).contains("LITERAL+") && !advertised(&all).contains("LITERAL-"));
        all.remove("LITERAL+").unwrap();
        assert!(advertised(&all).contains("LITERAL-") && all.has("IMAP4rev2"));
        assert_eq!(all.plus_limit(), Some(4096));
        all.remove("LITERAL-").unwrap();
        assert_eq!((all.plus_limit(), all.has("IMAP4rev2")), (None, false));
    }
}
