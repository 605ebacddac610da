//! When a view is complete: once for each selection it is told, and whoever waits for it is woken.
//!
//! In: a view of which all is known that was to be asked. Out: [`Ready`](EventKind::Ready), and the seat that says so.

use crate::engine::Engine;
use crate::engine::selection::select::Selection;
use crate::types::{Event, EventKind, ViewSync};

impl Selection {
    /// Whether all is known that is wanted, and whoever asks for a state gets one.
    fn is_complete(&self) -> bool {
        self.filling.wanted == ViewSync::Off || self.filling.is_in_step()
    }
}

impl Engine {
    /// The view may have become complete.
    pub(in crate::engine) fn report_ready(&mut self) {
        let Some(selection) = self.selected.current_mut().filter(|selection| selection.is_complete()) else {
            return;
        };
        let selection_handle = selection.selection_handle.clone();
        if !std::mem::replace(&mut selection.ready, true) {
            let kind = EventKind::Ready { exists: selection.view.len() };
            self.report(Event::new(kind).at(Some(selection_handle.place.clone())));
        }
        // Who is woken finds the event told, and the view published.
        if !selection_handle.get().ready {
            self.publish();
            selection_handle.update(|p| (p.ready, p.refused) = (true, false));
        }
    }

    /// The server does not tell what is asked, and is not asked again until something comes or goes.
    pub(in crate::engine) fn filling_refused(&mut self, refused: bool) {
        if let Some(selection) = self.selected.current()
            && selection.selection_handle.get().refused != refused
        {
            selection.selection_handle.update(|p| p.refused = refused);
        }
    }
}
