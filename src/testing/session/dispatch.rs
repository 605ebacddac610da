//! The dispatch of commands: what each executes, in which state it is valid, and which changes by
//! others may be reported at its end.

use crate::testing::quirks::Quirk;
use crate::testing::world::World;
use crate::types::{Answer, Code};
use crate::wire::request::{Command, Numbers, SearchKey};
use crate::wire::response::Response;

use super::reply::{Allows, Done, Reply, either};
use super::{Mode, Session};

/// The extension that defines a command.
fn extension(command: &Command) -> Option<&'static str> {
    Some(match command {
        Command::Plain("IDLE") => "IDLE",
        Command::Plain("NAMESPACE") => "NAMESPACE",
        Command::Plain("UNAUTHENTICATE") => "UNAUTHENTICATE",
        Command::Plain("UNSELECT") => "UNSELECT",
        Command::Enable(_) => "ENABLE",
        Command::Id(_) => "ID",
        Command::UidExpunge(_) => "UIDPLUS",
        Command::Sort(_) => "SORT",
        Command::SearchIn(_) => "MULTISEARCH",
        Command::Thread(thread) if thread.algorithm == "REFERENCES" => "THREAD=REFERENCES",
        Command::Thread(thread) if thread.algorithm == "REFS" => "THREAD=REFS",
        Command::Thread(_) => "THREAD=ORDEREDSUBJECT",
        Command::Copy { moving: true, .. } => "MOVE",
        Command::Replace { .. } => "REPLACE",
        Command::Notify(_) => "NOTIFY",
        Command::StoreLabels(_) => "X-GM-EXT-1",
        Command::StoreAnnotations(_) => "ANNOTATE-EXPERIMENT-1",
        Command::List(list) if list.xlist => "XLIST",
        Command::Append { messages, .. } if messages.len() > 1 => "MULTIAPPEND",
        Command::Other { name, .. } if name == "COMPRESS" => "COMPRESS=DEFLATE",
        Command::Other { name, .. } => match &**name {
            "GETQUOTA" | "GETQUOTAROOT" => "QUOTA",
            "SETQUOTA" => "QUOTASET",
            "GETACL" | "SETACL" | "DELETEACL" | "LISTRIGHTS" | "MYRIGHTS" => "ACL",
            "GETMETADATA" | "SETMETADATA" => "METADATA",
            "LANGUAGE" => "LANGUAGE",
            "COMPARATOR" => "I18NLEVEL=2",
            "UIDBATCHES" => "UIDBATCHES",
            "CANCELUPDATE" => "CONTEXT=SEARCH",
            "GENURLAUTH" | "URLFETCH" | "RESETKEY" => "URLAUTH",
            _ => return None,
        },
        _ => return None,
    })
}

/// The states in which a command is valid (RFC 9051 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Any,
    NoUser,
    User,
    Selected,
}

fn when(command: &Command) -> When {
    match command {
        Command::Plain("CAPABILITY" | "NOOP" | "LOGOUT") | Command::Id(_) => When::Any,
        Command::Plain("STARTTLS") | Command::Login { .. } | Command::Authenticate { .. } => When::NoUser,
        Command::Plain("CLOSE" | "UNSELECT" | "CHECK" | "EXPUNGE")
        | Command::UidExpunge(_)
        | Command::Replace { .. }
        | Command::Search(_)
        | Command::Sort(_)
        | Command::Thread(_)
        | Command::Fetch(_)
        | Command::Store(_)
        | Command::StoreAnnotations(_)
        | Command::StoreLabels(_)
        | Command::Copy { .. } => When::Selected,
        _ => When::User,
    }
}

/// Whether a command changes or expunges messages of the selected mailbox.
fn changes_messages(command: &Command) -> bool {
    matches!(
        command,
        Command::Plain("EXPUNGE")
            | Command::UidExpunge(_)
            | Command::Replace { .. }
            | Command::Store(_)
            | Command::StoreLabels(_)
            | Command::Copy { moving: true, .. }
    )
}

/// Whether a command names messages by number or by `*`: itself, or among the keys of a search.
fn names_numbers(command: &Command) -> bool {
    let by_number = |keys: &[SearchKey]| keys.iter().any(has_numbers);
    match command {
        Command::Search(search) => !search.uid || by_number(&search.keys),
        Command::SearchIn(search) => by_number(&search.search.keys),
        Command::Sort(sort) => !sort.uid || by_number(&sort.keys),
        Command::Thread(thread) => !thread.uid || by_number(&thread.keys),
        Command::Fetch(fetch) => !fetch.uid || fetch.which.names_last(),
        Command::Store(store) => !store.uid || store.which.names_last(),
        Command::StoreLabels(store) => !store.uid || store.which.names_last(),
        Command::StoreAnnotations(store) => !store.uid || store.which.names_last(),
        Command::Copy { uid, which, .. } | Command::Replace { uid, old: which, .. } => {
            !uid || which.names_last()
        }
        Command::UidExpunge(which) => which.names_last(),
        _ => false,
    }
}

fn has_numbers(key: &SearchKey) -> bool {
    let of_itself = match key {
        SearchKey::Seqs(Numbers::Ranges(_)) => true,
        SearchKey::Uids(uids) => uids.names_last(),
        _ => false,
    };
    of_itself || key.parts().any(has_numbers)
}

fn allows(command: &Command) -> Allows {
    match command {
        Command::Search(search) => Allows::by(search.uid),
        Command::Sort(sort) => Allows::by(sort.uid),
        Command::Thread(thread) => Allows::by(thread.uid),
        Command::Fetch(fetch) => Allows::by(fetch.uid),
        Command::Store(store) => Allows::by(store.uid),
        Command::StoreLabels(store) => Allows::by(store.uid),
        Command::StoreAnnotations(store) => Allows::by(store.uid),
        _ => Allows::All,
    }
}

impl Session {
    /// Executes a command, to its end or as far as one step goes.
    pub(super) fn dispatch(&mut self, world: &mut World, tag: String, command: Command) {
        let allows = allows(&command);
        if let Err(reply) = self.may(world, &command) {
            self.end(world, &tag, Allows::Flags, reply);
            return;
        }
        if matches!(command, Command::Fetch(_) | Command::Plain("NOOP"))
            && self.quirks.has(Quirk::FetchHidesFlags)
        {
            self.hide_changes(world);
        }
        // Pending changes are reported first, so that the command and the client refer to the same
        // state; removals wait.
        if when(&command) == When::Selected && !self.quirks.has(Quirk::LateSync) {
            self.flush(world, Allows::Flags);
        }
        if let Some(done) = self.perform(world, &tag, command) {
            self.end(world, &tag, allows, either(done));
        }
    }

    fn may(&self, world: &World, command: &Command) -> Result<(), Reply> {
        if extension(command).is_some_and(|name| !world.has(name)) {
            return Err(Reply::bad("Unknown command"));
        }
        if self.enabled.uid_only && names_numbers(command) {
            // RFC 9586 section 3.1.
            return Err(Reply::bad_with(Code::UidRequired, "There are no message numbers"));
        }
        let read_only = self.selected.as_ref().is_some_and(|snapshot| snapshot.read_only);
        if read_only && self.quirks.has(Quirk::RefusesReadOnly) && changes_messages(command) {
            return Err(Reply::no(Some(Code::NoPerm), "The mailbox is open read-only"));
        }
        match (when(command), &self.user, &self.selected) {
            (When::NoUser, Some(_), _) => Err(Reply::bad("Logged in already")),
            (When::User | When::Selected, None, _) => Err(Reply::bad("Log in first")),
            (When::Selected, Some(_), None) => Err(Reply::bad("Select a mailbox first")),
            _ => Ok(()),
        }
    }

    /// `None`: the command ends later.
    fn perform(&mut self, world: &mut World, tag: &str, command: Command) -> Option<Done> {
        Some(match command {
            Command::Plain(name) => return self.plain_command(world, tag, name),
            Command::Login { user, password } => self.login(world, &user, &password),
            Command::Authenticate { mechanism, initial } => {
                return self.authenticate(world, tag, &mechanism, initial);
            }
            Command::Enable(names) => self.enable(world, &names),
            Command::Id(_) => Ok(self.id()),
            Command::Select(select) => self.select(world, select),
            Command::Create { mailbox, params } => self.create(world, &mailbox, &params),
            Command::Delete(name) => self.delete(world, &name),
            Command::Rename { from, to } => self.rename(world, &from, &to),
            Command::Subscribe(name) => self.subscribe(world, &name, true),
            Command::Unsubscribe(name) => self.subscribe(world, &name, false),
            Command::List(list) => self.list(world, &list),
            Command::Status { mailbox, items } => self.status_of(world, &mailbox, &items),
            Command::Append { mailbox, messages } => self.append(world, &mailbox, messages),
            Command::Replace { uid, old, to, message } => self.replace(world, (&old, uid), &to, *message),
            Command::UidExpunge(which) => self.expunge(world, Some(&which)),
            Command::Search(search) => self.search(world, tag, &search),
            Command::Sort(sort) => self.sort(world, tag, &sort),
            Command::SearchIn(search) => self.search_in(world, tag, &search),
            Command::Thread(thread) => self.thread(world, &thread),
            Command::Fetch(fetch) => return self.fetch(world, tag, fetch),
            Command::Store(store) => self.store(world, &store),
            Command::StoreAnnotations(store) => self.store_annotations(world, &store),
            Command::StoreLabels(store) => self.store_labels(world, &store),
            Command::Copy { uid, moving, which, to } => self.copy(world, (&which, uid), &to, moving),
            Command::Notify(asked) => self.notify(world, asked),
            Command::Other { name, arguments } if name == "COMPRESS" => {
                return self.compress(world, tag, &arguments);
            }
            Command::Other { name, arguments } => match &*name {
                "GETACL" | "SETACL" | "DELETEACL" | "LISTRIGHTS" | "MYRIGHTS" => {
                    self.acl(world, &name, &arguments)
                }
                "GETMETADATA" | "SETMETADATA" => self.metadata(world, &name, &arguments),
                "LANGUAGE" => self.language(&arguments),
                "COMPARATOR" => self.comparator(&arguments),
                "UIDBATCHES" => self.uid_batches(tag, &arguments),
                "CANCELUPDATE" => self.cancel_updates(&arguments),
                "GENURLAUTH" | "URLFETCH" | "RESETKEY" => self.url_auth(world, &name, &arguments),
                _ => self.quota(world, &name, &arguments),
            },
        })
    }

    fn plain_command(&mut self, world: &mut World, tag: &str, name: &str) -> Option<Done> {
        Some(match name {
            "CAPABILITY" => {
                let all = self.capabilities(world);
                self.answer("CAPABILITY", Answer::Capability(all));
                Ok(Reply::ok("Capabilities listed"))
            }
            "NOOP" | "CHECK" => Ok(Reply::ok("Done")),
            "LOGOUT" => {
                self.status(crate::types::Status::Bye, None, "Logging out");
                self.tagged(tag, Reply::ok("Logged out").status);
                self.out.close();
                self.mode = Mode::Over;
                return None;
            }
            "STARTTLS" => return self.start_tls(world, tag),
            "CLOSE" | "UNSELECT" => self.close(world, name == "CLOSE"),
            "EXPUNGE" => self.expunge(world, None),
            "IDLE" if self.selected.is_none() && self.quirks.has(Quirk::IdleNeedsMailbox) => {
                Err(Reply::bad("Select a mailbox first"))
            }
            "IDLE" => {
                if self.quirks.has(Quirk::ForgetfulIdle) {
                    self.forget_changes(world);
                }
                self.write(&Response::Continuation { text: bytes::Bytes::from_static(b"idling") });
                self.mode = Mode::Idle(tag.to_owned());
                self.flush(world, Allows::All);
                return None;
            }
            "NAMESPACE" => Ok(self.namespace()),
            "UNAUTHENTICATE" => return self.unauthenticate(world, tag),
            _ => Err(Reply::bad("Unknown command")),
        })
    }
}
