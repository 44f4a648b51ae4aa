//! `export`: everything of an account as files. A run goes on where the last one ended, and replaces nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use kith_client::{Engine, Log, Progress};
use kith_common::{ErrorCode, EventKind, FileName, LogEvent};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::files::{is_large, local_name, save};
use crate::args::Place;
use crate::failure::{Exit, Failure, note};
use crate::limits;
use crate::opened::Opened;
use crate::output::Output;
use crate::progress::Bar;

/// Most characters of a name that becomes a part of a path.
const MOST: usize = 64;

/// Whose an export is: `export.json`.
#[derive(PartialEq, Serialize, Deserialize)]
struct Owner {
    server: String,
    username: String,
    account: String,
}

/// What a run has done.
#[derive(Default)]
struct Done {
    events: u64,
    files: u64,
    missing: u64,
}

/// Writes all conversations and files of the account into a folder.
pub(crate) async fn export(
    place: &Place,
    folder: &Path,
    with_files: bool,
    output: &Output,
) -> Result<(), Failure> {
    let done = Opened::with(place, async |opened| {
        opened.online().await?;
        // What waited belongs to it.
        opened.send_leftovers().await?;
        let account = &opened.account;
        let owner = Owner {
            server: account.server.to_string(),
            username: account.username.clone(),
            account: account.account.clone(),
        };
        private_folder(folder)?;
        claim(folder, &owner)?;
        let mut done = Done::default();
        let bar = Bar::start(0);
        for log in opened.engine.logs() {
            let path = log_path(folder, &log, &owner.account);
            export_log(&opened.engine, &log, &path, &bar, &mut done).await?;
            if with_files {
                export_files(&opened.engine, folder, &path, &bar, &mut done).await?;
            }
        }
        Ok(done)
    })
    .await?;
    let Done {
        events,
        files,
        missing,
    } = done;
    let shown = folder.display().to_string();
    let mut line = format!("Added {events} events and {files} files to {shown}.");
    if missing > 0 {
        line.push_str(&format!(" {missing} files are no longer on the server."));
    }
    let json = json!({"folder": shown, "events": events, "files": files, "missing": missing});
    output.result(&json, [line])
}

/// Makes the folder this account's export, or sees that it is.
fn claim(folder: &Path, owner: &Owner) -> Result<(), Failure> {
    let path = folder.join("export.json");
    match fs::read(&path) {
        Ok(bytes) => match serde_json::from_slice::<Owner>(&bytes) {
            Ok(found) if found.account == owner.account => Ok(()),
            _ => Err(foreign(
                &path,
                "belongs to another account's export; name another folder",
            )),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut bytes =
                serde_json::to_vec_pretty(owner).map_err(|error| Failure::file(&path, &error.into()))?;
            bytes.push(b'\n');
            save(&path, &bytes, false)
        }
        Err(error) => Err(Failure::file(&path, &error)),
    }
}

/// Adds what is new of a log to its file: an event a line, as `listen --json` prints it.
async fn export_log(
    engine: &Engine,
    log: &Log,
    path: &Path,
    bar: &Bar,
    done: &mut Done,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::file(path, &error);
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let mut file = OpenOptions::new();
    let file = file
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .map_err(failed)?;
    let mut last = written(&file, log, path)?.max(log.first.saturating_sub(1));
    bar.grow(log.newest.saturating_sub(last));
    while last < log.newest {
        let events = engine.events(&log.id, last, limits::EXPORT_STEP).await?;
        let Some(newest) = events.last() else { break };
        last = newest.number;
        let mut lines = Vec::new();
        for event in &events {
            serde_json::to_writer(&mut lines, event).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        (&file)
            .write_all(&lines)
            .and_then(|()| file.sync_data())
            .map_err(failed)?;
        done.events += events.len() as u64;
        bar.advance(events.len() as u64, &log.others.join(", "));
    }
    Ok(())
}

/// The number of the last event in a file. A line that was being written when the last run was cut off is taken away.
fn written(file: &File, log: &Log, path: &Path) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::file(path, &error);
    let mut lines = BufReader::new(file);
    let (mut last, mut end) = (0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line).map_err(failed)?;
        if !line.ends_with(b"\n") {
            if read > 0 && last == 0 && end == 0 && !line.starts_with(b"{\"event\":") {
                return Err(foreign(path, "is no file of an export"));
            }

            file.set_len(end).map_err(failed)?;
            return Ok(last);
        }
        match serde_json::from_slice::<LogEvent>(&line) {
            Ok(event) if event.conversation == log.id => last = event.number,
            _ => return Err(foreign(path, "is no file of this export")),
        }
        end += read as u64;
    }
}

/// Fetches the files that a log tells of and that aren't there yet.
async fn export_files(
    engine: &Engine,
    folder: &Path,
    log: &Path,
    bar: &Bar,
    done: &mut Done,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::file(log, &error);
    for line in BufReader::new(File::open(log).map_err(failed)?).lines() {
        let line = line.map_err(failed)?;
        let Some((id, name)) = file_of(&line) else {
            continue;
        };
        let place = folder.join("files").join(plain(&id));
        let path = place.join(local_name(&name));
        if path.exists() {
            continue;
        }
        bar.grow(1);
        match engine.file(&id).await {
            Ok(file) => {
                private_folder(&place)?;
                save(&path, &file.file_data.0, false)?;
                done.files += 1;
            }
            Err(error) if is_large(&error) => {
                private_folder(&place)?;
                let id = engine.download(&id, &path).await?;
                if let Progress::Failed(error) = engine.settled(id).await? {
                    // It isn't to be tried by other commands.
                    engine.discard(id).await?;
                    return Err(error.into());
                }
                done.files += 1;
            }
            Err(kith_client::EngineError::Network(kith_client::Error::Refused(error)))
                if error.code == ErrorCode::NotFound =>
            {
                done.missing += 1;
                note(&format!("{} ({id}) is no longer on the server", name.as_str()));
            }
            Err(error) => return Err(error.into()),
        }
        bar.advance(1, name.as_str());
    }
    Ok(())
}

/// The file that an event tells of.
fn file_of(line: &str) -> Option<(String, FileName)> {
    #[derive(Deserialize)]
    struct Body {
        file: String,
        file_name: FileName,
    }
    let event: LogEvent = serde_json::from_str(line).ok()?;
    let body = event.body.filter(|_| event.event == EventKind::File)?;
    let body: Body = serde_json::from_str(body.get()).ok()?;
    Some((body.file, body.file_name))
}

fn log_path(folder: &Path, log: &Log, account: &str) -> PathBuf {
    if log.id == account {
        return folder.join("account.jsonl");
    }
    let others: Vec<String> = log.others.iter().map(|name| plain(name)).collect();
    let others: String = others.join("+").chars().take(MOST).collect();
    let name = format!("{others}-{}.jsonl", plain(&log.id));
    folder.join("conversations").join(name)
}

/// What the server calls something, as a part of a path: it may call it as it likes.
fn plain(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    name.chars().map(plain).take(MOST).collect()
}

fn private_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| Failure::file(path, &error))
}

fn foreign(path: &Path, what: &str) -> Failure {
    Failure::new(Exit::Local, format!("{} {what}", path.display()))
}
