//! What is made from the description of the command line.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::failure::Failure;

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "kith-cli", &mut script);
    print(&script)
}

/// Prints the man page: one for all, with a section for each subcommand.
pub(crate) fn man() -> Result<(), Failure> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let mut page = Vec::new();
    let written = clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .and_then(|()| sections(&command, "", &mut page));
    written.map_err(|error| Failure::output(&error))?;
    print(&page)
}

/// The options of each subcommand, which the library leaves to pages of their own.
fn sections(command: &clap::Command, path: &str, page: &mut Vec<u8>) -> io::Result<()> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let path = format!("{path}{} ", sub.get_name());
        writeln!(
            page,
            ".SH \"KITH\\-CLI {}\"",
            path.trim_end().to_uppercase().replace('-', "\\-")
        )?;
        let man = clap_mangen::Man::new(sub.clone());
        man.render_synopsis_section(page)?;
        man.render_description_section(page)?;
        // What holds for all of them stands in front.
        let own = |argument: &clap::Arg| !argument.is_global_set() && argument.get_id() != "help";
        if sub.get_arguments().any(own) {
            let hide = |argument: clap::Arg| {
                let hidden = !own(&argument);
                argument.hide(hidden)
            };
            clap_mangen::Man::new(sub.clone().mut_args(hide)).render_options_section(page)?;
        }
        sections(sub, &path, page)?;
    }
    Ok(())
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| Failure::output(&error))
}
