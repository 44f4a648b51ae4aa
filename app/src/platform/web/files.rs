//! Files and pictures in a browser.

use dioxus::prelude::ClipboardEvent;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, HtmlAnchorElement, HtmlCanvasElement, ImageBitmap, Url,
    window,
};

use crate::model::files::{picture_type, safe_name};

/// An address under which the page finds some bytes.
pub fn object_url(bytes: &[u8], media: &str) -> String {
    blob(bytes, media)
        .and_then(|blob| Url::create_object_url_with_blob(&blob).ok())
        .unwrap_or_default()
}

/// Hands a file to the browser, which saves it where it saves everything.
///
/// # Errors
/// The browser won't.
pub async fn save_file(name: &str, bytes: &[u8]) -> Result<bool, String> {
    let save = || {
        // The type is none that a browser would open by itself.
        let address = Url::create_object_url_with_blob(&blob(bytes, "application/octet-stream")?).ok()?;
        let link = window()?.document()?.create_element("a").ok()?;
        let link: HtmlAnchorElement = link.dyn_into().ok()?;
        link.set_href(&address);
        link.set_download(&safe_name(name));
        link.click();
        Some(address)
    };
    let address = save().ok_or("the browser doesn't save files here")?;
    // The browser has begun to read it by then.
    super::sleep(10_000).await;
    let _ = Url::revoke_object_url(&address);
    Ok(true)
}

/// The pictures that are pasted.
pub async fn pasted_pictures(event: ClipboardEvent) -> Vec<(String, Vec<u8>)> {
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
    let files: Vec<web_sys::File> = (0..list.length()).filter_map(|place| list.get(place)).collect();
    let mut pictures = Vec::new();
    for file in files {
        if let Some(bytes) = read(&file).await
            && picture_type(&bytes).is_some()
        {
            pictures.push((file.name(), bytes));
        }
    }
    pictures
}

/// Makes a square picture with a side of this many pixels from the middle of another, at most so many bytes long. Nothing is left
/// of what else the file says, such as where it was taken.
pub async fn scale_picture(bytes: &[u8], side: u32, most: usize) -> Option<Vec<u8>> {
    let window = window()?;
    let decoded = window
        .create_image_bitmap_with_blob(&blob(bytes, picture_type(bytes)?)?)
        .ok()?;
    let picture: ImageBitmap = JsFuture::from(decoded).await.ok()?.dyn_into().ok()?;
    let canvas = window.document()?.create_element("canvas").ok()?;
    let canvas: HtmlCanvasElement = canvas.dyn_into().ok()?;
    canvas.set_width(side);
    canvas.set_height(side);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let square = width.min(height);
    let drawn = context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
        &picture,
        (width - square) / 2.0,
        (height - square) / 2.0,
        square,
        square,
        0.0,
        0.0,
        side.into(),
        side.into(),
    );
    picture.close();
    drawn.ok()?;
    for quality in [0.9, 0.75, 0.6, 0.4] {
        let scaled = read(&to_jpeg(&canvas, quality).await?).await?;
        if scaled.len() <= most {
            return Some(scaled);
        }
    }
    None
}

async fn to_jpeg(canvas: &HtmlCanvasElement, quality: f64) -> Option<Blob> {
    let made = js_sys::Promise::new(&mut |resolve, reject| {
        let asked = canvas.to_blob_with_type_and_encoder_options(&resolve, "image/jpeg", &quality.into());
        if let Err(error) = asked {
            // The promise is there to be told.
            let _ = reject.call1(&JsValue::NULL, &error);
        }
    });
    JsFuture::from(made).await.ok()?.dyn_into().ok()
}

async fn read(blob: &Blob) -> Option<Vec<u8>> {
    let bytes = JsFuture::from(blob.array_buffer()).await.ok()?;
    Some(Uint8Array::new(&bytes).to_vec())
}

fn blob(bytes: &[u8], media: &str) -> Option<Blob> {
    let parts = Array::of1(&Uint8Array::from(bytes));
    let options = BlobPropertyBag::new();
    options.set_type(media);
    Blob::new_with_u8_array_sequence_and_options(&parts, &options).ok()
}
