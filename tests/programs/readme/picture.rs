//! `docs/first-chat.svg`, the README's picture: what the two terminals of the first chat really showed.
//!
//! It is made anew by `cargo test -p kith-tests --test programs -- --ignored picture`.

use std::fmt::Write as _;

use super::{FirstChat, root};

/// Size of a character, in the picture's units.
const WIDTH: f32 = 8.4;
const HEIGHT: usize = 19;

/// Characters in a line; longer ones are wrapped, as a terminal does.
const COLUMNS: usize = 100;

/// Space around the text.
const MARGIN: usize = 16;

const STYLE: &str = "\
.back{fill:#fff;stroke:#d0d7de}text{fill:#24292f;\
font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace}\
.title{fill:#57606a}.typed{font-weight:600}\
@media(prefers-color-scheme:dark){.back{fill:#0d1117;stroke:#30363d}text{fill:#e6edf3}\
.title{fill:#8b949e}}";

#[tokio::test]
#[ignore = "it writes docs/first-chat.svg"]
async fn picture() {
    let chat = FirstChat::play().await;
    let port = chat.server.address.port();
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    // Two things are made as the README's reader has them: the server's port, and this machine's name.
    let shown = |transcript: &str| {
        transcript
            .replace(&format!("--server localhost:{port}"), "--server localhost")
            .replace(&format!("localhost:{port}"), "localhost:7443")
            .replace(&format!("kith-cli on {}", machine.trim()), "kith-cli on laptop")
    };
    let (alice, bob) = (shown(chat.alice.transcript()), shown(chat.bob.transcript()));
    // Bob registers as Alice does: once is enough to see.
    let (_, bob) = bob.split_once("\n$ kith-cli contacts").unwrap();
    let panes = [("Alice", alice), ("Bob", format!("$ kith-cli contacts{bob}"))];
    std::fs::write(root().join("docs/first-chat.svg"), draw(&panes)).unwrap();
}

/// The panes, one below the other.
fn draw(panes: &[(&str, String)]) -> String {
    let width = (COLUMNS as f32 * WIDTH) as usize + 2 * MARGIN;
    let mut body = String::new();
    let mut top = 0;
    for (title, text) in panes {
        let lines: Vec<String> = text.lines().flat_map(wrap).collect();
        let height = (lines.len() + 2) * HEIGHT + MARGIN;
        writeln!(
            body,
            "<g transform=\"translate(0 {top})\"><rect class=\"back\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\
             <text class=\"title\" x=\"{MARGIN}\" y=\"{HEIGHT}\">{title}</text>",
            width - 1,
            height - 1
        )
        .unwrap();
        for (row, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            let y = (row + 2) * HEIGHT + 8;
            let class = if line.starts_with("$ ") {
                " class=\"typed\""
            } else {
                ""
            };
            writeln!(
                body,
                "<text{class} x=\"{MARGIN}\" y=\"{y}\">{}</text>",
                escape(line)
            )
            .unwrap();
        }
        body.push_str("</g>\n");
        top += height + MARGIN;
    }
    let height = top - MARGIN;
    let titles: Vec<&str> = panes.iter().map(|(title, _)| *title).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         xml:space=\"preserve\" role=\"img\">\n<title>A first chat in two terminals, those of {}</title>\n<style>{STYLE}</style>\n{body}</svg>\n",
        titles.join(" and ")
    )
}

fn wrap(line: &str) -> Vec<String> {
    if line.is_empty() {
        return vec![String::new()];
    }
    let characters: Vec<char> = line.chars().collect();
    characters.chunks(COLUMNS).map(String::from_iter).collect()
}

fn escape(line: &str) -> String {
    line.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[test]
fn the_picture_needs_nothing_from_elsewhere() {
    let picture = std::fs::read_to_string(root().join("docs/first-chat.svg")).unwrap();
    let outside = picture.replace("http://www.w3.org/2000/svg", "");
    assert!(
        !outside.contains("://") && !outside.contains("<script"),
        "{outside}"
    );
    assert!(picture.contains("prefers-color-scheme"));
}
