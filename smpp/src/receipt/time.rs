//! The date form of receipts: YYMMDDhhmm in UTC (SMPP 3.4 Appendix B).

/// `unix_micros` as YYMMDDhhmm in UTC.
pub fn format_date(unix_micros: i64) -> String {
    let seconds = unix_micros.div_euclid(1_000_000);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{:02}{month:02}{day:02}{:02}{:02}", year.rem_euclid(100), of_day / 3600, of_day % 3600 / 60)
}

/// Year, month and day of a day number counted from 1970-01-01: years begin in March here, so that the leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        assert_eq!(format_date(0), "7001010000");
        assert_eq!(format_date(951_782_400_000_000), "0002290000");
        assert_eq!(format_date(1_795_298_164_000_000), "2611212156");
        assert_eq!(format_date(-1), "6912312359");
    }
}
