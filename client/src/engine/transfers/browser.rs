//! The bytes of an upload in a browser, which reads them by itself while it sends them.

use std::sync::Arc;

use js_sys::{Array, Uint8Array};
use kith_common::{ErrorCode, FileHash, WireError};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::Trouble;
use super::upload::Upload;
use crate::engine::EngineError;
use crate::http::{HttpError, Line, Way};
use crate::local_store::Source;

/// For how many pieces of a limited upload a request is made.
const PIECES_AT_ONCE: usize = 16;

/// Bytes as the browser holds them.
pub(super) fn blob_of(bytes: &[u8]) -> Result<Blob, EngineError> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    Blob::new_with_u8_array_sequence(&parts).map_err(|_| unreadable())
}

/// All bytes that the browser holds.
pub(super) async fn bytes_of(blob: &Blob) -> Result<Vec<u8>, EngineError> {
    let buffer = JsFuture::from(blob.array_buffer()).await;
    Ok(Uint8Array::new(&buffer.map_err(|_| unreadable())?).to_vec())
}

/// Sends what isn't there yet of an upload's bytes. Their hash isn't taken: TLS guards them on their way, and a page would have to
/// read them once more.
pub(super) async fn send_bytes(upload: &Upload, way: &Way) -> Result<Option<FileHash>, Trouble> {
    let Some(Source::Blob(Some(blob))) = &upload.item.new.source else {
        return Err(lost());
    };
    let size = blob.size() as u64;
    let target = &upload.target;
    let mut line = Line::open(&target.server, &target.trust)
        .await
        .map_err(Trouble::Later)?;
    let mut offset = line.offset(way).await?;
    upload.live.set(offset);
    while offset < size {
        let pace = &upload.shared.pace;
        let length = pace.piece(usize::MAX / PIECES_AT_ONCE) * PIECES_AT_ONCE;
        let end = size.min(offset + length as u64);
        let Ok(part) = blob.slice_with_f64_and_f64(offset as f64, end as f64) else {
            return Err(lost());
        };
        let live = Arc::clone(&upload.live);
        let moved = Box::new(move |bytes| live.reach(offset + bytes));
        match line.send(way, offset, &part, moved).await {
            Ok(there) => offset = there,
            // A browser says the same of a file that can't be read any more as of a line that broke.
            Err(HttpError::Line(_)) if is_unreadable(&part).await => return Err(lost()),
            Err(error) => return Err(error.into()),
        }
        upload.live.set(offset);
        pace.take(length).await;
    }
    Ok(None)
}

async fn is_unreadable(blob: &Blob) -> bool {
    match blob.slice_with_f64_and_f64(0.0, 1.0) {
        Ok(first) => JsFuture::from(first.array_buffer()).await.is_err(),
        Err(_) => true,
    }
}

fn unreadable() -> EngineError {
    EngineError::File("the file can't be read".to_owned())
}

fn lost() -> Trouble {
    let message = "the file was changed, or is gone: send it again";
    Trouble::Failed(WireError::new(ErrorCode::NotFound, message))
}
