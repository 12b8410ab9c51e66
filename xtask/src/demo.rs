//! `cargo xtask demo`: a collector, a customer's phone that replays a real session, and the desk
//! of the agent who takes the call.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::tools::{self, cargo, screenshot};

const APP: &str = "com.example.shop";
/// What the collector's and the phone's first line begin with.
const LISTENING: &str = "listening on ";

/// Runs the demo: until the reader ends it, or once, with its outcome checked.
pub(crate) fn run(once: bool) -> Result<()> {
    if once {
        tools::need("chromium", "chromium", "the demo's screenshots")?;
    }
    tools::run(&mut cargo(["build", "--package", "jalon-collector"]))?;
    tools::run(&mut cargo(["build", "--package", "jalon", "--example", "shop"]))?;
    let folder = crate::target().join("demo");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("could not clear the last demo's folder")?;
    }
    fs::create_dir_all(&folder)?;
    let data = folder.join("collector");
    let [write_key, agent_key] =
        [create_key(&data, "write")?, create_key(&data, "contact-centre")?];
    let collector = Running::collector(&data, &folder)?;
    let mut phone = Running::phone(&collector.line, &write_key, &folder)?;

    say("A customer browsed a shop for twenty minutes (a real session), and tapped \"call us\".");
    say(&format!("The dialer was handed   {}", phone.line));
    let (_, code) = phone.line.split_once(",,").context("the call carries no code")?;
    let code = &code.to_owned();
    let context = pick_up(&collector.line, &agent_key, code)?;
    let link = context["desk"].as_str().context("the answer holds no desk link")?;
    let link =
        if link.starts_with('/') { format!("{}{link}", collector.line) } else { link.into() };
    say("The agent who picked up opens the desk link:");
    say(&format!("  {link}"));
    if once {
        check(&context)?;
        watch(&mut phone, &link, &folder, &collector.line, &agent_key, code)
    } else {
        stay(&mut phone, &link)
    }
}

/// Keeps everything running, and lets the reader play the customer's next steps.
fn stay(phone: &mut Running, link: &str) -> Result<()> {
    for opener in ["xdg-open", "open"] {
        if tools::is_there(opener) {
            // A machine without a screen opens nothing; the link is printed above.
            let _ = Command::new(opener).arg(link).stderr(Stdio::null()).status();
            break;
        }
    }
    say("Press Enter: the customer goes on, and the desk shows it. Ctrl-C ends the demo.");
    let mut typed = String::new();
    while std::io::stdin().read_line(&mut typed)? > 0 {
        if phone.tell_to_go_on().is_err() {
            break;
        }
        typed.clear();
        say("The customer took a step.");
    }
    Ok(())
}

/// The context must be the one of the session: who, the last screen, the order, the steps.
fn check(context: &Value) -> Result<()> {
    let is = |pointer: &str, expected: Value| {
        let found = context.pointer(pointer).cloned().unwrap_or_default();
        ensure!(found == expected, "{pointer} is {found}, not {expected}");
        Ok(())
    };
    is("/customer/id", json!("customer-554754734"))?;
    is("/call/confirmed", json!(true))?;
    is("/call/topic", json!("delivery"))?;
    is("/last_screen/label", json!("Cart"))?;
    is("/freshness/pending", json!(0))?;
    is("/products/0/id", json!("1005007"))?;
    let steps = context["steps"].as_array().context("the answer holds no steps")?;
    ensure!(steps.len() >= 25, "the answer holds {} steps", steps.len());
    Ok(())
}

/// Looks at the desk as an agent would, before and after the customer goes on.
fn watch(
    phone: &mut Running,
    link: &str,
    folder: &Path,
    collector: &str,
    key: &str,
    code: &str,
) -> Result<()> {
    let profile = folder.join("chromium");
    for (name, size) in [("desk-360.png", (360, 900)), ("desk-1280.png", (1280, 900))] {
        let file = folder.join(name);
        screenshot(link, size, &file, &profile)?;
        say(&format!("screenshot: {}", file.display()));
    }
    phone.tell_to_go_on()?;
    phone.tell_to_go_on()?;
    // The order and the next product arrive while the agent looks; the live stream says when.
    let mut lines = stream(&format!("{link}/live"))?;
    let arrived = lines.any(|line| line.is_ok_and(|line| line.contains("vivo")));
    ensure!(arrived, "the live stream ended before the customer's next step arrived");
    let context = resolve(collector, key, code)?;
    ensure!(context["orders"].as_array().is_some_and(|orders| !orders.is_empty()), "no order");
    screenshot(link, (360, 900), &folder.join("desk-live-360.png"), &profile)?;
    say("The customer went on, and the desk showed it. The demo holds.");
    Ok(())
}

/// Resolves the code until the app's own record of the call is there: milliseconds here, and less
/// than a telephone takes to ring.
fn pick_up(collector: &str, key: &str, code: &str) -> Result<Value> {
    let (_ringing, picked_up) = mpsc::channel::<()>();
    for _ in 0..100 {
        let context = resolve(collector, key, code)?;
        if context["call"]["confirmed"] == json!(true) {
            return Ok(context);
        }
        // Nobody sends: this waits.
        let _ = picked_up.recv_timeout(Duration::from_millis(50));
    }
    bail!("the app's record of the call did not arrive")
}

/// A context as the contact-centre platform asks for it.
fn resolve(collector: &str, key: &str, code: &str) -> Result<Value> {
    let body = json!({"code": code, "call_id": "demo-call-1", "agent": "Alex"}).to_string();
    let mut answer = ureq::post(format!("{collector}/v1/contexts/resolve"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .send(body)
        .context("the code could not be resolved")?;
    Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
}

fn stream(url: &str) -> Result<Lines<BufReader<ureq::BodyReader<'static>>>> {
    let answer = ureq::get(url).header("accept", "text/event-stream").call()?;
    Ok(BufReader::new(answer.into_body().into_reader()).lines())
}

fn create_key(data: &Path, kind: &str) -> Result<String> {
    let mut command = crate::built("jalon-collector");
    command.args(["key", "create", "--app", APP, "--kind", kind, "--data"]).arg(data);
    let printed = tools::output(&mut command)?;
    let key = printed.lines().last().context("no key was printed")?;
    Ok(key.trim().to_owned())
}

/// A process of the demo, ended with it.
struct Running {
    child: Child,
    /// What it said first: the collector its address, the phone its dial string.
    line: String,
    _rest: BufReader<ChildStdout>,
}

impl Running {
    fn collector(data: &Path, folder: &Path) -> Result<Self> {
        let config = folder.join("collector.toml");
        let screens: PathBuf = crate::root().join("tests/fixtures/shop/screens.toml");
        fs::write(
            &config,
            format!("[apps.\"{APP}\"]\nscreens = \"{}\"\n", screens.canonicalize()?.display()),
        )?;
        let mut command = crate::built("jalon-collector");
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.arg("--config").arg(config);
        let mut running = Self::start(&mut command)?;
        running.line = running.line.replace(LISTENING, "");
        Ok(running)
    }

    fn phone(collector: &str, key: &str, folder: &Path) -> Result<Self> {
        let mut command = crate::built("examples/shop");
        command.args([collector, key]).arg(folder.join("phone"));
        Self::start(&mut command)
    }

    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut rest = BufReader::new(child.stdout.take().context("no standard output")?);
        let mut line = String::new();
        rest.read_line(&mut line)?;
        ensure!(!line.is_empty(), "{} ended early", command.get_program().to_string_lossy());
        Ok(Self { child, line: line.trim().to_owned(), _rest: rest })
    }

    fn tell_to_go_on(&mut self) -> Result<()> {
        let input = self.child.stdin.as_mut().context("no standard input")?;
        writeln!(input)?;
        Ok(input.flush()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ended already is just as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(line: &str) {
    // A closed terminal is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{line}");
}
