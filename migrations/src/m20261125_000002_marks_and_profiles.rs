//! Marks and profiles: what changes without being an event of a conversation, in the order of a revision.

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
        for (table, column) in COLUMNS {
            let column = number(column).default(0).take();
            let alter = Table::alter().table(table).add_column(column).take();
            manager.alter_table(alter).await?;
        }
        // Who is there in the contacts of whom: for presence, and for who is told of a new profile.
        let by_other = Index::create()
            .name("contacts_by_other")
            .table("contacts")
            .col("other_id")
            .take();
        manager.create_index(by_other).await?;
        manager
            .get_connection()
            .execute_unprepared(FIRST_REVISIONS)
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_index(
                Index::drop()
                    .name("contacts_by_other")
                    .table("contacts")
                    .to_owned(),
            )
            .await?;
        for (table, column) in COLUMNS {
            let alter = Table::alter().table(table).drop_column(column).take();
            manager.alter_table(alter).await?;
        }
        for table in ["profiles", "revisions"] {
            manager.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}

/// `members.marks_revision`: when its `delivered_number` or `read_number` was raised last.
/// `members.shown_delivered`, `members.shown_read`: what of these the others see. While one of two people has blocked the other, they
/// stand still. `members.shown_revision`: when they were raised last.
/// `members.joined_revision`: when the account joined, and so began to see the others' marks and profiles.
/// `contacts.revision`: when the other one was added to the contacts, and so began to be seen.
const COLUMNS: [(&str, &str); 6] = [
    ("members", "marks_revision"),
    ("members", "shown_delivered"),
    ("members", "shown_read"),
    ("members", "shown_revision"),
    ("members", "joined_revision"),
    ("contacts", "revision"),
];

/// What was there before gets revisions too, few rows the same, so that it can be handed out in parts.
const FIRST_REVISIONS: &str = "
    INSERT INTO profiles (account_id, about, revision) SELECT id, '', id FROM accounts;
    UPDATE members SET marks_revision = log_id, joined_revision = log_id,
        shown_delivered = delivered_number, shown_read = read_number, shown_revision = log_id;
    UPDATE contacts SET revision = other_id;
    INSERT INTO revisions (id, value)
        SELECT 1, COALESCE(MAX(newest), 0)
        FROM (SELECT MAX(id) AS newest FROM logs UNION ALL SELECT MAX(id) FROM accounts) AS used;
";

fn tables() -> Vec<TableCreateStatement> {
    vec![
        // The one row (1) says which revision was given out last. A change takes the next one in its transaction, and they
        // commit one after the other: so whoever has seen everything up to a revision misses nothing by asking for what is newer.
        Table::create()
            .table("revisions")
            .col(ColumnDef::new("id").small_integer().not_null().primary_key())
            .col(number("value"))
            .take(),
        // What people say of themselves, beside `accounts.display_name`. `avatar` is a small picture, `avatar_hash` the BLAKE3 of its
        // bytes; both null where there is none. `revision`: when it was changed last.
        Table::create()
            .table("profiles")
            .col(number("account_id").primary_key())
            .col(ColumnDef::new("about").text().not_null())
            .col(ColumnDef::new("avatar").blob().null())
            .col(ColumnDef::new("avatar_hash").blob().null())
            .col(number("revision"))
            .foreign_key(
                ForeignKey::create()
                    .name("fk_profiles_account_id")
                    .from("profiles", "account_id")
                    .to("accounts", "id"),
            )
            .take(),
    ]
}

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}
