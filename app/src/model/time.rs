//! Points in time as a person here sees them.

/// A moment by the clock and calendar of the place where this device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// The day.
    pub day: Day,
    /// 0–23.
    pub hour: u8,
    /// 0–59.
    pub minute: u8,
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// Of the common era.
    pub year: i32,
    /// 1–12.
    pub month: u8,
    /// 1–31.
    pub day: u8,
}

/// Tells the local time of milliseconds since 1970-01-01T00:00:00Z.
pub type Local = fn(i64) -> LocalTime;

impl Day {
    /// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, “chrono-Compatible Low-Level Date
    /// Algorithms”, `days_from_civil`).
    pub fn number(self) -> i64 {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let month = (i64::from(self.month) + 9) % 12;
        let of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// 0 for Monday to 6 for Sunday.
    pub fn weekday(self) -> usize {
        usize::try_from((self.number() + 3).rem_euclid(7)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted() {
        let day = |year, month, day| Day { year, month, day };
        assert_eq!(day(1970, 1, 1).number(), 0);
        assert_eq!(day(2000, 3, 1).number() - day(2000, 2, 28).number(), 2);
        assert_eq!(day(2026, 11, 25).weekday(), 2);
        assert_eq!(day(1969, 12, 29).weekday(), 0);
    }
}
