use std::collections::BTreeSet;

use dioxus::html::geometry::PixelsVector2D;
use dioxus::prelude::*;

use super::entry::EntryRow;
use crate::model::timeline::{Key, View};
use crate::platform;
use crate::settings::use_words;
use crate::state::{Above, Chat, Heights, Shared};
use crate::text;
use crate::ui::{Button, Icon, Kind, Sign, Spinner, px};

/// Pixels from the newest message within which somebody counts as looking at it.
const AT_NEWEST: f64 = 60.0;

/// Pixels from the oldest message at which more is fetched.
const FETCH: f64 = 1_600.0;

/// Pixels above and below what is seen in which blocks are shown; those further away leave a gap of their height.
const AROUND: f64 = 1_600.0;

/// Pixels of scrolling after which it is looked again which blocks are shown.
const STEP: f64 = 400.0;

/// Blocks that are shown again at a time; then scrolling goes on before others are.
const AT_ONCE: usize = 1;

/// The messages. The box scrolls from its bottom (`column-reverse`), so that what is added above moves nothing.
#[component]
pub(super) fn TimelineBox() -> Element {
    let words = use_words();
    let chat: Chat = use_context();
    let mut element = use_signal(|| None::<std::rc::Rc<MountedData>>);
    let heights = use_hook(|| CopyValue::new(Heights::new()));
    let parked = use_signal(BTreeSet::<u64>::new);
    let mut looked = use_hook(|| CopyValue::new(Seen::default()));
    let mut looking = use_hook(|| CopyValue::new(false));
    let mut far = use_signal(|| false);
    let onscroll = move |event: ScrollEvent| {
        let data = event.data();
        // Some engines count downwards from the bottom, some upwards.
        let from_bottom = data.scroll_top().abs();
        let seen = f64::from(data.client_height());
        let above = f64::from(data.scroll_height()) - seen - from_bottom;
        let is_far = from_bottom > AT_NEWEST;
        if is_far != *far.peek() {
            far.set(is_far);
            if is_far {
                chat.hold();
            } else {
                chat.release();
                spawn(async move { chat.read().await });
            }
        }
        if (from_bottom - looked.peek().from_bottom).abs() > STEP {
            looked.set(Seen {
                from_bottom,
                height: seen,
            });
            if !looking.replace(true) {
                spawn(async move {
                    while look(chat, parked, heights, *looked.peek()) {
                        platform::next_frame().await;
                    }
                    looking.set(false);
                });
            }
        }
        if above < FETCH && *chat.above.peek() == Above::More {
            spawn(async move { chat.fetch_older().await });
        }
    };
    let to_newest = move |behavior: ScrollBehavior| {
        chat.release();
        if let Some(element) = element.peek().clone() {
            spawn(async move {
                let bottom = PixelsVector2D::new(0.0, 0.0);
                let _ = element.scroll(bottom, behavior).await;
            });
        }
    };
    // What one sends oneself is looked at.
    use_effect(move || {
        let sent = *chat.sent.read();
        if sent > 0 && *far.peek() {
            to_newest(ScrollBehavior::Instant);
        }
    });
    let held = *chat.held.read();
    let below = *chat.below.read();
    let nothing = chat.views.read().is_empty() && chat.waiting.read().is_empty();
    rsx! {
        div { class: "timeline-box",
            div {
                class: "timeline-scroll scroll",
                // Scrolls with the keyboard.
                tabindex: "0",
                role: "log",
                "aria-label": words.chats,
                "aria-live": "polite",
                onmounted: move |event| element.set(Some(event.data())),
                onscroll,
                div { class: "timeline",
                    Top { nothing }
                    for (key, part) in parts(&chat.views.read(), &parked.read(), &heights.peek()) {
                        Block {
                            key: "{key}",
                            held: held.filter(|held| part.ends_after(*held)),
                            part,
                            heights,
                        }
                    }
                    for entry in chat.waiting.read().iter().cloned() {
                        EntryRow { key: "{entry.key}", entry }
                    }
                }
            }
            if far() {
                button { class: "jump", r#type: "button", onclick: move |_| to_newest(ScrollBehavior::Smooth),
                    if below > 0 {
                        span { {(words.new_below)(below)} }
                    }
                    span { class: "hidden", {words.jump} }
                    Icon { sign: Sign::Down }
                }
            }
        }
    }
}

/// The part of the messages that is seen, in pixels.
#[derive(Clone, Copy, Default)]
struct Seen {
    from_bottom: f64,
    height: f64,
}

/// Leaves out the blocks that are so far from what is seen that their height is enough, and shows those again that aren't, the
/// nearest first. Whether there are more of them.
fn look(chat: Chat, mut parked: Signal<BTreeSet<u64>>, heights: CopyValue<Heights>, seen: Seen) -> bool {
    let mut end = 0.0;
    let mut far = BTreeSet::new();
    let mut back = Vec::new();
    for view in chat.views.peek().iter().rev() {
        let number = view.0.number;
        let Some(height) = heights.peek().get(&number).copied() else {
            continue;
        };
        let begin = end;
        end += height;
        let away = (seen.from_bottom - end).max(begin - seen.from_bottom - seen.height);
        if away > AROUND {
            far.insert(number);
        } else if parked.peek().contains(&number) {
            back.push((away, number));
        }
    }
    back.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
    let later = back.iter().skip(AT_ONCE).map(|(_, number)| *number);
    far.extend(later);
    if *parked.peek() != far {
        parked.set(far);
    }
    back.len() > AT_ONCE
}

fn is_newer(key: Key, than: u64) -> bool {
    matches!(key, Key::Stored(number) if number > than)
}

/// What stands in the timeline.
#[derive(Clone, PartialEq)]
enum Part {
    /// What blocks beside each other leave that aren't shown: so many pixels.
    Gap(f64),
    /// A block that is shown.
    Block(Shared<View>),
}

impl Part {
    /// Whether it holds a message with a greater number.
    fn ends_after(&self, number: u64) -> bool {
        match self {
            Self::Gap(_) => false,
            Self::Block(view) => view
                .0
                .entries
                .last()
                .is_some_and(|entry| is_newer(entry.key, number)),
        }
    }
}

/// Blocks, and the gaps between them, with their keys: as few parts as can be, however many messages are loaded.
fn parts(views: &[Shared<View>], parked: &BTreeSet<u64>, heights: &Heights) -> Vec<(i64, Part)> {
    let mut parts: Vec<(i64, Part)> = Vec::new();
    let mut gaps = 0;
    for view in views {
        let number = view.0.number;
        let height = heights.get(&number).filter(|_| parked.contains(&number));
        match (height, parts.last_mut()) {
            (Some(more), Some((_, Part::Gap(height)))) => *height += more,
            (Some(height), _) => {
                // No block has such a number.
                gaps -= 1;
                parts.push((gaps, Part::Gap(*height)));
            }
            (None, _) => parts.push((number.cast_signed(), Part::Block(view.clone()))),
        }
    }
    parts
}

/// A block of messages, or a gap.
#[component]
fn Block(
    part: Part,
    /// The newest number that is shown of it.
    held: Option<u64>,
    heights: CopyValue<Heights>,
) -> Element {
    let view = match part {
        Part::Gap(height) => return rsx! { div { class: "gap", height: px(height) } },
        Part::Block(view) => view,
    };
    let number = view.0.number;
    let shown = view
        .0
        .entries
        .iter()
        .filter(|entry| held.is_none_or(|held| !is_newer(entry.key, held)));
    rsx! {
        div {
            class: "block",
            onresize: move |event| {
                if let Ok(size) = event.get_border_box_size() {
                    heights.write().insert(number, size.height);
                }
            },
            for entry in shown.cloned() {
                EntryRow { key: "{entry.key}", entry }
            }
        }
    }
}

/// What stands above the oldest message.
#[component]
fn Top(nothing: bool) -> Element {
    let words = use_words();
    let chat: Chat = use_context();
    let again = move |_| {
        spawn(async move { chat.fetch_older().await });
    };
    match &*chat.above.read() {
        Above::Unknown | Above::More => rsx! {},
        Above::Loading => rsx! { div { class: "begin", Spinner {} } },
        Above::Nothing => rsx! {
            p { class: "begin",
                {words.begin}
                if nothing {
                    br {}
                    {words.say_hello}
                }
            }
        },
        Above::OutOfReach(error) => {
            let why = text::why_engine(words, error);
            rsx! {
                div { class: "begin",
                    p { title: "{why}", {words.out_of_reach} }
                    Button { kind: Kind::Text, onclick: again, {words.try_again} }
                }
            }
        }
    }
}
