//! URLs of messages: APPEND of what others name by them (CATENATE, RFC 4469), and GENURLAUTH,
//! URLFETCH and RESETKEY (URLAUTH, RFC 4467; URLAUTH=BINARY, RFC 5524).

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use ring::hmac;

use crate::testing::mailbox::{MailboxId, Message};
use crate::testing::names::missing;
use crate::testing::notification::Urgent;
use crate::testing::sasl::ANONYMOUS;
use crate::testing::url::{Access, MessageUrl};
use crate::testing::world::World;
use crate::types::{Answer, Code, MailboxName, Status, StatusResponse, Untagged};
use crate::wire::request::{AppendMessage, CatenatePiece, Value, value_as_mailbox};
use crate::wire::respond::{UrlRow, response};
use crate::wire::response::Response;

use super::Session;
use super::acl::text_of;
use super::reply::{Done, Reply};

/// The only mechanism (RFC 4467 section 5).
const MECHANISM: &str = "INTERNAL";

/// What is asked for of a URL (RFC 5524 section 3).
const PARAMETERS: [&str; 3] = ["BODY", "BINARY", "BODYPARTSTRUCTURE"];

/// `[URLMECH INTERNAL]`.
pub(super) fn mechanisms() -> Code {
    Code::UrlMech(vec![(MECHANISM.to_owned(), None)])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the server makes of a URL and the mailbox's key, in the form of RFC 4467 section 9.
fn token(key: &str, rump: &str) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), rump.as_bytes()).as_ref())
}

impl World {
    /// The message that a URL names, in a mailbox of this user.
    fn behind(&self, user: &str, url: &MessageUrl, selected: Option<MailboxId>) -> Option<Arc<Message>> {
        let id = match &url.mailbox {
            Some(name) => self.find(user, name)?,
            None => selected?,
        };
        let held = self.mailboxes.get(&id).filter(|held| url.is_of(held.uid_validity))?;
        held.messages.get(&url.uid).cloned()
    }

    /// The key of a mailbox for its URLs, which is made when it is first needed.
    fn url_key(&mut self, id: MailboxId) -> Option<String> {
        let number = self.next_id();
        let held = self.mailboxes.get_mut(&id)?;
        Some(held.url_key.get_or_insert_with(|| format!("{}-{number}", held.object_id)).clone())
    }

    /// Whether this user may read what is behind a URL, and whose it is.
    fn authorized(&self, by: &str, written: &str, url: &MessageUrl) -> Option<String> {
        let owner = url.user.as_deref().filter(|_| url.is_absolute)?;
        let (mechanism, given) = url.token.as_ref()?;
        let rump =
            written.strip_suffix(given.as_str())?.strip_suffix(':')?.strip_suffix(mechanism.as_str())?;
        let held = self.mailboxes.get(&self.find(owner, url.mailbox.as_ref()?)?)?;
        let is_valid = mechanism.eq_ignore_ascii_case(MECHANISM)
            && *given == token(held.url_key.as_ref()?, rump.strip_suffix(':')?)
            && url.expires.is_none_or(|end| end > self.now());
        let may = match url.access.as_ref()? {
            Access::Submit => self.settings.submission_user.as_deref() == Some(by),
            Access::User(user) => user == by,
            Access::AnyUser => by != ANONYMOUS,
            Access::Anybody => true,
        };
        (is_valid && may).then(|| owner.to_owned())
    }
}

impl Session {
    /// Puts a message together of its pieces.
    pub(super) fn catenated(
        &self,
        world: &World,
        mut message: AppendMessage,
    ) -> Result<AppendMessage, Reply> {
        let selected = self.selected.as_ref().map(|snapshot| snapshot.mailbox);
        let mut data = BytesMut::new();
        for piece in std::mem::take(&mut message.pieces) {
            let piece = match piece {
                CatenatePiece::Text(bytes) => bytes,
                CatenatePiece::Utf8(_) if !self.enabled.utf8 => {
                    return Err(Reply::bad("UTF8 has not been enabled"));
                }
                CatenatePiece::Utf8(bytes) => bytes,
                CatenatePiece::Url(url) => {
                    let found = MessageUrl::read(&url).filter(|url| !url.is_absolute).and_then(|url| {
                        let message = world.behind(&self.user(), &url, selected)?;
                        url.data(&message, false)
                    });
                    let bad = || Reply::no(Some(Code::BadUrl(url)), "There is nothing behind this URL");
                    found.ok_or_else(bad)?
                }
            };
            if data.len() + piece.len() > world.settings.append_limit {
                return Err(Reply::no(Some(Code::TooBig), "The message is too large"));
            }
            data.extend_from_slice(&piece);
        }
        message.data = data.freeze();
        Ok(message)
    }

    pub(super) fn url_auth(&mut self, world: &mut World, name: &str, arguments: &[Value]) -> Done {
        match name {
            "GENURLAUTH" => self.gen_url_auth(world, arguments),
            "URLFETCH" => self.url_fetch(world, arguments),
            _ => self.reset_key(world, arguments),
        }
    }

    fn gen_url_auth(&mut self, world: &mut World, arguments: &[Value]) -> Done {
        let bad = || Reply::bad("URLs and mechanisms were expected");
        let mut urls = Vec::new();
        for pair in arguments.chunks(2) {
            let [url, mechanism] = pair else { return Err(bad()) };
            let (written, mechanism) = text_of(url).zip(text_of(mechanism)).ok_or_else(bad)?;
            // RFC 4467 section 7: absolute, of this user, and without a token.
            let url = MessageUrl::read(&written).filter(|url| {
                url.user.as_deref() == Some(&*self.user()) && url.access.is_some() && url.token.is_none()
            });
            let url = url.ok_or_else(|| Reply::bad("This URL can't be authorized"))?;
            if !mechanism.eq_ignore_ascii_case(MECHANISM) {
                return Err(Reply::bad("This mechanism is not known"));
            }
            let name = url.mailbox.ok_or_else(bad)?;
            let id = world.find(&self.user(), &name).ok_or_else(|| Reply::from(missing(&name)))?;
            let key = world.url_key(id).ok_or_else(bad)?;
            urls.push(format!("{written}:{}:{}", MECHANISM.to_ascii_lowercase(), token(&key, &written)));
        }
        if urls.is_empty() {
            return Err(bad());
        }
        self.answer("GENURLAUTH", Answer::GenUrlAuth(urls));
        Ok(Reply::ok("URLs authorized"))
    }

    fn url_fetch(&mut self, world: &World, arguments: &[Value]) -> Done {
        let bad = || Reply::bad("URLs were expected");
        let mut row = UrlRow::new(self.strings());
        for argument in arguments {
            // RFC 5524 section 3: in parentheses with what is asked for.
            let (url, wanted) = match argument {
                Value::List(values) if world.has("URLAUTH=BINARY") => {
                    let words: Vec<String> =
                        values.iter().map(text_of).collect::<Option<_>>().ok_or_else(bad)?;
                    let (url, wanted) = words.split_first().ok_or_else(bad)?;
                    let wanted: Vec<_> = wanted.iter().map(|word| word.to_ascii_uppercase()).collect();
                    (url.clone(), Some(wanted))
                }
                argument => (text_of(argument).ok_or_else(bad)?, None),
            };
            if wanted.iter().flatten().any(|name| !PARAMETERS.contains(&&**name)) {
                return Err(Reply::bad("Something that can't be asked for of a URL"));
            }
            self.write_url(world, &url, wanted.as_deref(), &mut row);
        }
        if arguments.is_empty() {
            return Err(bad());
        }
        self.out.write(&row.finish());
        Ok(Reply::ok("URLs fetched"))
    }

    fn write_url(&self, world: &World, written: &str, wanted: Option<&[String]>, row: &mut UrlRow) {
        let found = MessageUrl::read(written).and_then(|url| {
            let owner = world.authorized(&self.user(), written, &url)?;
            Some((world.behind(&owner, &url, None)?, url))
        });
        let Some((message, url)) = found else { return row.simple(written, None) };
        let Some(wanted) = wanted else { return row.simple(written, url.data(&message, false).as_deref()) };
        row.begin(written);
        for name in wanted {
            match &**name {
                "BODYPARTSTRUCTURE" => row.structure(message.content.structure_of(&url.section).as_ref()),
                name => row.data(name, url.data(&message, name == "BINARY").as_deref()),
            }
        }
    }

    /// RFC 4467 section 7: all URLs of a mailbox, or of all mailboxes, are void.
    fn reset_key(&mut self, world: &mut World, arguments: &[Value]) -> Done {
        let bad = || Reply::bad("A mailbox was expected");
        let ids: Vec<MailboxId> = match arguments.split_first() {
            None => world
                .users
                .get(&self.user())
                .into_iter()
                .flat_map(|user| user.names.values().copied())
                .collect(),
            Some((mailbox, mechanisms)) => {
                let is_known =
                    |value: &Value| text_of(value).is_some_and(|m| m.eq_ignore_ascii_case(MECHANISM));
                let name: MailboxName = value_as_mailbox(mailbox, self.enabled.utf8).ok_or_else(bad)?;
                if !mechanisms.iter().all(is_known) {
                    return Err(Reply::bad("This mechanism is not known"));
                }
                vec![world.find(&self.user(), &name).ok_or_else(|| Reply::from(missing(&name)))?]
            }
        };
        let status = StatusResponse::new(Status::Ok, Some(mechanisms()), "URLs of before are void");
        let answer = Untagged::new("OK", Answer::Status(Box::new(status)), None);
        let line: Bytes = response(&Response::Untagged(answer), self.strings()).into();
        for id in ids {
            if let Some(held) = world.mailboxes.get_mut(&id) {
                held.url_key = None;
            }
            let others = world
                .lines
                .iter_mut()
                .filter(|(other, line)| **other != self.id && line.selected == Some(id));
            others.for_each(|(_, other)| other.push_urgent(Urgent::Raw(line.clone())));
        }
        Ok(if arguments.is_empty() {
            Reply::ok("Keys reset")
        } else {
            Reply::ok_with(mechanisms(), "Key reset")
        })
    }
}
