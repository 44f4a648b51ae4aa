//! Files: picked, shown, saved and opened.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use dioxus::html::FileData;
use kith_client::limits::INLINE_FILE;
use kith_client::{Blank, Direction, Engine, EngineError, FileSource};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::served::{self, Content};
use super::{beside, pictures};
use crate::model::files::{HEAD, safe_name};
use crate::model::picked::Look;

/// Whether files are saved by something that doesn't tell how far it is.
pub const SAVES_UNSEEN: bool = false;

/// A file that a person has chosen.
#[derive(Clone)]
pub struct Body(Inner);

#[derive(Clone)]
enum Inner {
    /// On the disk, and what was read of it.
    Path(PathBuf, Arc<Whole>),
    /// In memory: what was pasted, and what a phone's picker gives.
    Bytes(Bytes),
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Inner::Bytes(bytes.into()))
    }
}

impl From<PathBuf> for Body {
    fn from(path: PathBuf) -> Self {
        Self(Inner::Path(path, Arc::default()))
    }
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
            return found.is_file().then(|| (file.name(), found.len(), path.into()));
        }
        let bytes = file.read_bytes().await.ok()?.to_vec();
        Some((file.name(), bytes.len() as u64, bytes.into()))
    }

    /// So many of its bytes, from a place on; fewer where it ends. What is asked for more than a few from the beginning on is a picture,
    /// which is read whole, once: what is shown, looked through and sent is then the same, whatever becomes of the file.
    pub async fn read(&self, from: u64, most: u64) -> Option<Bytes> {
        let bytes = match &self.0 {
            Inner::Path(path, whole) if from == 0 && most > HEAD => whole.of(path).await?,
            Inner::Path(path, _) => return read(path, from, most).await,
            Inner::Bytes(bytes) => bytes.clone(),
        };
        let place = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
        Some(bytes.slice(place(from)..place(from.saturating_add(most))))
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
        let content = match &self.0 {
            Inner::Path(path, whole) => match whole.known() {
                Some(bytes) => Content::Bytes(bytes),
                None => Content::Path(path.clone()),
            },
            Inner::Bytes(bytes) => Content::Bytes(bytes.clone()),
        };
        served::offer(content, media).await.ok()
    }

    /// For the engine, without parts of it that are given in order.
    pub fn without(&self, blanks: Vec<Blank>) -> Option<FileSource> {
        Some(match &self.0 {
            Inner::Path(path, _) => FileSource::PathWithout(path.clone(), blanks),
            Inner::Bytes(bytes) => {
                let mut bytes = bytes.to_vec();
                for blank in blanks {
                    blank.cover(&mut bytes, 0);
                }
                FileSource::Bytes(bytes)
            }
        })
    }

    /// For the engine, which reads larger files by itself while it sends them.
    pub fn source(self) -> FileSource {
        match self.0 {
            Inner::Path(path, whole) => match whole.known().filter(|bytes| bytes.len() <= INLINE_FILE) {
                Some(bytes) => FileSource::Bytes(bytes.into()),
                None => FileSource::Path(path),
            },
            Inner::Bytes(bytes) => FileSource::Bytes(bytes.into()),
        }
    }
}

/// A file of the disk that was read whole, or as far as pictures are read.
#[derive(Default)]
struct Whole(OnceCell<(Bytes, OwnedSemaphorePermit)>);

/// Room for such files, in kibibytes. What it doesn't hold is read each time that it is wanted.
static ROOM: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(256 * 1024)));

impl Whole {
    async fn of(&self, path: &Path) -> Option<Bytes> {
        if let Some(known) = self.known() {
            return Some(known);
        }
        let bytes = read(path, 0, pictures::READ).await?;
        let kibibytes = u32::try_from(bytes.len().div_ceil(1024)).ok()?;
        if let Ok(room) = Arc::clone(&ROOM).try_acquire_many_owned(kibibytes) {
            // Somebody else may have been faster.
            let _ = self.0.set((bytes.clone(), room));
        }
        Some(bytes)
    }

    fn known(&self) -> Option<Bytes> {
        self.0.get().map(|(bytes, _)| bytes.clone())
    }
}

/// Some bytes of a file.
async fn read(path: &Path, from: u64, most: u64) -> Option<Bytes> {
    use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

    let path = path.to_owned();
    let read = async move {
        let mut bytes = Vec::new();
        let mut file = tokio::fs::File::open(path).await?;
        file.seek(std::io::SeekFrom::Start(from)).await?;
        file.take(most).read_to_end(&mut bytes).await?;
        Ok::<_, std::io::Error>(bytes)
    };
    beside(read).await.ok().map(Bytes::from)
}

/// An address isn't needed any more.
pub fn let_go(address: &str) {
    served::let_go(address);
}

/// The account is logged out: nothing of its files is kept or found any more.
pub fn forget_files(engine: &Engine) {
    served::forget(engine);
}

/// An address under which the webview finds a file that was received.
///
/// # Errors
/// The server doesn't give it.
pub async fn address_of(engine: &Engine, file: &str) -> Result<String, EngineError> {
    served::sent(engine, file).await
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
    // The person was asked, and said yes, where something is there already. It stays until the other one is whole.
    beside(async move { engine.download_over(&file, path).await })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::native::RUNTIME;

    fn png() -> Vec<u8> {
        let mut png = std::io::Cursor::new(Vec::new());
        let picture = image::RgbImage::from_pixel(40, 20, image::Rgb([9, 9, 200]));
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        png.into_inner()
    }

    #[test]
    fn a_picture_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, png()).unwrap();
        let body = Body::from(path.clone());
        RUNTIME.block_on(async {
            assert_eq!(body.read(0, HEAD).await.unwrap(), png()[..HEAD as usize]);
            let look = body.look(false, 100).await.unwrap();
            assert_eq!((look.width, look.height), (40, 20));
            // What is sent is what was looked at.
            std::fs::write(&path, b"another").unwrap();
            let size = png().len() as u64;
            assert_eq!(body.read(0, size).await.unwrap(), png());
            assert_eq!(body.clone().read(0, size).await.unwrap(), png());
            assert!(body.square(16, 64 * 1024).await.is_some());
            let address = body.address("image/png").await.unwrap();
            let_go(&address);
        });
        assert!(matches!(body.source(), FileSource::Bytes(bytes) if bytes == png()));
    }

    #[test]
    fn a_large_file_that_is_no_picture_is_left_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        std::fs::write(&path, vec![0; INLINE_FILE + 1]).unwrap();
        let body = Body::from(path.clone());
        RUNTIME.block_on(async { assert!(body.read(0, HEAD).await.is_some()) });
        assert!(matches!(body.source(), FileSource::Path(held) if held == path));
        let gone = Body::from(folder.path().join("gone"));
        RUNTIME.block_on(async { assert!(gone.read(0, HEAD).await.is_none()) });
    }
}
