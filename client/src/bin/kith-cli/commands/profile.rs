use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use kith_client::Engine;
use kith_common::{Base64Bytes, ProfileReply, Username, limits as protocol};

use super::files::save;
use super::send::queued;
use crate::args::{Place, Profile, Waiting};
use crate::failure::{Exit, Failure};
use crate::limits;
use crate::opened::{Opened, Outcome};
use crate::output::Output;

/// Shows a profile, or changes one's own.
pub(crate) async fn profile(place: &Place, action: Option<Profile>, output: &Output) -> Result<(), Failure> {
    match action {
        None => show(place, None, None, output).await,
        Some(Profile::Show { user, save_avatar }) => show(place, user, save_avatar.as_deref(), output).await,
        Some(Profile::Set {
            waiting,
            name,
            about,
            avatar,
            no_avatar,
        }) => {
            let avatar = match avatar {
                Some(path) => Some(picture(&path)?),
                None => no_avatar.then(Vec::new),
            };
            if name.is_none() && about.is_none() && avatar.is_none() {
                return Err(Failure::usage(
                    "say what to change: --name, --about, --avatar or --no-avatar",
                ));
            }
            set(place, &waiting, (name, about, avatar), output).await
        }
    }
}

async fn show(
    place: &Place,
    user: Option<Username>,
    save_avatar: Option<&Path>,
    output: &Output,
) -> Result<(), Failure> {
    Opened::with(place, async |opened| {
        opened.online_if_possible().await?;
        let username = user.map_or_else(|| opened.engine.me().username.clone(), String::from);
        let reply = fetch(&opened.engine, &username).await?;
        if let Some(path) = save_avatar {
            let none = || Failure::new(Exit::Refused, format!("{username} has no picture"));
            let Base64Bytes(bytes) = reply.avatar_data.as_ref().ok_or_else(none)?;
            save(path, bytes, false)?;
        }
        let profile = &reply.profile;
        let mut lines = vec![format!("{} ({})", profile.display_name, profile.username)];
        if !profile.about.is_empty() {
            lines.push(profile.about.clone());
        }
        if profile.avatar.is_some() {
            lines.push("has a picture (profile show NAME --save-avatar FILE)".to_owned());
        }
        output.result(&reply, lines)
    })
    .await
}

/// As the server has it, or else as it was known last.
async fn fetch(engine: &Engine, username: &str) -> Result<ProfileReply, Failure> {
    match engine.fetch_profile(username).await {
        Ok(reply) => Ok(reply),
        Err(error) => {
            let failure = Failure::from(error);
            match engine.profile(username).filter(|_| failure.is_unreachable()) {
                Some(profile) => Ok(ProfileReply {
                    profile,
                    avatar_data: None,
                }),
                None => Err(failure),
            }
        }
    }
}

async fn set(
    place: &Place,
    waiting: &Waiting,
    (name, about, avatar): (Option<String>, Option<String>, Option<Vec<u8>>),
    output: &Output,
) -> Result<(), Failure> {
    Opened::with(place, async |opened| {
        let id = opened.engine.change_profile(name, about, avatar).await?;
        let what = "the change of your profile";
        match opened.outcome(id, what, waiting, limits::OUTCOME).await? {
            Outcome::Waits(id) => queued(id, what, output),
            Outcome::Sent(_) => output.done("Your profile is changed."),
        }
    })
    .await
}

fn picture(path: &Path) -> Result<Vec<u8>, Failure> {
    let most = protocol::AVATAR_BYTES;
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::file(path, &error))?;
    if bytes.len() > most {
        let message = format!(
            "{} is too large: a picture has at most {most} bytes",
            path.display()
        );
        return Err(Failure::usage(message));
    }
    Ok(bytes)
}
