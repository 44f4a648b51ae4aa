use dioxus::html::FileData;
use dioxus::prelude::*;

use crate::platform;

/// A button to choose files with.
#[component]
pub fn FilePicker(
    class: &'static str,
    /// Its name, where what is in it has no words.
    #[props(default)]
    label: Option<String>,
    name: &'static str,
    /// Which kinds are offered (HTML, accept attribute).
    #[props(default)]
    accept: &'static str,
    #[props(default)] multiple: bool,
    onpick: EventHandler<Vec<FileData>>,
    children: Element,
) -> Element {
    let words = label.clone();
    if platform::PICKS_FILES {
        return rsx! {
            button {
                class,
                r#type: "button",
                title: label,
                "aria-label": words,
                onclick: move |_| {
                    // Going on while another screen is opened.
                    dioxus::core::spawn_forever(async move {
                        let files = platform::pick_files(accept, multiple).await;
                        if !files.is_empty() {
                            onpick.call(files);
                        }
                    });
                },
                {children}
            }
        };
    }
    rsx! {
        label { class, title: label,
            if let Some(words) = words {
                span { class: "hidden", "{words}" }
            }
            input {
                class: "hidden",
                r#type: "file",
                multiple,
                name,
                accept: (!accept.is_empty()).then_some(accept),
                onchange: move |event| onpick.call(event.files()),
            }
            {children}
        }
    }
}
