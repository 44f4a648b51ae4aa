//! The files that come with the items of a batch: whether there is room for them, and what is noted of them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use crate::store::entity::{blobs, event_blobs, uploads};
use crate::store::error::StoreError;
use crate::store::storage::{add, used, used_by_all};
use crate::store::types::{AccountId, Append, Attachment};

/// What the database says of a batch's files.
#[derive(Default)]
pub(super) struct Blobs {
    /// Complete uploads by their id: whose each is.
    uploads: HashMap<String, i64>,
    /// Bytes that count, by account.
    used: HashMap<AccountId, i64>,
    used_by_all: i64,
}

impl Blobs {
    /// Looks for what is to be known of these items' files; no query where there are none.
    pub(super) async fn load(
        savepoint: &DatabaseTransaction,
        todo: &[(usize, &Append)],
    ) -> Result<Self, StoreError> {
        let mut found = Self::default();
        let mut uploaded = HashSet::new();
        for (_, item) in todo {
            match &item.blob {
                None => {}
                Some(Attachment::Uploaded(blob)) => {
                    uploaded.insert(blob.id.as_str());
                }
                Some(Attachment::Inline(_, room)) => {
                    if room.server != i64::MAX && found.used_by_all == 0 {
                        found.used_by_all = used_by_all(savepoint).await?;
                    }
                    if let Entry::Vacant(unknown) = found.used.entry(item.sender.id) {
                        unknown.insert(used(savepoint, item.sender.id).await?);
                    }
                }
            }
        }
        if !uploaded.is_empty() {
            let rows: Vec<(String, i64)> = uploads::Entity::find()
                .select_only()
                .columns([uploads::Column::Id, uploads::Column::AccountId])
                .filter(uploads::Column::Id.is_in(uploaded))
                .filter(uploads::Column::Hash.is_not_null())
                .into_tuple()
                .all(savepoint)
                .await?;
            found.uploads = rows.into_iter().collect();
        }
        Ok(found)
    }

    /// Why the item can't have its file, if so.
    pub(super) fn refuse(&self, item: &Append) -> Option<StoreError> {
        match item.blob.as_ref()? {
            Attachment::Uploaded(blob) => {
                let is_there = self.uploads.get(&blob.id) == Some(&item.sender.id.0);
                (!is_there).then_some(StoreError::UploadMissing)
            }
            Attachment::Inline(blob, room) => {
                let used = self.used.get(&item.sender.id).copied().unwrap_or_default();
                room.check(used, self.used_by_all, blob.bytes()).err()
            }
        }
    }

    /// The item gets its file, so that much less is left for those after it.
    pub(super) fn add(&mut self, item: &Append) {
        match &item.blob {
            None => {}
            Some(Attachment::Uploaded(blob)) => {
                self.uploads.remove(&blob.id);
            }
            Some(Attachment::Inline(blob, _)) => {
                *self.used.entry(item.sender.id).or_default() += blob.bytes();
                self.used_by_all += blob.bytes();
            }
        }
    }
}

/// Notes the files of new events.
pub(super) async fn insert(
    savepoint: &DatabaseTransaction,
    now: i64,
    numbered: &[(&Append, i64)],
) -> Result<(), StoreError> {
    let with_blob = || {
        numbered
            .iter()
            .filter_map(|(item, number)| Some((item, *number, item.blob.as_ref()?)))
    };
    if with_blob().next().is_none() {
        return Ok(());
    }
    let rows = with_blob().map(|(item, _, attachment)| {
        let blob = attachment.blob();
        blobs::ActiveModel {
            id: Set(blob.id.clone()),
            owner_id: Set(item.sender.id.0),
            size: Set(blob.bytes()),
            hash: Set(blob.hash.to_vec()),
            created_at: Set(now),
        }
    });
    let links = with_blob().map(|(item, number, attachment)| event_blobs::ActiveModel {
        log_id: Set(item.log.id.0),
        number: Set(number),
        blob_id: Set(attachment.blob().id.clone()),
    });
    blobs::Entity::insert_many(rows)
        .exec_without_returning(savepoint)
        .await?;
    event_blobs::Entity::insert_many(links)
        .exec_without_returning(savepoint)
        .await?;
    let mut uploaded = Vec::new();
    let mut counted: HashMap<AccountId, i64> = HashMap::new();
    for (item, _, attachment) in with_blob() {
        match attachment {
            // Its bytes count already.
            Attachment::Uploaded(blob) => uploaded.push(blob.id.as_str()),
            Attachment::Inline(blob, _) => *counted.entry(item.sender.id).or_default() += blob.bytes(),
        }
    }
    for (account, bytes) in counted {
        add(savepoint, account, bytes).await?;
    }
    if !uploaded.is_empty() {
        uploads::Entity::delete_many()
            .filter(uploads::Column::Id.is_in(uploaded))
            .exec(savepoint)
            .await?;
    }
    Ok(())
}
