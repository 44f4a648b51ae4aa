use std::path::Path;
use std::time::Duration;

use kith_migrations::Migrator;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
};
use sea_orm_migration::MigratorTrait;

/// How long a transaction waits for another process that writes to the same database.
const BUSY: Duration = Duration::from_secs(5);

/// How long opening the database may take, at the start and when the writer opens it again after a failure: writes wait
/// for that, and get an error rather than wait for long.
const OPENING: Duration = Duration::from_secs(30);
const OPENING_AGAIN: Duration = Duration::from_secs(5);

/// Connections for reading.
const READERS: u32 = 4;

/// Prepared statements kept by a connection: the inserts and lists come in powers of two, so there are some.
const STATEMENTS: usize = 256;

/// Pages of the write-ahead log after which a commit copies them into the database (16 MiB of them).
const CHECKPOINT_PAGES: &str = "4096";

/// The lock that whoever writes to a PostgreSQL database holds. Nothing but a number that is the same for all.
const WRITING: i64 = 7_443_000_001;

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
    let connection = connect(url, data, options.clone()).await?;
    options.acquire_timeout(OPENING_AGAIN);
    Ok((connection, options))
}

/// The pool for reading.
pub(super) async fn reading(url: &str, data: &Path) -> Result<DatabaseConnection, OpenError> {
    let mut options = options(url, data, true);
    // All from the start, and for good: a connection's thread runs with the right of the thread that it was begun by.
    options
        .max_connections(READERS)
        .min_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None);
    connect(url, data, options).await
}

/// Begins a transaction that writes, while no other process has one: what it looks at holds until it ends, it never fails
/// for what somebody else does meanwhile, and two can't wait for each other. That is how SQLite is; in PostgreSQL a lock of
/// our own makes it so. Waits for [`BUSY`] at most.
pub(super) async fn begin_writing(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = connection.begin_with_options(options).await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        let (patience, lock) = (BUSY.as_millis(), WRITING);
        let statements = format!("SET LOCAL lock_timeout = {patience}; SELECT pg_advisory_xact_lock({lock})");
        transaction.execute_unprepared(&statements).await?;
    }
    Ok(transaction)
}

/// Brings the schema up to date, whole or not at all.
pub(super) async fn migrate(connection: &DatabaseConnection) -> Result<(), OpenError> {
    let transaction = begin_writing(connection).await.map_err(schema_error)?;
    migrate_in(&transaction).await?;
    transaction.commit().await.map_err(schema_error)
}

fn schema_error(error: DbErr) -> OpenError {
    OpenError::Database {
        place: "(its schema)".to_owned(),
        error,
    }
}

async fn migrate_in(connection: &DatabaseTransaction) -> Result<(), OpenError> {
    let known: Vec<String> = Migrator::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect();
    let applied = Migrator::get_migration_models(connection)
        .await
        .map_err(schema_error)?;
    if let Some(newer) = applied
        .into_iter()
        .find(|applied| !known.contains(&applied.version))
    {
        return Err(OpenError::Newer(newer.version));
    }
    Migrator::up(connection, None).await.map_err(schema_error)
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
        .acquire_timeout(OPENING)
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
                // What is erased is overwritten, not only forgotten.
                .pragma("secure_delete", "ON")
                .pragma("query_only", if query_only { "ON" } else { "OFF" })
        });
    options
}
