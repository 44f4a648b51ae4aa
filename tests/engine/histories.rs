//! Whatever several people do on several devices, on lines that break: in the end every device shows what a new one
//! would fetch.

use std::cell::RefCell;

use kith_client::{Engine, Guest, Message, Progress};
use kith_common::{ContactAction, FileDetails, FileName};
use kith_tests::{PASSWORD, PATIENCE, Server, Way};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::time::timeout;

use crate::device::{Device, messages, person, target};

/// People, and devices of each.
const PEOPLE: usize = 3;
const DEVICES: usize = 2;

/// Histories that are tried where KITH_HISTORIES doesn't say, and what is done in each.
const HISTORIES: u32 = 6;
const STEPS: usize = 60;

#[derive(Clone, Debug)]
struct Step {
    device: usize,
    action: Action,
}

#[derive(Clone, Debug)]
enum Action {
    Say { to: usize },
    SendFile { to: usize },
    Answer { which: usize },
    Edit { which: usize },
    Delete { which: usize },
    React { which: usize, on: bool, heart: bool },
    Read { which: usize },
    Contact { whom: usize, action: ContactAction },
    Profile,
    Page,
    Cut,
    CutAfter { up: bool, bytes: usize },
    Down,
    Up,
    Restart,
    CatchUp,
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..1000_usize;
    let action = prop_oneof![
        10 => (0..PEOPLE).prop_map(|to| Action::Say { to }),
        1 => (0..PEOPLE).prop_map(|to| Action::SendFile { to }),
        3 => which.clone().prop_map(|which| Action::Answer { which }),
        5 => which.clone().prop_map(|which| Action::Edit { which }),
        4 => which.clone().prop_map(|which| Action::Delete { which }),
        5 => (which.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(which, on, heart)| Action::React { which, on, heart }),
        4 => which.prop_map(|which| Action::Read { which }),
        2 => (0..PEOPLE, contact_action()).prop_map(|(whom, action)| Action::Contact { whom, action }),
        1 => Just(Action::Profile),
        1 => Just(Action::Page),
        2 => Just(Action::Cut),
        2 => (any::<bool>(), 0..1500_usize).prop_map(|(up, bytes)| Action::CutAfter { up, bytes }),
        2 => Just(Action::Down),
        4 => Just(Action::Up),
        1 => Just(Action::Restart),
        3 => Just(Action::CatchUp),
    ];
    (0..PEOPLE * DEVICES, action).prop_map(|(device, action)| Step { device, action })
}

fn contact_action() -> impl Strategy<Value = ContactAction> {
    prop_oneof![
        3 => Just(ContactAction::Add),
        2 => Just(ContactAction::Remove),
        1 => Just(ContactAction::Block),
        3 => Just(ContactAction::Unblock),
    ]
}

#[test]
fn old_state_and_events_are_a_fresh_fetch() {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let round = RefCell::new(0);
    let cases = std::env::var("KITH_HISTORIES")
        .ok()
        .and_then(|text| text.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(HISTORIES),
        max_shrink_iters: 40,
        failure_persistence: None,
        ..Config::default()
    };
    let history = proptest::collection::vec(step(), STEPS..STEPS + 1);
    let result = TestRunner::new(config).run(&history, |steps| {
        *round.borrow_mut() += 1;
        runtime.block_on(play(&server, *round.borrow(), steps));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

async fn play(server: &Server, round: usize, steps: Vec<Step>) {
    let names: Vec<String> = (0..PEOPLE)
        .map(|person| format!("person{person}-{round}"))
        .collect();
    let mut devices = Vec::new();
    for name in &names {
        let guest = Guest::connect(target(server.address, server)).await.unwrap();
        guest
            .register(&person(name), PASSWORD.to_owned(), None)
            .await
            .unwrap();
        guest.close().await;
        for _ in 0..DEVICES {
            devices.push(Device::login(server, name).await);
        }
    }
    for (number, Step { device, action }) in steps.into_iter().enumerate() {
        let this = devices.remove(device);
        devices.insert(device, act(this, &names, number, action).await);
    }
    for device in &mut devices {
        device.proxy.disarm();
        device.proxy.up();
        device.engine.network_changed().await;
    }
    for device in &mut devices {
        device
            .until("all is sent or refused", async |engine| {
                let pending = engine.outbox().await.unwrap();
                pending
                    .iter()
                    .all(|item| matches!(item.progress, Progress::Failed(_)))
            })
            .await;
        for item in device.engine.outbox().await.unwrap() {
            device.engine.discard(item.id).await.unwrap();
        }
    }
    for device in &mut devices {
        device.equals_fresh_fetch(server).await;
    }
    for device in devices {
        device.stop().await;
    }
}

async fn act(device: Device, names: &[String], number: usize, action: Action) -> Device {
    let engine = &device.engine;
    match action {
        Action::Say { to } => {
            engine
                .send(person(&names[to]), format!("text {number}"), None)
                .await
                .unwrap();
        }
        Action::SendFile { to } => {
            let name = FileName::try_from(format!("file {number}")).unwrap();
            engine
                .send_file(
                    person(&names[to]),
                    name,
                    vec![7; 100 * number],
                    FileDetails::default(),
                    None,
                )
                .await
                .unwrap();
        }
        Action::Answer { which } => {
            if let Some((conversation, message)) = pick(engine, which).await {
                let to = kith_client::To::Conversation(conversation);
                engine
                    .send(to, format!("answer {number}"), Some(message.number))
                    .await
                    .unwrap();
            }
        }
        Action::Edit { which } => {
            if let Some((conversation, message)) = pick(engine, which).await {
                engine
                    .edit(&conversation, message.number, format!("edit {number}"))
                    .await
                    .unwrap();
            }
        }
        Action::Delete { which } => {
            if let Some((conversation, message)) = pick(engine, which).await {
                engine.delete(&conversation, message.number).await.unwrap();
            }
        }
        Action::React { which, on, heart } => {
            if let Some((conversation, message)) = pick(engine, which).await {
                let reaction = if heart { "❤️" } else { "👍" };
                engine
                    .react(&conversation, message.number, reaction.to_owned(), on)
                    .await
                    .unwrap();
            }
        }
        Action::Read { which } => {
            if let Some((conversation, message)) = pick(engine, which).await {
                engine.mark_read(&conversation, message.number).await.unwrap();
            }
        }
        Action::Contact { whom, action } => {
            engine
                .change_contact(action, &person(&names[whom]))
                .await
                .unwrap();
        }
        Action::Profile => {
            engine
                .change_profile(None, Some(format!("about {number}")), None)
                .await
                .unwrap();
        }
        Action::Page => {
            pick(engine, 0).await;
        }
        Action::Cut => device.proxy.cut(),
        Action::CutAfter { up, bytes } => device
            .proxy
            .cut_after(if up { Way::Up } else { Way::Down }, bytes),
        Action::Down => device.proxy.down(),
        Action::Up => {
            device.proxy.up();
            engine.network_changed().await;
        }
        Action::Restart => return device.restart().await,
        Action::CatchUp => {
            device.proxy.disarm();
            device.proxy.up();
            engine.network_changed().await;
            timeout(PATIENCE, engine.online()).await.unwrap().unwrap();
        }
    }
    device
}

/// Some message that a device shows.
async fn pick(engine: &Engine, which: usize) -> Option<(String, Message)> {
    let mut all = Vec::new();
    for conversation in engine.conversations().await.unwrap() {
        for message in messages(engine, &conversation.id).await {
            all.push((conversation.id.clone(), message));
        }
    }
    (!all.is_empty()).then(|| all.swap_remove(which % all.len()))
}
