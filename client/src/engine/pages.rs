//! What a user interface shows: conversations and pages of them.

use kith_common::{HistoryRequest, LogPage, Mark, ProfileInfo, Request};
use serde::{Deserialize, Serialize};

use super::copy::News;
use super::{Contacts, Content, Engine, EngineError, Message, Pending};
use crate::local_store::{Head, StoreError};
use crate::{Error, limits};

/// A conversation in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Who is in it besides this account: user names.
    pub others: Vec<String>,
    /// Its newest message or file that is held.
    pub last: Option<Message>,
    /// How many messages and files of others, of those that are held, are above one's own read mark.
    pub unread: u64,
}

/// A page of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Messages and files in the order of their numbers, without a gap.
    pub messages: Vec<Message>,
    /// What is in front of them.
    pub older: Older,
}

/// What is in front of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Older {
    /// Nothing: the conversation begins here.
    Nothing,
    /// More messages: ask with `before`.
    More,
    /// More messages, which the server has and can't be asked for now.
    OutOfReach(Box<EngineError>),
}

impl Engine {
    /// The conversations, the one with the newest message first.
    ///
    /// # Errors
    /// The copy can't be read.
    pub async fn conversations(&self) -> Result<Vec<Conversation>, EngineError> {
        let mut conversations = Vec::new();
        for (id, head) in self.shared().copy.conversations() {
            let last = self.held(&id, u64::MAX - 1, 1).await?.pop();
            let unread = self.unread(&id).await?;
            let me = &self.me().username;
            conversations.push(Conversation {
                id,
                others: head.members.into_iter().filter(|member| member != me).collect(),
                last,
                unread,
            });
        }
        let time = |conversation: &Conversation| conversation.last.as_ref().map_or(0, |message| message.time);
        conversations.sort_unstable_by_key(|conversation| core::cmp::Reverse(time(conversation)));
        Ok(conversations)
    }

    /// The conversation of two with somebody, if there is one.
    pub fn conversation_with(&self, username: &str) -> Option<String> {
        self.shared().copy.direct(username)
    }

    /// The messages and files of a conversation below a number, or the newest: at most `limit`, and at most [`limits::PAGE`].
    ///
    /// What the copy doesn't hold is fetched. Where that isn't possible, the page is shorter and says so.
    ///
    /// # Errors
    /// There is no such conversation; the copy can't be read.
    pub async fn messages(
        &self,
        conversation: &str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page, EngineError> {
        let before = before.unwrap_or(u64::MAX - 1);
        let limit = limit.clamp(1, limits::PAGE);
        loop {
            let head = self.head(conversation)?;
            let messages = self.held(conversation, before, limit).await?;
            let all = messages.len() as u64 >= u64::from(limit);
            let start = messages.first().map_or(before, |message| message.number);
            if all || head.oldest <= head.first {
                let more = all && start > head.first;
                let older = if more { Older::More } else { Older::Nothing };
                return Ok(Page { messages, older });
            }
            match self.fetch_older(conversation, &head, limit).await {
                Ok(()) => {}
                Err(EngineError::Store(error)) => return Err(error.into()),
                Err(error) => {
                    let older = Older::OutOfReach(Box::new(error));
                    return Ok(Page { messages, older });
                }
            }
        }
    }

    /// One message or file, if it is held.
    ///
    /// # Errors
    /// The copy can't be read.
    pub async fn message(&self, conversation: &str, number: u64) -> Result<Option<Message>, EngineError> {
        let mut held = self.held(conversation, number + 1, 1).await?;
        Ok(held.pop().filter(|message| message.number == number))
    }

    /// How many messages and files of others, of those that are held, are above one's own read mark.
    ///
    /// # Errors
    /// The copy can't be read.
    pub async fn unread(&self, conversation: &str) -> Result<u64, EngineError> {
        let generation = self.shared().copy.generation();
        let unread = self.shared().copy.unread(conversation).await;
        self.mended(generation, unread).await
    }

    /// The messages and files of others above one's own read mark that are held, the oldest first: at most
    /// [`limits::PAGE`]. With [`Engine::mark_read`] it is what a bot works through.
    ///
    /// # Errors
    /// The copy can't be read.
    pub async fn unread_messages(&self, conversation: &str) -> Result<Vec<Message>, EngineError> {
        let copy = &self.shared().copy;
        let me = &self.me().username;
        let generation = copy.generation();
        let mut read = copy.mark(conversation, me).read;
        loop {
            let page = copy.page_after(conversation, read, limits::PAGE).await;
            let page = self.mended(generation, page).await?;
            let last = page.last().map(|message| message.number);
            let unread = |message: &Message| message.sender != *me && message.content != Content::Erased;
            let unread: Vec<Message> = page.into_iter().filter(unread).collect();
            match last {
                // All of a page may be one's own.
                Some(last) if unread.is_empty() => read = last,
                _ => return Ok(unread),
            }
        }
    }

    /// How far each person of a conversation has received and read it, as far as that is known.
    pub fn marks(&self, conversation: &str) -> Vec<Mark> {
        self.shared().copy.marks(conversation)
    }

    /// What somebody says of themselves, as far as that is known here.
    pub fn profile(&self, username: &str) -> Option<ProfileInfo> {
        self.shared().copy.profile(username)
    }

    /// The contacts and blocked people.
    pub fn contacts(&self) -> Contacts {
        self.shared().copy.contacts()
    }

    /// What was written and isn't sent yet, in order.
    ///
    /// # Errors
    /// The outbox can't be read.
    pub async fn outbox(&self) -> Result<Vec<Pending>, EngineError> {
        let copy = &self.shared().copy;
        let items = copy.store.outbox().await?;
        let sending = super::lock(&self.shared().sending).clone();
        let pending = |item: crate::local_store::Item| {
            let under_way = sending.contains(&item.id);
            Pending::of(item, under_way, |receiver| copy.direct(receiver))
        };
        Ok(items.into_iter().filter_map(pending).collect())
    }

    pub(super) async fn fetch_older(
        &self,
        conversation: &str,
        head: &Head,
        limit: u32,
    ) -> Result<(), EngineError> {
        let request = Request::History(HistoryRequest {
            conversation: conversation.to_owned(),
            before: Some(head.oldest),
            after: None,
            limit: Some(limit.max(limits::TAIL)),
        });
        let page: LogPage = self.connection()?.call(&request).await?;
        let copy = &self.shared().copy;
        let generation = copy.generation();
        let taken = copy.take(News::History(&page)).await;
        self.mended(generation, taken).await?;
        // Another call may have fetched it too; whoever fetched nothing at all was told nonsense.
        if self.shared().copy.head(conversation).as_ref() == Some(head) {
            let error = Error::Protocol("its history has a gap".to_owned());
            return Err(error.into());
        }
        Ok(())
    }

    pub(super) fn head(&self, conversation: &str) -> Result<Head, EngineError> {
        let head = self.shared().copy.head(conversation);
        head.filter(|_| conversation != self.me().account)
            .ok_or(EngineError::UnknownConversation)
    }

    async fn held(&self, conversation: &str, before: u64, limit: u32) -> Result<Vec<Message>, EngineError> {
        let generation = self.shared().copy.generation();
        let page = self.shared().copy.page(conversation, before, limit).await;
        self.mended(generation, page).await
    }

    /// Begins the copy anew where it turns out to be damaged.
    pub(super) async fn mended<T>(
        &self,
        generation: u64,
        result: Result<T, StoreError>,
    ) -> Result<T, EngineError> {
        if let Err(StoreError::Damaged(_)) = &result {
            self.shared().copy.rebuild(generation).await?;
            self.command(super::Command::Sync).await;
        }
        Ok(result?)
    }
}
