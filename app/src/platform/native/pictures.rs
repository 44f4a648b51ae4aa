//! Pictures: shown, pasted, and made smaller.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dioxus::prelude::ClipboardEvent;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageReader, Limits};

use super::beside;

/// Most memory for a picture that is decoded, in bytes: a small file may claim to be huge.
const DECODED: u64 = 256 * 1024 * 1024;

/// Longest side of a picture that is decoded, in pixels.
const SIDE: u32 = 20_000;

/// An address under which the webview finds some bytes.
pub fn object_url(bytes: &[u8], media: &str) -> String {
    format!("data:{media};base64,{}", STANDARD.encode(bytes))
}

/// Makes a square picture with a side of this many pixels from the middle of another, at most so many bytes long. Nothing is left
/// of what else the file says, such as where it was taken.
pub async fn scale_picture(bytes: &[u8], side: u32, most: usize) -> Option<Vec<u8>> {
    let bytes = bytes.to_vec();
    beside(async move {
        let scaled = tokio::task::spawn_blocking(move || scale(&bytes, side, most));
        scaled.await.ok().flatten()
    })
    .await
}

fn scale(bytes: &[u8], side: u32, most: usize) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODED);
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    reader.limits(limits);
    let picture = reader
        .decode()
        .ok()?
        .resize_to_fill(side, side, FilterType::Triangle);
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
pub async fn pasted_pictures(_event: ClipboardEvent) -> Vec<(String, Vec<u8>)> {
    let read = || {
        let picture = arboard::Clipboard::new().ok()?.get_image().ok()?;
        let (width, height) = (
            u32::try_from(picture.width).ok()?,
            u32::try_from(picture.height).ok()?,
        );
        let picture = image::RgbaImage::from_raw(width, height, picture.bytes.into_owned())?;
        let mut png = Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).ok()?;
        Some(("picture.png".to_owned(), png.into_inner()))
    };
    let read = beside(async move { tokio::task::spawn_blocking(read).await.ok().flatten() });
    read.await.into_iter().collect()
}

/// A phone's keyboard pastes text only.
#[cfg(not(feature = "desktop"))]
pub async fn pasted_pictures(_event: ClipboardEvent) -> Vec<(String, Vec<u8>)> {
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
