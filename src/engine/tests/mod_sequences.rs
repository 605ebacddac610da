//! Mod-sequences, UIDVALIDITY and VANISHED in the model server: which changes it keeps, and how it
//! reports them (RFC 7162).

use super::client_knowledge::Note;
use super::mailboxes::{Folder, Mail, item_text};
use super::server::Server;

impl Folder {
    /// The next mod-sequence.
    pub(super) fn tick(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(super) fn removed_at(&self, uid: u32) -> u64 {
        self.removed.iter().rev().find(|(gone, _)| *gone == uid).map_or(self.last, |(_, at)| *at)
    }
}

impl Server {
    /// Whether reports of the selected mailbox have mod-sequences.
    pub(super) fn has_mods(&self) -> bool {
        self.mods_on && self.session.as_ref().is_some_and(|s| self.folders[s.folder].keeps_mods)
    }

    /// Whether removals are reported by VANISHED: in all mailboxes that have mod-sequences (RFC
    /// 7162 section 3.2.10).
    pub(super) fn says_vanished(&self) -> bool {
        self.kind.qresync && self.has_mods()
    }

    /// A message's mod-sequence, if it is there.
    pub(super) fn mods_of(&self, uid: u32) -> Option<u64> {
        let folder = &self.folders[self.session.as_ref()?.folder];
        folder.messages.iter().find(|m| m.uid == uid).map(|m| m.mods)
    }

    /// Up to which mod-sequence everything was reported to this session.
    fn settled(&self) -> u64 {
        let Some(session) = &self.session else { return 0 };
        let folder = &self.folders[session.folder];
        let new = folder.messages.iter().filter(|m| m.uid > session.up_to).map(|m| m.mods);
        let gone = session.numbered.iter().filter(|m| m.gone).map(|m| folder.removed_at(m.uid));
        let dirty =
            session.numbered.iter().filter(|m| m.dirty && !m.gone).filter_map(|m| self.mods_of(m.uid));
        new.chain(gone).chain(dirty).min().map_or(folder.last, |first| first - 1)
    }

    /// Before a tagged response: the client's mod-sequence, which must be reported if rows were
    /// ahead of it (RFC 7162 section 6).
    pub(super) fn report_mod_seq(&mut self) {
        let highest = std::mem::take(&mut self.highest_row);
        if !self.has_mods() || self.is_opening() {
            return;
        }
        let settled = self.settled();
        if highest > settled || (settled + self.out.len() as u64).is_multiple_of(3) {
            self.say(format!("* OK [HIGHESTMODSEQ {settled}] so far"), Note::Nothing);
        }
    }

    /// Removes these messages together. Between neighbours a range may name UIDs that do not exist,
    /// if the client has all UIDs up to there: else it could not know how many are removed (RFC
    /// 7162 section 3.2.10.2 forbids it altogether; some servers do it).
    pub(super) fn say_vanished(&mut self, uids: &[u32]) {
        let known = self.client_knows;
        let Some(session) = &mut self.session else { return };
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut before_went = false;
        for m in &session.numbered {
            let goes = uids.contains(&m.uid);
            match ranges.last_mut() {
                Some((_, last)) if goes && before_went && (*last + 1 == m.uid || m.uid <= known) => {
                    *last = m.uid;
                }
                _ if goes => ranges.push((m.uid, m.uid)),
                _ => {}
            }
            before_went = goes;
        }
        session.numbered.retain(|m| !uids.contains(&m.uid));
        if !ranges.is_empty() {
            self.say(format!("* VANISHED {}", set_of(&ranges)), Note::Vanished(uids.to_vec()));
        }
    }

    /// What SELECT reports of mod-sequences, and the changes since those that it names (RFC 7162
    /// section 3.2.5).
    pub(super) fn report_since(&mut self, folder: usize, resume: Option<(u32, u64)>) {
        if !self.kind.knows_mods() {
            return;
        }
        let Folder { uid_validity, next, last, keeps_mods, messages, removed, .. } =
            self.folders[folder].clone();
        if !keeps_mods {
            return self.say("* OK [NOMODSEQ] none here", Note::Nothing);
        }
        self.say(format!("* OK [HIGHESTMODSEQ {last}] highest"), Note::Nothing);
        let Some((_, since)) = resume.filter(|(then, _)| *then == uid_validity) else { return };
        let there = |uid: u32| messages.iter().any(|m| m.uid == uid);
        // All removals since then; or all UIDs that do not exist, where nothing more precise is
        // kept (section 3.2.5.1).
        let gone: Vec<(u32, u32)> = match since % 2 {
            0 => (1..next).filter(|uid| !there(*uid)).map(|uid| (uid, uid)).collect(),
            _ => removed.iter().filter(|(_, at)| *at > since).map(|(uid, _)| (*uid, *uid)).collect(),
        };
        if !gone.is_empty() {
            self.say(format!("* VANISHED (EARLIER) {}", set_of(&gone)), Note::Nothing);
        }
        for (Mail { uid, flags, mods }, seq) in messages.iter().zip(1..).filter(|(m, _)| m.mods > since) {
            let flags_text = item_text("FLAGS", folder, *uid, *flags);
            let row = format!("* {seq} FETCH (UID {uid} {flags_text} MODSEQ ({mods}))");
            self.say(row, Note::Flags(folder, *uid, *flags));
        }
    }

    /// The mailbox is deleted and made again by another session; one that is selected gets another
    /// UIDVALIDITY instead, and its UIDs happen to stay the same.
    pub(super) fn uid_validity_changed(&mut self, folder: usize, size: u8) {
        if self.is_opening() {
            return;
        }
        self.client_knows = 0;
        let uid_validity = self.folders[folder].uid_validity + 100;
        self.folders[folder].uid_validity = uid_validity;
        if self.session.as_ref().is_some_and(|s| s.folder == folder) {
            return self.say(format!("* OK [UIDVALIDITY {uid_validity}] new UIDs"), Note::Nothing);
        }
        self.note_change(folder);
        let folder_now = &mut self.folders[folder];
        let (name, keeps_mods) = (folder_now.name.clone(), folder_now.keeps_mods);
        *folder_now = Folder { keeps_mods, ..Folder::new(&name, uid_validity, size) };
    }
}

fn set_of(ranges: &[(u32, u32)]) -> String {
    let text = |(a, b): &(u32, u32)| if a == b { a.to_string() } else { format!("{a}:{b}") };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}
