use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

/// How a QR code is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Black on white by escape sequences: right on every terminal that knows colours.
    Ansi,
    /// Characters alone, the light modules being the drawn ones: right on a dark terminal, which most are, and inverted
    /// on a light one, which the cameras of phones read as well.
    Plain,
}

/// A QR code for the terminal, in half blocks: two modules a character, with the quiet zone of four modules that the
/// standard wants (ISO/IEC 18004). `None` if the text is too long for one (2953 bytes).
pub fn qr(text: &str, paint: Paint) -> Option<String> {
    // A screen has no scratches: the lowest error correction gives the smallest code.
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let mut renderer = code.render::<Dense1x2>();
    renderer.quiet_zone(true);
    Some(match paint {
        Paint::Plain => renderer
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build(),
        // 16 and 231 are black and white in the fixed part of the palette, which no theme changes.
        Paint::Ansi => renderer
            .build()
            .lines()
            .map(|line| format!("\x1b[38;5;16;48;5;231m{line}\x1b[0m"))
            .collect::<Vec<_>>()
            .join("\n"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "kith://chat.example:7443/#pin=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef&invite=abcdefghijklmnop";

    #[test]
    fn a_link_fits_into_a_terminal() {
        for paint in [Paint::Ansi, Paint::Plain] {
            let code = qr(LINK, paint).unwrap();
            let plain = code.replace("\x1b[38;5;16;48;5;231m", "").replace("\x1b[0m", "");
            assert!(
                plain.lines().count() <= 28 && plain.lines().all(|line| line.chars().count() <= 56),
                "\n{plain}"
            );
        }
        assert_eq!(qr(&"x".repeat(3000), Paint::Plain), None);
    }

    #[test]
    fn the_quiet_zone_is_light() {
        let plain = qr(LINK, Paint::Plain).unwrap();
        assert!(plain.starts_with("████") && plain.lines().all(|line| line.starts_with(['█', '▀'])));
        let ansi = qr(LINK, Paint::Ansi).unwrap();
        assert!(
            ansi.lines()
                .all(|line| line.starts_with("\x1b[38;5;16;48;5;231m    "))
        );
    }
}
