//! The little markup that messages may have: bold, italic, struck out, code, quotes and links.
//!
//! What it yields is data, never HTML. Markup that isn't shown (headings, lists, HTML, named links, pictures) stays the text
//! that was typed, so that nothing is lost and no link can pretend to lead elsewhere.

use core::ops::Range;

use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A part of a message that stands on lines of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Text.
    Paragraph(Vec<Inline>),
    /// Code, as it is.
    Code(String),
    /// What somebody else said.
    Quote(Vec<Block>),
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inline {
    /// Plain text; may have line breaks.
    Text(String),
    /// Something to follow: an address with the scheme http, https or mailto, and how it was typed.
    Link {
        /// Where it leads.
        to: String,
        /// How it was typed.
        text: String,
    },
    /// Code.
    Code(String),
    /// Bold.
    Strong(Vec<Inline>),
    /// Italic.
    Emphasis(Vec<Inline>),
    /// Struck out.
    Struck(Vec<Inline>),
}

/// Deepest nesting that is looked at; what is deeper is shown as text.
const DEPTH: usize = 8;

/// Reads a message.
pub fn read(text: &str) -> Vec<Block> {
    if !text.contains(['*', '_', '`', '~', '>']) {
        return vec![Block::Paragraph(linked(text))];
    }
    let parser = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH).into_offset_iter();
    let mut reader = Reader { text, events: parser };
    let blocks = reader.blocks(0);
    if blocks.is_empty() {
        return vec![Block::Paragraph(linked(text))];
    }
    blocks
}

/// The same as one line of plain text, for lists and notifications.
pub fn plain(text: &str) -> String {
    // A list shows a line at most; the rest isn't worth reading.
    let short: String = text.chars().take(300).collect();
    let mut line = String::new();
    write_blocks(&read(&short), &mut line);
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write_blocks(blocks: &[Block], line: &mut String) {
    for block in blocks {
        match block {
            Block::Paragraph(inlines) => write_inlines(inlines, line),
            Block::Code(code) => line.push_str(code),
            Block::Quote(blocks) => write_blocks(blocks, line),
        }
        line.push(' ');
    }
}

fn write_inlines(inlines: &[Inline], line: &mut String) {
    for inline in inlines {
        match inline {
            Inline::Text(text) | Inline::Code(text) | Inline::Link { text, .. } => line.push_str(text),
            Inline::Strong(inner) | Inline::Emphasis(inner) | Inline::Struck(inner) => {
                write_inlines(inner, line);
            }
        }
    }
}

struct Reader<'a, I> {
    text: &'a str,
    events: I,
}

impl<'a, I: Iterator<Item = (Event<'a>, Range<usize>)>> Reader<'a, I> {
    /// Blocks up to the end of what they are in.
    fn blocks(&mut self, depth: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        while let Some((event, range)) = self.events.next() {
            match event {
                Event::Start(Tag::Paragraph) => blocks.push(Block::Paragraph(self.inlines(depth))),
                Event::Start(Tag::BlockQuote(_)) if depth < DEPTH => {
                    blocks.push(Block::Quote(self.blocks(depth + 1)));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                    blocks.push(Block::Code(self.code()));
                }
                Event::Start(_) => {
                    self.skip();
                    blocks.push(self.as_typed(&range));
                }
                Event::End(_) => break,
                _ => blocks.push(self.as_typed(&range)),
            }
        }
        blocks
    }

    fn inlines(&mut self, depth: usize) -> Vec<Inline> {
        let mut inlines = Vec::new();
        let mut plain = String::new();
        while let Some((event, range)) = self.events.next() {
            let inner = match event {
                Event::Text(text) => {
                    plain.push_str(&text);
                    continue;
                }
                Event::SoftBreak | Event::HardBreak => {
                    plain.push('\n');
                    continue;
                }
                Event::End(_) => break,
                Event::Code(code) => Inline::Code(code.into_string()),
                Event::Start(Tag::Strong) if depth < DEPTH => Inline::Strong(self.inlines(depth + 1)),
                Event::Start(Tag::Emphasis) if depth < DEPTH => Inline::Emphasis(self.inlines(depth + 1)),
                Event::Start(Tag::Strikethrough) if depth < DEPTH => Inline::Struck(self.inlines(depth + 1)),
                Event::Start(_) => {
                    self.skip();
                    plain.push_str(self.typed(&range));
                    continue;
                }
                _ => {
                    plain.push_str(self.typed(&range));
                    continue;
                }
            };
            inlines.extend(linked(&core::mem::take(&mut plain)));
            inlines.push(inner);
        }
        inlines.extend(linked(&plain));
        inlines
    }

    fn code(&mut self) -> String {
        let mut code = String::new();
        for (event, _) in self.events.by_ref() {
            match event {
                Event::Text(text) => code.push_str(&text),
                Event::End(TagEnd::CodeBlock) => break,
                _ => {}
            }
        }
        code.truncate(code.trim_end_matches('\n').len());
        code
    }

    /// Goes behind the end of what has just begun.
    fn skip(&mut self) {
        let mut open = 1;
        for (event, _) in self.events.by_ref() {
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
        }
    }

    fn as_typed(&self, range: &Range<usize>) -> Block {
        Block::Paragraph(linked(self.typed(range).trim_end_matches('\n')))
    }

    fn typed(&self, range: &Range<usize>) -> &'a str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}

/// Text with its links.
fn linked(text: &str) -> Vec<Inline> {
    if text.is_empty() {
        return Vec::new();
    }
    let spans = LinkFinder::new();
    let mut inlines: Vec<Inline> = Vec::new();
    for span in spans.spans(text) {
        let typed = span.as_str();
        let to = match span.kind() {
            Some(LinkKind::Email) => Some(format!("mailto:{typed}")),
            Some(LinkKind::Url) => is_safe(typed).then(|| typed.to_owned()),
            _ => None,
        };
        match (to, inlines.last_mut()) {
            (Some(to), _) => inlines.push(Inline::Link {
                to,
                text: typed.to_owned(),
            }),
            (None, Some(Inline::Text(before))) => before.push_str(typed),
            (None, _) => inlines.push(Inline::Text(typed.to_owned())),
        }
    }
    inlines
}

/// Whether an address may be followed.
fn is_safe(address: &str) -> bool {
    let scheme = address.split(':').next().unwrap_or_default();
    ["http", "https", "mailto"]
        .iter()
        .any(|safe| scheme.eq_ignore_ascii_case(safe))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    fn one(source: &str) -> Vec<Inline> {
        match read(source).as_slice() {
            [Block::Paragraph(inlines)] => inlines.clone(),
            other => panic!("{source}: {other:?}"),
        }
    }

    #[test]
    fn what_is_marked_is_shown_so() {
        assert_eq!(one("hello\nthere"), [text("hello\nthere")]);
        assert_eq!(
            one("a **b** *c* ~~d~~ `e*`"),
            [
                text("a "),
                Inline::Strong(vec![text("b")]),
                text(" "),
                Inline::Emphasis(vec![text("c")]),
                text(" "),
                Inline::Struck(vec![text("d")]),
                text(" "),
                Inline::Code("e*".to_owned()),
            ]
        );
        assert_eq!(
            read("> so\n\n```rust\nlet a = 1;\n```"),
            [
                Block::Quote(vec![Block::Paragraph(vec![text("so")])]),
                Block::Code("let a = 1;".to_owned())
            ]
        );
    }

    #[test]
    fn what_is_no_markup_here_stays_as_it_was_typed() {
        for source in [
            "snake_case_name",
            "2 * 3 * 4",
            "<b>x</b> `",
            "# no heading *",
            "- a\n- *b*",
            "a > b",
        ] {
            let shown: String = one(source)
                .into_iter()
                .map(|inline| match inline {
                    Inline::Text(text) => text,
                    other => panic!("{source}: {other:?}"),
                })
                .collect();
            assert_eq!(shown, source);
        }
        assert_eq!(
            plain("**[bank](https://evil.example)**"),
            "[bank](https://evil.example)"
        );
    }

    #[test]
    fn only_harmless_links_are_links() {
        let link = |to: &str, text: &str| Inline::Link {
            to: to.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(
            one("see https://kith.example/a_b_c, or ann@example.org"),
            [
                text("see "),
                link("https://kith.example/a_b_c", "https://kith.example/a_b_c"),
                text(", or "),
                link("mailto:ann@example.org", "ann@example.org"),
            ]
        );
        for source in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:text/html,x",
            "ftp://a.example",
        ] {
            assert_eq!(one(source), [text(source)], "{source}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_fail(source in "[ a*_`~>#\\-\\n\\[\\]()<&;:/.1]{0,80}|.{0,60}") {
            read(&source);
            plain(&source);
        }
    }
}
