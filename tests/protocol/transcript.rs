//! The notation of the examples.

/// A line of a transcript, with what continues it.
#[derive(Clone)]
pub(crate) struct Step {
    /// Its line in the specification.
    pub(crate) line: usize,
    /// As it stands there.
    pub(crate) text: String,
    /// What it means.
    pub(crate) action: Action,
}

/// What happens.
#[derive(Clone)]
pub(crate) enum Action {
    /// `server with KITH_LIMITS__LOGIN_SECONDS=1`: before anything else.
    With(Vec<(String, String)>),
    /// `given alice and bob are registered`
    Registered(Vec<String>),
    /// `given alice and bob are logged in`, or `… without hello`
    LoggedIn(Vec<String>, Greeting),
    /// `alice connects`, or `… with hello`, or `… without TLS`
    Connects(String, Greeting),
    /// `alice> {…}`; with `>>` nothing is sent after it, not even a newline.
    Sends {
        who: String,
        what: String,
        newline: bool,
    },
    /// `alice< {…}`; with `<<` other lines may come before it.
    Receives {
        who: String,
        what: String,
        skipping: bool,
    },
    /// `alice closes`
    Closes(String),
    /// `server closes alice`
    ServerCloses(String),
    /// `server stops`
    ServerStops,
    /// `server loses its files`
    ServerLosesFiles,
    /// `server runs user disable bob`: another command of kith-server on the same data.
    ServerRuns(Vec<String>),
}

/// How a connection begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// With nothing, as clients of the seed do.
    None,
    /// With `hello`.
    Hello,
    /// Without TLS, which is a mistake.
    Plaintext,
}

/// Reads a block. An indented line continues the one above.
pub(crate) fn parse(block: &[(usize, &str)]) -> Vec<Step> {
    let mut steps: Vec<(usize, String)> = Vec::new();
    for (line, text) in block {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        match steps.last_mut() {
            Some((_, step)) if text.starts_with(' ') => {
                step.push(' ');
                step.push_str(text.trim());
            }
            _ => steps.push((*line, (*text).to_owned())),
        }
    }
    steps
        .into_iter()
        .map(|(line, text)| Step {
            line,
            action: action(&text)
                .unwrap_or_else(|| panic!("docs/PROTOCOL.md:{line}: this makes no sense: {text}")),
            text,
        })
        .collect()
}

fn action(text: &str) -> Option<Action> {
    if let Some(rest) = text.strip_prefix("server ") {
        return server(rest);
    }
    if let Some(rest) = text.strip_prefix("given ") {
        return given(rest);
    }
    let (who, rest) = text.split_once(' ')?;
    if let Some((who, newline)) = strip(who, ">>", ">") {
        return Some(Action::Sends {
            who,
            what: rest.to_owned(),
            newline: !newline,
        });
    }
    if let Some((who, skipping)) = strip(who, "<<", "<") {
        return Some(Action::Receives {
            who,
            what: rest.to_owned(),
            skipping,
        });
    }
    let who = name(who)?;
    Some(match rest {
        "connects" => Action::Connects(who, Greeting::None),
        "connects with hello" => Action::Connects(who, Greeting::Hello),
        "connects without TLS" => Action::Connects(who, Greeting::Plaintext),
        "closes" => Action::Closes(who),
        _ => return None,
    })
}

fn server(rest: &str) -> Option<Action> {
    if let Some(settings) = rest.strip_prefix("with ") {
        let setting = |word: &str| {
            let (variable, value) = word.split_once('=')?;
            variable
                .starts_with("KITH_")
                .then(|| (variable.to_owned(), value.to_owned()))
        };
        return settings
            .split_whitespace()
            .map(setting)
            .collect::<Option<_>>()
            .map(Action::With);
    }
    if let Some(who) = rest.strip_prefix("closes ") {
        return name(who).map(Action::ServerCloses);
    }
    if let Some(command) = rest.strip_prefix("runs ") {
        return Some(Action::ServerRuns(
            command.split_whitespace().map(str::to_owned).collect(),
        ));
    }
    match rest {
        "stops" => Some(Action::ServerStops),
        "loses its files" => Some(Action::ServerLosesFiles),
        _ => None,
    }
}

fn given(rest: &str) -> Option<Action> {
    let (people, state) = rest.split_once(" are ").or_else(|| rest.split_once(" is "))?;
    let people: Vec<String> = people
        .split(" and ")
        .flat_map(|people| people.split(", "))
        .map(name)
        .collect::<Option<_>>()?;
    Some(match state {
        "registered" => Action::Registered(people),
        "logged in" => Action::LoggedIn(people, Greeting::Hello),
        "logged in without hello" => Action::LoggedIn(people, Greeting::None),
        _ => return None,
    })
}

/// The name before a sign, and whether it was the longer of the two signs.
fn strip(text: &str, longer: &str, shorter: &str) -> Option<(String, bool)> {
    match text.strip_suffix(longer) {
        Some(who) => Some((name(who)?, true)),
        None => Some((name(text.strip_suffix(shorter)?)?, false)),
    }
}

/// The name of a connection: letters, digits and `-`.
fn name(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (!text.is_empty() && text.chars().all(allowed)).then(|| text.to_owned())
}
