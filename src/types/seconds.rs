//! Durations in serde's data: a number of seconds, as people write them. `Duration::MAX` and what
//! else is too long for a number is the longest that a number can say.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// More than any limit means: some 30 million years.
const MAX: f64 = 1e15;

pub(crate) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64().min(MAX))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    if seconds >= MAX {
        return Ok(Duration::MAX);
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| D::Error::custom("a number of seconds is expected"))
}
