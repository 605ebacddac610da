//! Limits of a server (RFC 9738): it has dealt with a part of the messages only, and says so apart
//! from the command's OK, which holds another code.
//!
//! In: MESSAGELIMIT in an untagged OK; commands that end. Out: to which command the limit belongs.

use std::collections::VecDeque;

use crate::engine::inflight::InFlight;
use crate::engine::inflight::command::InFlightCommand;
use crate::types::{Code, CommandId, Done, Status, StatusResponse, Uid};

/// How many limits may be reported apart before one of the commands that they belong to has ended.
const MAX_LIMITS: usize = 16;

/// Limits whose command has not ended, each with how many commands had been started.
pub(super) type MessageLimits = VecDeque<(StatusResponse, u64)>;

impl InFlight {
    /// The server has reported a limit apart from a command's OK. Whether it may belong to a
    /// command.
    pub(crate) fn note_limit(&mut self, status: &StatusResponse) -> bool {
        let mut meant = self.entries.values_mut().filter(|entry| is_candidate(entry)).peekable();
        if meant.peek().is_none() {
            return false;
        }
        // No more than a server that says it in earnest has in flight, whose texts may be long.
        if self.limits.len() < MAX_LIMITS {
            self.limits.push_back((status.clone(), self.started));
        } else {
            // Whose it is can't be found out: none of them may pass for whole.
            let limit = StatusResponse { text: String::new(), ..status.clone() };
            meant.for_each(|entry| entry.limited = entry.limited.take().or_else(|| Some(limit.clone())));
        }
        true
    }

    /// A command ends. A limit that was reported apart belongs to the command whose OK had to hold
    /// another code (RFC 9738 section 3.1); if there is none, to the last that may have met it.
    pub(super) fn take_limit(&mut self, id: CommandId, expunge_issued: bool) {
        if self.limits.is_empty() {
            return;
        }
        let alone = !self.entries.iter().any(|(other, entry)| *other != id && is_candidate(entry));
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.may_be_limited()) else { return };
        // A server may say it twice; another limit is another command's, and one that it refuses
        // for it says so itself.
        let says_so = |limit: &StatusResponse| {
            entry.replies.iter().any(|reply| reply.status == Status::Ok && reply.code == limit.code)
        };
        // One that was sent after it was reported is not meant.
        let fits = |(limit, started): &(StatusResponse, u64)| {
            entry.order <= *started && (expunge_issued || alone || says_so(limit))
        };
        let limit = self.limits.iter().position(fits).and_then(|at| self.limits.remove(at));
        if let Some((limit, _)) = limit {
            entry.limited = Some(limit);
        }
        if alone {
            self.limits.clear();
        }
    }

    /// A line of a series has its OK. The limit by which the server has dealt with a part of the
    /// messages only, where the next line would take them all for done. One that was reported apart
    /// counts, whosever it is, since what follows may remove messages.
    pub(super) fn limit_of_step(&self, id: CommandId, status: &StatusResponse) -> Option<StatusResponse> {
        let entry = self.entries.get(&id).filter(|entry| entry.may_be_limited())?;
        if !entry.submission.job.builds_on_the_whole() {
            return None;
        }
        if matches!(status.code, Some(Code::MessageLimit { .. })) {
            return Some(status.clone());
        }
        let apart = self.limits.iter().find(|(_, started)| entry.order <= *started).map(|(limit, _)| limit);
        entry.limited.as_ref().or(apart).cloned()
    }

    /// Whether the server has dealt with a part of the messages only, by its replies or by a limit
    /// reported apart.
    pub(crate) fn cut_short<'a>(
        &'a self,
        id: CommandId,
        done: &'a Done,
    ) -> Option<(&'a StatusResponse, Option<Uid>)> {
        self.entries.get(&id)?.cut_short(done)
    }
}

fn is_candidate(entry: &InFlightCommand) -> bool {
    entry.begun && entry.may_be_limited()
}
