//! What comes from standard input, and arguments that want a second look.

use std::fmt;
use std::str::FromStr;

use bridge_core::{MessageId, Seq};
use clap::Args;

use super::RoomCommand;
use crate::cli::input::{standard_input, text_or_stdin};
use crate::client::ClientError;
use crate::wire::frame::Password;

/// A room's password.
#[derive(Debug, Default, Args)]
pub struct PasswordArgs {
    /// The room's password; arguments can be seen by every user of the machine
    #[arg(long, value_name = "PASSWORD", conflicts_with = "password_stdin")]
    password: Option<Secret>,
    /// Read the room's password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

/// An argument that does not show itself.
#[derive(Clone)]
struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PasswordArgs {
    /// The password that was given, if one was.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn password(&self) -> Result<Option<Password>, ClientError> {
        let Some(Secret(text)) = &self.password else {
            return Ok(None);
        };
        let invalid = |why| ClientError::Input(format!("the password {why}"));
        Password::try_from(text.clone()).map(Some).map_err(invalid)
    }
}

/// The message that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyTo {
    /// By its id.
    Id(MessageId),
    /// By its place in the room's log, which is what people see.
    Seq(Seq),
}

impl FromStr for ReplyTo {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        if let Ok(seq) = digits.parse() {
            return Ok(Self::Seq(Seq::new(seq)));
        }
        text.parse()
            .map(Self::Id)
            .map_err(|_| "must be a message's id (msg_…) or its seq, as in 12")
    }
}

/// Puts what standard input holds into the command that wants it.
///
/// # Errors
/// When there is nothing to read, or it is no text.
pub(super) fn read(mut command: RoomCommand) -> Result<RoomCommand, ClientError> {
    match &mut command {
        RoomCommand::Create(args) => fill_password(&mut args.password)?,
        RoomCommand::Join(args) => fill_password(&mut args.password)?,
        RoomCommand::Post(args) => args.text = Some(text_or_stdin(args.text.take())?),
        _ => {}
    }
    Ok(command)
}

fn fill_password(args: &mut PasswordArgs) -> Result<(), ClientError> {
    if args.password_stdin {
        let text = standard_input()?;
        let line = text.lines().next().unwrap_or_default();
        args.password = Some(Secret(line.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_a_message_by_id_or_seq() {
        assert_eq!("12".parse(), Ok(ReplyTo::Seq(Seq::new(12))));
        assert_eq!("#12".parse(), Ok(ReplyTo::Seq(Seq::new(12))));
        let id = "msg_00000000000000000000000000000007";
        assert_eq!(id.parse(), Ok(ReplyTo::Id(id.parse().expect("an id"))));
        for bad in [
            "",
            "#",
            "-1",
            "msg_7",
            "ses_00000000000000000000000000000007",
        ] {
            assert!(bad.parse::<ReplyTo>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_do_not_show_themselves() {
        let args = PasswordArgs {
            password: Some(Secret("hunter2".into())),
            password_stdin: false,
        };
        assert!(!format!("{args:?}").contains("hunter2"));
        let password = args.password().expect("short enough").expect("given");
        assert_eq!(password.reveal(), "hunter2");
        let empty = PasswordArgs {
            password: Some(Secret(String::new())),
            ..args
        };
        assert!(matches!(empty.password(), Err(ClientError::Input(_))));
    }
}
