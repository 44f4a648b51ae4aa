//! The components that the screens are made of. They know nothing of the engine.

mod avatar;
mod controls;
mod dialog;
mod field;
mod file_picker;
mod icon;
mod length;
mod notices;

pub use avatar::{Avatar, Mark};
pub use controls::{Button, Choices, IconButton, Kind, Menu, MenuItem, Spot, Switch};
pub use dialog::{Ask, Dialog};
pub use field::{Field, PasswordField};
pub use file_picker::FilePicker;
pub use icon::{Icon, Sign, drawn};
pub use length::px;
pub use notices::{Banner, Empty, Ring, Skeleton, Spinner, Tone};
