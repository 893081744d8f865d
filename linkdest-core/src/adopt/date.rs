//! Dates in the names of directories, as scripts write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::entry::Timestamp;

const DATES: [&str; 4] = ["%Y-%m-%d", "%Y%m%d", "%Y_%m_%d", "%Y.%m.%d"];
const BETWEEN: [&str; 5] = ["T", "_", "-", " ", "."];
const TIMES: [&str; 10] =
    ["%H:%M:%S", "%H-%M-%S", "%H%M%S", "%H_%M_%S", "%H.%M.%S", "%H:%M", "%H-%M", "%H%M", "%H_%M", "%H.%M"];
/// Numbers that only look like a year are many.
const YEARS: std::ops::Range<i16> = 1990..2200;

/// Finds the date that a name ends in, after a prefix such as `backup-` or none: in local time, unless it says otherwise.
/// One without a time of day means its midnight.
pub(super) fn ending(name: &str, zone: &TimeZone) -> Option<Timestamp> {
    let begins = |(at, _): &(usize, char)| {
        *at == 0 || name.get(..*at).is_some_and(|before| before.ends_with(['-', '_', '.', ' ']))
    };
    name.char_indices().filter(begins).find_map(|(at, _)| whole(name.get(at..)?, zone))
}

/// Reads a text that is a date and nothing else.
pub(super) fn whole(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    // `date --iso-8601=seconds` has an offset.
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        let year = time.to_zoned(TimeZone::UTC).year();
        return YEARS.contains(&year).then(|| Timestamp { seconds: time.as_second(), nanos: 0 });
    }
    let (text, zone) = match text.strip_suffix('Z') {
        Some(text) => (text, &TimeZone::UTC),
        None => (text, zone),
    };
    let time = civil(text).filter(|time| YEARS.contains(&time.year()))?;
    let time = time.to_zoned(zone.clone()).ok()?.timestamp();
    Some(Timestamp { seconds: time.as_second(), nanos: 0 })
}

fn civil(text: &str) -> Option<DateTime> {
    for date in DATES {
        // Only what comes out as it went in was written like that: a parser takes less digits than a writer writes.
        if let Ok(day) = Date::strptime(date, text)
            && day.strftime(date).to_string() == text
        {
            return Some(day.at(0, 0, 0, 0));
        }
        for (between, time) in BETWEEN.iter().flat_map(|between| TIMES.map(|time| (between, time))) {
            let shape = format!("{date}{between}{time}");
            if let Ok(at) = DateTime::strptime(&shape, text)
                && at.strftime(&shape).to_string() == text
            {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time in a name, one hour east of Greenwich.
    fn found(name: &str) -> Option<String> {
        ending(name, &TimeZone::fixed(jiff::tz::offset(1))).map(|time| time.to_string())
    }

    #[test]
    fn the_forms_that_scripts_write_are_read() {
        for name in [
            "2026-11-22_13-22-00",
            "20261122-132200",
            "2026-11-22-132200",
            "2026-11-22T13:22:00",
            "2026-11-22 13:22:00",
            "20261122_1322",
            "2026-11-22T12:22:00Z",
            "2026-11-22T13:22:00+01:00",
            "20261122T122200Z",
            "backup-2026-11-22_13-22-00",
            "back-20261122-132200",
            "my_home.2026.11.22-13.22.00",
            "2019-2026-11-22-132200",
        ] {
            assert_eq!(found(name).as_deref(), Some("2026-11-22T12:22:00Z"), "{name}");
        }
        for name in ["2026-11-22", "20261122", "backup-2026_11_22", "back.2026.11.22"] {
            assert_eq!(found(name).as_deref(), Some("2026-11-21T23:00:00Z"), "{name}");
        }
    }

    #[test]
    fn other_names_are_none() {
        for name in [
            "",
            "latest",
            "2026",
            "2026-11",
            "2026-13-22",
            "2026-02-30",
            "2026-11-22-old",
            "x2026-11-22",
            "12345678",
            "2026-11-22_25-00-00",
            "1026-11-22",
            "2026-1-2",
            "2026-11-22_13-22-00.log",
            "é2026-11-22",
            "99991122",
        ] {
            assert_eq!(found(name), None, "{name}");
        }
    }
}
