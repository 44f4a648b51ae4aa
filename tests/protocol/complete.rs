//! That the specification leaves nothing out: what the types of the protocol can say, an executed example shows.

use std::collections::BTreeSet;

use kith_common::{
    ContactAction, ErrorCode, EventKind, Notice, Presence, ProfileAction, Request, SessionAction, limits,
};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::document::{Document, Example};
use crate::transcript::Action;

/// What no transcript can provoke, and why.
const NOT_SHOWN: [(&str, &str); 1] = [("internal", "the system has to run out of randomness or memory")];

/// What clients take kinds for that they don't know.
const NO_KIND: (&str, &str) = ("unknown", "no server sends it");

/// The names that an enum has on the wire. The match makes the compiler ask for a variant that isn't listed.
macro_rules! names {
    ($type:ident: $($variant:ident)*) => {{
        let _all = |value: &$type| match value { $($type::$variant { .. } => {})* };
        [$(snake_case(stringify!($variant))),*]
    }};
}

/// Constants of the protocol's limits as the specification writes them.
macro_rules! values {
    ($($limit:ident)*) => {[$((stringify!($limit), limits::$limit.to_table())),*]};
}

/// The tests of this module.
pub(crate) fn trials(document: &Document) -> Vec<Trial> {
    let (sent, received) = (
        fields(&document.examples, true),
        fields(&document.examples, false),
    );
    let shown = |lines: &[Value], pointer: &str| -> BTreeSet<String> {
        let names = lines.iter().filter_map(|line| line.pointer(pointer)?.as_str());
        names.map(str::to_owned).collect()
    };
    let actions = names!(Request: Hello Ping Register Login Resume Logout Sessions Password Contacts Message File FileGet
        Upload Download Sync History Mark Typing Presence Edit Delete React Profile);
    let contacts = names!(ContactAction: List Add Remove Block Unblock);
    let profiles = names!(ProfileAction: Get Set);
    let presences = names!(Presence: Offline Away Online);
    let sessions = names!(SessionAction: List Revoke);
    let events = names!(EventKind: Message File Edit Delete Reaction Contact Conversation Device Password Profile Unknown);
    let notices = names!(Notice: Behind SessionEnded Mark Typing Presence Person Bye);
    let codes = names!(ErrorCode: Malformed BadRequest UnknownAction TooLarge NotLoggedIn BadCredentials SessionEnded
        RateLimited RegistrationClosed InviteRequired BadInvite NameTaken WeakPassword NotFound Yourself Blocked
        Forbidden Conflict Busy Storage Quota TooManyUploads Timeout Internal);
    let shown_events = shown(&received, "/event");
    let shown_presences = &shown(&sent, "/presence") | &shown(&received, "/presence");
    vec![
        every("action", &actions, &shown(&sent, "/action"), &[]),
        every("contact_action", &contacts, &shown(&sent, "/contact_action"), &[]),
        every("profile_action", &profiles, &shown(&sent, "/profile_action"), &[]),
        every("presence", &presences, &shown_presences, &[]),
        every("session_action", &sessions, &shown(&sent, "/session_action"), &[]),
        every("event", &events, &shown_events, &[NO_KIND]),
        every("notice", &notices, &shown_events, &[]),
        every("error_code", &codes, &shown(&received, "/error/code"), &NOT_SHOWN),
        limits_trial(document.text.clone()),
        settings_trial(document.text.clone()),
        blocks_trial(document.others.clone()),
    ]
}

/// Every name must be shown, but for those of the list; and those must not be.
fn every(what: &str, names: &[String], shown: &BTreeSet<String>, not_shown: &[(&str, &str)]) -> Trial {
    let excused = |name: &String| not_shown.iter().any(|(other, _)| other == name);
    let missing: Vec<String> = names
        .iter()
        .filter(|name| !shown.contains(*name) && !excused(name))
        .cloned()
        .collect();
    let needless: Vec<String> = names
        .iter()
        .filter(|name| shown.contains(*name) && excused(name))
        .cloned()
        .collect();
    Trial::test(format!("complete::every_{what}_is_in_an_example"), move || {
        check(missing.is_empty(), || format!("in no example: {missing:?}"))?;
        check(needless.is_empty(), || {
            format!("in an example, so take it off the list: {needless:?}")
        })
    })
}

/// What the examples send or receive, as far as it is JSON.
fn fields(examples: &[Example], sent: bool) -> Vec<Value> {
    let steps = examples.iter().flat_map(|example| &example.steps);
    let lines = steps.filter_map(|step| match &step.action {
        Action::Sends { what, .. } if sent => Some(what),
        Action::Receives { what, .. } if !sent => Some(what),
        _ => None,
    });
    lines
        .filter_map(|line| serde_json::from_str(&crate::pattern::quote_placeholders(line)).ok())
        .collect()
}

fn limits_trial(text: String) -> Trial {
    let expected = values!(FRAME_BEFORE_LOGIN INLINE_FILE FRAME NESTING MESSAGE_BYTES CLIENT_ID_BYTES REQUEST_ID_BYTES
        USERNAME PASSWORD DISPLAY_NAME_CHARS DEVICE_NAME_CHARS FILE_NAME_BYTES SYNC_EVENTS SYNC_BYTES SYNC_LOGS
        SYNC_CHANGES DELETE_TARGETS REACTION_BYTES ABOUT_CHARS AVATAR_BYTES MEDIA_TYPE_BYTES THUMBHASH_BYTES
        UPLOAD_METADATA_BYTES TICKET_SECONDS);
    Trial::test("complete::every_limit_stands_in_the_table", move || {
        let source = include_str!("../../common/src/limits.rs");
        let constants: BTreeSet<&str> = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub const ")?.split(':').next())
            .collect();
        let listed: BTreeSet<&str> = expected.iter().map(|(name, _)| *name).collect();
        check(constants == listed, || {
            format!("limits.rs has {constants:?}, this test knows {listed:?}")
        })?;
        for (name, value) in &expected {
            row(&text, name, value)?;
        }
        Ok(())
    })
}

/// The operator's limits, with their defaults.
fn settings_trial(text: String) -> Trial {
    Trial::test("complete::every_setting_stands_in_the_table", move || {
        let limits = serde_json::to_value(kith_server::config::Limits::default())?;
        let files = serde_json::to_value(kith_server::config::FileLimits::default())?;
        let defaults = [limits, files];
        for (name, value) in defaults.iter().filter_map(Value::as_object).flatten() {
            let value = match value {
                Value::Object(rate) => format!(
                    "{} at once, then {} a minute",
                    grouped(&rate["burst"].to_string()),
                    grouped(&rate["per_minute"].to_string())
                ),
                value => grouped(&value.to_string()),
            };
            row(&text, name, &value)?;
        }
        Ok(())
    })
}

/// Whatever looks like an example is one that is run.
fn blocks_trial(others: Vec<(usize, String)>) -> Trial {
    Trial::test("complete::every_block_is_run", move || {
        for (line, language) in others {
            check(language == "text", || {
                format!("docs/PROTOCOL.md:{line}: a block of {language:?} is not run")
            })?;
        }
        Ok(())
    })
}

/// A row of a table begins with the name and has the value in one of its columns.
fn row(text: &str, name: &str, value: &str) -> Result<(), Failed> {
    let is_row = |line: &&str| line.starts_with(&format!("| `{name}` |"));
    let row = text
        .lines()
        .find(is_row)
        .ok_or_else(|| format!("no row of a table begins with `{name}`"))?;
    check(row.split('|').any(|column| column.trim() == value), || {
        format!("`{name}` is {value}, but the table says: {row}")
    })
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

trait InTable {
    fn to_table(&self) -> String;
}

impl InTable for usize {
    fn to_table(&self) -> String {
        grouped(&self.to_string())
    }
}

impl InTable for u32 {
    fn to_table(&self) -> String {
        grouped(&self.to_string())
    }
}

impl InTable for u64 {
    fn to_table(&self) -> String {
        grouped(&self.to_string())
    }
}

impl InTable for std::ops::RangeInclusive<usize> {
    fn to_table(&self) -> String {
        format!("{} to {}", self.start().to_table(), self.end().to_table())
    }
}

/// `12,345,678`
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_uppercase() && index > 0 {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}
