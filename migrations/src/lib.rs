//! The database schema, as a chain of dated migrations. A migration that was shipped is never edited.
//!
//! Everything here is portable between SQLite and PostgreSQL. Times are milliseconds since 1970-01-01T00:00:00Z,
//! 0 where the thing hasn't happened. A column's meaning never changes: a new meaning is a new column.

use sea_orm_migration::prelude::*;

mod m20261122_000001_logs_accounts_devices_blobs;
mod m20261125_000002_marks_and_profiles;
mod m20261126_000003_uploads_and_quotas;

/// Applies the migrations in order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_logs_accounts_devices_blobs::Migration),
            Box::new(m20261125_000002_marks_and_profiles::Migration),
            Box::new(m20261126_000003_uploads_and_quotas::Migration),
        ]
    }
}
