//! Messages that come and go while the view is being filled in: each is told once, now or when all is compared.
//!
//! In: what became known of a message. Out: `Arrived`; and a note for the comparison with what was known before.

use crate::engine::Engine;
use crate::types::{Event, EventKind, Uid};

impl Engine {
    /// Messages that have come, and whose UIDs are known now.
    pub(in crate::engine) fn report_arrivals(&mut self) {
        let Some(selection) = self.selected.current_mut() else { return };
        let place = Some(selection.selection_handle.place.clone());
        for (seq, uid, flags) in selection.view.take_fresh() {
            self.note_arrival(uid);
            let kind = EventKind::Arrived { seq: Some(seq), uid, flags };
            self.report(Event::new(kind).at(place.clone()));
        }
    }

    /// This message came while the mailbox was selected: it is no news of the time before.
    pub(in crate::engine) fn note_arrival(&mut self, uid: Uid) {
        if let Some(before) = self.selected.current_mut().and_then(|s| s.filling.before.as_mut()) {
            before.arrived.insert(uid);
        }
    }

    /// This message's going was told as it went: it did not go unseen before.
    pub(in crate::engine) fn note_removal(&mut self, uid: Option<Uid>) {
        let Some((selection, uid)) = self.selected.current_mut().zip(uid) else { return };
        selection.in_step.has_flags(uid);
        if let Some(before) = &mut selection.filling.before {
            before.gone.insert(uid);
        }
    }

    /// Flags of this message were told as news: they are none once more when they are compared with those of before.
    pub(in crate::engine) fn note_flags(&mut self, uid: Option<Uid>) {
        if let Some(before) = self.selected.current_mut().and_then(|s| s.filling.before.as_mut()) {
            uid.into_iter().for_each(|uid| before.flags_told.insert(uid));
        }
    }
}
