//! A PostgreSQL of the test's own: in a temporary directory, reached by a Unix socket only, gone with the test.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Where Debian has the programs of the version that Kith is tested with.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin";

/// A running server.
pub(crate) struct Cluster {
    directory: TempDir,
    server: Child,
    log: PathBuf,
}

impl Cluster {
    /// Starts one.
    ///
    /// # Panics
    /// PostgreSQL is not installed, or doesn't start.
    pub(crate) fn start() -> Self {
        let programs = programs();
        // The path of a socket has at most 107 bytes, so it is better not where a long TMPDIR says.
        let directory = tempfile::Builder::new()
            .prefix("kith-postgres-")
            .tempdir_in("/tmp")
            .unwrap();
        let user = Unprivileged::find();
        if let Some(user) = &user {
            chown(directory.path(), Some(user.id), Some(user.group)).unwrap();
        }
        let data = directory.path().join("data");
        let output = command(user.as_ref(), &programs.join("initdb"))
            .args([
                "--no-sync",
                "--username=kith",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "-D",
            ])
            .arg(&data)
            .output()
            .expect("setpriv (of util-linux) is needed to run PostgreSQL");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb failed: {said}");

        let mut server = command(user.as_ref(), &programs.join("postgres"))
            .args([
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "autovacuum=off",
                "-k",
            ])
            .arg(directory.path())
            .arg("-D")
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = directory.path().join("server.log");
        wait_until_ready(server.stderr.take().unwrap(), File::create(&log).unwrap());
        Self {
            directory,
            server,
            log,
        }
    }

    /// The address of its database.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://kith@localhost/postgres?host={}",
            self.directory.path().display()
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // At once; what it had is of no use to anybody.
        let _ = kill_process(Pid::from_child(&self.server), Signal::QUIT);
        let _ = self.server.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("--- PostgreSQL ---\n{log}");
        }
    }
}

fn programs() -> PathBuf {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(PathBuf::from(DEBIAN))
        .chain(std::env::split_paths(&on_path))
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
        .unwrap_or_else(|| {
            panic!(
                "PostgreSQL is not installed, and Kith's store must work on it: \
                 `apt-get install postgresql-15`, or run `cargo xtask test`, which installs what the tests need"
            )
        })
}

/// Who runs PostgreSQL where the tests run as root, which PostgreSQL refuses.
struct Unprivileged {
    id: u32,
    group: u32,
}

impl Unprivileged {
    /// `None` where the tests don't run as root.
    fn find() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let find = |name: &str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut numbers = line.split(':').skip(2).map(str::parse);
            Some(Self {
                id: numbers.next()?.ok()?,
                group: numbers.next()?.ok()?,
            })
        };
        Some(
            find("postgres")
                .or_else(|| find("nobody"))
                .expect("there is neither a user postgres nor nobody"),
        )
    }
}

/// A command that ends when this thread, which is the test's, does; however that ends.
fn command(user: Option<&Unprivileged>, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if let Some(Unprivileged { id, group }) = user {
        command.args([
            format!("--reuid={id}"),
            format!("--regid={group}"),
            "--clear-groups".to_owned(),
        ]);
    }
    command.arg("--").arg(program).env("LC_ALL", "C").current_dir("/");
    command
}

/// Waits for the line that says so. What it says later goes into the file.
fn wait_until_ready(stderr: ChildStderr, mut log: File) {
    let mut stderr = BufReader::new(stderr);
    let mut said = String::new();
    while !said.contains("database system is ready to accept connections") {
        let read = stderr.read_line(&mut said).unwrap();
        assert!(read > 0, "PostgreSQL did not start: {said}");
    }
    // Ends with the server.
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut log));
}
