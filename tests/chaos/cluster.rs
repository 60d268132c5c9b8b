//! A PostgreSQL server of the loop's own, durable as in operation, that can be killed with all its processes.

use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sea_orm::Database;
use tempfile::TempDir;

use crate::harness::within;

/// A server in a temporary directory.
pub struct Cluster {
    programs: PathBuf,
    /// Who runs it, when we are root: PostgreSQL refuses to.
    user: Option<(u32, u32)>,
    place: TempDir,
    port: u16,
    postmaster: Child,
}

impl Cluster {
    /// Makes and starts one; `None` when PostgreSQL's programs are not here.
    pub fn start() -> Option<Self> {
        let programs = programs()?;
        let place = tempfile::tempdir().unwrap();
        let user = ordinary_user();
        if let Some((user, group)) = user {
            chown(place.path(), Some(user), Some(group)).unwrap();
        }
        let mut initdb = command(&programs, "initdb", user, place.path());
        initdb.args(["-U", "carillon", "-A", "trust", "-E", "UTF8", "--locale=C", "-D"]).arg(place.path().join("data"));
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let postmaster = postmaster(&programs, user, place.path(), port);
        let cluster = Self { programs, user, place, port, postmaster };
        cluster.ready();
        Some(cluster)
    }

    /// Its first database.
    pub fn url(&self) -> String {
        format!("postgres://carillon@127.0.0.1:{}/postgres", self.port)
    }

    fn ready(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        within(Duration::from_secs(30), "PostgreSQL takes connections", || {
            runtime.block_on(async {
                let db = Database::connect(self.url()).await.ok()?;
                db.close().await.ok()
            })
        });
    }

    /// kill -9 of the postmaster and every process of its own.
    pub fn kill(&mut self) {
        let postmaster = self.postmaster.id();
        signal("-STOP", &[postmaster]); // so that it makes no more of them
        let children = children_of(postmaster);
        signal("-KILL", &[&[postmaster], children.as_slice()].concat());
        self.postmaster.wait().unwrap();
        within(Duration::from_secs(10), "PostgreSQL's processes are gone", || {
            children.iter().all(|pid| state(*pid).is_none_or(|state| state == "Z")).then_some(())
        });
    }

    /// Starts it again; waits until it has recovered.
    pub fn start_again(&mut self) {
        self.postmaster = postmaster(&self.programs, self.user, self.place.path(), self.port);
        self.ready();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let children = children_of(self.postmaster.id());
        signal("-KILL", &[&[self.postmaster.id()], children.as_slice()].concat());
        let _ = self.postmaster.wait();
    }
}

/// The newest of Debian's installations, or what the path has.
fn programs() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
    found.retain(|programs| programs.join("initdb").exists());
    found.sort_by_key(|p| p.parent().and_then(Path::file_name).and_then(|v| v.to_str()?.parse::<u32>().ok()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.pop().or_else(|| std::env::split_paths(&path).find(|p| p.join("initdb").exists()))
}

/// `(uid, gid)` of a user that may run a server, when we are root.
fn ordinary_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok().filter(|o| o.status.success())?;
        String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    ["postgres", "nobody"].iter().find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)))
}

fn command(programs: &Path, name: &str, user: Option<(u32, u32)>, place: &Path) -> Command {
    let mut command = Command::new(programs.join(name));
    command.current_dir(place).env("HOME", place);
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

fn postmaster(programs: &Path, user: Option<(u32, u32)>, place: &Path, port: u16) -> Child {
    let log = File::options().create(true).append(true).open(place.join("log")).unwrap();
    let mut command = command(programs, "postgres", user, place);
    command.arg("-D").arg(place.join("data")).args(["-p", &port.to_string()]);
    let sockets = format!("unix_socket_directories={}", place.display());
    for setting in ["listen_addresses=127.0.0.1", &sockets, "fsync=on", "synchronous_commit=on", "max_connections=200"]
    {
        command.args(["-c", setting]);
    }
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

fn signal(signal: &str, processes: &[u32]) {
    // Some may be gone by now: kill says so, and hits the others.
    let _ = Command::new("kill").arg(signal).args(processes.iter().map(u32::to_string)).stderr(Stdio::null()).status();
}

/// A field of /proc/PID/stat after the name: 0 is the state, 1 the parent.
fn stat(pid: u32, field: usize) -> Option<String> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    line.rsplit_once(") ")?.1.split_whitespace().nth(field).map(str::to_owned)
}

fn state(pid: u32) -> Option<String> {
    stat(pid, 0)
}

fn children_of(parent: u32) -> Vec<u32> {
    let parent = parent.to_string();
    let processes =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    processes.filter(|pid| stat(*pid, 1).as_ref() == Some(&parent)).collect()
}
