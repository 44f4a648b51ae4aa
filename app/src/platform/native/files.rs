//! Files: picked, shown, saved and opened.

use std::path::PathBuf;
use std::sync::Arc;

use dioxus::html::FileData;
use kith_client::{Blank, Direction, Engine, EngineError, FileSource};

use super::{beside, pictures};
use crate::model::files::safe_name;
use crate::model::media::picture_type;
use crate::model::picked::Look;

/// Files up to this size are shown, in bytes: the webview gets them whole.
pub const SHOWN: u64 = kith_common::limits::INLINE_FILE as u64;

/// Whether films and sound are played inside the page.
pub const PLAYS: bool = false;

/// Whether files are saved by something that doesn't tell how far it is.
pub const SAVES_UNSEEN: bool = false;

/// A file that a person has chosen.
#[derive(Clone)]
pub enum Body {
    /// On the disk.
    Path(PathBuf),
    /// In memory: what was pasted, and what a phone's picker gives.
    Bytes(Arc<Vec<u8>>),
}

impl Body {
    /// Its name and size in bytes, and what is in it.
    pub async fn of(file: FileData) -> Option<(String, u64, Self)> {
        let path = file.path();
        let found = {
            let path = path.clone();
            beside(async move { tokio::fs::metadata(path).await }).await
        };
        if let Ok(found) = found
            && path.is_absolute()
        {
            // A folder isn't sent.
            return found
                .is_file()
                .then(|| (file.name(), found.len(), Self::Path(path)));
        }
        let bytes = file.read_bytes().await.ok()?.to_vec();
        Some((file.name(), bytes.len() as u64, Self::Bytes(Arc::new(bytes))))
    }

    /// So many of its bytes, from a place on; fewer where it ends.
    pub async fn read(&self, from: u64, most: u64) -> Option<Vec<u8>> {
        match self {
            Self::Path(path) => {
                use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

                let path = path.clone();
                let read = async move {
                    let mut bytes = Vec::new();
                    let mut file = tokio::fs::File::open(path).await?;
                    file.seek(std::io::SeekFrom::Start(from)).await?;
                    file.take(most).read_to_end(&mut bytes).await?;
                    Ok::<_, std::io::Error>(bytes)
                };
                beside(read).await.ok()
            }
            Self::Bytes(bytes) => {
                let place = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
                let range = place(from)..place(from.saturating_add(most));
                bytes.get(range).map(<[u8]>::to_vec)
            }
        }
    }

    /// What a picture looks like, at most so many pixels wide and high. Of films that isn't known here.
    pub async fn look(&self, is_film: bool, side: u32) -> Option<Look> {
        if is_film {
            return None;
        }
        pictures::look(self.read(0, pictures::READ).await?, side).await
    }

    /// The middle of a picture as a square of at most so many bytes. Nothing is left of what else the file says.
    pub async fn square(&self, side: u32, most: usize) -> Option<Vec<u8>> {
        pictures::square(self.read(0, pictures::READ).await?, side, most).await
    }

    /// An address under which the webview finds it, until it is [let go](let_go).
    pub async fn address(&self, media: &str) -> Option<String> {
        let bytes = self.read(0, SHOWN + 1).await?;
        (bytes.len() as u64 <= SHOWN).then(|| pictures::object_url(&bytes, media))
    }

    /// For the engine, without parts of it that are given in order.
    pub fn without(&self, blanks: Vec<Blank>) -> Option<FileSource> {
        Some(match self {
            Self::Path(path) => FileSource::PathWithout(path.clone(), blanks),
            Self::Bytes(bytes) => {
                let mut bytes = bytes.to_vec();
                for blank in blanks {
                    blank.cover(&mut bytes, 0);
                }
                FileSource::Bytes(bytes)
            }
        })
    }

    /// For the engine.
    pub fn source(self) -> FileSource {
        match self {
            Self::Path(path) => FileSource::Path(path),
            Self::Bytes(bytes) => FileSource::Bytes(Arc::unwrap_or_clone(bytes)),
        }
    }
}

/// An address isn't needed any more; here it is the content itself.
pub fn let_go(_address: &str) {}

/// An address under which the webview finds a picture that was received.
///
/// # Errors
/// The server doesn't give it; it is no picture.
pub async fn address_of(engine: &Engine, file: &str) -> Result<String, EngineError> {
    let (engine, file) = (engine.clone(), file.to_owned());
    let bytes = beside(async move { engine.file(&file).await }).await?.file_data.0;
    let media = picture_type(&bytes).ok_or_else(|| EngineError::File("this is no picture".to_owned()))?;
    Ok(pictures::object_url(&bytes, media))
}

/// Saves a file where the person wants it. Returns the transfer that does it; none if they don't want it.
///
/// # Errors
/// It can't be written there.
pub async fn save_file(engine: &Engine, file: &str, name: &str) -> Result<Option<u64>, EngineError> {
    let Some(path) = place(name).await else {
        return Ok(None);
    };
    let (engine, file) = (engine.clone(), file.to_owned());
    beside(async move {
        // The person was asked, and said yes, where something is there already.
        let _ = tokio::fs::remove_file(&path).await;
        engine.download(&file, path).await
    })
    .await
    .map(Some)
}

/// Which file a transfer saves, and where.
pub fn target(direction: &Direction) -> Option<(String, String)> {
    match direction {
        Direction::Down { file, path } => Some((file.clone(), path.display().to_string())),
        Direction::Up { .. } => None,
    }
}

/// Where a file is to be saved; none if it isn't.
#[cfg(feature = "desktop")]
async fn place(name: &str) -> Option<PathBuf> {
    let dialog = rfd::AsyncFileDialog::new().set_file_name(safe_name(name));
    dialog.save_file().await.map(|place| place.path().to_owned())
}

/// Among the documents of the app, under a name that isn't there yet.
#[cfg(not(feature = "desktop"))]
async fn place(name: &str) -> Option<PathBuf> {
    #[cfg(target_os = "android")]
    let folder = super::android::shared_folder();
    #[cfg(not(target_os = "android"))]
    let folder = directories::UserDirs::new().and_then(|dirs| {
        dirs.download_dir()
            .or_else(|| dirs.document_dir())
            .map(std::path::Path::to_owned)
    });
    let (folder, name) = (folder?, safe_name(name));
    let numbered = (1..100).map(|number| match number {
        1 => folder.join(&name),
        _ => folder.join(format!("{number} {name}")),
    });
    numbered.into_iter().find(|path| !path.exists())
}

/// Opens a file with the program that the system has for it.
#[cfg(feature = "desktop")]
pub fn open(path: &str) -> bool {
    open::that_detached(path).is_ok()
}

/// Phones show what was saved by themselves.
#[cfg(not(feature = "desktop"))]
pub fn open(_path: &str) -> bool {
    false
}
