//! Reads any text as a message, and checks that what is shown is what was typed.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/model"]
mod model {
    pub(crate) mod markup;
}

use model::markup::{self, Block, Inline};

/// Deepest nesting of quotes and of marks, each with what is in it.
const DEPTH: usize = 10;

fuzz_target!(|input: &[u8]| {
    let typed = String::from_utf8_lossy(input);
    let mut shown = String::new();
    blocks(&markup::read(&typed), DEPTH, &mut shown);

    // In the same order, and nothing else.
    let mut rest = typed.chars().filter(|c| !c.is_whitespace());
    for c in shown.chars().filter(|c| !c.is_whitespace()) {
        assert!(rest.any(|typed| typed == c), "{c:?} is shown and wasn't typed");
    }
    // What stands behind the marks of a block of code isn't shown.
    if !typed.contains("```") {
        assert_eq!(words(&shown), words(&typed), "text is lost");
    }
    let plain = markup::plain(&typed);
    assert!(!plain.contains('\n') && plain.chars().count() <= 300);
});

fn words(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn blocks(read: &[Block], depth: usize, shown: &mut String) {
    assert!(depth > 0, "too deep");
    for block in read {
        match block {
            Block::Paragraph(line) => inlines(line, DEPTH, shown),
            Block::Code(code) => shown.push_str(code),
            Block::Quote(inner) => blocks(inner, depth - 1, shown),
        }
    }
}

fn inlines(read: &[Inline], depth: usize, shown: &mut String) {
    assert!(depth > 0, "too deep");
    for inline in read {
        match inline {
            Inline::Text(text) | Inline::Code(text) => shown.push_str(text),
            Inline::Link { to, text } => {
                let scheme = to.split(':').next().unwrap_or_default().to_ascii_lowercase();
                assert!(["http", "https", "mailto"].contains(&scheme.as_str()), "{to}");
                assert!(to.ends_with(text), "{text} leads to {to}");
                shown.push_str(text);
            }
            Inline::Strong(inner) | Inline::Emphasis(inner) | Inline::Struck(inner) => {
                inlines(inner, depth - 1, shown);
            }
        }
    }
}
