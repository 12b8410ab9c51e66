//! Tests that need a process of their own: to be killed, traced, or given a small disk.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CHILD: &str = "JALON_TEST_CHILD";
/// The file that says in which folder an installation was made.
pub const PLACE: &str = "place";

/// Whether this process is the child that runs `test`'s inner part.
pub fn is_child(test: impl Fn() + Copy) -> bool {
    std::env::var(CHILD).is_ok_and(|child| child == name(test))
}

/// The name by which the test harness knows a test: its function's path within the crate.
fn name<T: Fn() + Copy>(_test: T) -> &'static str {
    std::any::type_name::<T>().split_once("::").unwrap().1
}

/// The command that runs this binary's `test` again as a child, under `wrapper`.
pub fn command(test: impl Fn() + Copy, wrapper: &[&str]) -> Command {
    let binary = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(binary),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(binary);
            command
        }
    };
    let test = name(test);
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, test);
    command
}

/// Runs `test` again as a child under `wrapper`, and fails unless it passed there. `needs` says
/// what the machine must have for the wrapper to work.
pub fn passes_in_a_child(test: impl Fn() + Copy, wrapper: &[&str], needs: &str) {
    let Output { status, stdout, stderr } = command(test, wrapper)
        .output()
        .unwrap_or_else(|error| panic!("this test needs {needs}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(
        status.success() && stdout.contains("1 passed"),
        "{} failed as a child ({status}); where it could not start, it needs {needs}\n{stdout}\n{stderr}",
        name(test)
    );
}

/// Runs `body` in a process in which no other test runs: for what a process has one of, such as its
/// memory, its open files or its log.
pub fn alone(test: impl Fn() + Copy, body: impl FnOnce()) {
    if is_child(test) {
        return body();
    }
    passes_in_a_child(test, &[], "nothing");
}

/// Runs `body` in a process with mounts of its own, as its root.
pub fn with_own_mounts(test: impl Fn() + Copy, body: impl FnOnce()) {
    if is_child(test) {
        return body();
    }
    let needs = "`unshare` and `mount` of util-linux, and leave to make user and mount namespaces \
                 (root, or kernel.unprivileged_userns_clone=1; in Docker --privileged)";
    passes_in_a_child(test, &["unshare", "--map-root-user", "--mount", "--"], needs);
}

/// Runs a program that must succeed.
pub fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("this test needs `{program}`: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
}

/// Copies a journey's folder, as a SIGKILL at this instant would leave it. Without the mark by which
/// a copy is known: to the journey it is the same folder.
pub fn copy_folder(from: &Path, to: &Path) {
    clone_folder(from, to);
    let _ = fs::remove_file(to.join(PLACE));
}

/// Copies a journey's folder to another phone or place, as a backup or a transfer does.
pub fn clone_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
