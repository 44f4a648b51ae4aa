use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::{Server, program};

/// How a server is to be.
pub struct Builder {
    directory: Option<TempDir>,
    registration: &'static str,
    variables: Vec<(String, String)>,
    shell: Option<&'static str>,
    hosts: Vec<String>,
}

impl Builder {
    /// A server that everybody may register on.
    pub(crate) fn new() -> Self {
        // The least that the server takes: hashing at full cost is not what the stories are about.
        let variables = vec![("KITH_PASSWORDS__BCRYPT_COST".to_owned(), "10".to_owned())];
        Self {
            directory: None,
            registration: "open",
            variables,
            shell: None,
            hosts: Vec::new(),
        }
    }

    /// Who may register: `open` unless said otherwise.
    pub fn registration(mut self, policy: &'static str) -> Self {
        self.registration = policy;
        self
    }

    /// A setting, as an environment variable: `KITH_LIMITS__QUEUE_BYTES`.
    pub fn set(mut self, variable: &str, value: &str) -> Self {
        self.variables.push((variable.to_owned(), value.to_owned()));
        self
    }

    /// With everything as `setup` writes it: password hashing at full cost.
    pub fn full_cost(mut self) -> Self {
        self.variables.clear();
        self
    }

    /// Where the temporary directory is made, instead of where the system has them.
    pub fn in_directory(self, directory: &Path) -> Self {
        self.on(tempfile::tempdir_in(directory).unwrap())
    }

    /// The temporary directory to use.
    pub fn on(mut self, directory: TempDir) -> Self {
        self.directory = Some(directory);
        self
    }

    /// A name for the certificate.
    pub fn host(mut self, name: &str) -> Self {
        self.hosts.push(name.to_owned());
        self
    }

    /// A write beyond [`Server::limit_files`] fails, where it would else end the process with a signal (setrlimit(2)).
    pub fn survives_file_limit(mut self) -> Self {
        self.shell = Some("trap '' XFSZ; exec");
        self
    }

    /// Sets the server up and starts it.
    pub fn start(self) -> Server {
        let mut setup = vec!["setup", "--registration", self.registration];
        let hosts = self.hosts.clone();
        for host in &hosts {
            setup.extend(["--host", host]);
        }
        let mut server = self.bare();
        let printed = server.must(&setup);
        let invite = printed.lines().find(|line| line.contains("invite="));
        server.admin_link = invite.unwrap_or_default().trim().to_owned();
        server.restart();
        server
    }

    /// A server that isn't even set up: [`Server::command`] and [`Server::restart`] do the rest.
    pub fn bare(self) -> Server {
        Server {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            pin: String::new(),
            admin_link: String::new(),
            directory: self.directory.unwrap_or_else(|| tempfile::tempdir().unwrap()),
            variables: self.variables,
            shell: self.shell,
            process: None,
        }
    }
}

/// The command, without the environment of whoever runs the tests.
pub(crate) fn kith_server(variables: &[(String, String)]) -> Command {
    clean(Command::new(program("kith-server", "KITH_SERVER_BIN")), variables)
}

/// The same in a shell, after some words of it: `trap '' XFSZ; exec`, `timeout 30`.
pub(crate) fn kith_server_in(shell: &str, variables: &[(String, String)]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell} \"$0\" \"$@\"")]);
    command.arg(program("kith-server", "KITH_SERVER_BIN"));
    clean(command, variables)
}

fn clean(mut command: Command, variables: &[(String, String)]) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KITH_") {
            command.env_remove(name);
        }
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}

/// Starts a server on a free port and waits until it listens. `None` when it ends before.
pub(crate) fn run(
    data: &Path,
    variables: &[(String, String)],
    shell: Option<&str>,
) -> Option<(Child, SocketAddr, String)> {
    let mut process = shell
        .map_or_else(
            || kith_server(variables),
            |shell| kith_server_in(shell, variables),
        )
        .args(["run", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let rest_of = |line: &str, word: &str| line.strip_prefix(word).map(|rest| rest.trim().to_owned());
    let said = lines.next().zip(lines.next()).map(|(first, second)| {
        let address = rest_of(&first, "Listening on").unwrap_or_else(|| panic!("{first:?} says no address"));
        // None, where the certificate is as those of public CAs are.
        (address, rest_of(&second, "Fingerprint").unwrap_or_default())
    });
    let Some((address, pin)) = said else {
        process.wait().unwrap();
        return None;
    };
    Some((process, address.parse().unwrap(), pin))
}
