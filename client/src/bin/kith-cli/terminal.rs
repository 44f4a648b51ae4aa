//! Making other people's text safe to print.

/// A text with nothing in it that a terminal would obey or that would show it in another order than it was written:
/// control characters (so escape sequences too), line breaks, and what overrides the direction of text.
///
/// Tabs become blanks, line breaks `⏎`, and the rest a replacement character, so that something is seen to be there.
pub(crate) fn printable(text: &str) -> String {
    let mut previous = '\0';
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if previous == '\r' => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => shown.push_str(" ⏎ "),
            '\t' => shown.push(' '),
            c if is_unsafe(c) => shown.push('\u{FFFD}'),
            c => shown.push(c),
        }
        previous = c;
    }
    shown
}

/// Whether a terminal would obey it, or show other characters in another order because of it.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        // Marks, embeddings, overrides and isolates (Unicode UAX 9, section 2), and their deprecated relatives.
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{206F}')
        // Interlinear annotation hides what it annotates with.
        || matches!(c, '\u{FFF9}'..='\u{FFFB}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(printable("hi Zoë 👩‍👩‍👧 日本 שלום"), "hi Zoë 👩‍👩‍👧 日本 שלום");
        assert_eq!(
            printable("\x1b[2J\x1b]0;title\x07"),
            "\u{FFFD}[2J\u{FFFD}]0;title\u{FFFD}"
        );
        assert_eq!(printable("\u{9b}31m\x7f\x08"), "\u{FFFD}31m\u{FFFD}\u{FFFD}");
        assert_eq!(printable("a\nb\r\nc\rd\te\u{2028}f"), "a ⏎ b ⏎ c ⏎ d e ⏎ f");
        assert_eq!(printable("\u{202E}gpj.exe\u{2066}"), "\u{FFFD}gpj.exe\u{FFFD}");
    }

    proptest! {
        #[test]
        fn one_line_stays_one_line(text in any::<String>()) {
            let shown = printable(&text);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_unsafe(c)));
            prop_assert_eq!(shown.lines().count(), usize::from(!shown.is_empty()));
        }
    }
}
