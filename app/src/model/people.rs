//! What people are called, and how they look without a picture.

use kith_common::ProfileInfo;

/// What somebody is called: by the name they chose, else by their user name.
pub fn name(username: &str, profile: Option<&ProfileInfo>) -> String {
    profile
        .map(|profile| profile.display_name.trim())
        .filter(|name| !name.is_empty())
        .map_or_else(|| username.to_owned(), plain)
}

/// Leaves out characters that would let a name pose as more than a name: controls and changes of direction
/// (Unicode TR 36, section 2.1).
pub fn plain(text: &str) -> String {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().filter(|c| !odd(*c)).collect()
}

/// One or two letters for a picture.
pub fn initials(name: &str) -> String {
    let mut words = name
        .split(|c: char| !c.is_alphanumeric())
        .filter_map(|word| word.chars().next());
    let first = words.next().or_else(|| name.chars().next());
    let second = words.next_back();
    first
        .into_iter()
        .chain(second)
        .flat_map(char::to_uppercase)
        .collect()
}

/// Number of colours of pictures.
pub const HUES: u32 = 8;

/// The colour of somebody's picture: the same everywhere.
pub fn hue(username: &str) -> u32 {
    // FNV-1a, 32 bits: it only has to be the same on every device.
    let hash = username
        .to_ascii_lowercase()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    hash % HUES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_without_a_picture() {
        assert_eq!(initials("alice"), "A");
        assert_eq!(initials("Alice B. Cooper"), "AC");
        assert_eq!(initials("élan vital"), "ÉV");
        assert_eq!(initials("💥"), "💥");
        assert_eq!(initials(""), "");
        assert_eq!(hue("Alice"), hue("alice"));
    }

    #[test]
    fn names_can_not_turn_the_text_around() {
        let profile = |display_name: &str| ProfileInfo {
            username: "eve".to_owned(),
            display_name: display_name.to_owned(),
            about: String::new(),
            avatar: None,
        };
        assert_eq!(name("eve", Some(&profile("ab\u{202e}cd\n"))), "abcd");
        assert_eq!(name("eve", Some(&profile("  "))), "eve");
        assert_eq!(name("eve", None), "eve");
    }
}
