//! Files that were picked, dropped or pasted, and wait for a word to be sent.

use std::rc::Rc;

use dioxus::html::FileData;
use kith_client::{EngineError, FileSource, To};
use kith_common::{FileDetails, FileName};

use super::Account;
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
    /// It says where it was taken, or more.
    pub says_more: bool,
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
        let head = body.head(files::HEAD).await.filter(|head| !head.is_empty())?;
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
        let says_more = match kind {
            FileKind::Picture if size <= CLEANED => {
                let bytes = body.head(size).await;
                bytes.is_some_and(|bytes| metadata::without(&bytes).is_some())
            }
            _ => false,
        };
        Some(Self {
            name,
            size,
            kind,
            address: address.map(|address| Rc::new(Address(address))),
            says_more,
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
        let cleaned = match self.says_more && !as_it_is {
            true => match self.body.head(self.size).await {
                Some(bytes) => metadata::without(&bytes),
                None => None,
            },
            false => None,
        };
        if self.says_more && !as_it_is && cleaned.is_none() {
            return Err(EngineError::File("the picture has changed meanwhile".to_owned()));
        }
        let source = cleaned.map_or_else(|| self.body.source(), FileSource::Bytes);
        let (engine, details) = (account.engine(), self.details);
        platform::beside(async move { engine.send_file(to, name, source, details, answering).await }).await?;
        Ok(())
    }
}

/// As good as the same: it is compared by what is seen of it.
impl PartialEq for Chosen {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.size == other.size && self.address == other.address
    }
}
