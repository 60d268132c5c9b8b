//! A campaign, from its launch to its last receipt applied.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    count, judge, per_second,
    processes::{Api, Conditions, Server, Spent, cpu_of, cpu_of_family, free_port, text},
};
use crate::Failure;

/// The options of `carillon bench campaign`.
#[derive(clap::Args)]
pub struct Campaign {
    /// Contacts to send to, each one single-part message.
    #[arg(long, default_value_t = 100_000)]
    recipients: u64,
    #[command(flatten)]
    conditions: Conditions,
    /// Kill the server (kill -9) this often while it sends, and start it again.
    #[arg(long, default_value_t = 0)]
    kills: u32,
}

impl Campaign {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let directory = self.conditions.directory()?;
        let log = directory.join("simulator.log");
        let (api_port, smpp_port) = (free_port()?, free_port()?);
        let simulator = self.conditions.simulator(&directory, &log, smpp_port)?;
        let started = Instant::now();
        let mut server = self.conditions.server(&directory, api_port, smpp_port)?;
        let api = Api::at(api_port);
        api.ready()?;
        println!(
            "cold start: {:.1} s from exec to ready, with migrations and the starter deck",
            started.elapsed().as_secs_f64()
        );
        let group = self.import(&api, &directory)?;
        let campaign = self.draft(&api, &group)?;
        let database = self.conditions.database_pid()?;
        let before = [server.cpu(), cpu_of(simulator.pid()), database.map_or(0.0, cpu_of_family)];
        let launched = Instant::now();
        api.post(&format!("/v1/campaigns/{campaign}/launch"), &json!({}))?;
        let mut ended = Spent::default();
        let end = self.until_completed(&api, &campaign, &mut server, &mut ended, (&directory, api_port, smpp_port))?;
        let seconds = launched.elapsed().as_secs_f64();
        let cpu = [
            server.cpu() + ended.cpu - before[0],
            cpu_of(simulator.pid()) - before[1],
            database.map_or(0.0, cpu_of_family) - before[2],
        ];
        let peak = server.peak_kib().max(ended.peak_kib);
        let audit = api.get("/v1/balance/audit")?;
        self.report(&end, &audit, &log, seconds, cpu, peak)
    }

    /// Imports made-up contacts of three countries through the API, and tells their group.
    fn import(&self, api: &Api, directory: &Path) -> Result<String, Failure> {
        let mut csv = String::from("phone,first_name\n");
        for n in 0..self.recipients {
            let (country, base) =
                [("380", 501_000_000), ("48", 501_000_000), ("34", 611_000_000)][usize::try_from(n % 3)?];
            csv.push_str(&format!("+{country}{},Name{}\n", base + n / 3, n % 1000));
        }
        let path = directory.join("contacts.csv");
        fs::write(&path, &csv)?;
        let started = Instant::now();
        let boundary = "bench-boundary";
        let mut body = String::new();
        for (name, value) in [("mapping", r#"{"phone":"phone","first_name":"first_name"}"#), ("groups", "Bench")] {
            body.push_str(&format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"contacts.csv\"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n--{boundary}--\r\n"
        ));
        let import = api.send(
            "POST",
            "/v1/contacts/imports",
            Some((&format!("multipart/form-data; boundary={boundary}"), body.as_bytes())),
        )?;
        let id = text(&import, "/id")?;
        let done = api.poll(&format!("/v1/contacts/imports/{id}"), |i| {
            matches!(i["status"].as_str(), Some("completed" | "failed"))
        })?;
        let created = done["result"]["created"].as_u64().unwrap_or(0);
        if created != self.recipients {
            return Err(format!("the import made {created} contacts of {}: {done}", self.recipients).into());
        }
        let seconds = started.elapsed().as_secs_f64();
        println!("import: {created} contacts in {seconds:.1} s, {:.0} rows/s over HTTP", per_second(created, seconds));
        text(&done, "/groups/0/id")
    }

    fn draft(&self, api: &Api, group: &str) -> Result<String, Failure> {
        let body = json!({
            "name": "Bench", "sender": "CARILLON", "text": "Hello {{first_name|default:\"friend\"}}, our shop is open until nine tonight.",
            "audience": { "group_ids": [group] },
        });
        text(&api.post("/v1/campaigns", &body)?, "/id")
    }

    /// Polls the campaign to its end, killing the server on the way where that was asked for.
    fn until_completed(
        &self,
        api: &Api,
        campaign: &str,
        server: &mut Server,
        ended: &mut Spent,
        (directory, api_port, smpp_port): (&Path, u16, u16),
    ) -> Result<Value, Failure> {
        let path = format!("/v1/campaigns/{campaign}");
        let count = |c: &Value, status: &str| c["messages"][status].as_u64().unwrap_or(0);
        let mut killed = 0;
        let deadline = Instant::now() + Duration::from_secs(3600);
        loop {
            let now = api.get(&path)?;
            match now["status"].as_str() {
                Some("completed") => return Ok(now),
                Some("failed" | "cancelled") => return Err(format!("the campaign ended badly: {now}").into()),
                _ => {}
            }
            let waiting = count(&now, "queued");
            let share = u64::from(self.kills - killed) * self.recipients / u64::from(self.kills + 1);
            if killed < self.kills && now["status"] == "sending" && waiting <= share {
                ended.cpu += server.cpu();
                ended.peak_kib = ended.peak_kib.max(server.peak_kib());
                server.kill();
                killed += 1;
                let again = Instant::now();
                *server = self.conditions.server(directory, api_port, smpp_port)?;
                api.ready()?;
                println!(
                    "kill {killed}: with {waiting} queued; ready again after {:.1} s",
                    again.elapsed().as_secs_f64()
                );
            }
            if Instant::now() > deadline {
                return Err(format!("the campaign has not completed within an hour: {now}").into());
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    fn report(
        &self,
        end: &Value,
        audit: &Value,
        log: &Path,
        seconds: f64,
        cpu: [f64; 3],
        peak: u64,
    ) -> Result<(), Failure> {
        let twice = judge(log)?;
        let rate = per_second(self.recipients, seconds);
        let thousand = count(self.recipients) / 1000.0;
        let [server, simulator, database] = cpu.map(|c| c / thousand);
        let where_ = self.conditions.database_name();
        println!("messages: {}", end["messages"]);
        println!("ledger audit: {}", if audit["ok"] == true { "ok" } else { "BROKEN" });
        println!(
            "| database | recipients | kills | launch to last receipt | messages/s | CPU-s per 1,000 (server + simulator + database) | peak memory |"
        );
        println!("|---|---|---|---|---|---|---|");
        println!(
            "| {where_} | {} | {} | {seconds:.1} s | {rate:.0} | {:.3} ({server:.3} + {simulator:.3} + {database:.3}) | {} MB |",
            self.recipients,
            self.kills,
            server + simulator + database,
            peak / 1024,
        );
        if twice > 0 || audit["ok"] != true {
            return Err("the judge found a fault".into());
        }
        Ok(())
    }
}
