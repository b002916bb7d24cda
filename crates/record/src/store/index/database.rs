//! The index's database as a file: opened, made, set aside. Whatever is wrong with it, there is a database afterwards.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

pub(super) const FILE: &str = "index.sqlite";
/// Distinguishes our databases from others': 'FHub'.
const APPLICATION: i32 = 0x4648_7562;
/// Of the schema: a database of another version is thrown away and built anew.
pub(super) const VERSION: i32 = 1;
/// How long another program that reads the database may hold us up.
const BUSY: Duration = Duration::from_millis(100);

const SCHEMA: &str = "
    CREATE TABLE recordings (
        stream TEXT NOT NULL, file TEXT NOT NULL, kind INTEGER NOT NULL, status INTEGER NOT NULL,
        start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, duration REAL NOT NULL, frames INTEGER NOT NULL,
        average_fps REAL NOT NULL, target_fps REAL NOT NULL, codec INTEGER NOT NULL, size INTEGER NOT NULL,
        width INTEGER NOT NULL, height INTEGER NOT NULL, lost INTEGER NOT NULL, gaps TEXT,
        -- Its end is on the disk: nothing of it has to be checked again as long as it has this size.
        settled INTEGER NOT NULL,
        UNIQUE (stream, file)
    ) STRICT;
    -- With all that counting needs, so that the table itself is read for a page only.
    CREATE INDEX by_start ON recordings (start_ms, stream, file, end_ms, size);
    CREATE INDEX by_stream ON recordings (stream, start_ms, file, end_ms, size);
    CREATE INDEX by_end ON recordings (stream, end_ms, kind);

    CREATE TABLE totals (
        stream TEXT PRIMARY KEY, count INTEGER NOT NULL, bytes INTEGER NOT NULL,
        -- How far before a time a recording that holds it may begin.
        longest_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER added AFTER INSERT ON recordings BEGIN
        INSERT INTO totals VALUES (new.stream, 1, new.size, new.end_ms - new.start_ms)
        ON CONFLICT (stream) DO UPDATE SET count = count + 1, bytes = bytes + excluded.bytes,
            longest_ms = max(longest_ms, excluded.longest_ms);
    END;
    CREATE TRIGGER removed AFTER DELETE ON recordings BEGIN
        UPDATE totals SET count = count - 1, bytes = bytes - old.size WHERE stream = old.stream;
        DELETE FROM totals WHERE stream = old.stream AND count = 0;
    END;
";

/// Statements that are kept prepared.
const STATEMENTS: usize = 32;

/// The database in the recordings' folder, or a new one there, or one in memory. Says in the log which, if it is not
/// the first.
pub(super) fn open(directory: &Path) -> rusqlite::Result<Connection> {
    let path = path_in(directory);
    let opened = open_or_make(&path).or_else(|trouble| {
        let shown = path.display();
        match &trouble {
            Trouble::Outdated => {
                tracing::info!(path = %shown, "the index of recordings is of another version: building it anew");
                remove(&path);
            }
            Trouble::Unfit(reason) => {
                let aside = set_aside(&path);
                tracing::warn!(path = %shown, reason, aside, "the index of recordings cannot be used: building it anew");
            }
            Trouble::Unusable(_) => return Err(trouble),
        }
        open_or_make(&path)
    });
    let connection = match opened {
        Ok(connection) => connection,
        Err(reason) => {
            tracing::warn!(path = %path.display(), %reason, "no index of recordings on disk: it is kept in memory");
            let connection = Connection::open_in_memory()?;
            connection.execute_batch(SCHEMA)?;
            connection
        }
    };
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Sets aside one that is not open any more.
pub(super) fn put_away(directory: &Path) {
    set_aside(&path_in(directory));
}

/// Below the folder's real path nothing may be a symlink (DK4), which SQLite checks for us.
fn path_in(directory: &Path) -> PathBuf {
    fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned()).join(FILE)
}

/// Why a database is not used.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("it is of another version")]
    Outdated,
    /// Not ours, or broken.
    #[error("{0}")]
    Unfit(String),
    /// It may be in order, but not for us, not now.
    #[error("{0}")]
    Unusable(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        if is_broken(&error) { Self::Unfit(error.to_string()) } else { Self::Unusable(error) }
    }
}

/// Whether a database answers like one whose file is damaged or none of ours.
pub(crate) fn is_broken(error: &rusqlite::Error) -> bool {
    let broken = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase, ErrorCode::Unknown];
    match error {
        rusqlite::Error::SqliteFailure(error, _) => broken.contains(&error.code),
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..) => true,
        _ => false,
    }
}

fn open_or_make(path: &Path) -> Result<Connection, Trouble> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(Trouble::Unfit("it is not a regular file".to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let number = |name| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION {
        return Err(Trouble::Unfit("it is the database of another program".to_owned()));
    }
    if tables > 0 && version != VERSION {
        return Err(Trouble::Outdated);
    }
    // Where there can be no write-ahead log (some network drives), the answer is another mode, and that does as well.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY")?;
    // Also shows whether it can be written at all.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if tables == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(connection)
}

/// The database's files: it and its write-ahead log belong together.
const PARTS: [&str; 3] = ["", "-wal", "-shm"];

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) {
    for part in PARTS {
        let _ = fs::remove_file(with_suffix(path, part));
    }
}

/// Renames it to the first free of `index.sqlite.old1`… Gives that name, or an empty one if that cannot be done.
fn set_aside(path: &Path) -> String {
    let free = (1..=99).map(|number| format!(".old{number}")).find(|suffix| {
        PARTS.iter().all(|part| fs::symlink_metadata(with_suffix(path, &format!("{suffix}{part}"))).is_err())
    });
    let Some(suffix) = free else { return String::new() };
    let moved = PARTS.map(|part| {
        fs::rename(with_suffix(path, part), with_suffix(path, &format!("{suffix}{part}"))).is_ok()
    });
    if moved.contains(&true) { format!("{FILE}{suffix}") } else { String::new() }
}
