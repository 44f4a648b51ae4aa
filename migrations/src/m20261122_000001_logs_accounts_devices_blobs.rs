//! The first schema: logs and their events, accounts with devices and tokens, conversations with members,
//! contacts, invites, and blobs.

#![allow(
    elided_lifetimes_in_paths,
    reason = "the trait is written so, and async_trait wants the same"
)]

use sea_orm_migration::prelude::*;

/// The migration; its name in the database is this file's.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut table in tables() {
            manager.create_table(table.take()).await?;
        }
        for mut index in indexes() {
            manager.create_index(index.take()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in NAMES.iter().rev() {
            manager.drop_table(Table::drop().table(*table).take()).await?;
        }
        Ok(())
    }
}

const NAMES: [&str; 12] = [
    "logs",
    "accounts",
    "devices",
    "tokens",
    "conversations",
    "direct_conversations",
    "members",
    "contacts",
    "invites",
    "events",
    "blobs",
    "event_blobs",
];

fn tables() -> Vec<TableCreateStatement> {
    vec![
        // A log of numbered events. `kind`: 0 an account's, 1 of a conversation of two people, 2 of a room. `newest` is the number given last (0: none),
        // `first` the oldest that retention has left.
        Table::create()
            .table("logs")
            .col(identity("id"))
            .col(text("public_id").unique_key())
            .col(small("kind"))
            .col(number("newest"))
            .col(number("first"))
            .take(),
        // `state`: 0 active, 1 disabled, 2 deleted. A name is never given to somebody else.
        Table::create()
            .table("accounts")
            .col(identity("id"))
            .col(number("log_id").unique_key())
            .col(text("username"))
            .col(text("username_key").unique_key())
            .col(text("display_name"))
            .col(text("password_hash"))
            .col(integer("pepper_version"))
            .col(flag("admin"))
            .col(small("state"))
            .col(number("created_at"))
            .col(number("changed_at"))
            .foreign_key(&mut reference("accounts", "log_id", "logs", "id"))
            .take(),
        // `kind`: 0 native, 1 the shared device of clients that speak the seed's protocol.
        Table::create()
            .table("devices")
            .col(identity("id"))
            .col(number("account_id"))
            .col(small("kind"))
            .col(text("name"))
            .col(text("address"))
            .col(number("created_at"))
            .col(number("last_seen_at"))
            .col(number("revoked_at"))
            .foreign_key(&mut reference("devices", "account_id", "accounts", "id"))
            .take(),
        // A token is 256 random bits; only its SHA-256 is here.
        Table::create()
            .table("tokens")
            .col(bytes("hash").primary_key())
            .col(number("device_id").unique_key())
            .foreign_key(&mut reference("tokens", "device_id", "devices", "id"))
            .take(),
        Table::create()
            .table("conversations")
            .col(number("log_id").primary_key())
            .col(number("created_at"))
            .foreign_key(&mut reference("conversations", "log_id", "logs", "id"))
            .take(),
        // One direct conversation a pair: the smaller account id first.
        Table::create()
            .table("direct_conversations")
            .col(number("low_account_id"))
            .col(number("high_account_id"))
            .col(number("log_id").unique_key())
            .primary_key(Index::create().col("low_account_id").col("high_account_id"))
            .foreign_key(&mut reference(
                "direct_conversations",
                "low_account_id",
                "accounts",
                "id",
            ))
            .foreign_key(&mut reference(
                "direct_conversations",
                "high_account_id",
                "accounts",
                "id",
            ))
            .foreign_key(&mut reference(
                "direct_conversations",
                "log_id",
                "conversations",
                "log_id",
            ))
            .take(),
        // Who is in a conversation, since which number, and how far they have received and read it.
        // `blocked`: this member of a direct conversation takes no messages from the other one (as in `contacts`; here
        // it is found together with the membership).
        // `seed_number`: how far clients of the seed's protocol were given it; the server holds that cursor for them.
        Table::create()
            .table("members")
            .col(number("log_id"))
            .col(number("account_id"))
            .col(number("joined_number"))
            .col(number("delivered_number"))
            .col(number("read_number"))
            .col(number("seed_number"))
            .col(flag("blocked"))
            .primary_key(Index::create().col("log_id").col("account_id"))
            .foreign_key(&mut reference("members", "log_id", "conversations", "log_id"))
            .foreign_key(&mut reference("members", "account_id", "accounts", "id"))
            .take(),
        Table::create()
            .table("contacts")
            .col(number("account_id"))
            .col(number("other_id"))
            .col(flag("contact"))
            .col(flag("blocked"))
            .primary_key(Index::create().col("account_id").col("other_id"))
            .foreign_key(&mut reference("contacts", "account_id", "accounts", "id"))
            .foreign_key(&mut reference("contacts", "other_id", "accounts", "id"))
            .take(),
        // A code is 128 random bits; only its SHA-256 is here. `created_by` and `redeemed_by` are null for the
        // server's own command and before redemption.
        Table::create()
            .table("invites")
            .col(bytes("code_hash").primary_key())
            .col(flag("admin"))
            .col(number_or_null("created_by"))
            .col(number("created_at"))
            .col(number("expires_at"))
            .col(number_or_null("redeemed_by"))
            .col(number("redeemed_at"))
            .foreign_key(&mut reference("invites", "created_by", "accounts", "id"))
            .foreign_key(&mut reference("invites", "redeemed_by", "accounts", "id"))
            .take(),
        // `body` is null once erased; the number stays. `client_id` is the sender's idempotency key and
        // `client_digest` says what it was used for; both null where the client gave none.
        Table::create()
            .table("events")
            .col(number("log_id"))
            .col(number("number"))
            .col(number("sender_id"))
            .col(number("device_id"))
            .col(small("kind"))
            .col(number("time"))
            .col(ColumnDef::new("body").blob().null().take())
            .col(ColumnDef::new("client_id").text().null().take())
            .col(number_or_null("client_digest"))
            .primary_key(Index::create().col("log_id").col("number"))
            .foreign_key(&mut reference("events", "log_id", "logs", "id"))
            .foreign_key(&mut reference("events", "sender_id", "accounts", "id"))
            .foreign_key(&mut reference("events", "device_id", "devices", "id"))
            .take(),
        // The bytes are in a file named after the id. `hash` is the BLAKE3 of the bytes.
        Table::create()
            .table("blobs")
            .col(text("id").primary_key())
            .col(number("owner_id"))
            .col(number("size"))
            .col(bytes("hash"))
            .col(number("created_at"))
            .foreign_key(&mut reference("blobs", "owner_id", "accounts", "id"))
            .take(),
        // Which events refer to which blobs: who may fetch one, and when nobody needs it any more.
        Table::create()
            .table("event_blobs")
            .col(number("log_id"))
            .col(number("number"))
            .col(text("blob_id"))
            .primary_key(Index::create().col("log_id").col("number").col("blob_id"))
            .foreign_key(
                ForeignKey::create()
                    .name("fk_event_blobs_event")
                    .from_tbl("event_blobs")
                    .from_col("log_id")
                    .from_col("number")
                    .to_tbl("events")
                    .to_col("log_id")
                    .to_col("number"),
            )
            .foreign_key(&mut reference("event_blobs", "blob_id", "blobs", "id"))
            .take(),
    ]
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |name, table, columns: &[&'static str], unique: bool| {
        let mut index = Index::create().name(name).table(table).take();
        for column in columns {
            index.col(*column);
        }
        if unique {
            index.unique();
        }
        index
    };
    vec![
        // The list of one's sessions.
        index("devices_by_account", "devices", &["account_id"], false),
        // The conversations of an account, for `sync`.
        index("members_by_account", "members", &["account_id"], false),
        // A write that comes twice takes effect once.
        index("events_by_client_id", "events", &["sender_id", "client_id"], true),
        // Who may fetch a blob, and whether anything refers to it.
        index("event_blobs_by_blob", "event_blobs", &["blob_id"], false),
        // Accounts that an administrator changed while the server runs.
        index("accounts_by_change", "accounts", &["changed_at"], false),
    ]
}

fn identity(name: &'static str) -> ColumnDef {
    ColumnDef::new(name)
        .big_integer()
        .not_null()
        .auto_increment()
        .primary_key()
        .take()
}

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

fn number_or_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

fn small(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).small_integer().not_null().take()
}

fn integer(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}

fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().not_null().take()
}

fn reference(
    table: &'static str,
    column: &'static str,
    to: &'static str,
    to_column: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_{column}"))
        .from(table, column)
        .to(to, to_column)
        .take()
}
