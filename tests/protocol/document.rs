//! The specification as a file: its text, and the blocks of it that are run.

use crate::transcript::{self, Step};

/// Where it lies.
pub(crate) const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PROTOCOL.md");

/// The specification.
pub(crate) struct Document {
    /// All of it.
    pub(crate) text: String,
    /// What is run.
    pub(crate) examples: Vec<Example>,
    /// The other blocks: the line they begin at and the word behind the fence.
    pub(crate) others: Vec<(usize, String)>,
}

/// One block.
#[derive(Clone)]
pub(crate) struct Example {
    /// The section, and the how manieth example of it this is.
    pub(crate) name: String,
    /// What happens.
    pub(crate) steps: Vec<Step>,
}

impl Document {
    /// Reads the specification. A block that makes no sense ends the tests at once, with its line.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(PATH).unwrap_or_else(|error| panic!("{PATH}: {error}"));
        let mut document = Self {
            text: text.clone(),
            examples: Vec::new(),
            others: Vec::new(),
        };
        let (mut section, mut count) = (String::new(), 0);
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            if let Some(title) = heading(line) {
                (section, count) = (anchor(title), 0);
            }
            let Some(language) = line.strip_prefix("```") else {
                continue;
            };
            let block: Vec<(usize, &str)> = lines
                .by_ref()
                .take_while(|(_, line)| *line != "```")
                .map(|(index, line)| (index + 1, line))
                .collect();
            if language != "transcript" {
                document.others.push((index + 1, language.to_owned()));
                continue;
            }
            count += 1;
            document.examples.push(Example {
                name: format!("{section}::{count}"),
                steps: transcript::parse(&block),
            });
        }
        document
    }
}

fn heading(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    (title.len() < line.len()).then(|| title.trim())
}

/// A heading as a name: lower case, without punctuation, `_` between words.
fn anchor(title: &str) -> String {
    let words: Vec<String> = title
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty() && !word.chars().all(|c| c.is_ascii_digit()))
        .map(str::to_lowercase)
        .collect();
    words.join("_")
}
