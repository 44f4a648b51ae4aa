//! What is being uploaded: how far it is, and the room that is kept for it. The bytes are in `crate::blobs`.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::Store;
use super::directory::is_text;
use super::entity::uploads;
use super::error::StoreError;
use super::storage::{add, reserve};
use super::types::{AccountId, ClientKey, NewBlob, Room};
use super::writer::Scope;

/// An upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its id, and later the file's.
    pub id: String,
    /// Whose it is.
    pub account: AccountId,
    /// How many bytes it will have, once that is known.
    pub size: Option<u64>,
    /// So many of them are certainly on the disk.
    pub stored: u64,
    /// So many count for the account.
    pub reserved: u64,
    /// The BLAKE3 of its bytes, once all of them are there.
    pub hash: Option<[u8; 32]>,
    /// What the client said of it.
    pub metadata: String,
    /// When it is given up, in milliseconds since 1970-01-01T00:00:00Z.
    pub expires_at: i64,
}

/// An upload to be opened.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Its id.
    pub id: String,
    /// How many bytes it will have, where that is known.
    pub size: Option<u64>,
    /// What the client says of it.
    pub metadata: String,
    /// The idempotency key.
    pub client: Option<ClientKey>,
    /// When it is given up if nothing comes.
    pub expires_at: i64,
    /// How many an account may have.
    pub at_most: u64,
}

impl Upload {
    /// The blob that it becomes; `None` while it isn't complete.
    pub fn blob(&self) -> Option<NewBlob> {
        Some(NewBlob {
            id: self.id.clone(),
            size: self.size?,
            hash: self.hash?,
        })
    }
}

impl Store {
    /// Opens an upload and reserves room for it. The same `client_id` again gives the upload that it opened.
    ///
    /// # Errors
    /// [`StoreError::TooManyUploads`], [`StoreError::AccountFull`], [`StoreError::ServerFull`],
    /// [`StoreError::ClientIdReused`], [`StoreError::Inactive`].
    pub async fn open_upload(
        &self,
        account: AccountId,
        new: NewUpload,
        room: Room,
    ) -> Result<Upload, StoreError> {
        self.writer
            .change(move |scope| Box::pin(async move { open(scope, account, new, room).await }))
            .await
    }

    /// The upload that the account has opened with this `client_id`, if it is there.
    ///
    /// # Errors
    /// [`StoreError::ClientIdReused`] when it was opened with other words.
    pub async fn upload_opened_with(
        &self,
        account: AccountId,
        client: &ClientKey,
    ) -> Result<Option<Upload>, StoreError> {
        let row = uploads::Entity::find()
            .filter(uploads::Column::AccountId.eq(account.0))
            .filter(uploads::Column::ClientId.eq(client.id.as_str()))
            .one(&self.readers)
            .await?;
        match row {
            Some(row) if row.client_digest != Some(client.digest) => Err(StoreError::ClientIdReused),
            row => Ok(row.map(upload)),
        }
    }

    /// One of the account's uploads that isn't given up at this time.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it has none of this id.
    pub async fn upload(&self, account: AccountId, id: &str, now: i64) -> Result<Upload, StoreError> {
        if !is_text(id) {
            return Err(StoreError::NotFound);
        }
        let row = uploads::Entity::find_by_id(id)
            .filter(uploads::Column::AccountId.eq(account.0))
            .filter(uploads::Column::ExpiresAt.gt(now))
            .one(&self.readers)
            .await?;
        row.map(upload).ok_or(StoreError::NotFound)
    }

    /// Says how many bytes an upload will have, and reserves room for those that it hasn't yet.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or its size was said before; [`StoreError::AccountFull`],
    /// [`StoreError::ServerFull`].
    pub async fn size_upload(
        &self,
        account: AccountId,
        id: String,
        size: u64,
        room: Room,
    ) -> Result<(), StoreError> {
        self.reserve_upload(account, id, column(size), true, room).await
    }

    /// Reserves room for so many bytes of an upload whose size isn't known.
    ///
    /// # Errors
    /// As [`Store::size_upload`].
    pub async fn grow_upload(
        &self,
        account: AccountId,
        id: String,
        reserved: u64,
        room: Room,
    ) -> Result<(), StoreError> {
        self.reserve_upload(account, id, column(reserved), false, room)
            .await
    }

    async fn reserve_upload(
        &self,
        account: AccountId,
        id: String,
        reserved: i64,
        is_size: bool,
        room: Room,
    ) -> Result<(), StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    let row = of(scope, account, &id).await?;
                    if row.size.is_some() || row.hash.is_some() {
                        return Err(StoreError::NotFound);
                    }
                    reserve(scope.db(), account, reserved - row.reserved, room).await?;
                    let mut update = uploads::Entity::update_many()
                        .col_expr(uploads::Column::Reserved, Expr::value(reserved))
                        .filter(uploads::Column::Id.eq(id));
                    if is_size {
                        update = update.col_expr(uploads::Column::Size, Expr::value(reserved));
                    }
                    update.exec(scope.db()).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Notes how far an upload is on the disk.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it was given up or is complete, [`StoreError::Inactive`].
    pub async fn note_upload(
        &self,
        account: AccountId,
        id: String,
        stored: u64,
        expires_at: i64,
    ) -> Result<(), StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    scope.require_active(account).await?;
                    let noted = uploads::Entity::update_many()
                        .col_expr(uploads::Column::Stored, Expr::value(column(stored)))
                        .col_expr(uploads::Column::ExpiresAt, Expr::value(expires_at))
                        .filter(uploads::Column::Id.eq(id))
                        .filter(uploads::Column::AccountId.eq(account.0))
                        .filter(uploads::Column::Hash.is_null())
                        .exec(scope.db())
                        .await?;
                    one(noted.rows_affected)
                })
            })
            .await
    }

    /// Notes that an upload is complete and has its final name on the disk.
    ///
    /// # Errors
    /// As [`Store::note_upload`].
    pub async fn complete_upload(
        &self,
        account: AccountId,
        blob: NewBlob,
        expires_at: i64,
    ) -> Result<(), StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    scope.require_active(account).await?;
                    let size = column(blob.size);
                    let completed = uploads::Entity::update_many()
                        .col_expr(uploads::Column::Stored, Expr::value(size))
                        .col_expr(uploads::Column::Hash, Expr::value(Some(blob.hash.to_vec())))
                        .col_expr(uploads::Column::ExpiresAt, Expr::value(expires_at))
                        .filter(uploads::Column::Id.eq(blob.id))
                        .filter(uploads::Column::AccountId.eq(account.0))
                        .filter(uploads::Column::Size.eq(size))
                        .filter(uploads::Column::Hash.is_null())
                        .exec(scope.db())
                        .await?;
                    one(completed.rows_affected)
                })
            })
            .await
    }

    /// Gives an upload up, complete or not. Its file is to be deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account has none of this id.
    pub async fn drop_upload(&self, account: AccountId, id: String) -> Result<(), StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    let row = of(scope, account, &id).await?;
                    forget(scope, &[row]).await
                })
            })
            .await
    }

    /// Gives up some of the uploads whose time has come. Returns their ids, for their files to be deleted.
    ///
    /// # Errors
    /// The database failed.
    pub async fn drop_expired_uploads(&self, now: i64, at_most: u64) -> Result<Vec<String>, StoreError> {
        // Nearly always there are none: that costs no write.
        let any = uploads::Entity::find()
            .filter(uploads::Column::ExpiresAt.lte(now))
            .one(&self.readers)
            .await?;
        if any.is_none() {
            return Ok(Vec::new());
        }
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    let rows = uploads::Entity::find()
                        .filter(uploads::Column::ExpiresAt.lte(now))
                        .order_by_asc(uploads::Column::ExpiresAt)
                        .limit(at_most)
                        .all(scope.db())
                        .await?;
                    forget(scope, &rows).await?;
                    Ok(rows.into_iter().map(|row| row.id).collect())
                })
            })
            .await
    }

    /// The ids of all uploads that aren't complete.
    ///
    /// # Errors
    /// The database failed.
    pub async fn unfinished_uploads(&self) -> Result<Vec<String>, StoreError> {
        let ids = uploads::Entity::find()
            .select_only()
            .column(uploads::Column::Id)
            .filter(uploads::Column::Hash.is_null())
            .into_tuple()
            .all(&self.readers)
            .await?;
        Ok(ids)
    }
}

/// Forgets all of an account's uploads, when it ends. Returns their ids.
pub(super) async fn forget_all(scope: &mut Scope, account: AccountId) -> Result<Vec<String>, StoreError> {
    let rows = uploads::Entity::find()
        .filter(uploads::Column::AccountId.eq(account.0))
        .all(scope.db())
        .await?;
    forget(scope, &rows).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

async fn open(
    scope: &mut Scope,
    account: AccountId,
    new: NewUpload,
    room: Room,
) -> Result<Upload, StoreError> {
    scope.require_active(account).await?;
    let of_account = || uploads::Entity::find().filter(uploads::Column::AccountId.eq(account.0));
    if let Some(client) = &new.client {
        let earlier = of_account()
            .filter(uploads::Column::ClientId.eq(client.id.as_str()))
            .one(scope.db())
            .await?;
        match earlier {
            Some(row) if row.client_digest == Some(client.digest) => return Ok(upload(row)),
            Some(_) => return Err(StoreError::ClientIdReused),
            None => {}
        }
    }
    if of_account().count(scope.db()).await? >= new.at_most {
        return Err(StoreError::TooManyUploads);
    }
    let reserved = new.size.map_or(0, column);
    reserve(scope.db(), account, reserved, room).await?;
    let row = uploads::Model {
        id: new.id,
        account_id: account.0,
        size: new.size.map(column),
        stored: 0,
        reserved,
        hash: None,
        metadata: new.metadata,
        client_id: new.client.as_ref().map(|client| client.id.as_str().to_owned()),
        client_digest: new.client.as_ref().map(|client| client.digest),
        created_at: scope.now(),
        expires_at: new.expires_at,
    };
    let active = uploads::ActiveModel {
        id: Set(row.id.clone()),
        account_id: Set(row.account_id),
        size: Set(row.size),
        stored: Set(row.stored),
        reserved: Set(row.reserved),
        hash: Set(None),
        metadata: Set(row.metadata.clone()),
        client_id: Set(row.client_id.clone()),
        client_digest: Set(row.client_digest),
        created_at: Set(row.created_at),
        expires_at: Set(row.expires_at),
    };
    uploads::Entity::insert(active)
        .exec_without_returning(scope.db())
        .await?;
    Ok(upload(row))
}

async fn of(scope: &Scope, account: AccountId, id: &str) -> Result<uploads::Model, StoreError> {
    if !is_text(id) {
        return Err(StoreError::NotFound);
    }
    let row = uploads::Entity::find_by_id(id)
        .filter(uploads::Column::AccountId.eq(account.0))
        .one(scope.db())
        .await?;
    row.ok_or(StoreError::NotFound)
}

async fn forget(scope: &mut Scope, rows: &[uploads::Model]) -> Result<(), StoreError> {
    for row in rows {
        add(scope.db(), AccountId(row.account_id), -row.reserved).await?;
    }
    for chunk in rows.chunks(500) {
        uploads::Entity::delete_many()
            .filter(uploads::Column::Id.is_in(chunk.iter().map(|row| row.id.as_str())))
            .exec(scope.db())
            .await?;
    }
    Ok(())
}

fn upload(row: uploads::Model) -> Upload {
    let number = |column: i64| u64::try_from(column).unwrap_or_default();
    Upload {
        id: row.id,
        account: AccountId(row.account_id),
        size: row.size.map(number),
        stored: number(row.stored),
        reserved: number(row.reserved),
        hash: row.hash.and_then(|hash| hash.try_into().ok()),
        metadata: row.metadata,
        expires_at: row.expires_at,
    }
}

fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn one(rows: u64) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(StoreError::NotFound)
    }
}
