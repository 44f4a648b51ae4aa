use kith_common::{InviteLink, Username};

use crate::account::{Contact, Opened};
use crate::args::Place;
use crate::failure::{Exit, Failure};
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
    let opened = contact.login(&user, password).await.map_err(|failure| {
        failure.after("the account was made, but logging in failed; run `kith-cli login`")
    })?;
    welcome(&opened, output)?;
    opened.session.close().await;
    Ok(())
}

/// Logs in with a password.
pub(crate) async fn login(place: &Place, user: Username, output: &Output) -> Result<(), Failure> {
    let contact = Contact::open(place, None).await?;
    let password = prompt::password(format!("Password of {user}: "), PASSWORD).await?;
    let opened = contact.still_open().await?.login(&user, password).await?;
    welcome(&opened, output)?;
    opened.session.close().await;
    Ok(())
}

/// Ends the session, here and on the server.
pub(crate) async fn logout(place: &Place, output: &Output) -> Result<(), Failure> {
    let opened = Opened::open(place).await?;
    opened.session.logout().await?;
    opened.forget_token()?;
    output.done(&format!("{} is logged out.", opened.account.username))
}

/// Changes the password.
pub(crate) async fn password(place: &Place, output: &Output) -> Result<(), Failure> {
    let opened = Opened::open(place).await?;
    let old = prompt::password(format!("Password of {}: ", opened.account.username), PASSWORD).await?;
    let new = prompt::new_password(NEW_PASSWORD).await?;
    opened.session.change_password(old, new).await?;
    opened.session.close().await;
    output.done("The password is changed; all other devices are logged out.")
}

fn welcome(opened: &Opened, output: &Output) -> Result<(), Failure> {
    let login = opened.session.login();
    let server = &opened.account.server;
    output.result(login, [format!("Logged in as {} at {server}.", login.username)])
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
