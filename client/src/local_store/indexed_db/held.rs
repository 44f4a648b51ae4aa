//! A database for as long as it is needed.

use std::cell::RefCell;
use std::rc::Rc;

use super::database::{Database, Upgrade};
use super::request::Wait;
use crate::local_store::StoreError;

/// A database that is opened again where the browser has closed it: some do so with pages in the background, and all when a
/// person clears what is stored.
pub(crate) struct HeldDatabase {
    name: String,
    version: u32,
    upgrade: Upgrade,
    /// None once it was let go.
    current: RefCell<Option<Rc<Database>>>,
}

impl HeldDatabase {
    /// As [`Database::open`].
    pub(crate) async fn open(name: String, version: u32, upgrade: Upgrade) -> Result<Rc<Self>, StoreError> {
        let database = Database::open(&name, version, upgrade).await?;
        Ok(Rc::new(Self {
            name,
            version,
            upgrade,
            current: RefCell::new(Some(Rc::new(database))),
        }))
    }

    /// The database.
    pub(crate) fn database(&self) -> Wait<'_, Rc<Database>> {
        Box::pin(async {
            let current = self.current.borrow().clone().ok_or(StoreError::Closed)?;
            if !current.is_lost() {
                return Ok(current);
            }
            let again = Database::open(&self.name, self.version, self.upgrade).await?;
            let again = Rc::new(again);
            // It may have been let go meanwhile.
            if let Some(current) = self.current.borrow_mut().as_mut() {
                *current = Rc::clone(&again);
            }
            Ok(again)
        })
    }

    /// Lets go of it. It is closed with the last use of it.
    pub(crate) fn let_go(&self) {
        self.current.take();
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}
