use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, prlimit, waitid};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::builder::{Builder, kith_server, kith_server_in, run};
use crate::{PASSWORD, PATIENCE, Raw};

/// A server process with data of its own.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The fingerprint that it printed, which clients pin.
    pub pin: String,
    /// The administrator's invite link that `setup` printed.
    pub admin_link: String,
    pub(crate) directory: TempDir,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) shell: Option<&'static str>,
    pub(crate) process: Option<Child>,
}

impl Server {
    /// A server that everybody may register on.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A server that differs from that.
    pub fn builder() -> Builder {
        Builder::new()
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

    /// Waits until so many lines of `server.log` hold all these words; lines are written a little after what they tell of.
    pub async fn logged(&self, count: usize, words: &[&str]) {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let waiting = async {
            while self.lines_with(words) < count {
                looks.tick().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "fewer than {count} lines with {words:?}");
        assert_eq!(self.lines_with(words), count, "lines with {words:?}");
    }

    fn lines_with(&self, words: &[&str]) -> usize {
        let log = self.log();
        log.lines()
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .count()
    }

    /// The server's database, opened beside the server: to see what is in it, to lock it, or to spoil it.
    pub async fn database(&self) -> DatabaseConnection {
        let file = self.data().join("kith.db");
        let mut options = ConnectOptions::new(format!("sqlite://{}", file.display()));
        // One connection, so that a transaction can be said in words.
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.unwrap()
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

    /// The same with further variables in its environment.
    pub fn command_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        kith_server(&self.variables)
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs a command that must fail with exit code 1. Returns the one line that it says why.
    pub fn fails(&self, arguments: &[&str]) -> String {
        // One that doesn't fail is ended; `timeout` then gives another exit code.
        let output = kith_server_in("timeout 30", &self.variables)
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
        said.trim_end().to_owned()
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

    /// A new connection that has said nothing yet and comes from this address. All of 127.0.0.0/8 is this machine.
    pub async fn connect_from(&self, source: [u8; 4]) -> Raw {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((source, 0).into()).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        Raw::over(stream, &self.ca(), &[]).await
    }

    /// A new connection that has said nothing yet, and for which the system takes in little while the test doesn't read.
    pub async fn connect_narrow(&self) -> Raw {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8 * 1024).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        Raw::over(stream, &self.ca(), &[]).await
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

    /// Resumes a session by its token, over a new connection.
    pub async fn native_resume(&self, token: &str) -> Raw {
        let mut raw = self.connect_native().await;
        raw.ok(serde_json::json!({"action": "resume", "token": token}))
            .await;
        raw
    }

    /// The process id of the running server.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// The processor time that the server has used so far, in the system's clock ticks (mostly hundredths of a second).
    pub fn processor_time(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        // The name in parentheses may hold spaces; after it, user and system time are fields 12 and 13 (proc(5)).
        let fields = stat.rsplit_once(')').unwrap().1;
        let times = fields.split_whitespace().skip(11).take(2);
        times.map(|text| text.parse::<u64>().unwrap()).sum()
    }

    /// Lets the server's files grow to so many bytes and no further, as if the disk were full; `None` lifts the limit.
    ///
    /// The server must be built with [`Builder::survives_file_limit`].
    pub fn limit_files(&self, bytes: Option<u64>) {
        let process = Pid::from_child(self.process.as_ref().expect("the server runs"));
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Some(process), Resource::Fsize, limit).unwrap();
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

    /// Waits until the server has ended by itself, or was killed by another hand.
    pub async fn ended(&self) {
        let process = Pid::from_child(self.process.as_ref().expect("the server runs"));
        // It is left for `kill` to take note of, or `kill` was first.
        let waiting = move || {
            waitid(
                WaitId::Pid(process),
                WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
            )
        };
        let _ = tokio::task::spawn_blocking(waiting).await.unwrap();
    }

    /// Starts a server that was stopped or killed again, on the same data and another port.
    pub fn restart(&mut self) {
        assert!(self.try_restart(), "the server ended before it listened");
    }

    /// The same; `false` when the server ends before it listens.
    pub fn try_restart(&mut self) -> bool {
        assert!(self.process.is_none(), "stop or kill the server first");
        let Some((process, address, pin)) = run(&self.data(), &self.variables, self.shell) else {
            return false;
        };
        (self.process, self.address, self.pin) = (Some(process), address, pin);
        true
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

/// What `register` and `login` send.
pub(crate) fn credentials(action: &str, name: &str) -> serde_json::Value {
    serde_json::json!({"action": action, "username": name, "password": PASSWORD})
}
