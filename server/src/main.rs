//! `kith-server`: the command line.

mod commands;

fn main() -> std::process::ExitCode {
    // What this program writes is nobody else's business, whatever the folder it lies in.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    commands::main()
}
