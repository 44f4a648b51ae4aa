//! What people say of themselves.

use kith_common::{EventKind, Notice, ProfileInfo};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, QueryTrait, RelationDef,
    Select,
};

use super::Store;
use super::entity::{accounts, contacts, members, profiles};
use super::error::StoreError;
use super::types::{AccountId, AccountState, Announcement};
use super::writer::{Author, Previous, Scope};

/// What of a profile is to be changed; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// How others see the person.
    pub display_name: Option<String>,
    /// What the person says of themselves; empty for nothing.
    pub about: Option<String>,
    /// The picture's bytes; none to remove it.
    pub avatar: Option<Vec<u8>>,
}

/// User name, display name, about, the picture's hash, and the picture.
type Row = (String, String, String, Option<Vec<u8>>, Option<Vec<u8>>);

impl Store {
    /// The profile of whoever has this name, and their picture.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is nobody of this name, or not any more.
    pub async fn profile(&self, key: &str) -> Result<(ProfileInfo, Option<Vec<u8>>), StoreError> {
        let row: Option<Row> = profile_columns()
            .column(profiles::Column::Avatar)
            .filter(accounts::Column::UsernameKey.eq(key))
            .filter(accounts::Column::State.ne(AccountState::Deleted.to_column()))
            .into_tuple()
            .one(&self.readers)
            .await?;
        let (username, display_name, about, hash, avatar) = row.ok_or(StoreError::NotFound)?;
        Ok((profile(username, display_name, about, hash.as_deref()), avatar))
    }

    /// Changes the author's profile and tells those who see it.
    ///
    /// # Errors
    /// [`StoreError::ClientIdReused`], [`StoreError::Inactive`].
    pub async fn change_profile(&self, author: Author, change: ProfileChange) -> Result<(), StoreError> {
        let account = author.account.clone();
        let changed = self
            .writer
            .change(move |scope| Box::pin(async move { apply(scope, &author, change).await }))
            .await;
        // Not before: a reader would remember what was so far.
        self.directory.forget(&account);
        changed
    }
}

/// User name, display name, about and the picture's hash, of everybody.
pub(super) fn profile_columns() -> Select<profiles::Entity> {
    let account: RelationDef = profiles::Entity::belongs_to(accounts::Entity)
        .from(profiles::Column::AccountId)
        .to(accounts::Column::Id)
        .into();
    profiles::Entity::find()
        .select_only()
        .columns([accounts::Column::Username, accounts::Column::DisplayName])
        .columns([profiles::Column::About, profiles::Column::AvatarHash])
        .join(JoinType::InnerJoin, account)
}

pub(super) fn profile(
    username: String,
    display_name: String,
    about: String,
    avatar_hash: Option<&[u8]>,
) -> ProfileInfo {
    let hash = avatar_hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
    ProfileInfo {
        username,
        display_name,
        about,
        avatar: hash.map(|hash| blake3::Hash::from_bytes(hash).to_hex().to_string()),
    }
}

async fn apply(scope: &mut Scope, author: &Author, change: ProfileChange) -> Result<(), StoreError> {
    let me = author.account.id;
    scope.require_active(me).await?;
    if scope.previous(author).await? == Previous::Same {
        return Ok(());
    }
    if let Some(name) = change.display_name {
        accounts::Entity::update_many()
            .col_expr(accounts::Column::DisplayName, Expr::value(name))
            .col_expr(accounts::Column::ChangedAt, Expr::value(scope.now()))
            .filter(accounts::Column::Id.eq(me.0))
            .exec(scope.db())
            .await?;
    }
    let mut update = profiles::Entity::update_many()
        .col_expr(
            profiles::Column::Revision,
            Expr::value(scope.next_revision().await?),
        )
        .filter(profiles::Column::AccountId.eq(me.0));
    if let Some(about) = change.about {
        update = update.col_expr(profiles::Column::About, Expr::value(about));
    }
    if let Some(avatar) = change.avatar {
        let avatar = Some(avatar).filter(|avatar| !avatar.is_empty());
        let hash = avatar
            .as_deref()
            .map(|avatar| blake3::hash(avatar).as_bytes().to_vec());
        update = update
            .col_expr(profiles::Column::Avatar, Expr::value(avatar))
            .col_expr(profiles::Column::AvatarHash, Expr::value(hash));
    }
    update.exec(scope.db()).await?;
    let row: Option<(String, String, String, Option<Vec<u8>>)> = profile_columns()
        .filter(profiles::Column::AccountId.eq(me.0))
        .into_tuple()
        .one(scope.db())
        .await?;
    let (username, display_name, about, hash) = row.ok_or(StoreError::NotFound)?;
    let profile = profile(username, display_name, about, hash.as_deref());
    let mut body = serde_json::json!({"display_name": &profile.display_name, "about": &profile.about});
    if let (Some(body), Some(avatar)) = (body.as_object_mut(), &profile.avatar) {
        body.insert("avatar".to_owned(), avatar.as_str().into());
    }
    scope.record(author, EventKind::Profile, &body).await?;
    let audience = seen_by(scope.db(), me).await?;
    scope.announce(Announcement {
        audience,
        except: Some(author.origin),
        notice: Notice::Person(profile),
    });
    Ok(())
}

/// Who sees an account's profile: who is in a conversation with it, or has it in their contacts.
async fn seen_by(db: &impl ConnectionTrait, account: AccountId) -> Result<Vec<AccountId>, StoreError> {
    let conversations = members::Entity::find()
        .select_only()
        .column(members::Column::LogId)
        .filter(members::Column::AccountId.eq(account.0));
    let mut found: Vec<i64> = members::Entity::find()
        .select_only()
        .column(members::Column::AccountId)
        .distinct()
        .filter(members::Column::LogId.in_subquery(conversations.into_query()))
        .filter(members::Column::AccountId.ne(account.0))
        .into_tuple()
        .all(db)
        .await?;
    let mut knowing: Vec<i64> = contacts::Entity::find()
        .select_only()
        .column(contacts::Column::AccountId)
        .filter(contacts::Column::OtherId.eq(account.0))
        .filter(contacts::Column::Contact.eq(true))
        .into_tuple()
        .all(db)
        .await?;
    found.append(&mut knowing);
    found.sort_unstable();
    found.dedup();
    Ok(found.into_iter().map(AccountId).collect())
}
