//! The device and its system.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use jiff::{Timestamp, tz::TimeZone};
use kith_client::{Accounts, AccountsError, ServerAddress};
use kith_common::InviteLink;

use crate::model::time::{Day, LocalTime};

/// Longest name of a device, in characters.
const NAME: usize = kith_common::limits::DEVICE_NAME_CHARS;

/// The accounts of this device.
///
/// # Errors
/// There is no place for them.
pub async fn open_accounts(program: &'static str) -> Result<Accounts, AccountsError> {
    // The system knows users there, but gives them no folders.
    #[cfg(target_os = "android")]
    if let Some(folder) = super::android::own_folder() {
        return Ok(Accounts::in_store(kith_client::Store::new(folder), program));
    }
    super::beside(Accounts::open(program)).await
}

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A time as the clock on the wall shows it.
pub fn local(time: i64) -> LocalTime {
    let time = Timestamp::from_millisecond(time).unwrap_or(Timestamp::UNIX_EPOCH);
    let time = time.to_zoned(TimeZone::system());
    LocalTime {
        day: Day {
            year: time.year().into(),
            month: time.month().unsigned_abs(),
            day: time.day().unsigned_abs(),
        },
        hour: time.hour().unsigned_abs(),
        minute: time.minute().unsigned_abs(),
    }
}

/// The tag of the system's language.
pub fn language_tag() -> String {
    sys_locale::get_locale().unwrap_or_default()
}

/// Whether keys are called as Apple calls them.
pub fn is_apple() -> bool {
    cfg!(target_vendor = "apple")
}

/// What this device will be known by to its owner.
pub fn device_name() -> String {
    let host = hostname::get().ok().and_then(|name| name.into_string().ok());
    let name = match host {
        Some(host) => format!("Kith · {host}"),
        None => "Kith".to_owned(),
    };
    name.chars().take(NAME).collect()
}

/// There isn't one server that is this program's own.
pub fn own_server() -> Option<ServerAddress> {
    None
}

/// What a person can compare where a server vouches for itself. Here that is done before anything is sent.
pub async fn own_authority() -> Option<String> {
    None
}

/// Whether there is a link that waits to be taken.
pub fn has_invite() -> bool {
    link().is_some()
}

/// The link that the program was started with, or that came later. It is given out once.
pub fn take_link() -> Option<InviteLink> {
    link().take()
}

/// The link, which stays.
#[cfg(feature = "desktop")]
pub(super) fn held_link() -> Option<InviteLink> {
    link().clone()
}

/// Puts a link where it is taken from.
#[cfg(feature = "desktop")]
pub(super) fn put_link(new: InviteLink) {
    *link() = Some(new);
}

fn link() -> MutexGuard<'static, Option<InviteLink>> {
    static LINK: LazyLock<Mutex<Option<InviteLink>>> = LazyLock::new(|| Mutex::new(argument()));
    LINK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn argument() -> Option<InviteLink> {
    let argument = std::env::args().nth(1)?;
    argument.contains("://").then(|| argument.parse().ok()).flatten()
}

/// Puts a text on the clipboard. `false` if that isn't possible.
#[cfg(feature = "desktop")]
pub async fn copy(text: &str) -> bool {
    let text = text.to_owned();
    // X11 asks the program for the text when it is pasted: the clipboard has to live on.
    static CLIPBOARD: Mutex<Option<arboard::Clipboard>> = Mutex::new(None);
    super::beside(async move {
        let mut clipboard = CLIPBOARD.lock().unwrap_or_else(PoisonError::into_inner);
        if clipboard.is_none() {
            *clipboard = arboard::Clipboard::new().ok();
        }
        clipboard
            .as_mut()
            .is_some_and(|clipboard| clipboard.set_text(text).is_ok())
    })
    .await
}

/// Puts a text on the clipboard. `false` if that isn't possible.
#[cfg(not(feature = "desktop"))]
pub async fn copy(text: &str) -> bool {
    let Ok(text) = serde_json::to_string(text) else {
        return false;
    };
    let script = format!("await navigator.clipboard.writeText({text}); return true");
    dioxus::document::eval(&script).await.is_ok()
}

/// Tells the person of something, while nobody looks.
#[cfg(feature = "desktop")]
pub fn notify(title: &str, body: &str, _about: &str) {
    let mut notification = notify_rust::Notification::new();
    notification.appname("Kith").summary(title).body(body);
    super::RUNTIME.spawn_blocking(move || {
        if let Err(error) = notification.show() {
            eprintln!("kith: can't notify: {error}");
        }
    });
}

/// Phones are notified by the system's push service, which comes with a later version.
#[cfg(not(feature = "desktop"))]
pub fn notify(_title: &str, _body: &str, _about: &str) {}

/// Asks whether the person may be notified.
pub async fn allow_notifications() -> bool {
    cfg!(feature = "desktop")
}
