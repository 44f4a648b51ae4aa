//! Requests about a connection, its session and its account.

use serde::{Deserialize, Serialize};

use crate::{Base64Bytes, ClientId, DeviceId};

/// `hello`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HelloRequest {
    /// The protocol that the client wants: `kith/1`, which is also what is meant where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Name and version of the client program, for the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// `register`
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RegisterRequest {
    /// The name wanted.
    pub username: String,
    /// The password.
    pub password: String,
    /// The code of an invite, where the server wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<String>,
    /// How others see the person; the user name where it isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// `login`
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LoginRequest {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// What the person will recognise this device by in the list of sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
}

/// `resume`
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ResumeRequest {
    /// The token that a login gave.
    pub token: String,
}

/// `sessions`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionsRequest {
    /// What to do.
    pub session_action: SessionAction,
    /// The device to end; for `revoke` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// What to do with sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionAction {
    /// List them.
    List,
    /// End one.
    Revoke,
}

/// `password`
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct PasswordRequest {
    /// The password so far.
    pub old_password: String,
    /// The password from now on.
    pub new_password: String,
    /// Idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// `contacts`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactsRequest {
    /// What to do.
    pub contact_action: ContactAction,
    /// With whom; not for `list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_username: Option<String>,
    /// Idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// What to do with a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactAction {
    /// List contacts and blocked people.
    List,
    /// Add somebody to the contacts.
    Add,
    /// Remove somebody from the contacts.
    Remove,
    /// Take no messages from somebody any more.
    Block,
    /// Take messages again.
    Unblock,
}

/// `profile`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileRequest {
    /// What to do.
    pub profile_action: ProfileAction,
    /// Whose profile, for `get`; one's own where it isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For `set`: how others see the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// For `set`: what the person says of themselves; empty for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// For `set`: a small PNG, JPEG or WebP picture, [`crate::limits::AVATAR_BYTES`] at most; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<Base64Bytes>,
    /// Idempotency key, for `set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// What to do with a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileAction {
    /// Show it.
    Get,
    /// Change one's own: the fields that are given.
    Set,
}

hide_secrets! {
    RegisterRequest { username }
    LoginRequest { username, device_name }
    ResumeRequest {}
    PasswordRequest { client_id }
    ProfileRequest { profile_action, username, client_id }
}
