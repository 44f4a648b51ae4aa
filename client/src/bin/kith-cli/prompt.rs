//! Asking the person at the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use kith_common::{Pin, limits};

use crate::failure::{Exit, Failure};

/// Shows a server's key at the first contact and asks whether it is the right one.
///
/// # Errors
/// Nobody is there to be asked, or the answer isn't `yes`.
pub(crate) async fn confirm_key(server: String, pin: Pin) -> Result<(), Failure> {
    on_own_thread(move || {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(Failure::new(
                Exit::Untrusted,
                format!(
                    "{server} isn't known here yet, and nobody is at a terminal to be asked. Compare its key with the \
                     one that the server's terminal shows, then run this again with --pin {pin}"
                ),
            ));
        }
        eprintln!("This is the first contact with {server}. Its key is\n\n    {pin}\n");
        eprintln!("Compare it with the fingerprint in the server's terminal (or ask whoever runs it, not through this");
        eprintln!("connection). If they differ, somebody is in between.\n");
        eprint!("Are they the same? Type yes to go on: ");
        let mut answer = String::new();
        io::stderr()
            .flush()
            .and_then(|()| io::stdin().lock().read_line(&mut answer))
            .map_err(|error| Failure::usage(format!("can't ask: {error}")))?;
        if answer.trim().eq_ignore_ascii_case("yes") {
            Ok(())
        } else {
            Err(Failure::new(Exit::Untrusted, "the server was not trusted, and nothing was sent to it"))
        }
    })
    .await
}

/// The password from the environment, or else from the person.
///
/// # Errors
/// Neither has it.
pub(crate) async fn password(prompt: String, variable: &'static str) -> Result<String, Failure> {
    match std::env::var(variable) {
        Ok(password) => Ok(password),
        Err(_) => on_own_thread(move || ask(&prompt, variable)).await,
    }
}

/// A new password from the environment, or else from the person, who types it twice.
///
/// # Errors
/// Neither has it, or the two differ.
pub(crate) async fn new_password(variable: &'static str) -> Result<String, Failure> {
    if let Ok(password) = std::env::var(variable) {
        return Ok(password);
    }
    on_own_thread(move || {
        let (least, most) = limits::PASSWORD.into_inner();
        let password = ask(
            &format!("New password ({least} to {most} characters): "),
            variable,
        )?;
        if ask("The same again: ", variable)? == password {
            Ok(password)
        } else {
            Err(Failure::usage("the two passwords differ; try again"))
        }
    })
    .await
}

fn ask(prompt: &str, variable: &str) -> Result<String, Failure> {
    rpassword::prompt_password(prompt)
        .map_err(|error| Failure::usage(format!("can't ask for a password ({error}); set {variable}")))
}

/// Waits for a person on a thread of its own, so that the connection lives meanwhile.
async fn on_own_thread<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(ask).await {
        Ok(answer) => answer,
        Err(error) => Err(Failure::usage(format!("can't ask: {error}"))),
    }
}
