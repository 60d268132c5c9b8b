//! The program as a process: started, watched, signalled, and gone when the test is.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    ops::Deref,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use super::{client::Client, stage::TOKEN};

/// A process whose standard output is read line by line; its log goes to a file.
pub struct Process {
    name: &'static str,
    child: Child,
    lines: Mutex<Receiver<String>>,
    log: PathBuf,
    ended: bool,
}

impl Process {
    /// Starts it.
    pub fn spawn(name: &'static str, mut command: Command, log: PathBuf) -> Self {
        let to = File::options().create(true).append(true).open(&log).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(to);
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self { name, child, lines: Mutex::new(lines), log, ended: false }
    }

    /// Waits for a line of its output that has this text.
    pub fn line_with(&mut self, text: &str) -> String {
        let end = Instant::now() + super::PATIENCE;
        loop {
            match self.lines.get_mut().unwrap().recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(e) => panic!("{} did not say {text:?} ({e}):\n{}", self.name, self.log_text()),
            }
        }
    }

    /// What it has logged.
    pub fn log_text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// SIGKILL: no chance to tidy up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.ended = true;
    }

    /// SIGTERM, then waits for its end: how it ended and how long that took.
    pub fn terminate(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status =
            super::within(Duration::from_secs(40), "the process ends by itself", || self.child.try_wait().unwrap());
        self.ended = true;
        (status, began.elapsed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            let text = self.log_text();
            let lines: Vec<&str> = text.lines().filter(|l| !l.contains("INFO request ")).collect();
            let tail = lines.iter().skip(lines.len().saturating_sub(40));
            println!("--- the end of the log of {} ---", self.name);
            tail.for_each(|line| println!("{line}"));
        }
    }
}

/// A running server and a client with the demo account's token.
pub struct App {
    process: Process,
    client: Client,
}

impl App {
    /// Waits until it listens.
    pub fn start(mut process: Process) -> Self {
        let line = process.line_with("http://");
        let at = line.find("http://").unwrap();
        let base = line.get(at..).unwrap().split([',', ' ']).next().unwrap().to_owned();
        Self { process, client: Client::new(&base, TOKEN) }
    }
    /// The same server with another account's token.
    pub fn with_token_of(self, token: &str) -> Self {
        let client = self.client.with_token(token);
        Self { client, ..self }
    }
    /// SIGKILL.
    pub fn kill(self) {
        self.process.kill();
    }
    /// SIGTERM.
    pub fn terminate(self) -> (ExitStatus, Duration) {
        self.process.terminate()
    }
    /// What it has logged, and its predecessors on the same stage.
    pub fn log_text(&self) -> String {
        self.process.log_text()
    }
}

impl Deref for App {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}
