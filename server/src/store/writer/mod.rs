//! The one writer: everything that changes the database goes through its queue.
//!
//! It takes all that waits, writes it in one transaction, and only after the commit (which is an fsync) tells the
//! writers that it is stored and the hub what to fan out. So many writers share one fsync, an acknowledgement
//! survives a power cut, and nothing is ever announced that could still be lost.

mod append;
mod marks;
mod scope;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection, TransactionTrait};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

pub(super) use append::padded;
pub use scope::Author;
pub(super) use scope::{Previous, Scope};

use super::error::StoreError;
use super::marks::{Marks, Raise};
use super::open::begin_writing;
use super::types::{Announcement, Append, Receipt, Stored};
use crate::clock::Clock;

/// Most writes that wait for the writer; further ones wait at their own connection.
const QUEUE: usize = 8192;

/// Most bytes of content that wait with them; likewise.
const QUEUE_BYTES: u32 = 64 * 1024 * 1024;

/// Most writes in one transaction, so that a batch takes tens of milliseconds at the worst.
const BATCH: usize = 1024;

/// Most bytes of content in one transaction.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How long a connection that failed may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

/// Called with the outcome of an append, after the commit.
pub type Completion = Box<dyn FnOnce(Result<Receipt, StoreError>) + Send>;

/// Is told what was committed, in order.
pub trait Observer: Send + Sync {
    /// These events are stored now.
    fn committed(&self, events: &[Stored]);

    /// This has changed now.
    fn announced(&self, changes: &[Announcement]);
}

pub(super) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A write that isn't a plain append: some statements that belong together.
trait Change: Send {
    fn apply<'a>(&'a mut self, scope: &'a mut Scope) -> BoxFuture<'a, Result<(), StoreError>>;
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);
}

enum Work {
    Append(Append, Completion, OwnedSemaphorePermit),
    Change(Box<dyn Change>),
    Raise(Raise, Answer),
}

/// Where the marks in force go.
type Answer = oneshot::Sender<Result<Marks, StoreError>>;

/// The writer's end that everybody holds.
#[derive(Clone)]
pub(super) struct WriterHandle {
    queue: mpsc::Sender<Work>,
    room: Arc<Semaphore>,
}

impl WriterHandle {
    /// Queues an append; waits while the queue is full.
    pub(super) async fn append(&self, append: Append, completion: Completion) {
        let size = u32::try_from(append.body.len()).map_or(QUEUE_BYTES, |size| size.min(QUEUE_BYTES));
        let Ok(room) = self.room.clone().acquire_many_owned(size).await else {
            return completion(Err(StoreError::Busy));
        };
        if let Err(mpsc::error::SendError(Work::Append(_, completion, _))) =
            self.queue.send(Work::Append(append, completion, room)).await
        {
            completion(Err(StoreError::Busy));
        }
    }

    /// Raises somebody's marks; returns those in force, after the commit.
    pub(super) async fn raise(&self, raise: Raise) -> Result<Marks, StoreError> {
        let (answer, marks) = oneshot::channel();
        let queued = self.queue.send(Work::Raise(raise, answer)).await;
        queued.map_err(|_| StoreError::Busy)?;
        marks.await.unwrap_or(Err(StoreError::Busy))
    }

    /// Runs statements in the writer's transaction and returns what they gave, after the commit.
    pub(super) async fn change<T, F>(&self, statements: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(&'a mut Scope) -> BoxFuture<'a, Result<T, StoreError>> + Send + 'static,
    {
        let (done, outcome) = oneshot::channel();
        let change = Box::new(Statements {
            statements: Some(statements),
            value: None,
            done,
        });
        self.queue
            .send(Work::Change(change))
            .await
            .map_err(|_| StoreError::Busy)?;
        outcome.await.unwrap_or(Err(StoreError::Busy))
    }
}

struct Statements<F, T> {
    statements: Option<F>,
    value: Option<T>,
    done: oneshot::Sender<Result<T, StoreError>>,
}

impl<F, T> Change for Statements<F, T>
where
    T: Send,
    F: for<'a> FnOnce(&'a mut Scope) -> BoxFuture<'a, Result<T, StoreError>> + Send,
{
    fn apply<'a>(&'a mut self, scope: &'a mut Scope) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some(statements) = self.statements.take() {
                self.value = Some(statements(scope).await?);
            }
            Ok(())
        })
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, done, .. } = *self;
        // Whoever asked may have gone; the change stands all the same.
        let _ = done.send(outcome.and_then(|()| value.ok_or(StoreError::Busy)));
    }
}

/// Starts the writer. It ends, after what is queued, when every handle was dropped.
pub(super) fn spawn(
    options: ConnectOptions,
    connection: DatabaseConnection,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
) -> (WriterHandle, JoinHandle<()>) {
    let (queue, receiver) = mpsc::channel(QUEUE);
    let writer = Writer {
        options,
        connection,
        clock,
        observer,
    };
    let room = Arc::new(Semaphore::new(QUEUE_BYTES as usize));
    (WriterHandle { queue, room }, tokio::spawn(writer.run(receiver)))
}

struct Writer {
    options: ConnectOptions,
    connection: DatabaseConnection,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
}

/// What of a batch is to be told after the commit.
#[derive(Default)]
struct Outcome {
    events: Vec<Stored>,
    announcements: Vec<Announcement>,
    receipts: Vec<Result<Receipt, StoreError>>,
    changes: Vec<Result<(), StoreError>>,
    marks: Vec<Result<Marks, StoreError>>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Work>) {
        while let Some(first) = queue.recv().await {
            let mut batch = Batch::default();
            batch.add(first);
            while batch.has_room() {
                let Ok(work) = queue.try_recv() else { break };
                batch.add(work);
            }
            let outcome = self.write(&mut batch).await;
            let failed = outcome.is_err();
            if let Err(error) = &outcome {
                tracing::error!(target: "error", %error, "writing failed; nothing of the batch was stored");
            }
            self.tell(batch, outcome);
            if failed {
                self.reconnect().await;
            }
        }
        if let Err(error) = self.connection.close().await {
            tracing::error!(target: "error", %error, "closing the database failed");
        }
    }

    async fn write(&self, batch: &mut Batch) -> Result<Outcome, StoreError> {
        let transaction = begin_writing(&self.connection).await?;
        let now = self.clock.now();
        let mut outcome = Outcome::default();
        for change in &mut batch.changes {
            let mut scope = Scope::new(transaction.begin().await?, now);
            match change.apply(&mut scope).await {
                Ok(()) => {
                    let (mut events, mut announcements) = scope.commit().await?;
                    outcome.events.append(&mut events);
                    outcome.announcements.append(&mut announcements);
                    outcome.changes.push(Ok(()));
                }
                Err(error @ StoreError::Database(_)) if !error.is_constraint() => return Err(error),
                Err(error) => {
                    scope.rollback().await?;
                    outcome.changes.push(Err(error));
                }
            }
        }
        if !batch.appends.is_empty() {
            let (receipts, mut events) = append::append_all(&transaction, now, &batch.appends).await?;
            outcome.receipts = receipts;
            outcome.events.append(&mut events);
        }
        if !batch.raises.is_empty() {
            let (marks, mut announcements) = marks::raise_all(&transaction, &batch.raises).await?;
            outcome.marks = marks;
            outcome.announcements.append(&mut announcements);
        }
        transaction.commit().await?;
        Ok(outcome)
    }

    /// After a failure of the database the state of the connection is unknown: a new one is certain.
    async fn reconnect(&mut self) {
        // A database that is gone doesn't answer.
        let _ = tokio::time::timeout(FAREWELL, self.connection.close_by_ref()).await;
        match Database::connect(self.options.clone()).await {
            Ok(connection) => self.connection = connection,
            // The closed one stays: the next batch fails too and tries again.
            Err(error) => tracing::error!(target: "error", %error, "can't open the database again"),
        }
    }

    fn tell(&self, batch: Batch, outcome: Result<Outcome, StoreError>) {
        match outcome {
            Ok(outcome) => {
                // The writers first: so a connection knows its own events before others that came after them.
                for (completion, receipt) in batch.completions.into_iter().zip(outcome.receipts) {
                    completion(receipt);
                }
                if !outcome.events.is_empty() {
                    self.observer.committed(&outcome.events);
                }
                if !outcome.announcements.is_empty() {
                    self.observer.announced(&outcome.announcements);
                }
                // And these last: what follows from a change, such as the end of a session, comes after its event.
                for (change, result) in batch.changes.into_iter().zip(outcome.changes) {
                    change.finish(result);
                }
                for (answer, marks) in batch.answers.into_iter().zip(outcome.marks) {
                    // Whoever asked may have gone; the marks stand all the same.
                    let _ = answer.send(marks);
                }
            }
            Err(error) => {
                for completion in batch.completions {
                    completion(Err(error.clone()));
                }
                for change in batch.changes {
                    change.finish(Err(error.clone()));
                }
                for answer in batch.answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }
}

#[derive(Default)]
struct Batch {
    appends: Vec<Append>,
    completions: Vec<Completion>,
    changes: Vec<Box<dyn Change>>,
    raises: Vec<Raise>,
    answers: Vec<Answer>,
    bytes: usize,
    /// The places in the queue, given back once the batch is written.
    room: Vec<OwnedSemaphorePermit>,
}

impl Batch {
    fn add(&mut self, work: Work) {
        match work {
            Work::Append(append, completion, room) => {
                self.bytes += append.body.len();
                self.appends.push(append);
                self.completions.push(completion);
                self.room.push(room);
            }
            Work::Change(change) => self.changes.push(change),
            Work::Raise(raise, answer) => {
                self.raises.push(raise);
                self.answers.push(answer);
            }
        }
    }

    fn has_room(&self) -> bool {
        self.appends.len() + self.changes.len() + self.raises.len() < BATCH && self.bytes < BATCH_BYTES
    }
}
