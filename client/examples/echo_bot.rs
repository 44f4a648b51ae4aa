//! Answers every message with its own text. Give it an account first: `kith-cli register echo --server …`; then
//! `cargo run --example echo_bot echo`. It may be stopped at any time, and goes on where it was.

use kith_client::{Content, Engine, EngineError, Store, To};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let account = std::env::args().nth(1);
    let engine = Store::of_user()?
        .open(account.as_deref(), None, "echo_bot/1")
        .await?;
    engine.online().await?;
    Ok(echo(&engine).await?)
}

/// Answers until the engine ends.
pub(crate) async fn echo(engine: &Engine) -> Result<(), EngineError> {
    let mut changes = engine.changes();
    loop {
        for conversation in engine.conversations().await? {
            for message in engine.unread_messages(&conversation.id).await? {
                if let Content::Text(text) = message.content {
                    let to = To::Conversation(conversation.id.clone());
                    engine.send(to, text, Some(message.number)).await?;
                }
                engine.mark_read(&conversation.id, message.number).await?;
            }
        }
        if changes.next().await.is_none() {
            return Ok(());
        }
    }
}
