//! People with devices, and what they write.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use kith_common::{ClientId, DeviceId, EventKind};
use kith_server::store::{
    Account, Append, Attachment, Author, ClientKey, Log, NewAccount, NewBlob, NewDevice, Origin, Receipt,
    Room, Store, StoreError,
};
use tokio::sync::oneshot;

/// Somebody at a device.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) account: Arc<Account>,
    pub(crate) device: DeviceId,
    pub(crate) origin: Origin,
}

/// A new account; the hash stands for a password.
pub(crate) fn account(name: &str) -> NewAccount {
    NewAccount {
        username: name.parse().unwrap(),
        display_name: name.to_owned(),
        password_hash: verified(name),
        pepper_version: 1,
        invite: None,
    }
}

/// The hash of the password of somebody who has never changed it.
pub(crate) fn verified(name: &str) -> String {
    format!("hash of {name}'s password")
}

/// A device with this token.
pub(crate) fn device(token: u8) -> NewDevice {
    NewDevice {
        name: format!("device {token}"),
        address: "192.0.2.1".to_owned(),
        token_hash: [token; 32],
    }
}

/// Registers somebody who has one device, with the shared kind of token-less login of the seed's clients.
pub(crate) async fn person(store: &Store, name: &str) -> Person {
    let account = store.register(account(name)).await.unwrap();
    let device = store
        .seed_device(account.id, verified(name), "192.0.2.1".to_owned())
        .await
        .unwrap();
    Person::at(account, device)
}

impl Person {
    pub(crate) fn at(account: Arc<Account>, device: DeviceId) -> Self {
        static ORIGINS: AtomicU64 = AtomicU64::new(1);
        let origin = Origin(ORIGINS.fetch_add(1, Ordering::Relaxed));
        Self {
            account,
            device,
            origin,
        }
    }

    pub(crate) fn author(&self) -> Author {
        Author {
            account: self.account.clone(),
            device: self.device,
            origin: self.origin,
            client: None,
        }
    }

    /// The author of a change with an idempotency key.
    pub(crate) fn keyed(&self, id: &str, content: &str) -> Author {
        Author {
            client: Some(key(id, content.as_bytes())),
            ..self.author()
        }
    }

    /// Their conversation with somebody.
    pub(crate) async fn with(&self, store: &Store, other: &Self) -> Arc<Log> {
        store
            .direct_conversation(&self.author(), &other.account)
            .await
            .unwrap()
    }

    /// A text.
    pub(crate) fn text(&self, log: &Arc<Log>, text: &str) -> Append {
        Append {
            log: log.clone(),
            sender: self.account.clone(),
            device: self.device,
            origin: self.origin,
            kind: EventKind::Message,
            body: Bytes::copy_from_slice(text.as_bytes()),
            blob: None,
            target: None,
            client: None,
            expect: None,
        }
    }

    /// A text with an idempotency key.
    pub(crate) fn keyed_text(&self, log: &Arc<Log>, text: &str, id: &str) -> Append {
        Append {
            client: Some(key(id, text.as_bytes())),
            ..self.text(log, text)
        }
    }
}

/// A key and the digest of what it is used for.
pub(crate) fn key(id: &str, content: &[u8]) -> ClientKey {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    ClientKey {
        id: ClientId::try_from(id.to_owned()).unwrap(),
        digest: hasher.finish().cast_signed(),
    }
}

/// A file that came with its request.
pub(crate) fn inline(id: &str, size: u64) -> Attachment {
    Attachment::Inline(blob(id, size), Room::UNLIMITED)
}

/// Bytes on the disk.
pub(crate) fn blob(id: &str, size: u64) -> NewBlob {
    NewBlob {
        id: id.to_owned(),
        size,
        hash: [1; 32],
    }
}

/// Queues an append; the receipt comes later.
pub(crate) async fn queue(store: &Store, append: Append) -> oneshot::Receiver<Result<Receipt, StoreError>> {
    let (done, receipt) = oneshot::channel();
    let completion = move |result| {
        let _ = done.send(result);
    };
    store.append(append, Box::new(completion)).await;
    receipt
}

/// Writes all of these in one transaction: while the writer is held up, they gather in its queue.
pub(crate) async fn in_one_batch(
    store: &Store,
    first: Append,
    appends: Vec<Append>,
) -> Vec<Result<Receipt, StoreError>> {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (holds, held) = oneshot::channel();
    let hold = move |result| {
        let _ = holds.send(result);
        let _ = released.recv();
    };
    store.append(first, Box::new(hold)).await;
    held.await.unwrap().unwrap();
    let mut receipts = Vec::with_capacity(appends.len());
    for append in appends {
        receipts.push(queue(store, append).await);
    }
    release.send(()).unwrap();
    let mut results = Vec::with_capacity(receipts.len());
    for receipt in receipts {
        results.push(receipt.await.unwrap());
    }
    results
}

/// Which error it was, without the database's words.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, StoreError>) -> &'static str {
    match result.expect_err("it succeeded") {
        StoreError::NotFound => "NotFound",
        StoreError::BlockedByOther => "BlockedByOther",
        StoreError::BlockedBySelf => "BlockedBySelf",
        StoreError::Inactive => "Inactive",
        StoreError::ClientIdReused => "ClientIdReused",
        StoreError::ExpectFailed => "ExpectFailed",
        StoreError::TargetMissing => "TargetMissing",
        StoreError::TargetErased => "TargetErased",
        StoreError::TargetUnfit => "TargetUnfit",
        StoreError::TargetForeign => "TargetForeign",
        StoreError::UploadMissing => "UploadMissing",
        StoreError::AccountFull => "AccountFull",
        StoreError::ServerFull => "ServerFull",
        StoreError::TooManyUploads => "TooManyUploads",
        StoreError::PasswordChanged => "PasswordChanged",
        StoreError::NameTaken => "NameTaken",
        StoreError::BadInvite => "BadInvite",
        StoreError::Busy => "Busy",
        StoreError::Database(_) => "Database",
    }
}
