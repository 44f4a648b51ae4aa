use sea_orm::{DbErr, SqlErr};

/// Why the store did not do what it was asked. Nothing of a failed write is kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row, or none that the account may see.
    #[error("not found")]
    NotFound,
    /// The person written to has blocked the sender.
    #[error("blocked by the receiver")]
    BlockedByOther,
    /// The sender has blocked the person written to.
    #[error("the receiver is blocked by the sender")]
    BlockedBySelf,
    /// The account was disabled or deleted since the session began.
    #[error("the account is not active")]
    Inactive,
    /// The `client_id` was used for something else.
    #[error("the client_id was used with other content")]
    ClientIdReused,
    /// `expect` named another number than the next one.
    #[error("the log has moved on")]
    ExpectFailed,
    /// There is no such event in the log, or none that can be answered.
    #[error("there is no such event")]
    TargetMissing,
    /// The event was erased.
    #[error("the event was erased")]
    TargetErased,
    /// The event is of a kind that this can't be done with.
    #[error("the event is of another kind")]
    TargetUnfit,
    /// The event is somebody else's.
    #[error("the event is somebody else's")]
    TargetForeign,
    /// There is no such upload of the sender's, it isn't complete, or it was announced already.
    #[error("there is no such complete upload")]
    UploadMissing,
    /// The account's files take all the room that they may take.
    #[error("the account has no room left")]
    AccountFull,
    /// The files of all take all the room that they may take.
    #[error("the server has no room left")]
    ServerFull,
    /// The account has as many uploads as it may have.
    #[error("too many uploads")]
    TooManyUploads,
    /// The password is another one by now than the one that was checked.
    #[error("the password was changed")]
    PasswordChanged,
    /// The user name is or was somebody's.
    #[error("the name is taken")]
    NameTaken,
    /// The invite is unknown, used or expired.
    #[error("the invite is not valid")]
    BadInvite,
    /// The writer has too much to do, or is ending.
    #[error("the writer's queue is full or closed")]
    Busy,
    /// The database failed: disk full, locked, damaged.
    #[error("database: {0}")]
    Database(DbErr),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

impl StoreError {
    /// Whether a constraint of the schema was what failed, so that the rows themselves are to blame.
    pub(super) fn is_constraint(&self) -> bool {
        matches!(self, Self::Database(error) if error.sql_err().is_some())
    }

    /// Whether a unique index was what failed.
    pub(super) fn is_unique(&self) -> bool {
        matches!(self, Self::Database(error)
            if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
    }
}
