//! How often a key may do something: the generic cell rate algorithm (ITU-T I.371), which holds
//! one number a key.
//!
//! The `governor` crate does the same but cannot give back what it took, and only look-ups that
//! miss may count here: each is taken before it is made, so that a storm of concurrent guesses
//! finds no gap, and given back when it hits.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// A bound of so many an interval for each key, with the whole of it at once as a burst.
#[derive(Debug)]
pub struct Throttle<K> {
    burst_us: u64,
    one_us: u64,
    keys_max: usize,
    /// The moment at which each key has recovered wholly, in µs of the elapsed clock.
    recovered_at_us: Mutex<HashMap<K, u64>>,
}

impl<K: Hash + Eq> Throttle<K> {
    /// Allows `count` an interval; remembers at most `keys_max` keys.
    pub fn new(count: u32, interval_ms: u64, keys_max: usize) -> Self {
        let burst_us = interval_ms * 1_000;
        Self {
            burst_us,
            one_us: burst_us / u64::from(count.max(1)),
            keys_max,
            recovered_at_us: Mutex::new(HashMap::new()),
        }
    }

    /// Takes `count` for `key`, or says in how many seconds they can be had. What alone exceeds
    /// the burst is let through once the key has whole_at.
    ///
    /// # Errors
    /// The seconds to wait.
    pub fn take(&self, key: K, count: u32, elapsed_ms: u64) -> Result<(), u64> {
        let now_us = elapsed_ms * 1_000;
        let mut whole_at = self.recovered_at_us.lock().unwrap_or_else(PoisonError::into_inner);
        if whole_at.len() >= self.keys_max && !whole_at.contains_key(&key) {
            whole_at.retain(|_, at_us| *at_us > now_us);
            // A storm of made-up keys. To refuse newcomers would lock out the honest, other apps'
            // too; to forget gives each key one burst more for a whole map of misses.
            if whole_at.len() > self.keys_max / 2 {
                whole_at.clear();
            }
        }
        let at_us = whole_at.entry(key).or_insert(0);
        let from_us = (*at_us).max(now_us);
        let price_us = (self.one_us * u64::from(count)).min(self.burst_us);
        let waits_us = (from_us + price_us).saturating_sub(now_us + self.burst_us);
        if waits_us > 0 {
            return Err(waits_us.div_ceil(1_000_000));
        }
        *at_us = from_us + price_us;
        Ok(())
    }

    /// Gives back one that was taken.
    pub fn give_back(&self, key: &K) {
        let mut whole_at = self.recovered_at_us.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at_us) = whole_at.get_mut(key) {
            *at_us = at_us.saturating_sub(self.one_us);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    #[test]
    fn allows_five_an_hour_then_says_how_long_to_wait() {
        let throttle = Throttle::new(5, HOUR_MS, 10);
        for _ in 0..5 {
            assert_eq!(throttle.take("caller", 1, 1_000), Ok(()));
        }
        assert_eq!(throttle.take("caller", 1, 1_000), Err(720));
        assert_eq!(throttle.take("another", 1, 1_000), Ok(()));
        assert_eq!(throttle.take("caller", 1, 1_000 + 720_000), Ok(()));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let throttle = Throttle::new(1, HOUR_MS, 10);
        for _ in 0..10 {
            assert_eq!(throttle.take("caller", 1, 0), Ok(()));
            throttle.give_back(&"caller");
        }
    }

    #[test]
    fn remembers_a_bounded_number_of_keys_and_forgets_who_has_recovered() {
        let throttle = Throttle::new(1, HOUR_MS, 2);
        assert_eq!(throttle.take(1, 1, 0), Ok(()));
        assert_eq!(throttle.take(2, 1, 0), Ok(()));
        assert_eq!(throttle.take(3, 1, HOUR_MS + 1), Ok(()));
        assert_eq!(throttle.recovered_at_us.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_storm_of_made_up_keys_does_not_lock_out_a_newcomer() {
        let throttle = Throttle::new(1, HOUR_MS, 4);
        for key in 0..1_000 {
            assert_eq!(throttle.take(key, 1, 0), Ok(()));
            assert!(throttle.recovered_at_us.lock().unwrap().len() <= 4);
        }
    }
}
