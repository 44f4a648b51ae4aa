use dioxus::prelude::*;

use crate::platform;

/// How long a word stays, in milliseconds.
const STAYS: u64 = 6_000;

/// Most words at a time.
const MOST: usize = 3;

/// Short words about what has just happened.
#[derive(Clone, Copy, PartialEq)]
pub struct Toasts {
    next: Signal<u64>,
    shown: Signal<Vec<(u64, String)>>,
}

impl Toasts {
    /// Makes them known to all components below.
    pub fn provide() -> Self {
        let next = use_signal(|| 0);
        let shown = use_signal(Vec::new);
        use_context_provider(|| Self { next, shown })
    }

    /// Says something for a while.
    pub fn say(mut self, text: impl Into<String>) {
        let id = *self.next.peek();
        self.next.set(id + 1);
        let text = text.into();
        {
            let mut shown = self.shown.write();
            shown.retain(|(_, other)| *other != text);
            shown.push((id, text));
            let over = shown.len().saturating_sub(MOST);
            shown.drain(..over);
        }
        dioxus::core::spawn_forever(async move {
            platform::sleep(STAYS).await;
            self.dismiss(id);
        });
    }

    /// Takes one away.
    pub fn dismiss(mut self, id: u64) {
        self.shown.write().retain(|(other, _)| *other != id);
    }

    /// Those that are shown.
    pub fn shown(self) -> Vec<(u64, String)> {
        self.shown.read().clone()
    }
}

/// Where to say what has just happened.
pub fn use_toasts() -> Toasts {
    use_context()
}
