//! One connection that speaks the protocol, whatever carries it.
//!
//! A session reads frames and hands them to the handlers; what goes out waits in its [`Link`] and is written by the
//! second half of the same task. Replies come in the order of the requests: writes are pipelined (they are many under way
//! and all answered in order by the writer), every other request waits until those before it are answered.

mod carrier;
mod deliver;
mod dispatch;
mod seed;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kith_common::{DeviceId, ErrorCode, FrameDecoder, FrameError, Notice, Request, WireError, limits};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

pub use carrier::{Carrier, End, Transport};
use deliver::Delivery;

use crate::handlers;
use crate::hub::Link;
use crate::limiter::Guest;
use crate::rate::Buckets;
use crate::server::Server;
use crate::store::{Account, Author, ClientKey};

/// A frame of more bytes than this needs a share of the memory for large frames.
const LARGE_FRAME: usize = 128 * 1024;

/// Room made for reading, at the start of a frame and within one.
const READ: usize = 4 * 1024;
const READ_MORE: usize = 64 * 1024;

/// After a login a frame may take longer than the limit, if it comes with so many bytes a second.
const SLOWEST: u64 = 16 * 1024;

/// How long a connection keeps its receive buffer after the last byte.
const KEEP_BUFFER: Duration = Duration::from_secs(2);

/// Frames in a row without sense, after which a guest's connection ends.
const NONSENSE: u32 = 16;

/// Time to send what is left when a connection ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The address, IPv4 where it is one.
    pub address: IpAddr,
}

/// A session's side of the handlers.
pub struct Session {
    /// What all sessions share.
    pub server: Arc<Server>,
    /// Who is at the other end.
    pub peer: Peer,
    /// What carries it.
    pub carrier: Carrier,
    /// Where replies go.
    pub link: Arc<Link>,
    /// Who is logged in.
    pub login: Option<Login>,
    /// Its place among the connections that haven't logged in.
    pub guest: Option<Guest>,
    /// Since when nobody is logged in, where nobody is.
    pub guest_since: Instant,
    /// How many messages may still be sent.
    pub messages: Buckets<()>,
    /// How often it may still be said who is typing and who is there.
    pub signals: Buckets<()>,
}

/// Who is logged in.
#[derive(Clone, Debug)]
pub struct Login {
    /// The account.
    pub account: Arc<Account>,
    /// The device.
    pub device: DeviceId,
}

/// Serves a connection until it ends. `received` is what was read from it already.
pub async fn serve<S: Transport>(server: Arc<Server>, stream: S, peer: Peer, guest: Guest, received: &[u8]) {
    let link = Arc::new(Link::new(
        server.next_origin(),
        &peer.address.to_string(),
        server.config.limits.queue_bytes,
    ));
    let messages = Buckets::new(server.config.limits.messages_per_session, server.clock.clone());
    let signals = Buckets::new(server.config.limits.signals_per_session, server.clock.clone());
    let guest = Some(guest);
    let carrier = stream.carrier();
    let mut session = Session {
        server: server.clone(),
        peer,
        carrier,
        link: link.clone(),
        login: None,
        guest,
        guest_since: Instant::now(),
        messages,
        signals,
    };
    let (reader, writer) = tokio::io::split(stream);
    let mut decoder = FrameDecoder::new(carrier.framing(), limits::FRAME_BEFORE_LOGIN);
    decoder.buffer_mut().extend_from_slice(received);

    let mut delivery = Delivery::new(server.clone(), link.clone(), writer);
    let ended = {
        let delivering = delivery.run();
        let reading = async {
            let (end, reader) = session.read(reader, decoder).await;
            session.say_goodbye(end).await;
            (end, reader)
        };
        tokio::pin!(delivering, reading);
        tokio::select! {
            ended = &mut reading => {
                // What was acknowledged last is still to be sent.
                let _ = tokio::time::timeout(FAREWELL, delivering).await;
                Some(ended)
            }
            () = &mut delivering => None,
        }
    };
    let end = ended.as_ref().map_or(End::Lost, |(end, _)| *end);
    if let Some((end, reader)) = ended {
        Box::pin(delivery.finish(reader, end)).await;
    }
    link.close();
    tracing::info!(
        target: "connection",
        user = session.username(),
        address = link.address(),
        reason = end.as_str(),
        "disconnected"
    );
    session.leave();
}

impl Session {
    /// The author of what this session writes.
    ///
    /// # Errors
    /// Nobody is logged in.
    pub fn author(&self, client: Option<ClientKey>) -> Result<Author, WireError> {
        let Login { account, device } = self.login()?.clone();
        Ok(Author {
            account,
            device,
            origin: self.link.origin(),
            client,
        })
    }

    /// Who is logged in.
    ///
    /// # Errors
    /// Nobody is.
    pub fn login(&self) -> Result<&Login, WireError> {
        self.login
            .as_ref()
            .ok_or_else(|| WireError::new(ErrorCode::NotLoggedIn, "log in first"))
    }

    /// The user's name for the log; `-` for a guest.
    pub fn username(&self) -> &str {
        self.login.as_ref().map_or("-", |login| &login.account.username)
    }

    /// Gives up the login, if there is one.
    pub fn leave(&mut self) {
        if let Some(login) = self.login.take() {
            self.server.hub.leave(login.account.id, self.link.origin());
            self.link.leave();
            self.guest_since = Instant::now();
        }
    }

    async fn read<R: AsyncRead + Unpin>(&mut self, mut reader: R, decoder: FrameDecoder) -> (End, R) {
        (self.read_frames(&mut reader, decoder).await, reader)
    }

    async fn read_frames<R: AsyncRead + Unpin>(&mut self, reader: &mut R, mut decoder: FrameDecoder) -> End {
        let server = self.server.clone();
        let stopping = server.shutdown.cancelled();
        tokio::pin!(stopping);
        let mut frame_began = Instant::now();
        let (mut nonsense, mut is_noted) = (0, false);
        let mut large: Option<OwnedSemaphorePermit> = None;
        // One timer for every deadline of the session.
        let timer = tokio::time::sleep_until(self.guest_since + server.config.limits.login);
        tokio::pin!(timer);
        loop {
            while let Some(frame) = decoder.next_frame() {
                self.notice_end(&mut decoder);
                let made_sense = match frame {
                    Err(FrameError::TooLong) => return End::TooLong,
                    // RFC 6455, section 8.1.
                    Err(FrameError::NotUtf8) if self.carrier == Carrier::WebSocket => return End::NotUtf8,
                    Err(error) => {
                        self.refuse(&WireError::new(ErrorCode::Malformed, error.to_string()))
                            .await;
                        Err(error.to_string())
                    }
                    Ok(frame) if self.handle(&frame, &mut decoder).await => Ok(()),
                    Ok(_) => Err("not a request".to_owned()),
                };
                match made_sense {
                    Ok(()) => nonsense = 0,
                    Err(reason) => {
                        nonsense += 1;
                        // Once a connection, so that nobody can fill the log.
                        if !std::mem::replace(&mut is_noted, true) {
                            let (user, address) = (self.username(), self.link.address());
                            tracing::warn!(target: "connection", user, address, reason, "a message makes no sense");
                        }
                    }
                }
                if nonsense >= NONSENSE && self.login.is_none() {
                    return End::Nonsense;
                }
                if server.shutdown.is_cancelled() {
                    return End::Shutdown;
                }
                frame_began = Instant::now();
            }
            self.notice_end(&mut decoder);
            if decoder.pending() <= LARGE_FRAME {
                large = None;
            } else if large.is_none() {
                large = server.large_frame().await;
            }
            let deadline = self.deadline(&decoder, frame_began);
            timer
                .as_mut()
                .reset(deadline.unwrap_or_else(|| Instant::now() + KEEP_BUFFER));
            let was_empty = decoder.pending() == 0;
            decoder
                .buffer_mut()
                .reserve(if was_empty { READ } else { READ_MORE });
            tokio::select! {
                biased;
                read = reader.read_buf(decoder.buffer_mut()) => match read {
                    Ok(0) => return End::Closed,
                    Ok(_) if was_empty => frame_began = Instant::now(),
                    Ok(_) => {}
                    Err(error) => return End::of(&error),
                },
                () = &mut stopping => return End::Shutdown,
                () = self.link.session_ended() => {}
                () = &mut timer => match deadline {
                    Some(_) if decoder.pending() > 0 => return End::TooSlow,
                    Some(_) => return End::NoLogin,
                    None => {
                        // Idle: wait for the next byte without a buffer and without a timer.
                        decoder.release_if_empty();
                        tokio::select! {
                            read = reader.read_buf(decoder.buffer_mut()) => match read {
                                Ok(0) => return End::Closed,
                                Ok(_) => frame_began = Instant::now(),
                                Err(error) => return End::of(&error),
                            },
                            () = &mut stopping => return End::Shutdown,
                            () = self.link.session_ended() => {}
                        }
                    }
                },
            }
        }
    }

    /// If the session was ended from outside, the connection is a guest's again.
    fn notice_end(&mut self, decoder: &mut FrameDecoder) {
        if self.link.take_ended() {
            self.leave();
            decoder.set_max_frame(limits::FRAME_BEFORE_LOGIN);
        }
    }

    /// Until when something has to happen; `None` for a logged-in connection between two frames.
    fn deadline(&self, decoder: &FrameDecoder, frame_began: Instant) -> Option<Instant> {
        let limits = &self.server.config.limits;
        let frame = (decoder.pending() > 0).then(|| {
            let earned = if self.login.is_some() {
                decoder.pending() as u64 / SLOWEST
            } else {
                0
            };
            frame_began + limits.frame + Duration::from_secs(earned)
        });
        let login = self.login.is_none().then(|| self.guest_since + limits.login);
        match (frame, login) {
            (Some(frame), Some(login)) => Some(frame.min(login)),
            (frame, login) => frame.or(login),
        }
    }

    /// Answers one frame. Returns whether it made sense.
    async fn handle(&mut self, frame: &Bytes, decoder: &mut FrameDecoder) -> bool {
        let parsed = Request::parse(frame);
        match parsed.request {
            Err(error) => {
                self.link.room(1).await;
                self.link.reply::<()>(parsed.id.as_ref(), &Err(error));
                false
            }
            Ok(Request::Message(request)) if self.login.is_some() => {
                // Pipelined: many of them under way, answered in order by the writer.
                self.link.room(self.server.config.limits.in_flight).await;
                handlers::message::handle(self, parsed.id, request).await;
                true
            }
            Ok(request) => {
                // Replies keep the order of the requests.
                self.link.room(1).await;
                // Boxed, so that an idle session doesn't carry the room for every handler's state.
                Box::pin(self.dispatch(parsed.id, request, decoder)).await;
                true
            }
        }
    }

    async fn refuse(&self, error: &WireError) {
        self.link.room(1).await;
        self.link.reply::<()>(None, &Err(error.clone()));
    }

    /// Tells the client why the connection ends, where it doesn't know, and lets what is under way finish.
    async fn say_goodbye(&self, end: End) {
        // A client that hangs up right after a message gets no reply, but the message is sent.
        let _ = tokio::time::timeout(FAREWELL, self.link.settled()).await;
        let code = match end {
            End::Closed | End::Lost => None,
            End::TooLong => Some(ErrorCode::TooLarge),
            End::TooSlow | End::NoLogin => Some(ErrorCode::Timeout),
            End::Nonsense | End::NotUtf8 | End::Binary | End::NotWebSocket(_) => Some(ErrorCode::Malformed),
            End::Shutdown => {
                self.link.notify(&Notice::Bye {
                    reason: end.as_str().to_owned(),
                });
                None
            }
        };
        if let Some(code) = code {
            self.link
                .reply::<()>(None, &Err(WireError::new(code, end.as_str())));
        }
        self.link.close();
    }
}
