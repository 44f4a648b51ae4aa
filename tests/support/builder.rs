use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::{Server, program};

/// How a server is to be.
pub struct Builder {
    directory: Option<PathBuf>,
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
    pub fn in_directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
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
        let directory = self
            .directory
            .as_deref()
            .map_or_else(tempfile::tempdir, tempfile::tempdir_in)
            .unwrap();
        let data = directory.path().join("data");
        let mut setup = kith_server(&self.variables);
        setup
            .args(["setup", "--registration", self.registration, "--data"])
            .arg(&data);
        for host in &self.hosts {
            setup.args(["--host", host]);
        }
        let output = setup.output().unwrap();
        assert!(
            output.status.success(),
            "setup: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let printed = String::from_utf8(output.stdout).unwrap();
        let admin_link = printed
            .lines()
            .find(|line| line.contains("invite="))
            .unwrap_or_default()
            .trim()
            .to_owned();
        let (process, address, pin) = run(&data, &self.variables, self.shell);
        Server {
            address,
            pin,
            admin_link,
            directory,
            variables: self.variables,
            shell: self.shell,
            process: Some(process),
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

/// Starts a server on a free port and waits until it listens.
pub(crate) fn run(
    data: &Path,
    variables: &[(String, String)],
    shell: Option<&str>,
) -> (Child, SocketAddr, String) {
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
    let mut after = |word: &str| {
        let line = lines
            .next()
            .unwrap_or_else(|| panic!("the server ended before it said {word:?}"));
        line.strip_prefix(word)
            .unwrap_or_else(|| panic!("{line:?} instead of {word:?}"))
            .trim()
            .to_owned()
    };
    let address = after("Listening on").parse().unwrap();
    let pin = after("Fingerprint");
    (process, address, pin)
}
