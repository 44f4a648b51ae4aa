//! Plays an example against a server of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kith_tests::{PASSWORD, PATIENCE, Server};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::connection::Connection;
use crate::document::Example;
use crate::pattern::Bindings;
use crate::transcript::{Action, Greeting, Step};

/// Plays all steps. Then nothing may be left that the server has sent and the example doesn't show.
pub(crate) async fn play(example: &Example) {
    let mut settings = Vec::new();
    let mut steps = example.steps.as_slice();
    while let [
        Step {
            action: Action::With(more),
            ..
        },
        rest @ ..,
    ] = steps
    {
        settings.extend_from_slice(more);
        steps = rest;
    }
    let mut stage = Stage::new(&settings);
    for step in steps {
        if let Err(why) = stage.step(&step.action).await {
            panic!("docs/PROTOCOL.md:{}\n{}\n{why}", step.line, step.text);
        }
    }
    stage.end().await;
}

struct Stage {
    server: Server,
    is_running: bool,
    connections: BTreeMap<String, Connection>,
    bindings: Bindings,
}

impl Stage {
    fn new(settings: &[(String, String)]) -> Self {
        let server = settings
            .iter()
            .fold(Server::builder(), |builder, (variable, value)| {
                builder.set(variable, value)
            })
            .start();
        let mut bindings = Bindings::default();
        let (_, invite) = server.admin_link.split_once("invite=").unwrap();
        bindings.bind("invite".to_owned(), json!(invite));
        bindings.bind("pin".to_owned(), json!(server.pin));
        Self {
            server,
            is_running: true,
            connections: BTreeMap::new(),
            bindings,
        }
    }

    async fn step(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::With(_) => return Err("this has to come first".to_owned()),
            Action::Registered(people) => {
                let mut connection = self.server.connect().await;
                for name in people {
                    connection.register(name).await;
                }
                connection.leave().await;
            }
            Action::LoggedIn(people, greeting) => {
                for name in people {
                    self.log_in(name, *greeting).await?;
                }
            }
            Action::Connects(who, greeting) => {
                let connection = Connection::open(&self.server, *greeting).await;
                if self.connections.insert(who.clone(), connection).is_some() {
                    return Err(format!("{who} is connected already"));
                }
            }
            Action::Sends { who, what, newline } => {
                let mut bytes = self.bindings.fill_in(what)?;
                if *newline {
                    bytes.push('\n');
                }
                self.connection(who)?.send(bytes.as_bytes()).await;
            }
            Action::Receives { who, what, skipping } => self.receive(who, what, *skipping).await?,
            Action::Closes(who) => {
                nothing_left(who, self.connection(who)?).await?;
                if let Some(connection) = self.connections.remove(who) {
                    connection.close().await;
                }
            }
            Action::ServerCloses(who) => {
                if let Some(line) = self.connection(who)?.next().await {
                    return Err(format!("instead came {line}"));
                }
                self.connections.remove(who);
            }
            Action::ServerStops => {
                let status = self.server.stop();
                self.is_running = false;
                if !status.success() {
                    return Err(format!("it ended with {status}"));
                }
            }
            Action::ServerLosesFiles => std::fs::remove_dir_all(self.server.data().join("blobs")).unwrap(),
            Action::ServerRuns(command) => {
                let command: Vec<&str> = command.iter().map(String::as_str).collect();
                self.server.must(&command);
            }
        }
        Ok(())
    }

    /// Registers and logs in; `<alice.account>`, `<alice.device>` and `<alice.token>` are what the server gave.
    async fn log_in(&mut self, name: &str, greeting: Greeting) -> Result<(), String> {
        let mut connection = Connection::open(&self.server, greeting).await;
        let mut replies = Vec::new();
        for action in ["register", "login"] {
            let request = json!({"action": action, "username": name, "password": PASSWORD});
            connection.send(format!("{request}\n").as_bytes()).await;
            replies.extend(connection.next().await);
        }
        let login = replies.pop().unwrap_or_default();
        if login["status"] != "ok" {
            return Err(format!("{name} can't log in: {login}"));
        }
        for field in ["account", "device", "token"] {
            if let Some(value) = login.get(field) {
                self.bindings.bind(format!("{name}.{field}"), value.clone());
            }
        }
        self.connections.insert(name.to_owned(), connection);
        Ok(())
    }

    async fn receive(&mut self, who: &str, pattern: &str, skipping: bool) -> Result<(), String> {
        let mut passed_over = String::new();
        loop {
            let next = timeout(PATIENCE / 2, self.connection(who)?.next()).await;
            let line = match next {
                Ok(Some(line)) => line,
                Ok(None) => return Err(format!("{passed_over}the server closed the connection")),
                Err(_) => return Err(format!("{passed_over}nothing more came")),
            };
            match self.bindings.compare(pattern, &line) {
                Ok(()) => return Ok(()),
                Err(why) => writeln!(passed_over, "came {}\n{why}", shortened(&line)).unwrap(),
            }
            if !skipping {
                return Err(passed_over);
            }
        }
    }

    fn connection(&mut self, who: &str) -> Result<&mut Connection, String> {
        self.connections
            .get_mut(who)
            .ok_or_else(|| format!("{who} has no connection"))
    }

    async fn end(mut self) {
        for (who, connection) in &mut self.connections {
            if self.is_running
                && let Err(why) = nothing_left(who, connection).await
            {
                panic!("{why}");
            }
        }
    }
}

async fn nothing_left(who: &str, connection: &mut Connection) -> Result<(), String> {
    match connection.left_over().await {
        None => Ok(()),
        Some(line) => Err(format!(
            "{who} got more than the example shows: {}",
            shortened(&line)
        )),
    }
}

/// Long lines say no more than their beginning.
fn shortened(line: &Value) -> String {
    let text = line.to_string();
    text.char_indices()
        .nth(2000)
        .map_or_else(|| text.clone(), |(end, _)| format!("{} …", &text[..end]))
}
