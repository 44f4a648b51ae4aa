use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{PASSWORD, Raw, program};

/// A server process with data of its own.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The fingerprint that it printed, which clients pin.
    pub pin: String,
    /// The administrator's invite link that `setup` printed.
    pub admin_link: String,
    directory: TempDir,
    variables: Vec<(String, String)>,
    process: Option<Child>,
}

/// How a server is to be.
pub struct Builder {
    registration: &'static str,
    variables: Vec<(String, String)>,
    hosts: Vec<String>,
}

impl Server {
    /// A server that everybody may register on.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A server that differs from that.
    pub fn builder() -> Builder {
        // The least that the server takes: hashing at full cost is not what the stories are about.
        let variables = vec![("KITH_PASSWORDS__BCRYPT_COST".to_owned(), "10".to_owned())];
        Builder {
            registration: "open",
            variables,
            hosts: Vec::new(),
        }
    }

    /// The server's data directory.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The certificate of the server's own CA.
    pub fn ca(&self) -> PathBuf {
        self.data().join("certs/ca.pem")
    }

    /// What is in `server.log` so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data().join("logs/server.log")).unwrap_or_default()
    }

    /// Runs another command of `kith-server` on this server's data.
    pub fn command(&self, arguments: &[&str]) -> Output {
        kith_server(&self.variables)
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .output()
            .unwrap()
    }

    /// The same, for a command that must succeed. Returns what it printed.
    pub fn must(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// A new connection that has said nothing yet: a client of the seed's protocol.
    pub async fn connect(&self) -> Raw {
        Raw::connect(self.address, &self.ca(), &[]).await
    }

    /// A new connection that has said `hello`.
    pub async fn connect_native(&self) -> Raw {
        let mut raw = Raw::connect(self.address, &self.ca(), &[b"kith/1"]).await;
        raw.hello().await;
        raw
    }

    /// Registers somebody and logs them in over a new seed connection.
    pub async fn user(&self, name: &str) -> Raw {
        let mut raw = self.connect().await;
        raw.register(name).await;
        raw.login(name).await;
        raw
    }

    /// Registers somebody and logs them in over a new connection that says `hello`.
    pub async fn native_user(&self, name: &str) -> Raw {
        let mut raw = self.connect_native().await;
        raw.register(name).await;
        raw.login(name).await;
        raw
    }

    /// Logs somebody in who is registered, over a new seed connection.
    pub async fn login(&self, name: &str) -> Raw {
        let mut raw = self.connect().await;
        raw.login(name).await;
        raw
    }

    /// Logs somebody in who is registered, over a new connection that says `hello`.
    pub async fn native_login(&self, name: &str) -> Raw {
        let mut raw = self.connect_native().await;
        raw.login(name).await;
        raw
    }

    /// The process id of the running server.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// Kills the server as a crash would (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Asks the server to stop (SIGTERM) and waits for its end.
    pub fn stop(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the server runs");
        kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
        process.wait().unwrap()
    }

    /// Starts a server that was stopped or killed again, on the same data and another port.
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "stop or kill the server first");
        let (process, address, pin) = run(&self.data(), &self.variables);
        (self.process, self.address, self.pin) = (Some(process), address, pin);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- server.log ---\n{}", self.log());
        }
        self.kill();
    }
}

impl Builder {
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

    /// A name for the certificate.
    pub fn host(mut self, name: &str) -> Self {
        self.hosts.push(name.to_owned());
        self
    }

    /// Sets the server up and starts it.
    pub fn start(self) -> Server {
        let directory = tempfile::tempdir().unwrap();
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
        let (process, address, pin) = run(&data, &self.variables);
        Server {
            address,
            pin,
            admin_link,
            directory,
            variables: self.variables,
            process: Some(process),
        }
    }
}

/// The command, without the environment of whoever runs the tests.
fn kith_server(variables: &[(String, String)]) -> Command {
    let mut command = Command::new(program("kith-server", "KITH_SERVER_BIN"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KITH_") {
            command.env_remove(name);
        }
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}

/// Starts a server on a free port and waits until it listens.
fn run(data: &Path, variables: &[(String, String)]) -> (Child, SocketAddr, String) {
    let mut process = kith_server(variables)
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

/// What `register` and `login` send.
pub(crate) fn credentials(action: &str, name: &str) -> serde_json::Value {
    serde_json::json!({"action": action, "username": name, "password": PASSWORD})
}
