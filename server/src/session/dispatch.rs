use kith_common::{ErrorCode, FrameDecoder, Framing, Request, RequestId, WireError, limits};

use super::{Login, Session};
use crate::handlers;

impl Session {
    /// Answers a request that isn't pipelined.
    pub(super) async fn dispatch(
        &mut self,
        id: Option<RequestId>,
        request: Request,
        decoder: &mut FrameDecoder,
    ) {
        let id = id.as_ref();
        let link = self.link.clone();
        let is_public = matches!(
            request,
            Request::Hello(_) | Request::Ping | Request::Register(_) | Request::Login(_) | Request::Resume(_)
        );
        if !is_public && let Err(error) = self.login() {
            return link.reply::<()>(id, &Err(error));
        }
        match request {
            Request::Hello(request) => {
                let reply = handlers::hello::handle(self, &request);
                if reply.is_ok() {
                    link.set_native();
                    decoder.set_framing(Framing::Lines);
                }
                link.reply(id, &reply);
            }
            Request::Ping => link.reply(id, &Ok(())),
            Request::Register(request) => link.reply(id, &handlers::register::handle(self, request).await),
            Request::Login(request) => {
                let reply = handlers::login::handle(self, request).await;
                self.welcome(id, reply, decoder);
            }
            Request::Resume(request) => {
                let reply = handlers::resume::handle(self, &request).await;
                self.welcome(id, reply, decoder);
            }
            Request::Logout => {
                let reply = handlers::logout::handle(self).await;
                if reply.is_ok() {
                    decoder.set_max_frame(limits::FRAME_BEFORE_LOGIN);
                }
                link.reply(id, &reply);
            }
            Request::Sessions(request) => link.reply(id, &handlers::sessions::handle(self, request).await),
            Request::Password(request) => link.reply(id, &handlers::password::handle(self, request).await),
            Request::Contacts(request) => link.reply(id, &handlers::contacts::handle(self, request).await),
            Request::File(request) => handlers::file::handle(self, id, request).await,
            Request::FileGet(request) => link.reply(id, &handlers::file_get::handle(self, request).await),
            Request::Upload(request) => link.reply(id, &handlers::upload::handle(self, request).await),
            Request::Download(request) => link.reply(id, &handlers::download::handle(self, request).await),
            Request::Sync(request) => link.reply(id, &handlers::sync::handle(self, request).await),
            Request::History(request) => link.reply(id, &handlers::history::handle(self, request).await),
            Request::Edit(request) => handlers::edit::handle(self, id, request).await,
            Request::Delete(request) => handlers::delete::handle(self, id, request).await,
            Request::React(request) => handlers::react::handle(self, id, request).await,
            Request::Mark(request) => link.reply(id, &handlers::mark::handle(self, request).await),
            Request::Profile(request) => link.reply(id, &handlers::profile::handle(self, request).await),
            Request::Typing(request) => link.reply(id, &handlers::typing::handle(self, request).await),
            Request::Presence(request) => link.reply(id, &handlers::presence::handle(self, request).await),
            // Only reached by a guest; answered above.
            Request::Message(_) => {}
        }
    }

    /// Replies to a login and lets the account's events in, in this order.
    fn welcome(
        &mut self,
        id: Option<&RequestId>,
        reply: Result<(Login, kith_common::LoginReply), WireError>,
        decoder: &mut FrameDecoder,
    ) {
        let reply = reply.and_then(|(login, reply)| {
            // The reply goes in before any event can.
            let first = || self.link.welcome(id, &reply, login.account.id);
            let joined = self
                .server
                .hub
                .join(login.account.id, login.device, self.link.clone(), first);
            joined.map_err(|error| WireError::new(ErrorCode::Busy, error.to_string()))?;
            Ok(login)
        });
        match reply {
            Ok(login) => {
                self.login = Some(login);
                self.guest = None;
                decoder.set_max_frame(limits::FRAME);
            }
            Err(error) => self.link.reply::<()>(id, &Err(error)),
        }
    }
}
