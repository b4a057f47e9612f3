//! Where the answers of client commands go, and in which form.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use serde_json::{Value, json};

use super::show::{self, Paint};
use crate::client::{ClientError, Refusal};

/// In which form answers are shown.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Print JSON: one document, or one object a line where there is no end
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// Print no colours; they are only for terminals anyway
    #[arg(
        long,
        global = true,
        env = "NO_COLOR",
        value_name = "ANYTHING",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        hide_env_values = true,
        help_heading = "Output"
    )]
    pub no_color: Option<String>,
}

/// Standard output, with a form.
#[derive(Debug)]
pub struct Output {
    is_json: bool,
    paint: Paint,
    out: io::Stdout,
}

impl OutputArgs {
    /// Whether colours are wanted. An empty `NO_COLOR` forbids nothing (<https://no-color.org>).
    #[must_use]
    pub fn paint(&self, is_terminal: bool) -> Paint {
        let is_forbidden = self
            .no_color
            .as_ref()
            .is_some_and(|value| !value.is_empty());
        Paint::new(is_terminal && !is_forbidden)
    }
}

impl Output {
    /// Standard output, in the form that the arguments ask for.
    #[must_use]
    pub fn new(args: &OutputArgs) -> Self {
        let out = io::stdout();
        Self {
            is_json: args.json,
            paint: args.paint(out.is_terminal()),
            out,
        }
    }

    /// Whether programs read this.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.is_json
    }

    /// The colours.
    #[must_use]
    pub const fn paint(&self) -> Paint {
        self.paint
    }

    /// Shows an answer: as one JSON document, or in the words that `human` finds for it.
    ///
    /// # Errors
    /// When it cannot be written, or `human` cannot make sense of it.
    pub fn answer(
        &mut self,
        answer: &Value,
        human: impl FnOnce(Paint) -> Result<String, ClientError>,
    ) -> Result<(), ClientError> {
        let text = if self.is_json {
            show::json_document(answer)
        } else {
            human(self.paint)?
        };
        self.line(&text)
    }

    /// One line of JSON, for what has no end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn json_line(&mut self, value: &Value) -> Result<(), ClientError> {
        self.line(&show::json_line(value))
    }

    /// Text that is safe to show, as it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn line(&mut self, text: &str) -> Result<(), ClientError> {
        let mut out = self.out.lock();
        writeln!(out, "{}", text.trim_end_matches('\n'))?;
        out.flush()?;
        Ok(())
    }

    /// A remark beside the answer, on stderr, so that it never ends up in a pipe.
    pub fn remark(&self, text: &str) {
        complain(&show::visible(text));
    }

    /// An error, on stderr.
    pub fn complain(&self, error: &ClientError) {
        self.complain_with(error, error.exit() as u8);
    }

    /// An error of a command that has exit codes of its own.
    pub fn complain_with(&self, error: &ClientError, exit: u8) {
        if self.is_json {
            let mut body = error_body(error);
            body["exit"] = json!(exit);
            complain(&show::json_line(&body));
        } else {
            complain(&format!("error: {}", show::visible(&error.to_string())));
        }
    }
}

/// When stderr is gone, too, there is nobody left to be told.
fn complain(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// An error in the words of REST, so that programs need only one reader.
fn error_body(error: &ClientError) -> Value {
    let exit = error.exit() as u8;
    match error {
        ClientError::Refused(refusal) => {
            let Refusal {
                rejected,
                details,
                request_id,
            } = &**refusal;
            let mut body = json!({ "error": rejected, "request_id": request_id, "exit": exit });
            body["error"]["details"] = json!(details);
            body
        }
        ClientError::Closed(bye) => json!({
            "error": { "code": "closed", "number": bye.code, "message": error.to_string(),
                "temporary": error.may_pass(), "retry_after_ms": bye.retry_after_ms },
            "exit": exit,
        }),
        ClientError::Unanswered(question) => {
            let code = if question.is_late() {
                "no_reply"
            } else {
                "not_answered"
            };
            let details = json!({ "id": question.id, "stage": question.stage });
            json!({
                "error": { "code": code, "number": null, "message": error.to_string(),
                    "temporary": error.may_pass(), "retry_after_ms": null, "details": details },
                "exit": exit,
            })
        }
        _ => json!({
            "error": { "code": "client", "number": null, "message": error.to_string(),
                "temporary": error.may_pass(), "retry_after_ms": null },
            "exit": exit,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Unanswered;
    use bridge_core::message::Stage;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let table = [
            (None, true, true),
            (None, false, false),
            (Some("1"), true, false),
            (Some(""), true, true),
        ];
        for (no_color, is_terminal, wanted) in table {
            let args = OutputArgs {
                json: false,
                no_color: no_color.map(str::to_owned),
            };
            let paint = args.paint(is_terminal);
            assert_eq!(paint.is_on(), wanted, "{no_color:?} {is_terminal}");
        }
    }

    #[test]
    fn an_error_is_json_too() {
        let body = error_body(&ClientError::NoToken);
        assert_eq!(body["exit"], 5);
        assert_eq!(body["error"]["temporary"], false);
        let id = "msg_00000000000000000000000000000001";
        let question = Unanswered {
            id: id.parse().expect("an id"),
            stage: Stage::Seen,
            why: "no reply".to_owned(),
        };
        let body = error_body(&ClientError::Unanswered(Box::new(question)));
        assert_eq!(
            (&body["exit"], &body["error"]["code"]),
            (&json!(4), &json!("no_reply"))
        );
        assert_eq!(
            body["error"]["details"],
            json!({ "id": id, "stage": "seen" })
        );
    }
}
