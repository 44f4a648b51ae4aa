//! `cargo xtask …`: the commands that work on this checkout.

mod app;
mod cross;
mod debian;
mod fuzz;
mod load;
mod mobile;
mod process;
mod stages;
mod test;
mod tools;
mod ui;
mod up;
mod web;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use crate::workspace::Workspace;

/// Works on a checkout of Kith. Every command runs from any folder of it.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    Up(up::Up),
    Test(test::Test),
    Load(load::Load),
    Web(web::Web),
    App(app::App),
    Screenshots(ui::Screenshots),
    MeasureApp(ui::MeasureApp),
    CheckMobile(mobile::CheckMobile),
}

fn main() -> ExitCode {
    let command = Command::parse();
    let done = Workspace::find().and_then(|workspace| match command {
        Command::Up(up) => up.run(&workspace),
        Command::Test(test) => test.run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::Load(load) => load.run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::CheckMobile(check) => check.run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::Web(web) => web.command(&workspace).map(|()| ExitCode::SUCCESS),
        Command::App(app) => app.run(&workspace),
        Command::MeasureApp(measure) => measure.run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::Screenshots(screenshots) => screenshots.run(&workspace).map(|()| ExitCode::SUCCESS),
    });
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
