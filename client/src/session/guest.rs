use std::sync::Arc;

use kith_common::{
    HelloReply, HelloRequest, LoginReply, LoginRequest, PROTOCOL, Pin, RegisterRequest, Request,
    ResumeRequest, Username,
};
use serde::de::IgnoredAny;
use tokio::sync::Mutex;

use super::{Inner, Session, Target};
use crate::Error;
use crate::connection::{Connection, PushQueue, Pushes};

/// A connection on which nobody is logged in yet.
#[derive(Debug)]
pub struct Guest {
    target: Target,
    connection: Connection,
    pushes: PushQueue,
}

impl Guest {
    /// Connects to a server, verifies it and says `hello`.
    ///
    /// # Errors
    /// The server can't be reached, isn't trusted ([`crate::TrustError`] says why, and on a first contact which key to
    /// ask a person about) or doesn't speak kith/1.
    pub async fn connect(target: Target) -> Result<Self, Error> {
        let pushes = PushQueue::default();
        let Target {
            server,
            trust,
            program,
        } = &target;
        let connection = Connection::open_into(server, trust, program, pushes.clone()).await?;
        Ok(Self {
            target,
            connection,
            pushes,
        })
    }

    /// What the server said of itself: among other things, whether it takes new accounts.
    pub fn hello(&self) -> &HelloReply {
        self.connection.hello()
    }

    /// Whether the connection still lives; servers end those that don't log in for long.
    pub fn is_open(&self) -> bool {
        self.connection.is_open()
    }

    /// Makes an account, with the code of an invite where the server wants one. Logs nobody in.
    ///
    /// # Errors
    /// The server refuses: the name is taken, the password too weak, the invite missing or used.
    pub async fn register(
        &self,
        username: &Username,
        password: String,
        invite: Option<String>,
    ) -> Result<(), Error> {
        let request = Request::Register(RegisterRequest {
            username: username.to_string(),
            password,
            invite,
            display_name: None,
        });
        self.connection.call::<IgnoredAny>(&request).await.map(|_| ())
    }

    /// Opens a session with a password. `device` is what its owner will know this device by.
    ///
    /// # Errors
    /// The server refuses: wrong password, or too many attempts.
    pub async fn login(
        self,
        username: &Username,
        password: String,
        device: Option<String>,
    ) -> Result<(Session, Pushes), Error> {
        let request = Request::Login(LoginRequest {
            username: username.to_string(),
            password,
            device_name: device,
        });
        let mut login: LoginReply = self.connection.call(&request).await?;
        let token = login.token.take();
        let token = token.ok_or_else(|| Error::Protocol("a login without a token".to_owned()))?;
        let hello = self.connection.call(&hello_again(&self.target.program)).await?;
        Ok(self.into_session(token, login, &hello))
    }

    /// Resumes a session by its token.
    ///
    /// # Errors
    /// The server refuses: the session has ended.
    pub async fn resume(self, token: String) -> Result<(Session, Pushes), Error> {
        let resume = Request::Resume(ResumeRequest { token: token.clone() });
        let hello = hello_again(&self.target.program);
        let (login, hello) = tokio::join!(
            self.connection.call::<LoginReply>(&resume),
            self.connection.call::<HelloReply>(&hello)
        );
        let login = login?;
        Ok(self.into_session(token, login, &hello?))
    }

    /// Ends the connection.
    pub async fn close(self) {
        self.connection.close().await;
    }

    fn into_session(self, token: String, login: LoginReply, hello: &HelloReply) -> (Session, Pushes) {
        let pins = pins_to_keep(hello, self.connection.chain());
        let inner = Inner {
            target: self.target,
            token,
            login,
            pushes: self.pushes.clone(),
            link: Mutex::new(self.connection),
            pins,
        };
        let session = Session {
            inner: Arc::new(inner),
        };
        (session, Pushes(self.pushes))
    }
}

/// The pins to keep of those that a server announced: all, if the chain that it showed holds one of them.
///
/// Otherwise none, so that a server that announces the wrong keys doesn't lock its people out (RFC 7469, section 2.5).
fn pins_to_keep(hello: &HelloReply, chain: &[Pin]) -> Vec<Pin> {
    if hello.pins.iter().any(|pin| chain.contains(pin)) {
        hello.pins.clone()
    } else {
        Vec::new()
    }
}

/// Asks `hello` again after a login, for what the server says only then.
fn hello_again(program: &str) -> Request {
    Request::Hello(HelloRequest {
        version: Some(PROTOCOL.to_owned()),
        client: Some(program.to_owned()),
    })
}
