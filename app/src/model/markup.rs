//! The little markup that messages may have: bold, italic, struck out, code, quotes and links.
//!
//! It looks like CommonMark's and is less: marks count only around words, so that `2*3*4`, `snake_case` and `¯\\_(ツ)_/¯` are what they
//! look like; there are no headings, lists, HTML, named links and pictures, which stay the text that was typed, so that nothing is lost
//! and no link can pretend to lead elsewhere. (A parser of all of CommonMark takes 28 of the 450 KB that a phone may have to fetch.)
//!
//! What it yields is data, never HTML.

use core::cell::Cell;
use core::ops::Range;

use linkify::{LinkFinder, LinkKind};

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
    blocks(text, 0)
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

fn blocks(text: &str, depth: usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().peekable();
    let mut paragraph: Vec<&str> = Vec::new();
    while let Some(line) = lines.next() {
        let block = if let Some(fence) = fence(line) {
            let mut code = Vec::new();
            for line in lines.by_ref() {
                if closes(line, fence) {
                    break;
                }
                code.push(line);
            }
            Block::Code(code.join("\n"))
        } else if let Some(first) = quoted(line).filter(|_| depth < DEPTH) {
            let mut inner = vec![first];
            while let Some(line) = lines.peek().copied().and_then(quoted) {
                inner.push(line);
                lines.next();
            }
            Block::Quote(self::blocks(&inner.join("\n"), depth + 1))
        } else {
            paragraph.push(line);
            continue;
        };
        end_paragraph(&mut paragraph, &mut blocks);
        blocks.push(block);
    }
    end_paragraph(&mut paragraph, &mut blocks);
    blocks
}

/// Empty lines stay, but for those at its beginning and end.
fn end_paragraph(lines: &mut Vec<&str>, blocks: &mut Vec<Block>) {
    let text = lines.join("\n");
    lines.clear();
    let text = text.trim_matches('\n');
    if !text.trim().is_empty() {
        blocks.push(Block::Paragraph(Line::new(text).inlines(0..text.len(), 0)));
    }
}

/// How many backticks begin a block of code, if they do (CommonMark 0.31, section 4.5).
fn fence(line: &str) -> Option<usize> {
    let line = unindented(line)?;
    let ticks = run(line.as_bytes(), 0);
    let info = line.get(ticks..)?;
    (line.starts_with("```") && !info.contains('`')).then_some(ticks)
}

fn closes(line: &str, fence: usize) -> bool {
    let line = line.trim();
    line.len() >= fence && line.bytes().all(|byte| byte == b'`')
}

/// What is quoted in a line that begins so.
fn quoted(line: &str) -> Option<&str> {
    let inner = unindented(line)?.strip_prefix('>')?;
    Some(inner.strip_prefix(' ').unwrap_or(inner))
}

/// The line without up to three spaces at its beginning.
fn unindented(line: &str) -> Option<&str> {
    let inner = line.trim_start_matches(' ');
    (line.len() - inner.len() <= 3).then_some(inner)
}

/// How often the byte at a place stands there.
fn run(text: &[u8], at: usize) -> usize {
    let first = text.get(at);
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| Some(*byte) == first).count()
}

/// The text of a paragraph, and what in it can't be divided.
struct Line<'a> {
    text: &'a str,
    /// Code and links, in order.
    atoms: Vec<(Range<usize>, Inline)>,
}

/// Something that is put around words.
#[derive(Clone, Copy)]
struct Marks {
    byte: u8,
    count: usize,
}

impl<'a> Line<'a> {
    fn new(text: &'a str) -> Self {
        let mut atoms = Vec::new();
        let mut behind = 0;
        for (range, code) in codes(text) {
            links(text, behind..range.start, &mut atoms);
            behind = range.end;
            atoms.push((range, code));
        }
        links(text, behind..text.len(), &mut atoms);
        Self { text, atoms }
    }

    fn inlines(&self, range: Range<usize>, depth: usize) -> Vec<Inline> {
        let bytes = self.text.as_bytes();
        let mut inlines = Vec::new();
        let mut plain = range.start;
        let mut at = range.start;
        let mut atom = self.atoms.partition_point(|(atom, _)| atom.start < range.start);
        // What isn't closed behind one place isn't closed behind a later one: it is looked for once.
        let unclosed: [Cell<bool>; 5] = Default::default();
        let put_plain = |inlines: &mut Vec<Inline>, plain: Range<usize>| {
            if let Some(text) = self.text.get(plain).filter(|text| !text.is_empty()) {
                inlines.push(Inline::Text(text.to_owned()));
            }
        };
        while at < range.end {
            if let Some((place, inline)) = self.atoms.get(atom).filter(|(place, _)| place.start == at) {
                put_plain(&mut inlines, plain..at);
                inlines.push(inline.clone());
                at = place.end;
                plain = at;
                atom += 1;
                continue;
            }
            let Some(marks) = self.opened(at).filter(|_| depth < DEPTH) else {
                at += match bytes.get(at) {
                    Some(b'*' | b'_' | b'~') => run(bytes, at),
                    _ => 1,
                };
                continue;
            };
            let known = unclosed.get(marks.place());
            let inner = at + marks.count;
            let end = match known {
                Some(known) if known.get() => None,
                _ => self.closed(marks, inner..range.end),
            };
            let Some(end) = end else {
                if let Some(known) = known {
                    known.set(true);
                }
                at += run(bytes, at);
                continue;
            };
            put_plain(&mut inlines, plain..at);
            let within = self.inlines(inner..end, depth + 1);
            inlines.push(match marks {
                Marks { byte: b'~', .. } => Inline::Struck(within),
                Marks { count: 2, .. } => Inline::Strong(within),
                Marks { .. } => Inline::Emphasis(within),
            });
            at = end + marks.count;
            plain = at;
            atom = self.atoms.partition_point(|(atom, _)| atom.start < at);
        }
        put_plain(&mut inlines, plain..range.end);
        inlines
    }

    /// The marks that begin at a place, if they stand before a word.
    fn opened(&self, at: usize) -> Option<Marks> {
        let byte = *self.text.as_bytes().get(at)?;
        let many = run(self.text.as_bytes(), at);
        let count = match (byte, many) {
            (b'*' | b'_', 1) => 1,
            (b'*' | b'_', 2 | 3) | (b'~', 2) => 2,
            _ => return None,
        };
        let before = self.text.get(..at)?.chars().next_back();
        let after = self.text.get(at + many..)?.chars().next()?;
        let outside = before.is_none_or(|before| !is_word(before) && before != '\\');
        (outside && !after.is_whitespace()).then_some(Marks { byte, count })
    }

    /// Where the marks stand again behind a word.
    fn closed(&self, marks: Marks, range: Range<usize>) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = range.start;
        let mut atom = self.atoms.partition_point(|(atom, _)| atom.start < at);
        while at < range.end {
            if let Some((place, _)) = self.atoms.get(atom).filter(|(place, _)| place.start == at) {
                at = place.end;
                atom += 1;
                continue;
            }
            if bytes.get(at) != Some(&marks.byte) {
                at += 1;
                continue;
            }
            let many = run(bytes, at).min(range.end - at);
            let behind = at + many;
            let fits = match marks {
                Marks { byte: b'~', count } => many == count,
                Marks { count: 1, .. } => many == 1 || many == 3,
                Marks { .. } => many == 2 || many == 3,
            };
            let before = self.text.get(..at).and_then(|text| text.chars().next_back());
            let after = self.text.get(behind..).and_then(|text| text.chars().next());
            let outside = before.is_some_and(|before| !before.is_whitespace())
                && after.is_none_or(|after| !is_word(after));
            if fits && outside && at > range.start {
                return Some(behind - marks.count);
            }
            at = behind;
        }
        None
    }
}

impl Marks {
    /// Each has a place of its own.
    fn place(self) -> usize {
        match self {
            Self { byte: b'~', .. } => 4,
            Self { byte: b'*', count } => count - 1,
            Self { count, .. } => count + 1,
        }
    }
}

/// Whether marks beside it stand inside a word. Some scripts have no spaces between words.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() && !('\u{2e80}'..='\u{ffdc}').contains(&c)
}

/// The code in a paragraph: between two equal runs of backticks (CommonMark 0.31, section 6.1).
fn codes(text: &str) -> Vec<(Range<usize>, Inline)> {
    let bytes = text.as_bytes();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(next) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'`'))
    {
        at += next;
        let many = run(bytes, at);
        runs.push((at, many));
        at += many;
    }
    let mut codes = Vec::new();
    let mut rest = runs.as_slice();
    // Lengths that don't come again.
    let mut single = Vec::new();
    while let Some(((start, many), others)) = rest.split_first() {
        rest = others;
        if single.contains(many) {
            continue;
        }
        let Some(end) = others.iter().position(|(_, other)| other == many) else {
            single.push(*many);
            continue;
        };
        let Some((behind, _)) = others.get(end) else { break };
        if let Some(code) = text.get(start + many..*behind) {
            codes.push((
                *start..behind + many,
                Inline::Code(unpadded(code).replace('\n', " ")),
            ));
        }
        rest = others.get(end + 1..).unwrap_or_default();
    }
    codes
}

/// Code without the space on both sides that backticks in it ask for.
fn unpadded(code: &str) -> &str {
    let inner = code.strip_prefix(' ').and_then(|code| code.strip_suffix(' '));
    inner.filter(|inner| !inner.trim().is_empty()).unwrap_or(code)
}

/// The links in a part of a paragraph.
fn links(text: &str, range: Range<usize>, atoms: &mut Vec<(Range<usize>, Inline)>) {
    let start = range.start;
    let Some(part) = text.get(range) else { return };
    for link in LinkFinder::new().links(part) {
        let typed = link.as_str();
        let to = match link.kind() {
            LinkKind::Email => format!("mailto:{typed}"),
            LinkKind::Url if is_safe(typed) => typed.to_owned(),
            _ => continue,
        };
        let text = typed.to_owned();
        atoms.push((
            start + link.start()..start + link.end(),
            Inline::Link { to, text },
        ));
    }
}

/// Whether an address may be followed.
fn is_safe(address: &str) -> bool {
    let scheme = address.split(':').next().unwrap_or_default();
    ["http", "https", "mailto"]
        .iter()
        .any(|safe| scheme.eq_ignore_ascii_case(safe))
}

#[cfg(test)]
mod tests;
