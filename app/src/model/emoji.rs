//! Emoji: which are offered, and which messages are nothing else.

/// The reactions that are offered first.
pub const QUICK: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/// What the composer offers, the most used first.
pub const OFFERED: &[&str] = &[
    "😀", "😄", "😂", "🤣", "🙂", "😉", "😊", "😇", "🥰", "😍", "😘", "😋", "😜", "🤪", "🤗", "🤭", "🤫",
    "🤔", "🤨", "😐", "🙄", "😏", "😴", "😷", "🤒", "🤕", "🤯", "🥳", "😎", "🤓", "😕", "🙁", "😮", "😳",
    "🥺", "😢", "😭", "😱", "😤", "😡", "🤬", "💀", "👻", "👍", "👎", "👌", "✌️", "🤞", "🤙", "👋", "👏",
    "🙌", "🤝", "🙏", "💪", "👀", "❤️", "🧡", "💛", "💚", "💙", "💜", "🖤", "💔", "💯", "🔥", "✨", "🎉",
    "🎁", "🎂", "🌹", "🌻", "🌞", "🌙", "⭐", "☕", "🍕", "🍎", "🍻", "⚽", "🚲", "🚗", "✈️", "🏠", "💻",
    "📱", "📷", "🎵", "✅", "❌", "⚠️", "❓", "❗", "👶", "🐶", "🐱",
];

/// Most emoji that are shown large.
const LARGE: usize = 3;

/// Whether a text is a few emoji and nothing else.
pub fn is_only_emoji(text: &str) -> bool {
    let text = text.trim();
    let mut count = 0;
    let mut joined = false;
    for c in text.chars() {
        match c {
            // Joiner, variation selectors, skin tones and the end of flags belong to the one before.
            '\u{200d}' => joined = true,
            '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' | '\u{20e3}' => {}
            '\u{1f1e6}'..='\u{1f1ff}'
            | '\u{1f300}'..='\u{1faff}'
            | '\u{2600}'..='\u{27bf}'
            | '\u{2b50}'
            | '\u{2b55}'
            | '\u{231a}'..='\u{231b}'
            | '\u{23e9}'..='\u{23f3}'
            | '\u{1f004}'
            | '\u{1f0cf}' => {
                if !core::mem::take(&mut joined) {
                    count += if matches!(c, '\u{1f1e6}'..='\u{1f1ff}') {
                        1
                    } else {
                        2
                    };
                }
            }
            _ => return false,
        }
    }
    count > 0 && count <= 2 * LARGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_alone_are_found() {
        for text in ["👍", "❤️", " 🎉🎉🎉 ", "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽"]
        {
            assert!(is_only_emoji(text), "{text}");
        }
        for text in ["", " ", "a", "👍 ok", "1", "#", "🎉🎉🎉🎉", "*"] {
            assert!(!is_only_emoji(text), "{text}");
        }
        assert!(QUICK.iter().chain(OFFERED).all(|emoji| is_only_emoji(emoji)));
    }
}
