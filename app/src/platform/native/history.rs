//! The way back: the webview's history, which a phone's back button and a mouse's go through.

use std::cell::Cell;

use dioxus::document;
use dioxus::prelude::*;

/// What tells of each step back.
const LISTENER: &str = r#"
    addEventListener("popstate", () => dioxus.send(true));
    await new Promise(() => {});
"#;

thread_local! {
    /// Whether there is something to go back from.
    static DEEP: Cell<bool> = const { Cell::new(false) };
}

/// A page was opened over another. One that takes the place of another doesn't make the way back longer.
pub fn went_deeper(replaces: bool) {
    if !(replaces && DEEP.get()) {
        DEEP.set(true);
        document::eval("history.pushState(null, \"\")");
    }
}

/// Goes back by the webview's history, if the app has put something there. [`use_back`] does the rest.
pub fn go_back() -> bool {
    if DEEP.get() {
        document::eval("history.back()");
    }
    DEEP.get()
}

/// Calls back when the person goes back.
pub fn use_back(mut callback: impl FnMut() + 'static) {
    let callback = use_callback(move |()| callback());
    use_future(move || async move {
        let mut steps = document::eval(LISTENER);
        while steps.recv::<bool>().await.is_ok() {
            DEEP.set(false);
            callback.call(());
        }
    });
}
