use std::rc::Rc;

use dioxus::prelude::*;
use kith_client::{Engine, EngineError};
use litemap::LiteMap;

use crate::model::files::picture_type;
use crate::platform;

/// The files of conversations that were fetched.
#[derive(Clone, Copy, PartialEq)]
pub struct Files {
    held: Signal<LiteMap<String, FileState>>,
}

/// How far a file has come.
#[derive(Clone, Debug)]
pub enum FileState {
    /// It is under way.
    Loading,
    /// It is here.
    Here {
        /// Its bytes.
        bytes: Rc<Vec<u8>>,
        /// The address of the picture, if it is one.
        picture: Option<String>,
    },
    /// It can't be had.
    Failed(EngineError),
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            held: Signal::new(LiteMap::new()),
        }
    }

    /// How far a file has come, if it was asked for.
    pub fn state(self, id: &str) -> Option<FileState> {
        self.held.read().get(id).cloned()
    }

    /// Fetches a file, if it isn't here or under way.
    pub async fn fetch(mut self, engine: &Engine, id: &str) -> Result<Rc<Vec<u8>>, EngineError> {
        if let Some(FileState::Here { bytes, .. }) = self.held.peek().get(id) {
            return Ok(Rc::clone(bytes));
        }
        self.held.write().insert(id.to_owned(), FileState::Loading);
        match engine.file(id).await {
            Ok(reply) => {
                let bytes = Rc::new(reply.file_data.0);
                let picture = picture_type(&bytes).map(|media| platform::object_url(&bytes, media));
                let here = FileState::Here {
                    bytes: Rc::clone(&bytes),
                    picture,
                };
                self.held.write().insert(id.to_owned(), here);
                Ok(bytes)
            }
            Err(error) => {
                self.held
                    .write()
                    .insert(id.to_owned(), FileState::Failed(error.clone()));
                Err(error)
            }
        }
    }
}
