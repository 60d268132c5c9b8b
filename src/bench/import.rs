//! An import of contacts, from its upload to its last row committed; then the same file again, which must change nothing.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    count, per_second,
    processes::{Api, Conditions, Server, Spent, cpu_of_family, free_port, text},
};
use crate::Failure;

/// The options of `carillon bench import`.
#[derive(clap::Args)]
pub struct Import {
    /// Rows of the file, each a new contact with a first name, a last name and a birth date.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    #[command(flatten)]
    conditions: Conditions,
    /// Kill the server (kill -9) this often while it reads, and start it again.
    #[arg(long, default_value_t = 0)]
    kills: u32,
}

/// One import that has ended.
struct Run {
    what: &'static str,
    seconds: f64,
    server_cpu: f64,
    database_cpu: f64,
}

impl Import {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let directory = self.conditions.directory()?;
        let ports = (free_port()?, free_port()?);
        let mut server = self.conditions.server(&directory, ports.0, ports.1)?;
        let api = Api::at(ports.0);
        api.ready()?;
        let file = self.file(&directory)?;
        let mut spent = Spent::default();
        let mut runs = Vec::new();
        for (what, kills, expected) in
            [("new contacts", self.kills, [self.rows, 0]), ("the same file again", 0, [0, self.rows])]
        {
            let run = self.import(&api, &file, (what, kills), &mut server, &mut spent, (&directory, ports))?;
            let (run, end) = run;
            let result = |key: &str| end["result"][key].as_u64().unwrap_or(0);
            if end["status"] != "completed" || [result("created"), result("unchanged")] != expected {
                return Err(format!("{what}: the import did not do what it should: {end}").into());
            }
            let group = text(&end, "/groups/0/id")?;
            let members = api.get(&format!("/v1/groups/{group}"))?["contacts_count"].as_u64();
            if members != Some(self.rows) {
                return Err(format!("{what}: the group has {members:?} contacts of {}", self.rows).into());
            }
            runs.push(run);
        }
        let peak = server.peak_kib().max(spent.peak_kib);
        println!(
            "| database | rows | kills | what | upload to last row | rows/s | CPU-s per 1,000 rows (server + database) | peak memory |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for Run { what, seconds, server_cpu, database_cpu } in runs {
            let thousand = count(self.rows) / 1000.0;
            println!(
                "| {} | {} | {} | {what} | {seconds:.1} s | {:.0} | {:.4} ({:.4} + {:.4}) | {} MB |",
                self.conditions.database_name(),
                self.rows,
                self.kills,
                per_second(self.rows, seconds),
                (server_cpu + database_cpu) / thousand,
                server_cpu / thousand,
                database_cpu / thousand,
                peak / 1024,
            );
        }
        Ok(())
    }

    /// A CSV file of made-up people of three countries.
    fn file(&self, directory: &Path) -> Result<String, Failure> {
        let mut csv = String::from("phone,first_name,last_name,birth_date\n");
        for n in 0..self.rows {
            let (country, base) =
                [("380", 501_000_000), ("48", 501_000_000), ("34", 611_000_000)][usize::try_from(n % 3)?];
            // A large step through the range: numbers do not come in order in real files either.
            let number = base + (n / 3 * 7919) % 900_000;
            let (day, month, year) = (n % 28 + 1, n % 12 + 1, 1950 + n % 50);
            csv.push_str(&format!(
                "+{country}{number},Name{},Family{},{day:02}.{month:02}.{year}\n",
                n % 1000,
                n % 5000
            ));
        }
        fs::write(directory.join("contacts.csv"), &csv)?;
        Ok(csv)
    }

    fn import(
        &self,
        api: &Api,
        file: &str,
        (what, kills): (&'static str, u32),
        server: &mut Server,
        spent: &mut Spent,
        (directory, ports): (&Path, (u16, u16)),
    ) -> Result<(Run, Value), Failure> {
        let boundary = "bench-boundary";
        let body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"groups\"\r\n\r\nBench\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"contacts.csv\"\r\n\
             Content-Type: text/csv\r\n\r\n{file}\r\n--{boundary}--\r\n"
        );
        let kind = format!("multipart/form-data; boundary={boundary}");
        let database = self.conditions.database_pid()?;
        let cpu = |server: &Server| (server.cpu(), database.map_or(0.0, cpu_of_family));
        let (before, earlier) = (cpu(server), spent.cpu);
        let started = Instant::now();
        let import = api.send("POST", "/v1/contacts/imports", Some((&kind, body.as_bytes())))?;
        let path = format!("/v1/contacts/imports/{}", text(&import, "/id")?);
        let mut killed = 0;
        let end = loop {
            let now = api.get(&path)?;
            if matches!(now["status"].as_str(), Some("completed" | "failed")) {
                break now;
            }
            let done = now["progress"]["done"].as_u64().unwrap_or(0);
            if killed < kills && done > self.rows * u64::from(killed + 1) / u64::from(kills + 1) {
                spent.cpu += server.cpu();
                spent.peak_kib = spent.peak_kib.max(server.peak_kib());
                server.kill();
                killed += 1;
                *server = self.conditions.server(directory, ports.0, ports.1)?;
                api.ready()?;
                println!("kill {killed}: with {done} rows done");
            }
            if started.elapsed() > Duration::from_secs(3600) {
                return Err(format!("{what}: not over within an hour: {now}").into());
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        let seconds = started.elapsed().as_secs_f64();
        let after = cpu(server);
        let server_cpu = after.0 + spent.cpu - earlier - before.0;
        Ok((Run { what, seconds, server_cpu, database_cpu: after.1 - before.1 }, end))
    }
}
