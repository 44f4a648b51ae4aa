//! Files that were picked, dropped or pasted, and wait for a word to be sent.

use std::rc::Rc;

use dioxus::html::FileData;
use kith_client::{EngineError, FileSource, To};
use kith_common::{FileDetails, FileName, MediaType};

use super::Account;
use crate::model::boxes::Boxes;
use crate::model::files::{self, FileKind};
use crate::model::{metadata, picked, thumb};
use crate::platform::{self, Body};

/// Largest picture of which is taken away what it says beside its pixels, in bytes.
const CLEANED: u64 = kith_client::limits::KEPT_FILE as u64;

/// A file that waits to be sent, and what is known of it.
#[derive(Clone)]
pub struct Chosen {
    /// What it is called.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it is.
    pub kind: FileKind,
    /// Where the page finds its picture.
    pub address: Option<Rc<Address>>,
    /// It says where it was taken, or more, which can be taken away.
    pub says_more: bool,
    /// It may say so where it can't be taken away.
    pub keeps_more: bool,
    /// What is told of it to who receives it.
    pub details: FileDetails,
    body: Body,
}

/// An address that is good as long as somebody holds it.
#[derive(Debug, PartialEq)]
pub struct Address(pub String);

impl Drop for Address {
    fn drop(&mut self) {
        platform::let_go(&self.0);
    }
}

impl Chosen {
    /// Looks at files that were picked. Those that are empty or can't be read are given by their names.
    pub async fn look_at(files: Vec<FileData>) -> (Vec<Self>, Vec<String>) {
        let (mut chosen, mut refused) = (Vec::new(), Vec::new());
        for file in files {
            let name = file.name();
            let found = match Body::of(file).await {
                Some(body) => Self::of(body).await,
                None => None,
            };
            match found {
                Some(found) => chosen.push(found),
                None => refused.push(name),
            }
        }
        (chosen, refused)
    }

    /// What is found out about a file; none where it is empty or can't be read.
    pub async fn of((name, size, body): (String, u64, Body)) -> Option<Self> {
        let head = body.read(0, files::HEAD).await.filter(|head| !head.is_empty())?;
        let (kind, media) = picked::kind(&head, &name);
        let is_film = kind == FileKind::Film;
        let look = match kind {
            FileKind::Picture | FileKind::Film => body.look(is_film, thumb::SIDE).await,
            _ => None,
        };
        let address = match media {
            Some(media) if look.is_some() && !is_film => body.address(media).await,
            _ => None,
        };
        let (cleaned, keeps_more) = cleaned(&body, media, size).await;
        Some(Self {
            name,
            size,
            kind,
            address: address.map(|address| Rc::new(Address(address))),
            says_more: cleaned.is_some(),
            keeps_more,
            details: picked::details(media, look.as_ref()),
            body,
        })
    }

    /// Sends it, with or without what it says beside its pixels.
    ///
    /// # Errors
    /// The engine can't take it.
    pub async fn send(
        self,
        account: Account,
        to: To,
        answering: Option<u64>,
        as_it_is: bool,
    ) -> Result<(), EngineError> {
        let name = FileName::try_from(files::safe_name(&self.name))
            .map_err(|error| EngineError::File(error.to_string()))?;
        let source = match self.says_more && !as_it_is {
            true => {
                let media = self.details.media_type.as_ref().map(MediaType::as_str);
                let (cleaned, keeps_more) = cleaned(&self.body, media, self.size).await;
                let cleaned = cleaned.filter(|_| keeps_more == self.keeps_more);
                cleaned.ok_or_else(|| EngineError::File("the file has changed meanwhile".to_owned()))?
            }
            false => self.body.source(),
        };
        let (engine, details) = (account.engine(), self.details);
        platform::beside(async move { engine.send_file(to, name, source, details, answering).await }).await?;
        Ok(())
    }
}

/// What is to be sent of a file instead of itself, if it says more than is seen of it; and whether it may say more than that.
async fn cleaned(body: &Body, media: Option<&str>, size: u64) -> (Option<FileSource>, bool) {
    match media {
        Some("image/jpeg" | "image/png" | "image/webp") => {
            let bytes = match size <= CLEANED {
                true => body.read(0, size).await,
                false => None,
            };
            match bytes.as_deref().and_then(metadata::without) {
                Some(cleaned) if bytes.as_deref() == Some(cleaned.as_slice()) => (None, false),
                Some(cleaned) => (Some(FileSource::Bytes(cleaned)), false),
                None => (None, true),
            }
        }
        Some("image/heic" | "image/avif" | "video/mp4" | "video/quicktime") => {
            let mut boxes = Boxes::of(size);
            while let Some((from, most)) = boxes.wanted() {
                boxes.take(&body.read(from, most).await.unwrap_or_default());
            }
            let source = match boxes.blanks.is_empty() {
                true => None,
                false => body.without(boxes.blanks),
            };
            (source, boxes.is_partly_read)
        }
        _ => (None, false),
    }
}

/// As good as the same: it is compared by what is seen of it.
impl PartialEq for Chosen {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.size == other.size && self.address == other.address
    }
}
