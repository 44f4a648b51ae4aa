use dioxus::prelude::*;

use super::Mark;

/// How a banner looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Something to know.
    #[default]
    Calm,
    /// Something isn't as it should be.
    Warn,
    /// Something has to be done.
    Bad,
}

/// One quiet line across a pane.
#[component]
pub fn Banner(
    #[props(default)] tone: Tone,
    text: String,
    /// What stands beside it and isn't read out with each change.
    #[props(default)]
    children: Element,
    /// What can be done.
    #[props(default)]
    action: Option<String>,
    #[props(default)] onaction: EventHandler<()>,
) -> Element {
    let class = match tone {
        Tone::Calm => "banner calm",
        Tone::Warn => "banner",
        Tone::Bad => "banner bad",
    };
    rsx! {
        div { class, role: "status",
            span { class: "says",
                "{text} "
                span { "aria-hidden": "true", {children} }
            }
            if let Some(action) = action {
                button { r#type: "button", onclick: move |_| onaction.call(()), "{action}" }
            }
        }
    }
}

/// What stands where there is nothing yet: it says what to do next.
#[component]
pub fn Empty(
    title: String,
    #[props(default)] text: Option<String>,
    #[props(default)] children: Element,
) -> Element {
    rsx! {
        div { class: "empty",
            Mark {}
            h2 { "{title}" }
            if let Some(text) = text {
                p { "{text}" }
            }
            {children}
        }
    }
}

/// Something is at work.
#[component]
pub fn Spinner() -> Element {
    rsx! { span { class: "spinner", "aria-hidden": "true" } }
}

/// How far something has come, or that it goes on.
#[component]
pub fn Ring(label: String, #[props(default)] part: Option<f64>) -> Element {
    let percent = part.map(|part| (part.clamp(0.0, 1.0) * 100.0) as u8);
    rsx! {
        svg {
            class: if percent.is_some() { "ring" } else { "ring endless" },
            view_box: "0 0 36 36",
            role: "progressbar",
            "aria-label": "{label}",
            "aria-valuenow": percent.map(|percent| percent.to_string()),
            circle { cx: "18", cy: "18", r: "16" }
            circle { class: "done", cx: "18", cy: "18", r: "16", "pathLength": "100", stroke_dasharray: "{percent.unwrap_or(25)} 100" }
        }
    }
}

/// Lines of a list that is still being read.
#[component]
pub fn Skeleton(lines: usize) -> Element {
    rsx! {
        div { "aria-hidden": "true",
            for line in 0..lines {
                div { key: "{line}", class: "skeleton",
                    i {}
                    i {}
                }
            }
        }
    }
}
