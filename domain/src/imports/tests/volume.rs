//! How fast, and with how much memory: by hand, on an optimised build.
//!
//! `CARILLON_TEST_POSTGRES=… CARILLON_ROWS=1000000 cargo test --release -p domain --lib volume -- --ignored --nocapture`

use std::time::Instant;

use super::*;

fn peak_kilobytes() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, does not judge"]
async fn rows_per_second() {
    let rows: u32 = std::env::var("CARILLON_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    for stage in stages().await {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "Phone,First name,Last name,City").unwrap();
        for i in 0..rows {
            writeln!(file, "+4479{:08},Name {i},Surname {i},City {}", i.reverse_bits() % 100_000_000, i % 97).unwrap();
        }
        for what in ["new contacts", "the same again"] {
            let order = Order { file_name: "a.csv".into(), groups: vec!["All".into()], ..Order::default() };
            let accepted = Instant::now();
            let queued = create(&stage.db, &stage.scope, Kind::Contacts, file.path(), order).await.unwrap();
            let (accepted, began) = (accepted.elapsed(), Instant::now());
            let done = finish(&stage, &queued).await;
            assert_eq!(done.status, ImportStatus::Completed);
            let rate = f64::from(rows) / began.elapsed().as_secs_f64();
            println!(
                "{:?} {what}: {rate:.0} rows/s, accepted in {accepted:.1?}, {:?}, {}",
                stage.db.backend(),
                done.counts,
                peak_kilobytes()
            );
        }
    }
}
