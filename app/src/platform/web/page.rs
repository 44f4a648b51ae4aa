//! The page: its address, its title, its history, and whether somebody looks at it.

use std::cell::{Cell, RefCell};

use dioxus::prelude::*;
use gloo_events::EventListener;
use kith_common::InviteLink;
use wasm_bindgen::JsValue;
use web_sys::{Document, Window, window};

thread_local! {
    /// The link in the address, until it is taken.
    static LINK: RefCell<Option<InviteLink>> = const { RefCell::new(None) };
    /// Whether the address was read.
    static READ: Cell<bool> = const { Cell::new(false) };
    /// Pages of the app that are open above the first one in the browser's history.
    static DEEP: Cell<bool> = const { Cell::new(false) };
}

fn document() -> Option<Document> {
    window()?.document()
}

/// Takes the splash away that the page itself shows while the app is fetched.
pub(super) fn remove_splash() {
    if let Some(splash) = document().and_then(|document| document.get_element_by_id("splash")) {
        splash.remove();
    }
}

/// Whether the page was opened with an invite. The address bar forgets it at once.
pub fn has_invite() -> bool {
    read_link();
    LINK.with(|link| link.borrow().as_ref().is_some_and(|link| link.code.is_some()))
}

/// The link that the page was opened with. It is given out once.
pub fn take_link() -> Option<InviteLink> {
    read_link();
    LINK.with(|link| link.borrow_mut().take())
}

fn read_link() {
    if READ.replace(true) {
        return;
    }
    let Some(window) = window() else { return };
    let location = window.location();
    let fragment = location.hash().unwrap_or_default();
    if fragment.is_empty() {
        return;
    }
    let mut link = location
        .href()
        .ok()
        .and_then(|href| href.parse::<InviteLink>().ok());
    if let (Some(link), Some(own)) = (&mut link, super::own_server()) {
        link.host = own.host;
        link.port = own.port;
        // The browser has verified the server already, and can't do it by a pin.
        link.pin = None;
    }
    LINK.with(|held| *held.borrow_mut() = link);
    forget_fragment(&window);
}

fn forget_fragment(window: &Window) {
    let path = window.location().pathname().unwrap_or_else(|_| "/".to_owned());
    if let Ok(history) = window.history() {
        // Where that fails, the code stays in the bar of somebody who has it anyway.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
    }
}

/// Shows how much wasn't read, in the title and on the icon of an installed app.
pub fn set_unread(count: u64) {
    if let Some(document) = document() {
        document.set_title(&if count == 0 {
            "Kith".to_owned()
        } else {
            format!("({count}) Kith")
        });
    }
}

/// Whether the page is seen and has the focus.
pub fn is_looked_at() -> bool {
    document().is_some_and(|document| !document.hidden() && document.has_focus().unwrap_or(true))
}

/// Calls back whenever somebody begins or ceases to look at the page, as long as the component lives that asks for it.
pub fn use_looked_at(callback: impl FnMut(bool) + 'static) {
    let callback = use_callback(callback);
    use_hook(|| {
        let mut listeners = Vec::new();
        if let (Some(window), Some(document)) = (window(), document()) {
            for event in ["focus", "blur"] {
                listeners.push(EventListener::new(&window, event, move |_| {
                    callback.call(is_looked_at())
                }));
            }
            listeners.push(EventListener::new(&document, "visibilitychange", move |_| {
                callback.call(is_looked_at());
            }));
        }
        std::rc::Rc::new(listeners)
    });
}

/// A page was opened over another. One that takes the place of another doesn't make the way back longer.
pub fn went_deeper(replaces: bool) {
    if replaces && DEEP.get() {
        return;
    }
    if let Some(history) = window().and_then(|window| window.history().ok())
        && history.push_state_with_url(&JsValue::NULL, "", None).is_ok()
    {
        DEEP.set(true);
    }
}

/// Goes back by the browser's history, if the app has put something there. [`use_back`] does the rest.
pub fn go_back() -> bool {
    let history = window().and_then(|window| window.history().ok());
    DEEP.get() && history.is_some_and(|history| history.back().is_ok())
}

/// Calls back when the person goes back: by the browser's button, a gesture, or the button of a phone.
pub fn use_back(mut callback: impl FnMut() + 'static) {
    let callback = use_callback(move |()| callback());
    use_hook(|| {
        let listener = window().map(|window| {
            EventListener::new(&window, "popstate", move |_| {
                DEEP.set(false);
                callback.call(());
            })
        });
        std::rc::Rc::new(listener)
    });
}
