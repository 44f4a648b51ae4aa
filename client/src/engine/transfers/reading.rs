//! The bytes of a file as they come from the server, for who plays or shows it meanwhile: nothing of it is kept.

use bytes::Bytes;
use kith_common::DownloadReply;

use super::FileInfo;
use super::Trouble;
use crate::Error;
use crate::engine::{Engine, EngineError, lock};
use crate::http::{Download, Line, Way};

/// The bytes of a file from some place on, as they come. Who drops it ends the connection that they come over.
pub struct FileBytes {
    info: FileInfo,
    body: Download,
    _line: Line,
}

impl Engine {
    /// Reads a file of any size from the server, by the id that its message gives, from so many bytes after its beginning on. The
    /// bytes come over a connection of their own. Their hash isn't looked at, as they needn't be all of them.
    ///
    /// # Errors
    /// There is no connection; the server refuses, or has less than that.
    pub async fn read_file(&self, file: &str, from: u64) -> Result<FileBytes, EngineError> {
        let told: DownloadReply = self.way_to(file).await?;
        let shared = self.shared();
        let trust = lock(&shared.trust).clone().ok_or(EngineError::Offline)?;
        let mut line = Line::open(&shared.server, &trust).await?;
        let way = Way {
            url: told.url,
            ticket: told.ticket,
        };
        let tag = format!("\"{}\"", told.hash);
        let (at, body) = line
            .fetch(&way, from, &tag)
            .await
            .map_err(|error| refused(error.into()))?;
        if at != from {
            return Err(Error::Lost("the server sends another part of the file".to_owned()).into());
        }
        let info = FileInfo {
            name: told.file_name,
            size: told.size,
            hash: told.hash,
        };
        Ok(FileBytes {
            info,
            body,
            _line: line,
        })
    }
}

impl FileBytes {
    /// What the server knows of the file.
    pub fn info(&self) -> &FileInfo {
        &self.info
    }

    /// The next bytes, as many as have come; none at the end.
    ///
    /// # Errors
    /// The connection broke. What is left can be read anew.
    pub async fn next(&mut self) -> Result<Option<Bytes>, EngineError> {
        Ok(self.body.next().await?)
    }
}

fn refused(trouble: Trouble) -> EngineError {
    EngineError::Network(match trouble {
        Trouble::Later(error) | Trouble::Chat(error) => error,
        Trouble::Failed(error) => Error::Refused(error),
        Trouble::Store(error) => return EngineError::Store(error),
        Trouble::Stopped => return EngineError::Closed,
    })
}
