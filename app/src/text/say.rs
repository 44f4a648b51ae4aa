//! Sentences that are put together: times, sizes, and why something didn't work.

use kith_client::local_store::StoreError;
use kith_client::{AccountsError, EngineError, Error, TrustError};
use kith_common::{ErrorCode, WireError};

use super::Words;
use crate::model::time::{Day, LocalTime};

/// A time of day.
pub fn clock(time: LocalTime) -> String {
    format!("{:02}:{:02}", time.hour, time.minute)
}

/// A day as it stands between messages.
pub fn day_label(words: &Words, day: Day, today: Day) -> String {
    match today.number() - day.number() {
        0 => words.today.to_owned(),
        1 => words.yesterday.to_owned(),
        2..=6 => (words.weekday)(day.weekday()),
        _ => (words.date)(day),
    }
}

/// A time as it stands in a list: as short as it is still clear.
pub fn list_time(words: &Words, time: LocalTime, today: Day) -> String {
    match today.number() - time.day.number() {
        i64::MIN..=0 => clock(time),
        1 => words.yesterday.to_owned(),
        2..=6 => (words.weekday)(time.day.weekday()),
        _ if time.day.year == today.year => (words.short_date)(time.day),
        _ => (words.date)(time.day),
    }
}

/// A size in bytes.
pub fn size(bytes: u64) -> String {
    let mut one = 1;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        if bytes / one < 1000 {
            break;
        }
        one *= 1000;
        unit = larger;
    }
    // Whole numbers, as in `ui::px`.
    let rounded = |part: u64| (bytes + part / 2) / part;
    let tenths = rounded((one / 10).max(1));
    if unit == "B" || tenths >= 100 {
        format!("{} {unit}", rounded(one))
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// Why the server won't.
pub fn why_refused(words: &Words, error: &WireError) -> String {
    match error.code {
        ErrorCode::BadCredentials => words.err_credentials,
        ErrorCode::NameTaken => words.err_name_taken,
        ErrorCode::WeakPassword => words.err_weak,
        ErrorCode::BadInvite => words.err_bad_invite,
        ErrorCode::InviteRequired => words.invite_hint,
        ErrorCode::RegistrationClosed => words.registration_closed,
        ErrorCode::Blocked => words.err_blocked,
        ErrorCode::Yourself => words.yourself,
        ErrorCode::SessionEnded => words.err_session,
        ErrorCode::Storage => words.err_storage,
        ErrorCode::Busy | ErrorCode::Internal | ErrorCode::Timeout => words.err_busy,
        ErrorCode::NotFound
            if error
                .field
                .as_deref()
                .is_some_and(|field| field.contains("username")) =>
        {
            words.no_such_user
        }
        ErrorCode::NotFound if error.field.as_deref() == Some("receiver") => words.no_such_user,
        ErrorCode::RateLimited => return (words.wait)(error.retry_after.unwrap_or(1).into()),
        _ => return sentence(&error.message),
    }
    .to_owned()
}

/// Why the server can't be asked, or won't.
pub fn why(words: &Words, error: &Error) -> String {
    match error {
        Error::Refused(error) => why_refused(words, error),
        Error::Trust(TrustError::WrongKey { .. }) => words.changed_key.to_owned(),
        Error::Unknown { .. }
        | Error::Unreachable { .. }
        | Error::Lost(_)
        | Error::Silent
        | Error::Tls(_) => words.err_unreachable.to_owned(),
        error => sentence(&error.to_string()),
    }
}

/// Why the engine can't.
pub fn why_engine(words: &Words, error: &EngineError) -> String {
    match error {
        EngineError::Network(error) => why(words, error),
        EngineError::Offline => words.needs_connection.to_owned(),
        EngineError::SessionEnded => words.err_session.to_owned(),
        EngineError::Store(error) => why_stored(words, error),
        EngineError::TooLarge { limit, .. } => (words.too_large)(&size(*limit as u64)),
        error => sentence(&error.to_string()),
    }
}

/// Why what is remembered on this device can't be had.
pub fn why_accounts(words: &Words, error: &AccountsError) -> String {
    match error {
        AccountsError::Store(error) => why_stored(words, error),
        error => sentence(&error.to_string()),
    }
}

fn why_stored(words: &Words, error: &StoreError) -> String {
    match error {
        StoreError::NoSpace => words.err_no_space.to_owned(),
        StoreError::Unavailable(_) => words.err_no_storage.to_owned(),
        error => sentence(&error.to_string()),
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::Language;
    use super::*;

    fn at(day: u8, hour: u8) -> LocalTime {
        LocalTime {
            day: Day {
                year: 2026,
                month: 11,
                day,
            },
            hour,
            minute: 5,
        }
    }

    #[test]
    fn times_are_as_short_as_they_are_clear() {
        let words = Language::English.words();
        let said = |day| list_time(words, at(day, 9), at(25, 0).day);
        assert_eq!(said(25), "09:05");
        // A clock that is ahead of this one.
        assert_eq!(said(26), "09:05");
        assert_eq!(said(24), "Yesterday");
        assert_eq!(said(23), "Monday");
        assert_eq!(said(1), "1 Nov");
        assert_eq!(day_label(words, at(1, 0).day, at(25, 0).day), "1 November 2026");
    }

    #[test]
    fn sizes() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_500), "1.5 kB");
        assert_eq!(size(8 * 1024 * 1024), "8.4 MB");
        assert_eq!(size(9_949_999), "9.9 MB");
        assert_eq!(size(9_950_000), "10 MB");
        assert_eq!(size(12_345_678_901), "12 GB");
        assert_eq!(size(1_u64 << 53), "9007 TB");
    }

    #[test]
    fn refusals_say_what_to_do() {
        let words = Language::German.words();
        let error = |code| WireError::new(code, "some reason");
        assert_eq!(
            why_refused(words, &error(ErrorCode::NameTaken)),
            "Dieser Name ist vergeben."
        );
        assert_eq!(why_refused(words, &error(ErrorCode::Forbidden)), "Some reason.");
        let user = WireError::field(ErrorCode::NotFound, "contact_username", "no such user");
        assert_eq!(why_refused(words, &user), words.no_such_user);
    }
}
