//! Many contacts in one account: how fast they are imported, how soon a search finds them, how long lists, filters,
//! searches, counts and figures take over HTTP, and how long jobs and exports.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    count, per_second,
    processes::{Api, Conditions, free_port, text},
};
use crate::Failure;

/// A filter of the nth request.
type Asked = fn(u64) -> Value;

/// The options of `carillon bench contacts`.
#[derive(clap::Args)]
pub struct Contacts {
    /// Contacts to import.
    #[arg(long, default_value_t = 1_000_000)]
    contacts: u64,
    /// How often each request is made.
    #[arg(long, default_value_t = 200)]
    rounds: u64,
    /// Ask a database that an earlier run has filled, and import nothing.
    #[arg(long)]
    filled: bool,
    /// Also do jobs and exports on half of them and on all; the last purges half.
    #[arg(long)]
    jobs: bool,
    #[command(flatten)]
    conditions: Conditions,
}

/// Rows of one file: a file may have 64 MiB.
const ROWS: u64 = 250_000;
const FIRST: [&str; 8] = ["Anna", "Boris", "Chloé", "Dmytro", "Elena", "Farid", "Grace", "Héctor"];
const LAST: [&str; 10] =
    ["Smith", "Ivanova", "García", "Шевченко", "Dubois", "Rossi", "Müller", "Kowalska", "Андреев", "O'Neill"];
const CITIES: [&str; 20] = [
    "Leeds", "Kyiv", "Warsaw", "Madrid", "Paris", "Lviv", "Gdańsk", "Sevilla", "York", "Odesa", "Kraków", "Bilbao",
    "Lyon", "Bath", "Dnipro", "Łódź", "Vigo", "Lille", "Kharkiv", "Ely",
];

impl Contacts {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let directory = self.conditions.directory()?;
        let port = free_port()?;
        // Nobody listens at the carrier's address: nothing is sent here.
        let server = self.conditions.server(&directory, port, free_port()?)?;
        let api = Api::at(port);
        api.ready()?;
        let group = if self.filled {
            text(&api.get("/v1/groups?name=Bench")?, "/data/0/id")?
        } else {
            api.post("/v1/contact-fields", &json!({"key": "city", "title": "City", "type": "text"}))?;
            self.import(&api)?
        };
        println!(
            "| {} of {} contacts | found | p50 ms | p99 ms | max ms |",
            self.conditions.database_name(),
            self.contacts
        );
        println!("|---|---|---|---|---|");
        self.pages(&api, &group)?;
        self.counts(&api, &group)?;
        if self.jobs {
            println!("| job | contacts | seconds | contacts/s |");
            println!("|---|---|---|---|");
            jobs(&api, &group)?;
        }
        println!("peak memory of the server: {} MB", server.peak_kib() / 1024);
        Ok(())
    }

    /// Imports made-up contacts of three countries, tells the rate and how long the search lags behind, and gives their
    /// group.
    fn import(&self, api: &Api) -> Result<String, Failure> {
        let started = Instant::now();
        let mut group = String::new();
        for from in (0..self.contacts).step_by(usize::try_from(ROWS)?) {
            let rows = from..(from + ROWS).min(self.contacts);
            let mut csv = String::from("phone,first_name,last_name,birth_date,sex,fields.city\n");
            for n in rows {
                csv.push_str(&row(n)?);
            }
            let boundary = "bench-boundary";
            let part = |name: &str, value: &str| {
                format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            };
            let mapping = json!({
                "phone": "phone", "first_name": "first_name", "last_name": "last_name", "birth_date": "birth_date",
                "sex": "sex", "fields.city": "fields.city",
            });
            let body = format!(
                "{}{}--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"contacts.csv\"\r\n\
                 Content-Type: text/csv\r\n\r\n{csv}\r\n--{boundary}--\r\n",
                part("mapping", &mapping.to_string()),
                part("groups", "Bench")
            );
            let kind = format!("multipart/form-data; boundary={boundary}");
            let made = api.keyed(&format!("file-{from}"), "/v1/contacts/imports", (&kind, body.as_bytes()))?;
            let id = text(&made, "/id")?;
            let done = api.poll(&format!("/v1/contacts/imports/{id}"), |i| {
                matches!(i["status"].as_str(), Some("completed" | "failed"))
            })?;
            if done["status"] != "completed" {
                return Err(format!("the import failed: {done}").into());
            }
            group = text(&done, "/groups/0/id")?;
        }
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "import: {} contacts in {seconds:.1} s, {:.0} rows/s over HTTP",
            self.contacts,
            per_second(self.contacts, seconds)
        );
        let waited = Instant::now();
        let last = phone(self.contacts - 1)?;
        let path = format!("/v1/contacts?search={}", last.trim_start_matches('+'));
        let found = |page: &Value| page["data"].as_array().is_some_and(|data| !data.is_empty());
        if !found(&api.poll(&path, found)?) {
            return Err("the last contact is not found".into());
        }
        println!("search: the last contact is found {:.1} s after the import", waited.elapsed().as_secs_f64());
        Ok(group)
    }

    fn pages(&self, api: &Api, group: &str) -> Result<(), Failure> {
        let filters: [(&str, Asked); 7] = [
            (
                "filter: country and sex",
                |_| json!({"all": [{"field": "country", "equals": "PL"}, {"field": "sex", "equals": "female"}]}),
            ),
            ("filter: birthday within 7 days", |_| json!({"field": "birth_date", "anniversary_within_days": 7})),
            ("filter: age, city and not on the blacklist", |n| {
                let city = CITIES.get(usize::try_from(n).unwrap_or(0) % CITIES.len());
                json!({"all": [{"field": "age", "between": [18, 30]}, {"field": "fields.city", "equals": city},
                    {"field": "blacklisted", "equals": false}]})
            }),
            ("filter: a number begins", |n| json!({"field": "phone", "starts_with": format!("48501{}", n % 300)})),
            ("filter: nobody matches", |_| json!({"field": "first_name", "equals": "Nobody"})),
            (
                "search: a surname",
                |n| json!({"field": "search", "contains": LAST.get(usize::try_from(n).unwrap_or(0) % LAST.len())}),
            ),
            (
                "search: 7 digits of a number",
                |n| json!({"field": "search", "contains": format!("{:07}", 1_000_000 + n * 37)}),
            ),
        ];
        self.measured("list: first page", |_| api.get("/v1/contacts?limit=50"))?;
        let mut after = String::new();
        self.measured("list: page after page of a group", |_| {
            let page = api.get(&format!("/v1/contacts?group_id={group}&limit=50{after}"))?;
            after = page["next_cursor"].as_str().map(|cursor| format!("&after={cursor}")).unwrap_or_default();
            Ok(page)
        })?;
        let nobody = |n| json!({"field": "first_name", "equals": format!("Nobody{n}")});
        self.few().measured("filter: nobody matches, page after page to the end", |n| {
            let mut after = String::new();
            loop {
                let path = format!("/v1/contacts/search?limit=50{after}");
                let page =
                    api.keyed(&format!("nobody-{n}{after}"), &path, (JSON, body(nobody(n), false).as_bytes()))?;
                let Some(cursor) = page["next_cursor"].as_str() else { return Ok(page) };
                after = format!("&after={cursor}");
            }
        })?;
        for (name, filter) in filters {
            self.measured(name, |n| {
                api.keyed(&key(name, n), "/v1/contacts/search?limit=50", (JSON, body(filter(n), false).as_bytes()))
            })?;
        }
        Ok(())
    }

    /// The same with fewer rounds, for what takes long.
    fn few(&self) -> Self {
        let rounds = (self.rounds / 20).max(5);
        Self { contacts: self.contacts, rounds, filled: true, jobs: false, conditions: self.conditions.clone() }
    }

    fn counts(&self, api: &Api, group: &str) -> Result<(), Failure> {
        let few = self.few();
        for (name, filter) in [
            ("count: half, by sex", json!({"field": "sex", "equals": "female"})),
            (
                "count: half, by sex in a group",
                json!({"all": [{"field": "group", "equals": group}, {"field": "sex", "equals": "female"}]}),
            ),
            ("count: a city, whatever its case", json!({"field": "fields.city", "equals": "leeds"})),
            (
                "count: not on the blacklist and no last outcome",
                json!({"all": [{"field": "blacklisted", "equals": false}, {"field": "last_outcome", "exists": false}]}),
            ),
            ("count: search of a surname", json!({"field": "search", "contains": "kowalska"})),
        ] {
            few.measured(name, |n| {
                api.keyed(&key(name, n), "/v1/contacts/search?limit=1", (JSON, body(filter.clone(), true).as_bytes()))
            })?;
        }
        few.measured("statistics of all", |n| {
            api.keyed(&key("statistics", n), "/v1/contacts/statistics", (JSON, b"{}"))
        })
    }

    /// Makes a request again and again and prints how long it took; what it found is of the last.
    fn measured(&self, name: &str, mut ask: impl FnMut(u64) -> Result<Value, Failure>) -> Result<(), Failure> {
        let mut took = Vec::new();
        let mut found = String::new();
        for n in 0..self.rounds {
            let started = Instant::now();
            let answer = ask(n)?;
            took.push(started.elapsed());
            if answer.get("code").is_some() {
                return Err(format!("{name}: {answer}").into());
            }
            let total = answer["count"].as_i64().or(answer["total"].as_i64());
            found = match (total, answer["data"].as_array()) {
                (Some(total), _) => total.to_string(),
                (None, Some(page)) => format!("{}{}", page.len(), if answer["has_more"] == true { "+" } else { "" }),
                (None, None) => String::new(),
            };
        }
        took.sort_unstable();
        let at = |part: f64| {
            let last = count(u64::try_from(took.len()).unwrap_or(1).saturating_sub(1));
            let place = (last * part).round();
            let place = (0_u32..).find(|n| f64::from(*n) >= place).unwrap_or(0);
            let took = took.get(usize::try_from(place).unwrap_or(0)).copied().unwrap_or(Duration::ZERO);
            took.as_secs_f64() * 1000.0
        };
        println!("| {name} | {found} | {:.1} | {:.1} | {:.1} |", at(0.5), at(0.99), at(1.0));
        Ok(())
    }
}

/// What goes on in the background, one after the other.
fn jobs(api: &Api, group: &str) -> Result<(), Failure> {
    let half = || json!({"filter": {"field": "sex", "equals": "female"}});
    let jobs = "/v1/contact-jobs";
    let other = text(&api.post("/v1/groups", &json!({"name": "Other"}))?, "/id")?;
    job(
        api,
        "half, found by a filter, into a group",
        jobs,
        &json!({"select": half(), "action": "add_to_group", "group_id": other}),
    )?;
    job(
        api,
        "a group's members out of it",
        jobs,
        &json!({"select": {"group": {"group_id": other}}, "action": "remove_from_group", "group_id": other}),
    )?;
    let same = json!({"duplicates": {"by": ["first_name", "last_name", "birth_date"]}});
    job(api, "duplicates by name and birth date, only found", jobs, &json!({"select": same, "dry_run": true}))?;
    let dead = json!({"undelivered": {"last": 3}});
    job(api, "numbers whose last 3 messages failed, counted", jobs, &json!({"select": dead, "dry_run": true}))?;
    let fields = json!(["phone", "first_name", "last_name", "birth_date", "fields.city", "operator", "groups"]);
    for format in ["csv", "xlsx"] {
        let what = json!({"kind": "contacts", "format": format, "fields": fields, "group_ids": [group]});
        job(api, &format!("export of a group as {format}"), "/v1/exports", &what)?;
    }
    job(api, "half to the trash", jobs, &json!({"select": half(), "action": "trash"}))
}

/// Has a job done and prints how long it took.
fn job(api: &Api, name: &str, path: &str, body: &Value) -> Result<(), Failure> {
    let started = Instant::now();
    let made = api.keyed(&key(name, 0), path, (JSON, body.to_string().as_bytes()))?;
    let address = format!("{path}/{}", text(&made, "/id")?);
    let over = |job: &Value| matches!(job["status"].as_str(), Some("completed" | "failed" | "cancelled"));
    let done = api.poll(&address, over)?;
    if done["status"] != "completed" {
        return Err(format!("{name}: {done}").into());
    }
    let seconds = started.elapsed().as_secs_f64();
    let rows = [&done["result"]["matched"], &done["progress"]["done"]].into_iter().find_map(Value::as_u64).unwrap_or(0);
    println!("| {name} | {rows} | {seconds:.1} | {:.0} |", per_second(rows, seconds));
    Ok(())
}

const JSON: &str = "application/json";

fn body(filter: Value, count: bool) -> String {
    json!({ "filter": filter, "count": count }).to_string()
}

fn key(name: &str, n: u64) -> String {
    format!("{}-{n}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
}

fn phone(n: u64) -> Result<String, Failure> {
    let (country, base) = [("380", 501_000_000), ("48", 501_000_000), ("34", 611_000_000)][usize::try_from(n % 3)?];
    Ok(format!("+{country}{}", base + n / 3))
}

fn row(n: u64) -> Result<String, Failure> {
    let one = |of: &'static [&'static str], n: u64| of.get(usize::try_from(n).unwrap_or(0) % of.len()).copied();
    let (first, last) = (one(&FIRST, n / 7).unwrap_or_default(), one(&LAST, n / 11).unwrap_or_default());
    let (city, sex) = (one(&CITIES, n / 13).unwrap_or_default(), if n.is_multiple_of(2) { "female" } else { "male" });
    let (year, month, day) = (1950 + n / 17 % 55, 1 + n % 12, 1 + n / 5 % 28);
    Ok(format!("{},{first},{last},{year}-{month:02}-{day:02},{sex},{city}\n", phone(n)?))
}
