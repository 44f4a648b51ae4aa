use std::path::Path;
use std::time::Duration;

use kith_migrations::Migrator;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;

/// How long a statement waits for another process that writes to the same SQLite file.
const BUSY: Duration = Duration::from_secs(5);

/// Connections for reading.
const READERS: u32 = 4;

/// Prepared statements kept by a connection: the inserts and lists come in powers of two, so there are some.
const STATEMENTS: usize = 256;

/// Pages of the write-ahead log after which a commit copies them into the database (16 MiB of them).
const CHECKPOINT_PAGES: &str = "4096";

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is damaged, not there, or may not be read or written.
    #[error("can't open the database {place}: {error}")]
    Database {
        /// Where it is.
        place: String,
        /// What the database said.
        error: DbErr,
    },
    /// It has migrations that this version doesn't know.
    #[error(
        "the data were written by a newer version of Kith (unknown migration {0}); install that version or a newer one"
    )]
    Newer(String),
}

/// The connection of the writer, and how to make it anew.
pub(super) async fn writing(
    url: &str,
    data: &Path,
) -> Result<(DatabaseConnection, ConnectOptions), OpenError> {
    let mut options = options(url, data, false);
    options
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    Ok((connect(url, data, options.clone()).await?, options))
}

/// The pool for reading.
pub(super) async fn reading(url: &str, data: &Path) -> Result<DatabaseConnection, OpenError> {
    let mut options = options(url, data, true);
    options.max_connections(READERS).min_connections(1);
    connect(url, data, options).await
}

/// Brings the schema up to date.
pub(super) async fn migrate(connection: &DatabaseConnection) -> Result<(), OpenError> {
    let failed = |error| OpenError::Database {
        place: "(its schema)".to_owned(),
        error,
    };
    let known: Vec<String> = Migrator::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect();
    let applied = Migrator::get_migration_models(connection).await.map_err(failed)?;
    if let Some(newer) = applied
        .into_iter()
        .find(|applied| !known.contains(&applied.version))
    {
        return Err(OpenError::Newer(newer.version));
    }
    Migrator::up(connection, None).await.map_err(failed)
}

async fn connect(url: &str, data: &Path, options: ConnectOptions) -> Result<DatabaseConnection, OpenError> {
    Database::connect(options)
        .await
        .map_err(|error| OpenError::Database {
            place: place(url, data),
            error,
        })
}

/// Where the database is, for people: never the password in a PostgreSQL address.
fn place(url: &str, data: &Path) -> String {
    if url == "sqlite" {
        return data.join("kith.db").display().to_string();
    }
    match url.rsplit_once('@') {
        Some((_, host)) => format!("postgres://…@{host}"),
        None => "given in kith.toml".to_owned(),
    }
}

fn options(url: &str, data: &Path, query_only: bool) -> ConnectOptions {
    let file = data.join("kith.db");
    let mut options = ConnectOptions::new(if url == "sqlite" { "sqlite:kith.db" } else { url });
    options
        .sqlx_logging(false)
        .acquire_timeout(Duration::from_secs(30))
        // The file goes in as a path, not as part of an address, so that no name can be misread.
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .filename(&file)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(BUSY)
                .statement_cache_capacity(STATEMENTS)
                .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
                .pragma("query_only", if query_only { "ON" } else { "OFF" })
        });
    options
}
