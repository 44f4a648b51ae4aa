//! Pictures: shown, pasted, and made smaller.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dioxus::prelude::ClipboardEvent;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits};

use super::beside;
use super::files::Body;
use crate::model::picked::Look;

/// Most memory for a picture that is decoded, in bytes: a small file may claim to be huge.
const DECODED: u64 = 256 * 1024 * 1024;

/// Longest side of a picture that is decoded, in pixels.
const SIDE: u32 = 20_000;

/// Bytes of a picture's file that are read.
pub(super) const READ: u64 = 64 * 1024 * 1024;

/// An address under which the webview finds some bytes.
pub fn object_url(bytes: &[u8], media: &str) -> String {
    format!("data:{media};base64,{}", STANDARD.encode(bytes))
}

/// What a picture looks like, at most so many pixels wide and high.
pub(super) async fn look(bytes: Bytes, side: u32) -> Option<Look> {
    apart(move || {
        let picture = decode(&bytes)?;
        let small = picture.thumbnail(side.min(picture.width()), side.min(picture.height()));
        let small = small.into_rgba8();
        Some(Look {
            width: picture.width(),
            height: picture.height(),
            small: (small.width(), small.height(), small.into_raw()),
        })
    })
    .await
}

/// Makes a square picture with a side of this many pixels from the middle of another, at most so many bytes long.
pub(super) async fn square(bytes: Bytes, side: u32, most: usize) -> Option<Vec<u8>> {
    apart(move || scale(&bytes, side, most)).await
}

/// Runs what takes a while beside everything else.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Option<T> + Send + 'static) -> Option<T> {
    beside(async move { tokio::task::spawn_blocking(work).await.ok().flatten() }).await
}

fn decode(bytes: &[u8]) -> Option<DynamicImage> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODED);
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let turned = decoder.orientation().ok()?;
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    picture.apply_orientation(turned);
    Some(picture)
}

fn scale(bytes: &[u8], side: u32, most: usize) -> Option<Vec<u8>> {
    let picture = decode(bytes)?.resize_to_fill(side, side, FilterType::Triangle);
    let picture = DynamicImage::ImageRgb8(picture.into_rgb8());
    [90, 75, 60, 40].into_iter().find_map(|quality| {
        let mut jpeg = Vec::new();
        picture
            .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, quality))
            .ok()?;
        (jpeg.len() <= most).then_some(jpeg)
    })
}

/// The picture on the clipboard, as a file. The event itself carries none.
#[cfg(feature = "desktop")]
pub async fn pasted(_event: ClipboardEvent) -> Vec<(String, u64, Body)> {
    let read = || {
        let picture = arboard::Clipboard::new().ok()?.get_image().ok()?;
        let (width, height) = (
            u32::try_from(picture.width).ok()?,
            u32::try_from(picture.height).ok()?,
        );
        let picture = image::RgbaImage::from_raw(width, height, picture.bytes.into_owned())?;
        let mut png = Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).ok()?;
        Some(png.into_inner())
    };
    let png = apart(read).await;
    png.map(|png| ("picture.png".to_owned(), png.len() as u64, png.into()))
        .into_iter()
        .collect()
}

/// A phone's keyboard pastes text only.
#[cfg(not(feature = "desktop"))]
pub async fn pasted(_event: ClipboardEvent) -> Vec<(String, u64, Body)> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_made_square_and_small() {
        let mut png = Cursor::new(Vec::new());
        let picture =
            image::RgbImage::from_fn(900, 300, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        let scaled = scale(png.get_ref(), 256, 64 * 1024).unwrap();
        let scaled = image::load_from_memory(&scaled).unwrap();
        assert_eq!((scaled.width(), scaled.height()), (256, 256));
        assert_eq!(scale(b"no picture", 256, 64 * 1024), None);
    }
}
