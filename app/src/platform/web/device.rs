//! What the browser tells of itself, and what it does for the app.

use js_sys::Date;
use kith_client::{Accounts, AccountsError, ServerAddress};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission, Response, window};

use crate::model::time::{Day, LocalTime};

/// The port of `https` (RFC 9110, section 4.2.2).
const HTTPS: u16 = 443;

/// The accounts of this page's server in this browser.
///
/// # Errors
/// The browser keeps nothing for this page.
pub async fn open_accounts(program: &'static str) -> Result<Accounts, AccountsError> {
    Accounts::open(program).await
}

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now() -> i64 {
    Date::now() as i64
}

/// A time as the clock on the wall shows it.
pub fn local(time: i64) -> LocalTime {
    let date = Date::new(&(time as f64).into());
    let small = |number: u32| u8::try_from(number).unwrap_or_default();
    LocalTime {
        day: Day {
            year: i32::try_from(date.get_full_year()).unwrap_or_default(),
            month: small(date.get_month() + 1),
            day: small(date.get_date()),
        },
        hour: small(date.get_hours()),
        minute: small(date.get_minutes()),
    }
}

/// The tag of the browser's language.
pub fn language_tag() -> String {
    window()
        .and_then(|window| window.navigator().language())
        .unwrap_or_default()
}

/// The server that the page came from: the only one that it may talk to.
pub fn own_server() -> Option<ServerAddress> {
    let location = window()?.location();
    let host = location.hostname().ok()?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = location.port().ok()?.parse().unwrap_or(HTTPS);
    Some(ServerAddress { host, port })
}

/// The fingerprint that a person can compare with the server's terminal, where the server vouches for itself.
pub async fn own_authority() -> Option<String> {
    #[derive(serde::Deserialize)]
    struct About {
        fingerprint: Option<String>,
    }
    let response: Response = JsFuture::from(window()?.fetch_with_str("/about.json"))
        .await
        .ok()?
        .dyn_into()
        .ok()?;
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    serde_json::from_str::<About>(&text).ok()?.fingerprint
}

/// What this device will be known by to its owner.
pub fn device_name() -> String {
    let agent = window()
        .and_then(|window| window.navigator().user_agent().ok())
        .unwrap_or_default();
    // The first that fits: each of these names those behind it too.
    let find = |known: &[(&str, &'static str)]| {
        known
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    let browser = find(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    let parts: Vec<&str> = browser.into_iter().chain(system).collect();
    if parts.is_empty() {
        "Web".to_owned()
    } else {
        parts.join(" · ")
    }
}

/// Whether fingers are used rather than a mouse.
pub fn is_touch() -> bool {
    let coarse = window().and_then(|window| window.match_media("(pointer: coarse)").ok().flatten());
    coarse.is_some_and(|query| query.matches())
}

/// Whether keys are called as Apple calls them.
pub fn is_apple() -> bool {
    let agent = window().and_then(|window| window.navigator().user_agent().ok());
    agent.is_some_and(|agent| agent.contains("Mac OS"))
}

/// Puts a text on the clipboard. `false` if that isn't possible.
pub async fn copy(text: &str) -> bool {
    let Some(window) = window() else { return false };
    JsFuture::from(window.navigator().clipboard().write_text(text))
        .await
        .is_ok()
}

/// Asks whether the person may be notified.
pub async fn allow_notifications() -> bool {
    match Notification::permission() {
        NotificationPermission::Granted => true,
        NotificationPermission::Denied => false,
        _ => {
            if let Ok(asked) = Notification::request_permission() {
                // What was answered is asked for again.
                let _ = JsFuture::from(asked).await;
            }
            Notification::permission() == NotificationPermission::Granted
        }
    }
}

/// Tells the person of something, while nobody looks. A later word about the same takes the place of an earlier one.
pub fn notify(title: &str, body: &str, about: &str) {
    if Notification::permission() == NotificationPermission::Granted {
        let options = NotificationOptions::new();
        options.set_body(body);
        options.set_tag(about);
        // Some browsers want a service worker for it, and throw.
        let _ = Notification::new_with_options(title, &options);
    }
}
