/// A length that isn't negative, in pixels and to their hundredths, as styles have it. The formatting of `f64` would take three kilobytes on
/// the way to a browser; nothing else in the app needs it, and `web/snip.mjs` takes it away.
pub fn px(length: f64) -> String {
    let hundredths = (length * 100.0).round() as u64;
    format!("{}.{:02}px", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_to_their_hundredths() {
        assert_eq!(px(0.0), "0.00px");
        assert_eq!(px(12.0), "12.00px");
        assert_eq!(px(1234.056), "1234.06px");
        assert_eq!(px(0.999), "1.00px");
        assert_eq!(px(-1.0), "0.00px");
    }
}
