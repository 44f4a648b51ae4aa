//! What is typed in a chat.

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Nothing was typed.
    Nothing,
    /// Say something.
    Say(String),
    /// Send a file.
    File(String),
    /// Answer a message.
    Reply(u64, String),
    /// Change a message, or the last one.
    Edit(Option<u64>, String),
    /// Erase a message.
    Delete(u64),
    /// Put a reaction on a message, or take it back.
    React(u64, String),
    /// Show older messages.
    Older,
    /// Try again what was refused.
    Retry(u64),
    /// Throw away what waits or was refused.
    Discard(u64),
    /// End the chat.
    Quit,
    /// List all this.
    Help,
}

/// The commands, with what they take and do.
pub(super) const COMMANDS: [(&str, &str, &str); 10] = [
    ("/file", "PATH", "send a file"),
    ("/reply", "N TEXT", "answer the message with this number"),
    ("/edit", "[N] TEXT", "change a message of yours, or the last one"),
    ("/delete", "N", "erase a message of yours, for both"),
    ("/react", "N EMOJI", "react to a message; once more takes it back"),
    ("/older", "", "show older messages"),
    ("/retry", "N", "try again what was refused"),
    ("/discard", "N", "throw away what waits or was refused"),
    ("/quit", "", "end the chat, as Ctrl+C and Ctrl+D do"),
    ("/help", "", "show this"),
];

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub(super) fn read(line: &str) -> Result<Self, String> {
        if line.trim().is_empty() {
            return Ok(Self::Nothing);
        }
        let Some(command) = line.strip_prefix('/') else {
            return Ok(Self::Say(line.to_owned()));
        };
        if command.starts_with('/') {
            return Ok(Self::Say(command.to_owned()));
        }
        let (name, rest) = split(command);
        match name {
            "file" if !rest.is_empty() => Ok(Self::File(rest.to_owned())),
            "reply" => with_text(rest, "/reply", Self::Reply),
            "react" => with_text(rest, "/react", Self::React),
            "edit" => match split(rest) {
                (first, text) if !text.is_empty() && first.parse::<u64>().is_ok() => {
                    with_text(rest, "/edit", |number, text| Self::Edit(Some(number), text))
                }
                _ if rest.is_empty() => Err(usage("/edit")),
                _ => Ok(Self::Edit(None, rest.to_owned())),
            },
            "delete" => number(rest, "/delete", Self::Delete),
            "retry" => number(rest, "/retry", Self::Retry),
            "discard" => number(rest, "/discard", Self::Discard),
            "older" => Ok(Self::Older),
            "quit" | "q" | "exit" => Ok(Self::Quit),
            "help" | "?" => Ok(Self::Help),
            "file" => Err(usage("/file")),
            _ => Err(format!(
                "there is no command /{name}; /help lists them, and //{name} says it to the other one"
            )),
        }
    }
}

fn with_text(
    rest: &str,
    name: &str,
    command: impl FnOnce(u64, String) -> Command,
) -> Result<Command, String> {
    let (number, text) = split(rest);
    match number.parse() {
        Ok(number) if !text.is_empty() => Ok(command(number, text.to_owned())),
        _ => Err(usage(name)),
    }
}

fn number(rest: &str, name: &str, command: impl FnOnce(u64) -> Command) -> Result<Command, String> {
    rest.parse().map(command).map_err(|_| usage(name))
}

fn usage(name: &str) -> String {
    let found = COMMANDS.iter().find(|(command, ..)| *command == name);
    let (command, takes, does) = found.copied().unwrap_or((name, "", ""));
    format!("{command} {takes}: {does}")
}

/// The first word and the rest.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_meant() {
        let read = |line: &str| Command::read(line).unwrap();
        assert_eq!(read("  "), Command::Nothing);
        assert_eq!(read("hi /there "), Command::Say("hi /there ".to_owned()));
        assert_eq!(read("//help"), Command::Say("/help".to_owned()));
        assert_eq!(
            read("/reply 3  yes, do "),
            Command::Reply(3, "yes, do".to_owned())
        );
        assert_eq!(read("/edit 3 yes"), Command::Edit(Some(3), "yes".to_owned()));
        assert_eq!(read("/edit yes"), Command::Edit(None, "yes".to_owned()));
        assert_eq!(read("/edit 5"), Command::Edit(None, "5".to_owned()));
        assert_eq!(
            read("/file /tmp/a b.txt"),
            Command::File("/tmp/a b.txt".to_owned())
        );
        assert_eq!(read("/react 3 👍"), Command::React(3, "👍".to_owned()));
        assert_eq!(read("/delete 3"), Command::Delete(3));
        assert_eq!(read("/quit"), Command::Quit);
    }

    #[test]
    fn what_is_no_command_is_told() {
        let told = |line: &str| Command::read(line).unwrap_err();
        assert!(told("/dance").contains("//dance"));
        for line in [
            "/reply",
            "/reply x y",
            "/reply 3",
            "/delete",
            "/delete x",
            "/edit",
            "/file",
            "/react 3",
        ] {
            let name = line.split(' ').next().unwrap();
            assert!(told(line).starts_with(name), "{line}");
        }
    }
}
