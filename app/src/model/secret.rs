//! How hard a password is to guess, said while it is typed. The server decides; this only warns before.

use kith_common::limits;

/// How good a password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// The server won't have it: too short, or too simple.
    Refused,
    /// Easily guessed.
    Weak,
    /// Good enough for most.
    Fair,
    /// Good.
    Good,
}

/// Rates a password by its length and by how many different characters it has: length counts more than kinds of
/// characters (NIST SP 800-63B, appendix A).
pub fn strength(password: &str, username: &str) -> Strength {
    let length = password.chars().count();
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    let lower = password.to_lowercase();
    let has_name = username.len() >= 3 && lower.contains(&username.to_lowercase());
    let runs = password.as_bytes().windows(2);
    let steps = runs
        .filter(|pair| matches!(pair, [a, b] if a.abs_diff(*b) <= 1))
        .count();
    if length < *limits::PASSWORD.start() || different.len() < 3 {
        Strength::Refused
    } else if has_name || different.len() < 6 || steps * 2 > length || length < 10 {
        Strength::Weak
    } else if length < 14 {
        Strength::Fair
    } else {
        Strength::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_and_more_varied_is_better() {
        let rate = |password| strength(password, "alice");
        assert_eq!(rate("short"), Strength::Refused);
        assert_eq!(rate("aaaaaaaaaaaa"), Strength::Refused);
        assert_eq!(rate("12345678901234"), Strength::Weak);
        assert_eq!(rate("alice-is-my-name"), Strength::Weak);
        assert_eq!(rate("tree-of-42"), Strength::Fair);
        assert_eq!(rate("correct horse battery"), Strength::Good);
    }
}
