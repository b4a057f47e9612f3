//! `agent-bridge serve`

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::ports::{Clock, Ids};
use bridge_core::{ClientId, Scopes, TokenId};
use clap::Args;

use super::demo;
use super::output::OutputArgs;
use super::show::Paint;
use super::signals;
use crate::app::{AppError, Application, Seams};
use crate::client::{Address, Token};
use crate::config::{Config, Overrides};
use crate::descriptors;
use crate::system::{SystemClock, SystemIds};
use crate::telemetry;
use crate::tokens::Tokens;

/// How long the demo's tokens live.
const DEMO_TOKENS_LIVE: Duration = Duration::from_secs(24 * 3_600);
/// The exit code of a server that was not let finish, as of one that failed.
const EXIT_CUT_SHORT: i32 = 1;
/// How fast the demo is told.
const DEMO_PACE: Duration = Duration::from_millis(700);

/// Run the server
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  agent-bridge serve
  agent-bridge serve --data-dir /var/lib/agent-bridge --bind 127.0.0.1:6000
  agent-bridge serve --demo

The settings and their defaults are in config/default.toml. What comes later wins: the
defaults, --config FILE, environment variables (AGENT_BRIDGE__SERVER__BIND=…), flags.")]
pub struct ServeArgs {
    /// Where to listen; port 0 takes any free one [default: 127.0.0.1:5001]
    #[arg(long, value_name = "ADDR:PORT")]
    pub bind: Option<SocketAddr>,
    /// Allow an address that other machines can reach
    #[arg(long)]
    pub allow_remote: bool,
    #[command(flatten)]
    /// Where things are kept.
    pub data: DataArgs,
    /// The database [default: an SQLite file in the data folder]
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Show a team of five agents at work, with its data in a temporary folder
    #[arg(long, conflicts_with_all = ["data_dir", "database_url"])]
    pub demo: bool,
    /// Print no colours in the demo
    #[arg(
        long,
        env = "NO_COLOR",
        value_name = "ANYTHING",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        hide_env_values = true
    )]
    pub no_color: Option<String>,
}

/// The data folder and the settings, for commands that need no running server.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// The folder with the signing key and the database [default: ~/.agent-bridge]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// A file with settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Runs the server until it is told to stop.
#[must_use]
pub fn run(args: ServeArgs) -> ExitCode {
    let outcome = if args.demo {
        run_demo(args)
    } else {
        run_server(args)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl ServeArgs {
    fn overrides(&self) -> Overrides {
        Overrides {
            bind: self.bind,
            allow_remote: self.allow_remote,
            data_dir: self.data.data_dir.clone(),
            database_url: self.database_url.clone(),
        }
    }
}

fn run_server(args: ServeArgs) -> Result<(), AppError> {
    let config = Config::load(args.data.config.as_deref(), &args.overrides())?;
    serve(&config, Seams::default())
}

/// Runs a server, with parts that a test has put in the place of the usual ones, until it is told to
/// stop.
///
/// # Errors
/// When it does not start, or does not end well.
pub fn serve(config: &Config, seams: Seams) -> Result<(), AppError> {
    init_logging(config)?;
    descriptors::raise(config.connections_in_all());
    actix_web::rt::System::new().block_on(async {
        let app = Application::build_with(config, seams)?;
        announce(&app, config)?;
        app.run(until_told_to_stop()).await
    })
}

fn init_logging(config: &Config) -> Result<(), AppError> {
    telemetry::init(&config.log).map_err(|why| AppError::System {
        what: "logging",
        why,
    })
}

/// The one line that says that the server is ready, and where.
fn announce(app: &Application, config: &Config) -> Result<(), AppError> {
    let mut line = format!(
        "agent-bridge {} is ready on http://{} with its data in {}",
        env!("CARGO_PKG_VERSION"),
        app.addr(),
        config.data_dir().display(),
    );
    if let Some(addr) = app.metrics_addr() {
        line += &format!(", and its metrics on http://{addr}/metrics");
    }
    let mut out = std::io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|why| AppError::System {
            what: "writing to standard output",
            why: why.to_string(),
        })
}

/// SIGTERM, or Ctrl-C. From then on, being told once more ends the program on the spot.
async fn until_told_to_stop() {
    told_to_stop().await;
    // It ends with the program.
    drop(actix_web::rt::spawn(async {
        told_to_stop().await;
        eprintln!("error: told to stop twice, so this is the end; what was acknowledged is kept");
        std::process::exit(EXIT_CUT_SHORT);
    }));
}

async fn told_to_stop() {
    if let Err(why) = signals::told_to_stop().await {
        tracing::error!(error = %why, "signals cannot be heard; stopping");
    }
}

/// A server with its data in a temporary folder, and five agents that talk in it.
fn run_demo(args: ServeArgs) -> Result<(), AppError> {
    let folder = tempfile::tempdir().map_err(|why| AppError::System {
        what: "a temporary folder",
        why: why.to_string(),
    })?;
    let mut overrides = args.overrides();
    overrides.data_dir = Some(folder.path().to_owned());
    let mut config = Config::load(args.data.config.as_deref(), &overrides)?;
    // The story is the output; whatever goes wrong is still told.
    config.log.level = "warn".to_owned();
    init_logging(&config)?;
    let paint = OutputArgs {
        json: false,
        no_color: args.no_color.clone(),
    }
    .paint(std::io::stdout().is_terminal());
    actix_web::rt::System::new().block_on(async {
        let app = build_somewhere(config.clone(), args.bind.is_none())?;
        announce(&app, &config)?;
        let (address, tokens, data_dir) = (app.addr(), app.tokens(), config.data_dir());
        let (over, is_over) = tokio::sync::oneshot::channel();
        let stays = std::io::stdout().is_terminal();
        let story = actix_web::rt::spawn(async move {
            let told = tell(address, &tokens, paint).await;
            if stays && told.is_ok() {
                // The newcomer may look around; Ctrl-C ends it.
                invite(address, &data_dir, paint)?;
                std::future::pending::<()>().await;
            }
            if over.send(()).is_err() {
                tracing::debug!("the server stopped before the story ended");
            }
            told
        });
        let stop = async {
            tokio::select! {
                _ = is_over => {}
                () = until_told_to_stop() => {}
            }
        };
        app.run(stop).await?;
        finished(story).await
    })
}

/// The result of a story that was told to its end; one that was cut short by Ctrl-C has none.
async fn finished(
    story: actix_web::rt::task::JoinHandle<Result<(), String>>,
) -> Result<(), AppError> {
    if !story.is_finished() {
        story.abort();
        return Ok(());
    }
    match story.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(AppError::System {
            what: "the demo",
            why,
        }),
        Err(why) => Err(AppError::System {
            what: "the demo",
            why: why.to_string(),
        }),
    }
}

/// The demo does not mind where it listens: when its port is taken, another one will do.
fn build_somewhere(mut config: Config, any_port: bool) -> Result<Application, AppError> {
    match Application::build(&config) {
        Err(AppError::Bind { .. }) if any_port => {
            config.server.bind.set_port(0);
            Application::build(&config)
        }
        outcome => outcome,
    }
}

async fn tell(address: SocketAddr, tokens: &Arc<Tokens>, paint: Paint) -> Result<(), String> {
    let token_for = |client: &ClientId| Token::from(demo_token(tokens, client));
    let mut out = std::io::stdout();
    let address = own_address(address)?;
    let story = demo::play(&address, token_for, &mut out, DEMO_PACE, paint);
    story.await.map_err(|why| why.to_string())
}

fn invite(address: SocketAddr, data_dir: &Path, paint: Paint) -> Result<(), String> {
    let text = demo::invitation(&own_address(address)?, data_dir, paint);
    writeln!(std::io::stdout(), "{text}").map_err(|why| why.to_string())
}

fn own_address(address: SocketAddr) -> Result<Address, String> {
    let url = format!("http://{address}");
    url.parse().map_err(|why| format!("its own address: {why}"))
}

/// An agent's token. One that cannot be signed is empty, and the server says so.
fn demo_token(tokens: &Tokens, client: &ClientId) -> String {
    let id = TokenId::from_uuid(SystemIds::default().uuid());
    let issued = tokens.issue(
        client,
        &Scopes::default(),
        DEMO_TOKENS_LIVE,
        id,
        SystemClock.now(),
    );
    issued.map(|issued| issued.token).unwrap_or_default()
}
