//! Uploads that are under way, and how much room everybody's files take.

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
        manager.get_connection().execute_unprepared(COUNT).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(Index::drop().name("blobs_by_owner").table("blobs").to_owned())
            .await?;
        for table in ["uploads", "storage"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

/// What was sent before counts too.
const COUNT: &str = "
    INSERT INTO storage (account_id, bytes)
        SELECT id, CAST(COALESCE((SELECT SUM(size) FROM blobs WHERE owner_id = accounts.id), 0) AS BIGINT) FROM accounts;
";

fn tables() -> Vec<TableCreateStatement> {
    vec![
        // How many bytes count for an account: those of its blobs, and those that its uploads have reserved. A row for each account.
        Table::create()
            .table("storage")
            .col(number("account_id").primary_key())
            .col(number("bytes"))
            .foreign_key(&mut reference("storage", "account_id"))
            .take(),
        // What is being uploaded, or is complete and not announced yet. `id` is that of the blob that it becomes, and names its file. `size`
        // is null until the client has said it. `stored`: so many bytes are certainly on the disk. `reserved`: so many count in `storage`.
        // `hash`: the BLAKE3 of the bytes; null until all of them are there. `metadata`: what the client said of it (tus).
        // `client_id` and `client_digest` as in `events`. After `expires_at` it is given up.
        Table::create()
            .table("uploads")
            .col(ColumnDef::new("id").text().not_null().primary_key())
            .col(number("account_id"))
            .col(ColumnDef::new("size").big_integer().null())
            .col(number("stored"))
            .col(number("reserved"))
            .col(ColumnDef::new("hash").blob().null())
            .col(ColumnDef::new("metadata").text().not_null())
            .col(ColumnDef::new("client_id").text().null())
            .col(ColumnDef::new("client_digest").big_integer().null())
            .col(number("created_at"))
            .col(number("expires_at"))
            .foreign_key(&mut reference("uploads", "account_id"))
            .take(),
    ]
}

fn indexes() -> Vec<IndexCreateStatement> {
    vec![
        // How many an account has; and one that comes twice is opened once.
        Index::create()
            .name("uploads_by_client_id")
            .table("uploads")
            .col("account_id")
            .col("client_id")
            .unique()
            .take(),
        // Those to be given up.
        Index::create()
            .name("uploads_by_expiry")
            .table("uploads")
            .col("expires_at")
            .take(),
        // What an account leaves behind when it ends.
        Index::create()
            .name("blobs_by_owner")
            .table("blobs")
            .col("owner_id")
            .take(),
    ]
}

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

fn reference(table: &'static str, column: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_{column}"))
        .from(table, column)
        .to("accounts", "id")
        .take()
}
