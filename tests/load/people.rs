use std::sync::Arc;

use anyhow::Context as _;
use kith_common::LoginReply;
use kith_tests::{PASSWORD, Server};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::connection::{Connection, Target};

/// Registrations and logins at a time: what the server hashes at once, and a little more.
const AT_ONCE: usize = 8;

/// People with accounts and tokens.
pub(crate) struct People {
    pub(crate) target: Target,
    names: Vec<String>,
    tokens: Vec<String>,
}

impl People {
    /// Registers so many people and logs each in once, for a token.
    pub(crate) async fn make(server: &Server, count: usize) -> anyhow::Result<Self> {
        let target = Target::new(server.address, &server.ca())?;
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = Vec::new();
        for number in 0..count {
            let (target, at_once) = (target.clone(), at_once.clone());
            tasks.push(tokio::spawn(async move {
                let _turn = at_once.acquire().await?;
                make(&target, &name(number)).await
            }));
        }
        let mut tokens = Vec::new();
        for task in tasks {
            tokens.push(task.await??);
        }
        Ok(Self {
            target,
            names: (0..count).map(name).collect(),
            tokens,
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn name(&self, person: usize) -> &str {
        &self.names[person]
    }

    /// A new connection of somebody, logged in by token.
    pub(crate) async fn connect(&self, person: usize) -> anyhow::Result<Connection> {
        self.target.resume(&self.tokens[person]).await
    }

    pub(crate) fn token(&self, person: usize) -> &str {
        &self.tokens[person]
    }
}

fn name(number: usize) -> String {
    format!("person{number:04}")
}

async fn make(target: &Target, name: &str) -> anyhow::Result<String> {
    let mut connection = target.connect().await?;
    connection
        .ask(&json!({"action": "register", "username": name, "password": PASSWORD}))
        .await?;
    let reply = connection
        .ask(&json!({"action": "login", "username": name, "password": PASSWORD}))
        .await?;
    connection.close().await;
    serde_json::from_str::<LoginReply>(reply.get())?
        .token
        .context("a login without a token")
}
