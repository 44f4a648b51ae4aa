//! Requests in few words.

use kith_common::Base64Bytes;
use serde_json::{Value, json};

pub(crate) fn register(name: &str, password: &str) -> Value {
    json!({"action": "register", "username": name, "password": password})
}

pub(crate) fn register_with(name: &str, password: &str, invite: &str) -> Value {
    json!({"action": "register", "username": name, "password": password, "invite": invite})
}

pub(crate) fn login(name: &str, password: &str) -> Value {
    json!({"action": "login", "username": name, "password": password})
}

pub(crate) fn resume(token: &Value) -> Value {
    json!({"action": "resume", "token": token})
}

pub(crate) fn password(old: &str, new: &str) -> Value {
    json!({"action": "password", "old_password": old, "new_password": new})
}

pub(crate) fn message(receiver: &str, content: &str) -> Value {
    json!({"action": "message", "receiver": receiver, "content": content})
}

/// A message into a conversation that is known by its id.
pub(crate) fn message_into(conversation: &Value, content: &str) -> Value {
    json!({"action": "message", "conversation": conversation, "content": content})
}

pub(crate) fn file(receiver: &str, name: &str, bytes: &[u8]) -> Value {
    json!({"action": "file", "receiver": receiver, "file_name": name, "file_data": base64(bytes)})
}

pub(crate) fn file_get(file: &Value) -> Value {
    json!({"action": "file_get", "file": file})
}

pub(crate) fn contacts(action: &str, name: &str) -> Value {
    json!({"action": "contacts", "contact_action": action, "contact_username": name})
}

pub(crate) fn list_contacts() -> Value {
    json!({"action": "contacts", "contact_action": "list"})
}

pub(crate) fn list_sessions() -> Value {
    json!({"action": "sessions", "session_action": "list"})
}

pub(crate) fn revoke(device: &Value) -> Value {
    json!({"action": "sessions", "session_action": "revoke", "device": device})
}

/// Everything that is newer than these numbers.
pub(crate) fn sync(held: Value) -> Value {
    json!({"action": "sync", "logs": held})
}

/// A page of a log; the fields say which.
pub(crate) fn history(log: &Value, fields: Value) -> Value {
    let mut request = json!({"action": "history", "conversation": log});
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

pub(crate) fn edit(conversation: &Value, target: u64, content: &str) -> Value {
    json!({"action": "edit", "conversation": conversation, "target": target, "content": content})
}

pub(crate) fn delete(conversation: &Value, targets: &[u64]) -> Value {
    json!({"action": "delete", "conversation": conversation, "targets": targets})
}

pub(crate) fn react(conversation: &Value, target: u64, reaction: &str, on: bool) -> Value {
    json!({"action": "react", "conversation": conversation, "target": target, "reaction": reaction, "on": on})
}

/// The fields are `delivered`, `read` or both.
pub(crate) fn mark(conversation: &Value, fields: Value) -> Value {
    let mut request = json!({"action": "mark", "conversation": conversation});
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// One's own profile, or somebody's.
pub(crate) fn profile(username: Option<&str>) -> Value {
    json!({"action": "profile", "profile_action": "get", "username": username})
}

/// The fields are those of the profile that are to be changed.
pub(crate) fn set_profile(fields: Value) -> Value {
    let mut request = json!({"action": "profile", "profile_action": "set"});
    for (name, value) in fields.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

pub(crate) fn typing(conversation: &Value, typing: bool) -> Value {
    json!({"action": "typing", "conversation": conversation, "typing": typing})
}

pub(crate) fn presence(presence: &str) -> Value {
    json!({"action": "presence", "presence": presence})
}

pub(crate) fn logout() -> Value {
    json!({"action": "logout"})
}

/// The request with a field more.
pub(crate) fn with(mut request: Value, field: &str, value: impl Into<Value>) -> Value {
    request[field] = value.into();
    request
}

pub(crate) fn base64(bytes: &[u8]) -> Value {
    serde_json::to_value(Base64Bytes(bytes.to_vec())).unwrap()
}

/// What a base64 string stands for.
pub(crate) fn bytes(base64: &Value) -> Vec<u8> {
    serde_json::from_value::<Base64Bytes>(base64.clone()).unwrap().0
}
