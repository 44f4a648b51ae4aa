use dioxus::prelude::*;
use kith_common::Presence;

use crate::model::people;

/// Somebody's picture, or their letters on a colour of their own.
#[component]
pub fn Avatar(
    /// Decides the colour.
    username: String,
    /// Decides the letters.
    name: String,
    /// An address of the picture.
    #[props(default)]
    picture: Option<String>,
    /// Shown as a dot.
    #[props(default)]
    presence: Presence,
    /// `small`, `large` or nothing.
    #[props(default)]
    size: &'static str,
) -> Element {
    let hue = people::hue(&username);
    let letters = people::initials(&name);
    rsx! {
        span { class: "avatar {size}", "data-hue": "{hue}", "aria-hidden": "true",
            if let Some(picture) = picture {
                img { src: "{picture}", alt: "" }
            } else {
                "{letters}"
            }
            match presence {
                Presence::Offline => rsx! {},
                Presence::Away => rsx! { span { class: "presence away" } },
                Presence::Online => rsx! { span { class: "presence" } },
            }
        }
    }
}

/// The sign of Kith: a letter of two people, one of whom leans on the other.
#[component]
pub fn Mark() -> Element {
    rsx! {
        svg { class: "mark", view_box: "0 0 64 64", "aria-hidden": "true",
            rect { width: "64", height: "64", rx: "18", fill: "#b2421a" }
            g { fill: "none", "stroke-width": "8.5", "stroke-linecap": "round",
                path { d: "M31 33.5 44 18", stroke: "#ffc7a6" }
                path { d: "M22 17v30M31 33.5 44 47", stroke: "#ffffff" }
            }
        }
    }
}
