//! Secrets that the server has been sent: what it says back of them is kept nowhere.
//!
//! In: the secrets of each line, as it is made ([`Line::secret`](crate::command::Line::secret)).
//! Out: responses whose texts and bytes are safe to be kept in errors, events, traces. A server may
//! echo the line that it refuses, whole or cut short, in capitals, in base64; so a text with any
//! piece of a secret in it is left out whole: the rest beside a blank would show where the secret
//! was, and that there was one. An answer goes whole to the command that claims it, which may need
//! it; it is marked, so that it becomes no event and stays in no error.
//!
//! Those of a login are kept until all of the login is over, those of other commands until the
//! command has ended. Codes, capabilities and other data that is not text go through as they are.

use std::collections::BTreeMap;

use bytes::Bytes;
use zeroize::Zeroizing;

use crate::engine::events::{LEFT_OUT, excerpt};
use crate::engine::write::secret_pieces::{SecretPiece, SecretPieces};
use crate::types::{Answer, Code, CommandId, StatusResponse, Untagged};
use crate::wire::frame::FrameError;

/// What stands in place of a response that has not been searched for secrets.
const MAY_HAVE: &str = "(left out: it may have a password or another secret in it)";

#[derive(Default)]
pub(crate) struct Secrets {
    pieces: SecretPieces,
    of: BTreeMap<CommandId, Vec<SecretPiece>>,
}

impl Secrets {
    /// A command's line has these in it.
    pub(crate) fn add(&mut self, id: CommandId, forms: impl IntoIterator<Item = Zeroizing<Vec<u8>>>) {
        for form in forms.into_iter().filter(|form| !form.is_empty()) {
            self.pieces.add(&form, self.of.entry(id).or_default());
        }
    }

    pub(crate) fn forget(&mut self, id: CommandId) {
        self.pieces.remove(self.of.remove(&id).into_iter().flatten());
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether this command has sent any.
    pub(crate) fn has(&self, id: CommandId) -> bool {
        self.of.contains_key(&id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether a text has a piece of one in it, in capitals or not.
    pub(crate) fn are_in(&self, text: &[u8]) -> bool {
        self.pieces.are_in(text)
    }

    fn are_in_status(&self, status: &StatusResponse) -> bool {
        self.are_in(status.text.as_bytes()) || self.are_in_code(status)
    }

    fn are_in_code(&self, status: &StatusResponse) -> bool {
        let code = status.code.as_ref().filter(|code| has_text(code));
        code.is_some_and(|code| self.are_in(code.to_string().as_bytes()))
    }

    /// Marks a response that repeats a secret. A command that claims it gets it whole, for it may
    /// need it; but it becomes no event and stays in no error.
    pub(crate) fn mark(&self, response: &mut Untagged) {
        let has_secret = !self.is_empty()
            && match response.answer() {
                Answer::Status(status) => self.are_in_status(status),
                Answer::Id(fields) => self.are_in(format!("{fields:?}").as_bytes()),
                Answer::Other => response.raw().is_some_and(|raw| self.are_in(raw)),
                _ => false,
            };
        if has_secret {
            response.mark_secret();
        }
    }

    /// Takes them out of a status response.
    pub(crate) fn blank(&self, status: &mut StatusResponse) {
        if self.is_empty() {
            return;
        }
        if self.are_in(status.text.as_bytes()) {
            status.text = LEFT_OUT.to_owned();
        }
        if self.are_in_code(status) {
            status.code = None;
        }
    }

    /// The beginning of these bytes, as it may be kept. All of them are looked through: a secret
    /// may be cut in two there.
    pub(crate) fn excerpt(&self, bytes: &Bytes) -> Bytes {
        if self.are_in(bytes) { Bytes::from_static(LEFT_OUT.as_bytes()) } else { excerpt(bytes) }
    }

    /// An error of the framing, whose text says how the response began; without that while it may
    /// be one that repeats a secret.
    pub(crate) fn take_out_of_error(&self, error: FrameError) -> FrameError {
        if self.is_empty() { error } else { error.begun_with(MAY_HAVE) }
    }
}

/// Whether a code has words of the server's choice. Each code is named here, so that a new one is
/// decided on.
fn has_text(code: &Code) -> bool {
    match code {
        Code::BadCharset(_)
        | Code::BadEvent(_)
        | Code::BadUrl(_)
        | Code::MailboxId(_)
        | Code::NoUpdate(_)
        | Code::Other { .. }
        | Code::Referral(_)
        | Code::UndefinedFilter(_)
        | Code::UrlMech(_) => true,
        Code::InProgress(progress) => progress.tag.is_some(),
        Code::Alert
        | Code::AlreadyExists
        | Code::Annotate(_)
        | Code::Annotations(_)
        | Code::AppendUid { .. }
        | Code::AuthenticationFailed
        | Code::AuthorizationFailed
        | Code::BadComparator
        | Code::Cannot
        | Code::Capability(_)
        | Code::ClientBug
        | Code::Closed
        | Code::CompressionActive
        | Code::ContactAdmin
        | Code::CopyUid(_)
        | Code::Corruption
        | Code::Expired
        | Code::ExpungeIssued
        | Code::HasChildren
        | Code::HighestModSeq(_)
        | Code::InUse
        | Code::Limit
        | Code::MaxConvertMessages(_)
        | Code::MaxConvertParts(_)
        | Code::MessageLimit { .. }
        | Code::Metadata(_)
        | Code::Modified(_)
        | Code::NoModSeq
        | Code::NonExistent
        | Code::NoPerm
        | Code::NotificationOverflow
        | Code::NotSaved
        | Code::OverQuota
        | Code::Parse
        | Code::PermanentFlags(_)
        | Code::PrivacyRequired
        | Code::ReadOnly
        | Code::ReadWrite
        | Code::ServerBug
        | Code::TempFail
        | Code::TooBig
        | Code::TooFew
        | Code::TooMany
        | Code::TryCreate
        | Code::UidNext(_)
        | Code::UidNotSticky
        | Code::UidRequired
        | Code::UidValidity(_)
        | Code::Unavailable
        | Code::UnknownCte
        | Code::Unseen(_)
        | Code::UseAttr => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Progress, Status};

    fn forms(forms: &[&str]) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
        forms.iter().map(|form| Zeroizing::new(form.as_bytes().to_vec()))
    }

    #[test]
    fn each_commands_secrets_are_forgotten_with_it_and_empty_ones_are_none() {
        let mut secrets = Secrets::default();
        secrets.add(CommandId(1), forms(&["", ""]));
        assert!(secrets.is_empty() && !secrets.are_in(b"anything") && !secrets.are_in(&[b'x'; 20_000]));
        secrets.add(CommandId(1), forms(&["correct-horse"]));
        secrets.add(CommandId(1), forms(&["xyz"]));
        secrets.add(CommandId(2), forms(&["correct-horse"]));
        assert!(secrets.are_in(b"no xyz") && secrets.are_in(b"no Correct-Horse"));
        assert!(!secrets.are_in(&[b'x'; 20_000]), "however long it is");
        secrets.forget(CommandId(1));
        assert!(!secrets.are_in(b"no xyz") && secrets.are_in(b"no Correct-Horse"));
        secrets.forget(CommandId(3));
        secrets.forget(CommandId(2));
        assert!(secrets.is_empty());
    }
    #[test]
    fn a_code_that_repeats_a_secret_is_left_out() {
        let mut secrets = Secrets::default();
        secrets.add(CommandId(1), forms(&["correct-horse"]));
        let progress = |tag: &str| Code::InProgress(Progress::new(Some(tag.to_owned()), Some(1), Some(2)));
        for (code, is_kept) in [
            (Code::MailboxId("correct-horse".to_owned()), false),
            (progress("correct-horse"), false),
            (progress("A1"), true),
            (Code::TryCreate, true),
        ] {
            let mut status = StatusResponse::new(Status::Ok, Some(code), "");
            secrets.blank(&mut status);
            assert_eq!(status.code.is_some(), is_kept);
        }
    }
}
