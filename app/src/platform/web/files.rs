//! Files and pictures in a browser.

use dioxus::html::FileData;
use dioxus::prelude::ClipboardEvent;
use dioxus::web::WebFileExt as _;
use js_sys::{Array, Uint8Array};
use kith_client::{Blank, Direction, Engine, EngineError, FileSource};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, File, Url};

use crate::model::files::safe_name;
use crate::model::picked::Look;

#[wasm_bindgen(module = "/src/platform/web/files.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = look)]
    async fn look_at(blob: &Blob, is_film: bool, side: u32) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn square(blob: &Blob, side: u32, most: u32) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    async fn part(blob: &Blob, from: f64, to: f64) -> Result<JsValue, JsValue>;
    fn save(address: &str, name: &str);
}

/// Whether files are saved by something that doesn't tell how far it is.
pub const SAVES_UNSEEN: bool = true;

/// A file that a person has chosen.
#[derive(Clone)]
pub struct Body(Blob);

impl Body {
    /// Its name and size in bytes, and what is in it.
    pub async fn of(file: FileData) -> Option<(String, u64, Self)> {
        let file: File = file.get_web_file()?;
        Some((file.name(), file.size() as u64, Self(file.into())))
    }

    /// So many of its bytes, from a place on; fewer where it ends.
    pub async fn read(&self, from: u64, most: u64) -> Option<Vec<u8>> {
        let bytes = part(&self.0, from as f64, (from + most) as f64).await.ok()?;
        Some(bytes.dyn_ref::<Uint8Array>()?.to_vec())
    }

    /// What a picture or film looks like, at most so many pixels wide and high.
    pub async fn look(&self, is_film: bool, side: u32) -> Option<Look> {
        let seen = Array::from(&look_at(&self.0, is_film, side).await.ok()?);
        let number = |place| seen.get(place).as_f64().map(|number| number as u32);
        Some(Look {
            width: number(0)?,
            height: number(1)?,
            small: (number(2)?, number(3)?, Uint8Array::new(&seen.get(4)).to_vec()),
        })
    }

    /// The middle of a picture as a square of at most so many bytes. Nothing is left of what else the file says.
    pub async fn square(&self, side: u32, most: usize) -> Option<Vec<u8>> {
        let scaled = square(&self.0, side, u32::try_from(most).ok()?).await.ok()?;
        Some(scaled.dyn_ref::<Uint8Array>()?.to_vec())
    }

    /// An address under which the page finds it, until it is [let go](let_go).
    pub async fn address(&self, _media: &str) -> Option<String> {
        Url::create_object_url_with_blob(&self.0).ok()
    }

    /// For the engine, without parts of it that are given in order.
    pub fn without(&self, blanks: Vec<Blank>) -> Option<FileSource> {
        let parts = Array::new();
        let mut at = 0;
        let slice = |from: u64, to: u64| {
            let part = self.0.slice_with_f64_and_f64(from as f64, to as f64);
            part.ok().map(JsValue::from)
        };
        for blank in blanks {
            parts.push(&slice(at, blank.at)?);
            let mut bytes = vec![0; usize::try_from(blank.length).ok()?];
            blank.cover(&mut bytes, blank.at);
            parts.push(&Uint8Array::from(bytes.as_slice()));
            at = blank.end();
        }
        parts.push(&slice(at, self.0.size() as u64)?);
        Blob::new_with_blob_sequence(&parts).ok().map(FileSource::Blob)
    }

    /// For the engine.
    pub fn source(self) -> FileSource {
        FileSource::Blob(self.0)
    }
}

/// An address isn't needed any more.
pub fn let_go(address: &str) {
    // There is nothing to do where it is none.
    let _ = Url::revoke_object_url(address);
}

/// Nothing: what the page has fetched goes with its addresses, which are the server's.
pub fn forget_files(_engine: &Engine) {}

/// An address under which the page finds some bytes.
pub fn object_url(bytes: &[u8], media: &str) -> String {
    blob(bytes, media)
        .and_then(|blob| Url::create_object_url_with_blob(&blob).ok())
        .unwrap_or_default()
}

/// An address under which the page finds a file that was received, for an hour.
///
/// # Errors
/// The server doesn't give it.
pub async fn address_of(engine: &Engine, file: &str) -> Result<String, EngineError> {
    engine.file_url(file).await
}

/// Lets the browser save a file where it saves everything. It tells of its progress itself, and no transfer of the engine does.
///
/// # Errors
/// The server doesn't give it.
pub async fn save_file(engine: &Engine, file: &str, name: &str) -> Result<Option<u64>, EngineError> {
    save(&engine.file_url(file).await?, &safe_name(name));
    Ok(None)
}

/// None: the browser saves by itself.
pub fn target(_direction: &Direction) -> Option<(String, String)> {
    None
}

/// Nothing: the browser opens what it has saved.
pub fn open(_path: &str) -> bool {
    false
}

/// The files that are pasted.
pub async fn pasted(event: ClipboardEvent) -> Vec<(String, u64, Body)> {
    let Some(list) = event
        .data()
        .downcast::<web_sys::Event>()
        .and_then(|event| {
            event
                .dyn_ref::<web_sys::ClipboardEvent>()
                .and_then(web_sys::ClipboardEvent::clipboard_data)
        })
        .and_then(|data| data.files())
    else {
        return Vec::new();
    };
    let files = (0..list.length()).filter_map(|place| list.get(place));
    files
        .map(|file| (file.name(), file.size() as u64, Body(file.into())))
        .collect()
}

fn blob(bytes: &[u8], media: &str) -> Option<Blob> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type(media);
    Blob::new_with_u8_array_sequence_and_options(&parts, &options).ok()
}
