//! The syntax of schedules, as the server's registration reads it: Go's `robfig/cron` with five fields,
//! without seconds and without descriptors such as `@daily`.

struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names of the values from `least` on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day", least: 1, most: 31, names: &[] },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field {
        name: "weekday",
        least: 0,
        most: 6,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

pub(super) fn check(schedule: &str) -> Result<(), String> {
    let schedule = without_zone(schedule)?;
    if schedule.trim_start().starts_with('@') {
        return Err("the server takes no `@` schedules; write `0 0 * * *` for `@daily`".to_owned());
    }
    let texts: Vec<_> = schedule.split_whitespace().collect();
    if texts.len() != FIELDS.len() {
        return Err(format!(
            "a schedule has five fields (minute, hour, day, month, weekday), not {}",
            texts.len()
        ));
    }
    for (field, text) in FIELDS.iter().zip(texts) {
        for item in text.split(',') {
            field.check(item)?;
        }
    }
    Ok(())
}

fn without_zone(schedule: &str) -> Result<&str, String> {
    let zoned = ["TZ=", "CRON_TZ="].into_iter().find_map(|prefix| schedule.strip_prefix(prefix));
    let Some(zoned) = zoned else { return Ok(schedule) };
    // The server looks for a space, not for any white space.
    let (zone, schedule) =
        zoned.split_once(' ').ok_or("a space and the five fields must follow the time zone")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    if zone.is_empty() || zone.starts_with('/') || !zone.chars().all(allowed) {
        return Err(format!("{zone:?} is not a time zone; write for instance `Europe/Berlin`"));
    }
    Ok(schedule)
}

impl Field {
    /// One item of a list: `*`, a value or a range, each perhaps with a step.
    fn check(&self, item: &str) -> Result<(), String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        if !matches!(range, "*" | "?") {
            let (low, high) = range.split_once('-').unwrap_or((range, range));
            if self.value(low, item)? > self.value(high, item)? {
                return Err(format!("the {} `{item}` ends before it begins", self.name));
            }
        }
        match step.map(str::parse::<u32>) {
            None | Some(Ok(1..)) => Ok(()),
            Some(_) => Err(format!("the {} `{item}` needs a step of 1 or more", self.name)),
        }
    }

    fn value(&self, text: &str, item: &str) -> Result<u32, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(index) => u32::try_from(index).ok().map(|index| self.least + index),
            None => text.parse().ok(),
        };
        value.filter(|value| (self.least..=self.most).contains(value)).ok_or_else(|| {
            format!("the {} `{item}` is not in {} to {}", self.name, self.least, self.most)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_reads_is_taken() {
        for schedule in [
            "* * * * *",
            "0 9 * * 1",
            "*/15 0-6,12-18/2 1 jan-mar MON",
            "0 0 ? * 0",
            "5/20 * 31 12 sun",
            "TZ=Europe/Berlin 0 9 * * 1",
            "CRON_TZ=Etc/GMT+1  0 9 * * 1",
            "0\t9 *  * 1",
        ] {
            assert_eq!(check(schedule), Ok(()), "{schedule}");
        }
    }

    #[test]
    fn what_the_server_does_not_read_is_refused() {
        for (schedule, problem) in [
            ("", "not 0"),
            ("* * * *", "not 4"),
            ("0 * * * * *", "not 6"),
            ("@daily", "takes no `@` schedules"),
            ("TZ=Europe/Berlin @daily", "takes no `@` schedules"),
            ("60 * * * *", "the minute `60` is not in 0 to 59"),
            ("* 24 * * *", "the hour `24`"),
            ("* * 0 * *", "the day `0` is not in 1 to 31"),
            ("* * * 13 *", "the month `13`"),
            ("* * * * 7", "the weekday `7` is not in 0 to 6"),
            ("* * * * monday", "the weekday `monday`"),
            ("1,,2 * * * *", "the minute ``"),
            ("5-1 * * * *", "ends before it begins"),
            ("*/0 * * * *", "needs a step of 1 or more"),
            ("1-2-3 * * * *", "the minute `1-2-3`"),
            ("*/2/2 * * * *", "needs a step of 1 or more"),
            ("TZ=Europe/Berlin", "a space and the five fields"),
            ("TZ= 0 9 * * 1", "is not a time zone"),
            ("TZ=../x 0 9 * * 1", "is not a time zone"),
            ("TZ=/etc/x 0 9 * * 1", "is not a time zone"),
        ] {
            let refused = check(schedule).expect_err(schedule);
            assert!(refused.contains(problem), "{schedule}: {refused}");
        }
    }
}
