//! The style sheet. The web build makes one hashed file of the same parts in the same order,
//! without the last.

/// All of it.
pub const SHEET: &str = concat!(
    include_str!("style/1-tokens.css"),
    include_str!("style/2-base.css"),
    include_str!("style/3-components.css"),
    include_str!("style/4-screens.css"),
    include_str!("style/5-windows.css"),
);
