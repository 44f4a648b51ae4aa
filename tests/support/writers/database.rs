use std::collections::BTreeSet;
use std::path::Path;

use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, QueryResult, Statement};

/// Looks into the database itself, and into the folder of files, of a server that has stopped.
pub async fn is_sound(data: &Path) {
    let file = data.join("kith.db");
    let database = Database::connect(format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    let damage = query(&database, "PRAGMA integrity_check").await;
    assert_eq!(damage[0].try_get_by_index::<String>(0).unwrap(), "ok");
    assert!(query(&database, "PRAGMA foreign_key_check").await.is_empty());

    let gaps = "SELECT logs.id FROM logs LEFT JOIN events ON events.log_id = logs.id GROUP BY logs.id \
        HAVING COUNT(events.number) <> logs.newest OR COALESCE(MAX(events.number), 0) <> logs.newest \
        OR COALESCE(MIN(events.number), 1) <> 1";
    assert!(query(&database, gaps).await.is_empty(), "a log is not 1, 2, 3 …");
    let twice = "SELECT client_id FROM events WHERE client_id IS NOT NULL GROUP BY sender_id, client_id HAVING COUNT(*) > 1";
    assert!(
        query(&database, twice).await.is_empty(),
        "a write stands there twice"
    );

    let announced = query(&database, "SELECT id FROM blobs").await;
    let announced: BTreeSet<String> = announced
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect();
    assert!(!announced.is_empty(), "no file was sent");
    let files = std::fs::read_dir(data.join("blobs")).unwrap();
    let files: BTreeSet<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        files, announced,
        "files are there that nobody announced, or the other way round"
    );
    database.close().await.unwrap();
}

async fn query(database: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(DbBackend::Sqlite, sql);
    database.query_all_raw(statement).await.unwrap()
}
