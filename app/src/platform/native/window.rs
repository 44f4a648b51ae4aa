//! The window.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "desktop")]
use dioxus::desktop as shell;
#[cfg(not(feature = "desktop"))]
use dioxus::mobile as shell;
use dioxus::prelude::*;
use serde::{Deserialize, Serialize};
use shell::tao::dpi::LogicalSize;
use shell::tao::event::{Event, WindowEvent};
use shell::tao::window::WindowBuilder;
use shell::{Config, use_wry_event_handler};

use super::RUNTIME;
#[cfg(feature = "desktop")]
use super::device::held_link;
#[cfg(feature = "desktop")]
use super::only_one::{self, Start};
use crate::accounts;
use crate::style;

/// Where the window's size is kept.
const KEY: &str = "window";

/// Whether the window has the focus.
static LOOKED_AT: AtomicBool = AtomicBool::new(true);

thread_local! {
    /// Who wants to know whether somebody looks.
    static LOOKERS: RefCell<Vec<Callback<bool>>> = const { RefCell::new(Vec::new()) };
    /// The window's size before it was maximized.
    static LAST_SIZE: Cell<Option<Size>> = const { Cell::new(None) };
    /// What is shown in the window.
    static ROOT: Cell<Option<fn() -> Element>> = const { Cell::new(None) };
}

/// A size in logical pixels.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Size {
    width: f64,
    height: f64,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            width: 1040.0,
            height: 720.0,
        }
    }
}

/// Opens the window and shows the app in it, until it is closed.
pub fn launch(root: fn() -> Element) {
    // Until the program ends.
    #[cfg(feature = "desktop")]
    let _claim = match only_one::begin(held_link()) {
        Ok(Start::First(claim)) => claim,
        Ok(Start::Second) => return,
        Err(error) => {
            eprintln!("kith: {error}");
            std::process::exit(1)
        }
    };
    let kept = RUNTIME
        .block_on(accounts::setting(KEY))
        .and_then(|kept| serde_json::from_str(&kept).ok());
    let size: Size = kept.unwrap_or_default();
    let window = WindowBuilder::new()
        .with_title("Kith")
        .with_inner_size(LogicalSize::new(size.width, size.height))
        .with_min_inner_size(LogicalSize::new(320.0, 400.0));
    let head = format!(
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1, viewport-fit=cover, \
         interactive-widget=resizes-content\"><style>{}</style>",
        style::SHEET
    );
    let config = Config::new()
        .with_window(window)
        .with_custom_head(head)
        .with_disable_context_menu(true);
    // On macOS it holds the shortcuts for the clipboard.
    let config = if cfg!(target_os = "macos") {
        config
    } else {
        config.with_menu(None)
    };
    ROOT.with(|held| held.set(Some(root)));
    // Dioxus takes the runtime that it finds.
    let _entered = RUNTIME.enter();
    LaunchBuilder::new().with_cfg(config).launch(window_root);
}

/// Watches the window around the app.
fn window_root() -> Element {
    use_wry_event_handler(|event, _| {
        // How macOS hands a link over, which starts no program twice.
        #[cfg(feature = "desktop")]
        if let Event::Opened { urls } = event {
            let links = urls.iter().filter(|url| url.scheme() == "kith");
            for link in links.filter_map(|url| url.as_str().parse().ok()) {
                only_one::open(link);
            }
        }
        if let Event::WindowEvent { event, .. } = event {
            match event {
                WindowEvent::Focused(focused) => {
                    LOOKED_AT.store(*focused, Ordering::Relaxed);
                    LOOKERS.with(|lookers| {
                        for looker in lookers.borrow().clone() {
                            looker.call(*focused);
                        }
                    });
                }
                WindowEvent::Resized(size) => {
                    let window = shell::window();
                    if !window.is_maximized() && window.fullscreen().is_none() {
                        let size: LogicalSize<f64> = size.to_logical(window.scale_factor());
                        LAST_SIZE.with(|last| {
                            last.set(Some(Size {
                                width: size.width,
                                height: size.height,
                            }));
                        });
                    }
                }
                WindowEvent::CloseRequested => keep_size(),
                _ => {}
            }
        }
    });
    #[cfg(feature = "desktop")]
    use_future(|| async {
        loop {
            only_one::wanted().await;
            let window = shell::window();
            window.set_minimized(false);
            window.set_visible(true);
            window.set_focus();
        }
    });
    let root = ROOT.with(Cell::get);
    match root {
        Some(root) => root(),
        None => rsx! {},
    }
}

fn keep_size() {
    if let Some(size) = LAST_SIZE.with(Cell::get)
        && let Ok(size) = serde_json::to_string(&size)
    {
        RUNTIME.block_on(accounts::keep_setting(KEY, size));
    }
}

/// Whether links come while the program runs.
pub const TAKES_LINKS: bool = cfg!(feature = "desktop");

/// Waits until a link has come from another start of the program.
pub async fn next_link() {
    #[cfg(feature = "desktop")]
    only_one::linked().await;
    #[cfg(not(feature = "desktop"))]
    core::future::pending::<()>().await;
}

/// Shows how much wasn't read.
pub fn set_unread(count: u64) {
    let title = if count == 0 {
        "Kith".to_owned()
    } else {
        format!("({count}) Kith")
    };
    shell::window().set_title(&title);
}

/// Whether the window has the focus.
pub fn is_looked_at() -> bool {
    LOOKED_AT.load(Ordering::Relaxed)
}

/// Calls back whenever the window gets or loses the focus, as long as the component lives that asks for it.
pub fn use_looked_at(callback: impl FnMut(bool) + 'static) {
    let callback = use_callback(callback);
    use_hook(|| LOOKERS.with(|lookers| lookers.borrow_mut().push(callback)));
    use_drop(move || {
        LOOKERS.with(|lookers| lookers.borrow_mut().retain(|looker| *looker != callback));
    });
}

/// Whether fingers are used rather than a keyboard.
pub fn is_touch() -> bool {
    cfg!(feature = "mobile")
}
