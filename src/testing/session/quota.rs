//! GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208): one root for each user, for bytes, messages,
//! mailboxes and annotations. Each user may set their own, as only administrators may elsewhere.

use crate::testing::world::{Limits, World};
use crate::types::{Answer, MailboxName, Quota, QuotaResource, QuotaRoot};
use crate::wire::request::{Value, value_as_mailbox};

use super::Session;
use super::reply::{Done, Reply};

/// The name of the single root, which GETQUOTAROOT returns.
const ROOT: &str = "User quota";

impl Session {
    /// The quota commands, and unknown ones.
    pub(super) fn quota(&mut self, world: &mut World, name: &str, arguments: &[Value]) -> Done {
        match (name, arguments) {
            ("GETQUOTA", [root]) => {
                if *root != Value::String(ROOT.into()) {
                    return Err(Reply::no(None, "There is no such quota root"));
                }
                self.write_quota(world);
                Ok(Reply::ok("Quota listed"))
            }
            ("GETQUOTAROOT", [mailbox]) => {
                let Some(mailbox) = value_as_mailbox(mailbox, self.enabled.utf8) else {
                    return Err(Reply::bad("A mailbox was expected"));
                };
                self.quota_root(world, mailbox)
            }
            ("SETQUOTA", [root, Value::List(limits)]) => {
                if *root != Value::String(ROOT.into()) {
                    return Err(Reply::no(None, "There is no such quota root"));
                }
                let limits = limits_of(world, limits)?;
                if let Some(user) = world.users.get_mut(&self.user()) {
                    user.quota = limits;
                }
                self.write_quota(world);
                Ok(Reply::ok("Quota set"))
            }
            _ => Err(Reply::bad("Unknown command")),
        }
    }

    fn quota_root(&mut self, world: &World, mailbox: MailboxName) -> Done {
        // RFC 9208 section 4.1.2: also for a missing mailbox.
        self.answer("QUOTAROOT", Answer::QuotaRoot(QuotaRoot::new(mailbox, vec![ROOT.to_owned()])));
        self.write_quota(world);
        Ok(Reply::ok("Quota listed"))
    }

    fn write_quota(&mut self, world: &World) {
        let user = self.user();
        let (bytes, messages) = world.usage(&user);
        let Some(limits) = world.users.get(&user).map(|user| user.quota) else { return };
        let mut resources = Vec::new();
        // RFC 9208 section 5.1: in units of 1024 bytes.
        if let Some(limit) = limits.bytes {
            let (used, limit) = (bytes.div_ceil(1024), limit.div_ceil(1024));
            resources.push(QuotaResource::new("STORAGE".to_owned(), Some(used), Some(limit)));
        }
        if let Some(limit) = limits.messages {
            resources.push(QuotaResource::new("MESSAGE".to_owned(), Some(messages), Some(limit)));
        }
        if let Some(limit) = limits.mailboxes {
            let used = world.mailbox_count(&user);
            resources.push(QuotaResource::new("MAILBOX".to_owned(), Some(used), Some(limit)));
        }
        if let Some(limit) = limits.annotations {
            let (used, limit) = (world.annotation_bytes(&user).div_ceil(1024), limit.div_ceil(1024));
            resources.push(QuotaResource::new("ANNOTATION-STORAGE".to_owned(), Some(used), Some(limit)));
        }
        self.answer("QUOTA", Answer::Quota(Quota::new(ROOT.to_owned(), resources)));
    }
}

/// The limits that SETQUOTA names; those that it does not name are lifted.
fn limits_of(world: &World, values: &[Value]) -> Result<Limits, Reply> {
    let mut limits = Limits::default();
    for pair in values.chunks(2) {
        let [Value::Word(name), Value::Word(limit)] = pair else {
            return Err(Reply::bad("Resources and their limits were expected"));
        };
        let Ok(limit) = limit.parse::<u64>() else { return Err(Reply::bad("A number was expected")) };
        match &*name.to_ascii_uppercase() {
            "STORAGE" => limits.bytes = Some(limit.saturating_mul(1024)),
            "MESSAGE" => limits.messages = Some(limit),
            "MAILBOX" => limits.mailboxes = Some(limit),
            "ANNOTATION-STORAGE" if world.has("ANNOTATE-EXPERIMENT-1") => {
                limits.annotations = Some(limit.saturating_mul(1024));
            }
            _ => return Err(Reply::no(None, "This resource is not counted")),
        }
    }
    Ok(limits)
}
