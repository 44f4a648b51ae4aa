use dioxus::prelude::*;

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Goes back.
    Back,
    /// Adds a person.
    PersonPlus,
    /// Searches.
    Search,
    /// Settings.
    Settings,
    /// Sends.
    Send,
    /// Attaches a file.
    Attach,
    /// A smiling face.
    Smile,
    /// Closes or takes away.
    Close,
    /// More to do.
    More,
    /// Answers.
    Reply,
    /// Changes.
    Edit,
    /// Deletes.
    Trash,
    /// Copies.
    Copy,
    /// Stored.
    Check,
    /// Delivered or read.
    Checks,
    /// Waits.
    Clock,
    /// Something is wrong.
    Alert,
    /// Goes down.
    Down,
    /// Saves.
    Save,
    /// A file.
    File,
    /// A picture.
    Picture,
    /// A film.
    Film,
    /// Sound.
    Sound,
    /// A packed file.
    Archive,
    /// Secured.
    Lock,
    /// Shows a secret.
    Eye,
    /// Hides a secret.
    EyeOff,
    /// Blocks.
    Block,
    /// Logs out.
    LogOut,
    /// A device.
    Device,
    /// Plays.
    Play,
    /// Holds up.
    Pause,
    /// Goes on to the next.
    Next,
}

/// The lines of an icon in a square of 24, as one path.
fn lines(sign: Sign) -> &'static str {
    match sign {
        Sign::Back => "M15 5l-7 7 7 7",
        Sign::PersonPlus => {
            "M10 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM3 21c0-4 3-6.5 7-6.5s7 2.5 7 6.5M19 7v6M16 10h6"
        }
        Sign::Search => "M10.5 17.5a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20.5 20.5l-5-5",
        Sign::Settings => {
            "M4 7h9M17.5 7H20M4 17h2.5M11 17h9M15.3 9.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6zM8.7 19.3a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6z"
        }
        Sign::Send => "M5 12l-1.5-7.5L21 12 3.5 19.5 5 12zM5 12h7",
        Sign::Attach => {
            "M20 11.5l-8.3 8.3a5.2 5.2 0 0 1-7.4-7.4l8.5-8.4a3.5 3.5 0 0 1 4.9 4.9l-8.4 8.4a1.7 1.7 0 0 1-2.4-2.4l7.7-7.7"
        }
        Sign::Smile => {
            "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 14c1 1.7 2.3 2.5 4 2.5s3-.8 4-2.5M9 9.2v.8M15 9.2v.8"
        }
        Sign::Close => "M6 6l12 12M18 6L6 18",
        Sign::More => {
            "M4.5 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0zM11 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0zM17.5 12a1 1 0 1 0 2 0 1 1 0 1 0-2 0z"
        }
        Sign::Reply => "M9.5 6L4 11.5 9.5 17M4 11.5h9.5c3.6 0 6.5 2.4 6.5 6.5",
        Sign::Edit => "M4 20l1-4.5L16.5 4 20 7.5 8.5 19 4 20zM14 6.5l3.5 3.5",
        Sign::Trash => "M4.5 6.5h15M9 6.5V4h6v2.5M6.5 6.5l.8 13.5h9.4l.8-13.5M10 10.5v6M14 10.5v6",
        Sign::Copy => "M9 9h11v11H9zM15 9V4H4v11h5",
        Sign::Check => "M5 12.5l4.5 4.5L19 7.5",
        Sign::Checks => "M1.5 12.5l4.5 4.5 8.5-9.5M11 16.3l.7.7L20.5 7.5",
        Sign::Clock => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
        Sign::Alert => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7.5v5.5M12 16.4v.1",
        Sign::Down => "M12 5v14M6 13l6 6 6-6",
        Sign::Save => "M12 4v11M7 10.5l5 5 5-5M4.5 20h15",
        Sign::File => "M6 3h8l4.5 4.5V21H6zM14 3v5h4.5",
        Sign::Picture => "M4 5h16v14H4zM4 16l4.5-4.5L13 16l3-3 4 4M15.5 9.5h.01",
        Sign::Film => "M3.5 6h12v12h-12zM15.5 10.5l5-3v9l-5-3",
        Sign::Sound => {
            "M9 18V5.5l11-2V16M6.5 20.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM17.5 18.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z"
        }
        Sign::Archive => "M4 8h16v12H4zM3 4h18v4H3zM10 12h4",
        Sign::Lock => "M5.5 11h13v9.5h-13zM8 11V7.5a4 4 0 0 1 8 0V11",
        Sign::Eye => {
            "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z"
        }
        Sign::EyeOff => "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM4 20L20 4",
        Sign::Block => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.7 5.7l12.6 12.6",
        Sign::LogOut => "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
        Sign::Device => "M7 3h10v18H7zM11 18h2",
        Sign::Play => "M8 5.5v13l10.5-6.5z",
        Sign::Pause => "M9 6v12M15 6v12",
        Sign::Next => "M9 5l7 7-7 7",
    }
}

/// An icon. It says nothing to a screen reader: what it stands for is said beside it.
#[component]
pub fn Icon(sign: Sign, #[props(default)] class: &'static str) -> Element {
    drawn(sign, class)
}

/// An icon that is no component: for what is there many times.
pub fn drawn(sign: Sign, class: &'static str) -> Element {
    rsx! {
        svg {
            class: "icon {class}",
            view_box: "0 0 24 24",
            "aria-hidden": "true",
            path { d: lines(sign) }
        }
    }
}
