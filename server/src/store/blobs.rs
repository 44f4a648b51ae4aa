//! What the database knows of files; their bytes are in `crate::blobs`.

use bytes::Bytes;
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationDef};

use super::Store;
use super::directory::is_text;
use super::entity::{blobs, event_blobs, events, members, uploads};
use super::error::StoreError;
use super::types::{AccountId, NewBlob};

impl Store {
    /// The body of an event that announced a blob to this account: the permission to fetch it, and its name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the blob is not there or nobody sent it to this account.
    pub async fn announced_blob(&self, account: AccountId, blob: &str) -> Result<Bytes, StoreError> {
        if !is_text(blob) {
            return Err(StoreError::NotFound);
        }
        let member: RelationDef = event_blobs::Entity::belongs_to(members::Entity)
            .from(event_blobs::Column::LogId)
            .to(members::Column::LogId)
            .into();
        let link = event_blobs::Entity::find()
            .join(JoinType::InnerJoin, member)
            .filter(event_blobs::Column::BlobId.eq(blob))
            .filter(members::Column::AccountId.eq(account.0))
            .one(&self.readers)
            .await?
            .ok_or(StoreError::NotFound)?;
        let event = events::Entity::find_by_id((link.log_id, link.number))
            .one(&self.readers)
            .await?;
        event
            .and_then(|event| event.body)
            .map(Bytes::from)
            .ok_or(StoreError::NotFound)
    }

    /// Size and hash of a blob.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none of this id.
    pub async fn blob(&self, id: &str) -> Result<NewBlob, StoreError> {
        let row = blobs::Entity::find_by_id(id).one(&self.readers).await?;
        let row = row.ok_or(StoreError::NotFound)?;
        Ok(NewBlob {
            id: row.id,
            size: u64::try_from(row.size).unwrap_or_default(),
            hash: row.hash.try_into().map_err(|_| StoreError::NotFound)?,
        })
    }

    /// Which of these the database knows, as blobs or as uploads. Files of others are left over from a crash.
    ///
    /// # Errors
    /// The database failed.
    pub async fn known_blobs(&self, ids: &[String]) -> Result<Vec<String>, StoreError> {
        let ids = || ids.iter().map(String::as_str);
        let mut found: Vec<String> = blobs::Entity::find()
            .select_only()
            .column(blobs::Column::Id)
            .filter(blobs::Column::Id.is_in(ids()))
            .into_tuple()
            .all(&self.readers)
            .await?;
        let mut uploads: Vec<String> = uploads::Entity::find()
            .select_only()
            .column(uploads::Column::Id)
            .filter(uploads::Column::Id.is_in(ids()))
            .into_tuple()
            .all(&self.readers)
            .await?;
        found.append(&mut uploads);
        Ok(found)
    }
}
