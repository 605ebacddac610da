//! The model server's IDLE (RFC 9051 section 6.3.13): accepted or refused, and what it reports of
//! the time before.

use super::client_knowledge::Note;
use super::server::{Idling, Server};

impl Server {
    pub(super) fn answer_idle(&mut self, dice: u16) {
        let gave_up = self.idling == Idling::AskedInVain;
        let unfit = self.kind.idles_selected && self.session.is_none();
        let how = match dice % 32 {
            n if unfit => ["NO", "BAD"][usize::from(n % 2)],
            0 => "NO",
            1 => "BAD",
            2 => "OK",
            _ => {
                self.idling = Idling::On;
                self.say("+ idling", Note::Nothing);
                self.forget_flags();
                // The DONE that has come answers it.
                if gave_up {
                    self.done();
                }
                return;
            }
        };
        self.idle_disturbed |= !unfit;
        self.blocked = !gave_up;
        self.end_idle(how, !gave_up);
        if gave_up {
            self.rules.asked("DONE", "DONE", None);
            self.refuse_done();
        }
    }

    pub(super) fn end_idle(&mut self, how: &'static str, unblocks: bool) {
        let Some((tag, id)) = self.idle.take() else { return };
        self.idling = Idling::No;
        self.report_mod_seq();
        self.say(format!("{tag} {how} idle"), Note::Tagged(id, tag.clone(), how, unblocks));
    }

    /// The client may lose patience with an IDLE of which it has not read the `+`.
    pub(super) fn lose_patience(&mut self) {
        self.idle_disturbed |=
            self.idling == Idling::Asked || self.idling == Idling::On && !self.out.is_empty();
    }

    /// DONE has come.
    pub(super) fn done(&mut self) {
        self.end_idle("OK", false);
    }

    /// Flags that changed before IDLE began, and that are unreported, are never reported.
    fn forget_flags(&mut self) {
        if let Some(session) = self.session.as_mut().filter(|_| self.kind.forgets) {
            session.numbered.iter_mut().for_each(|numbered| numbered.dirty = false);
        }
    }
}
