//! Kith's app: one codebase for the desktop, the browser and the phone.

use dioxus::prelude::*;

fn main() {
    #[cfg(any(feature = "desktop", feature = "mobile", feature = "web"))]
    dioxus::launch(app);
}

#[cfg_attr(
    not(any(feature = "desktop", feature = "mobile", feature = "web")),
    expect(dead_code, reason = "without a platform there is nothing to show it on")
)]
fn app() -> Element {
    rsx! { h1 { "Kith" } }
}
