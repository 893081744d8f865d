use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

fn times(zone: &str, texts: &[&str]) -> Vec<Candidate> {
    let zone = TimeZone::get(zone).unwrap();
    let of = |text: &&str| {
        let time = match text.parse::<jiff::Timestamp>() {
            Ok(time) => time,
            Err(_) => {
                text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp()
            }
        };
        let started = Timestamp { seconds: time.as_second(), nanos: 0 };
        Candidate { started, ..Candidate::default() }
    };
    texts.iter().map(of).collect()
}

/// Which ones the rules keep, apart from the newest good one.
fn kept(rules: KeepRules, zone: &str, texts: &[&str]) -> Vec<usize> {
    let decisions = rules.time_zone(zone).decide(&times(zone, texts)).unwrap();
    let by_rule = |reasons: &[KeepReason]| reasons.iter().any(|reason| *reason != KeepReason::NewestGood);
    (0..texts.len()).filter(|index| by_rule(&decisions[*index])).collect()
}

#[test]
fn each_rule_keeps_the_newest_of_its_periods() {
    let days =
        ["2024-03-02T10:00", "2024-03-02T09:00", "2024-03-01T23:59", "2024-02-29T00:00", "2024-01-01T00:00"];
    let rules = KeepRules::default;
    for (rules, expected) in [
        (rules().last(2), vec![0, 1]),
        (rules().hourly(3), vec![0, 1, 2]),
        (rules().daily(2), vec![0, 2]),
        (rules().daily(3), vec![0, 2, 3]),
        // The 26th of February to the 3rd of March are one week.
        (rules().weekly(1), vec![0]),
        (rules().weekly(2), vec![0, 4]),
        (rules().weekly(u32::MAX), vec![0, 4]),
        (rules().monthly(2), vec![0, 3]),
        (rules().yearly(1), vec![0]),
        (rules().yearly(2), vec![0]),
        (rules().within(Age::new(0, 0, 1, 0)), vec![0, 1, 2]),
        // A month before the 2nd of March is the 2nd of February.
        (rules().within(Age::new(0, 1, 0, 0)), vec![0, 1, 2, 3]),
        (rules().within(Age::new(0, 0, 0, 1)), vec![0]),
        (rules().last(u32::MAX), vec![0, 1, 2, 3, 4]),
        (rules().within(Age::new(u32::MAX, u32::MAX, u32::MAX, u32::MAX)), vec![0, 1, 2, 3, 4]),
    ] {
        assert_eq!(kept(rules.clone(), "UTC", &days), expected, "{rules:?}");
    }
}

#[test]
fn clocks_that_are_set_make_no_hour_and_lose_none() {
    let berlin = "Europe/Berlin";
    // 02:30 comes twice: in summer time, then in winter time.
    let back = ["2024-10-27T01:30:00Z", "2024-10-27T00:30:00Z", "2024-10-26T23:30:00Z"];
    assert_eq!(kept(KeepRules::default().hourly(2), berlin, &back), [0, 1]);
    // That day has 25 hours, and is one day.
    let day = ["2024-10-27T22:59:00Z", "2024-10-26T22:00:00Z", "2024-10-26T21:59:00Z"];
    assert_eq!(kept(KeepRules::default().daily(1), berlin, &day), [0]);
    assert_eq!(kept(KeepRules::default().daily(2), berlin, &day), [0, 2]);
    // A day before noon is noon, though 23 hours lie between.
    let forth = ["2024-03-31T12:00", "2024-03-30T12:00:01", "2024-03-30T12:00"];
    assert_eq!(kept(KeepRules::default().within(Age::new(0, 0, 1, 0)), berlin, &forth), [0, 1]);
}

#[test]
fn calendars_run_over_as_they_do() {
    // A month before the 31st of October would be the 31st of September: the 1st of October. A year before the 29th of
    // February is the 1st of March.
    let month = ["2024-10-31T12:00", "2024-10-01T12:00:01", "2024-10-01T12:00"];
    assert_eq!(kept(KeepRules::default().within(Age::new(0, 1, 0, 0)), "UTC", &month), [0, 1]);
    let leap = ["2024-02-29T12:00", "2023-03-01T12:00:01", "2023-03-01T12:00"];
    assert_eq!(kept(KeepRules::default().within(Age::new(1, 0, 0, 0)), "UTC", &leap), [0, 1]);
    // The 30th of December 2024 is in the first week of 2025.
    let weeks = ["2025-01-05T12:00", "2024-12-30T12:00", "2024-12-29T12:00", "2024-01-01T00:00"];
    assert_eq!(kept(KeepRules::default().weekly(2), "UTC", &weeks), [0, 2]);
}

#[test]
fn what_is_suspect_is_never_the_reason_that_others_go() {
    let mut all =
        times("UTC", &["2024-05-03T12:00", "2024-05-02T12:00", "2024-05-01T12:00", "2024-04-01T00:00"]);
    all[0].suspect = true;
    let decide = |rules: KeepRules| rules.time_zone("UTC").decide(&all).unwrap();
    let decisions = decide(KeepRules::default().last(2));
    assert_eq!(decisions[0], [KeepReason::Last]);
    assert_eq!(decisions[1], [KeepReason::Last, KeepReason::NewestGood]);
    assert_eq!((&*decisions[2], &*decisions[3]), (&[KeepReason::Last][..], &[][..]));
    let decisions = decide(KeepRules::default().within(Age::new(0, 0, 1, 1)));
    assert_eq!(decisions[2], [KeepReason::Within]);
}

#[test]
fn no_rule_is_an_error() {
    for rules in [
        KeepRules::default(),
        KeepRules::default().daily(0).within(Age::default()),
        KeepRules::default().last(1).time_zone("Mars/Olympus"),
    ] {
        assert_eq!(rules.decide(&[]).unwrap_err().kind(), ErrorKind::InvalidOption, "{rules:?}");
    }
}

#[test]
fn ages_are_read_as_they_are_written() {
    for (text, age) in [
        ("2y5m7d3h", Some(Age::new(2, 5, 7, 3))),
        ("3h2y", Some(Age::new(2, 0, 0, 3))),
        ("14d", Some(Age::new(0, 0, 14, 0))),
        ("0d", Some(Age::default())),
    ]
    .into_iter()
    .chain(["", "1", "y", "1w", "1y2", "1y1y", "-1d", " 1d", "99999999999d", "1é"].map(|text| (text, None)))
    {
        assert_eq!(text.parse::<Age>().ok(), age, "{text:?}");
    }
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("UTC"),
        Just("Europe/Berlin"),
        Just("America/New_York"),
        Just("Australia/Lord_Howe"),
        Just("Pacific/Apia"),
    ]
}

fn rules() -> impl Strategy<Value = KeepRules> {
    let age = prop::option::of((0_u32..3, 0_u32..14, 0_u32..40, 0_u32..50));
    (prop::array::uniform6(0_u32..6), age, zones()).prop_map(
        |([last, hourly, daily, weekly, monthly, yearly], age, zone)| {
            let rules = KeepRules::default().last(last).hourly(hourly).daily(daily);
            let rules = rules.weekly(weekly).monthly(monthly).yearly(yearly).time_zone(zone);
            age.map_or(rules.clone(), |(y, m, d, h)| rules.within(Age::new(y, m, d, h)))
        },
    )
}

/// Snapshots with gaps of minutes to months, so that hours, leap days and changes of the clock are met; some far away.
fn histories() -> impl Strategy<Value = Vec<Candidate>> {
    let gap = prop_oneof![60_i64..4000, 3000_i64..200_000, 80_000_i64..9_000_000];
    let start = prop_oneof![4 => 1_500_000_000_i64..1_900_000_000, 1 => any::<i64>()];
    let one = (gap, prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    (start, prop::collection::vec(one, 1..60)).prop_map(|(mut seconds, steps)| {
        let candidate = |(gap, suspect, pinned): (i64, bool, bool)| {
            seconds = seconds.saturating_sub(gap);
            Candidate { started: Timestamp { seconds, nanos: 0 }, suspect, pinned }
        };
        steps.into_iter().map(candidate).collect()
    })
}

proptest! {
    #[test]
    fn more_rules_never_keep_fewer(a in rules(), b in rules(), history in histories()) {
        prop_assume!(!a.is_empty());
        let both = KeepRules {
            last: a.last.max(b.last),
            hourly: a.hourly.max(b.hourly),
            daily: a.daily.max(b.daily),
            weekly: a.weekly.max(b.weekly),
            monthly: a.monthly.max(b.monthly),
            yearly: a.yearly.max(b.yearly),
            within: a.within.or(b.within),
            zone: a.zone.clone(),
        };
        let (few, many) = (a.decide(&history).unwrap(), both.decide(&history).unwrap());
        for (few, many) in few.iter().zip(&many) {
            prop_assert!(few.iter().all(|reason| many.contains(reason)), "{:?} {:?}", few, many);
        }
    }

    #[test]
    fn the_newest_good_one_and_pinned_ones_stay(rules in rules(), history in histories()) {
        prop_assume!(!rules.is_empty());
        let decisions = rules.decide(&history).unwrap();
        prop_assert!(!decisions[0].is_empty(), "nothing is left of what is newest");
        let good = history.iter().position(|one| !one.suspect);
        prop_assert!(good.is_none_or(|good| decisions[good].contains(&KeepReason::NewestGood)));
        for (one, reasons) in history.iter().zip(&decisions) {
            prop_assert_eq!(one.pinned, reasons.contains(&KeepReason::Pinned));
        }
    }

    #[test]
    fn suspect_ones_change_nothing_for_the_others(rules in rules(), history in histories()) {
        prop_assume!(!rules.is_empty());
        let with = rules.clone().last(0).decide(&history);
        let sure: Vec<_> = history.iter().filter(|one| !one.suspect).copied().collect();
        if let (Ok(with), Ok(without)) = (with, rules.last(0).decide(&sure)) {
            let with: Vec<_> = history.iter().zip(with).filter(|(one, _)| !one.suspect).map(|(_, r)| r).collect();
            prop_assert_eq!(with, without);
        }
    }

    #[test]
    fn rules_keep_no_more_than_they_say(count in 1_u32..8, history in histories()) {
        let sure: Vec<_> = history.into_iter().map(|one| Candidate { suspect: false, ..one }).collect();
        let decisions = KeepRules::default().daily(count).time_zone("Europe/Berlin").decide(&sure).unwrap();
        let daily = decisions.iter().filter(|reasons| reasons.contains(&KeepReason::Daily)).count();
        prop_assert!(daily <= count as usize);
    }
}

#[test]
fn rules_reasons_and_ages_have_their_words() {
    for (given, words) in
        [("1y2m3d4h", "1y2m3d4h"), ("14d", "14d"), ("4h3d", "3d4h"), ("1h", "1h"), ("0d", "0h")]
    {
        let age: Age = given.parse().unwrap();
        assert_eq!((age.to_string().as_str(), words.parse()), (words, Ok(age)));
    }
    let rules = KeepRules::default().last(3).daily(u32::MAX).weekly(1).within("14d".parse().unwrap());
    assert_eq!(rules.to_string(), "last 3, daily unlimited, weekly 1, within 14d");
    for (reason, word) in
        [(KeepReason::Last, "last"), (KeepReason::NewestGood, "newest_good"), (KeepReason::Pinned, "pinned")]
    {
        assert_eq!((reason.as_str(), reason.to_string()), (word, word.replace('_', " ")));
    }
}

#[test]
fn times_beyond_the_calendar_are_at_its_ends() {
    let at = |seconds| zoned(Timestamp { seconds, nanos: 0 }, &TimeZone::UTC).year();
    assert_eq!((at(i64::MIN), at(-1), at(0), at(i64::MAX)), (-9999, 1969, 1970, 9999));
}
