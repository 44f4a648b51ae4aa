use kith_client::Account;
use kith_common::{InviteLink, LoginReply, Username};

use crate::account::Contact;
use crate::args::Place;
use crate::failure::{Exit, Failure};
use crate::form::what_waits;
use crate::opened::Opened;
use crate::output::Output;
use crate::prompt;

const PASSWORD: &str = "KITH_PASSWORD";
const NEW_PASSWORD: &str = "KITH_NEW_PASSWORD";

/// Makes an account and logs in.
pub(crate) async fn register(
    place: &Place,
    user: Username,
    invite: Option<String>,
    output: &Output,
) -> Result<(), Failure> {
    let (link, code) = read_invite(place, invite)?;
    let contact = Contact::open(place, link.as_ref()).await?;
    if contact.guest.hello().registration == "invite" && code.is_none() {
        let message =
            "this server wants an invite for a new account; ask whoever runs it, then say --invite LINK";
        return Err(Failure::new(Exit::Refused, message));
    }
    let password = prompt::new_password(PASSWORD).await?;
    let contact = contact.still_open().await?;
    contact.guest.register(&user, password.clone(), code).await?;
    let (account, login) = contact.login(&user, password).await.map_err(|failure| {
        failure.after("the account was made, but logging in failed; run `kith-cli login`")
    })?;
    welcome(&account, &login, output)
}

/// Logs in with a password.
pub(crate) async fn login(place: &Place, user: Username, output: &Output) -> Result<(), Failure> {
    let contact = Contact::open(place, None).await?;
    let password = prompt::password(format!("Password of {user}: "), PASSWORD).await?;
    let (account, login) = contact.still_open().await?.login(&user, password).await?;
    welcome(&account, &login, output)
}

/// Ends the session, here and on the server, and wipes the local copy.
pub(crate) async fn logout(place: &Place, force: bool, output: &Output) -> Result<(), Failure> {
    let username = Opened::with(place, async |opened| {
        opened.online().await?;
        opened.send_leftovers().await?;
        let unsent = opened.engine.outbox().await?;
        if let Some(item) = unsent.first().filter(|_| !force) {
            let message = format!(
                "{} was not sent ({} such in all; see `kith-cli outbox`); to throw it away and log out, say --force",
                what_waits(&opened.engine, &item.write),
                unsent.len()
            );
            return Err(Failure::new(Exit::Refused, message));
        }
        opened.engine.logout().await?;
        opened.forget_token()?;
        Ok(opened.account.username.clone())
    })
    .await?;
    output.done(&format!("{username} is logged out."))
}

/// Changes the password.
pub(crate) async fn password(place: &Place, output: &Output) -> Result<(), Failure> {
    Opened::with(place, async |opened| {
        opened.online().await?;
        let old = prompt::password(format!("Password of {}: ", opened.account.username), PASSWORD).await?;
        let new = prompt::new_password(NEW_PASSWORD).await?;
        // The connection may have been lost while they were typed.
        opened.online().await?;
        Ok(opened.engine.change_password(old, new).await?)
    })
    .await?;
    output.done("The password is changed; all other devices are logged out.")
}

fn welcome(account: &Account, login: &LoginReply, output: &Output) -> Result<(), Failure> {
    let line = format!("Logged in as {} at {}.", login.username, account.server);
    output.result(login, [line])
}

/// The link and code in `--invite`, or else the code in `--server`.
fn read_invite(
    place: &Place,
    invite: Option<String>,
) -> Result<(Option<InviteLink>, Option<String>), Failure> {
    match invite {
        Some(text) if text.contains("://") => {
            let link: InviteLink = text
                .parse()
                .map_err(|error| Failure::usage(format!("--invite: {error}")))?;
            // A shell takes the `&` before the code for the end of the command. Without a code this would go on as a
            // registration without an invite, which is another thing than what was meant.
            let code = link.code.clone().ok_or_else(|| {
                Failure::usage(
                    "--invite: this link holds no invite; put it in quotes, or the shell cuts it at the &",
                )
            })?;
            Ok((Some(link), Some(code)))
        }
        Some(code) => Ok((None, Some(code))),
        None => Ok((None, place.server.as_ref().and_then(|link| link.code.clone()))),
    }
}
