//! How often a key may do something: the `governor` crate's generic cell rate algorithm
//! (ITU-T I.371), which stores one moment per key.
//!
//! Two things that `governor` does not offer are here. What was taken can be given back, since only
//! look-ups that miss count: each is taken before it is made, so that concurrent guesses find no
//! gap, and given back when it hits. And the number of remembered keys is bounded. Both concern the
//! state store, which is ours; whether a request conforms is decided by `governor` alone. The time is
//! the collector's elapsed clock.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};
use jalon::clock::Clock;

/// A rate of zero would never let anybody in: it counts as one.
pub(crate) fn at_least_one(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

/// A quota for each key. A key may use the whole burst at once.
pub struct Throttle<K: Hash + Eq + Clone> {
    burst: NonZeroU32,
    one_ns: u64,
    marks: Marks<K>,
    limiter: RateLimiter<K, Marks<K>, Elapsed, NoOpMiddleware<Nanos>>,
}

impl<K: Hash + Eq + Clone> Throttle<K> {
    /// Allows `quota` to each key; remembers at most `keys_max` keys.
    pub fn new(quota: Quota, keys_max: usize, clock: Arc<dyn Clock>) -> Self {
        let marks = Marks(Arc::new(Inner { keys_max, map: Mutex::default() }));
        Self {
            burst: quota.burst_size(),
            // The algorithm counts nanoseconds, so that a quota has at most a thousand million per
            // second.
            one_ns: Nanos::from(quota.replenish_interval()).as_u64().max(1),
            marks: marks.clone(),
            limiter: RateLimiter::new(quota, marks, Elapsed(clock)),
        }
    }

    /// Takes `count` for `key`, or says in how many seconds that is possible. A count above the burst
    /// passes once the key has recovered completely.
    ///
    /// # Errors
    /// The seconds to wait, rounded up.
    pub fn take(&self, key: &K, count: u32) -> Result<(), u64> {
        let Some(count) = NonZeroU32::new(count) else { return Ok(()) };
        if self.marks.is_full_for(key) {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key_n(key, count.min(self.burst)) {
            Ok(Err(not_until)) => {
                let wait = not_until.wait_time_from(self.limiter.clock().now());
                Err((wait.as_nanos() as u64).div_ceil(1_000_000_000).max(1))
            }
            // The error means more than the burst, which `min` rules out.
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    /// Gives one back that was taken. A key that was forgotten meanwhile has its whole quota already.
    pub fn give_back(&self, key: &K) {
        if let Some(mark) = self.marks.lock().get_mut(key) {
            *mark = mark.saturating_sub(self.one_ns.into());
        }
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for Throttle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("burst", &self.burst).finish_non_exhaustive()
    }
}

/// The elapsed clock, as `governor` reads one.
struct Elapsed(Arc<dyn Clock>);

impl governor::clock::Clock for Elapsed {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.now().elapsed_ms.saturating_mul(1_000_000).into()
    }
}

/// The moment at which each key has recovered completely: the algorithm's theoretical arrival time.
/// Clones share one store, since a [`RateLimiter`] gives no access to the store it was given.
struct Marks<K>(Arc<Inner<K>>);

struct Inner<K> {
    keys_max: usize,
    map: Mutex<HashMap<K, Nanos>>,
}

impl<K> Clone for Marks<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Hash + Eq> Marks<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Nanos>> {
        self.0.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full_for(&self, key: &K) -> bool {
        let map = self.lock();
        map.len() >= self.0.keys_max && !map.contains_key(key)
    }
}

impl<K: Hash + Eq + Clone> StateStore for Marks<K> {
    type Key = K;

    /// One lock around decision and change, so that no two requests see the same mark.
    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut map = self.lock();
        if let Some(mark) = map.get_mut(key) {
            let (taken, next) = decide(Some(*mark))?;
            *mark = next;
            return Ok(taken);
        }
        let (taken, next) = decide(None)?;
        // Other keys came in since room was made.
        if map.len() >= self.0.keys_max {
            map.clear();
        }
        map.insert(key.clone(), next);
        Ok(taken)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for Marks<K> {
    /// Forgets the keys that have recovered; all keys, when that leaves little room (a storm of made-up
    /// keys). Refusing new keys would lock out honest callers, also of other apps; forgetting gives
    /// each key one more burst for a whole map of misses.
    fn retain_recent(&self, drop_below: Nanos) {
        let mut map = self.lock();
        map.retain(|_, mark| *mark > drop_below);
        if map.len() > self.0.keys_max / 2 {
            map.clear();
        }
    }

    fn len(&self) -> usize {
        self.lock().len()
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use jalon::clock::{Bell, Now};

    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    #[derive(Default)]
    struct Hand(AtomicU64);

    impl Hand {
        fn set(&self, elapsed_ms: u64) {
            self.0.store(elapsed_ms, Ordering::SeqCst);
        }
    }

    impl Clock for Hand {
        fn now(&self) -> Now {
            Now { wall_ms: 0, elapsed_ms: self.0.load(Ordering::SeqCst) }
        }

        fn random(&self, _: &mut [u8]) {}

        fn wait(&self, _: &Bell, _: Option<u64>) {}
    }

    fn per_hour<K: Hash + Eq + Clone>(count: u32, keys_max: usize) -> (Throttle<K>, Arc<Hand>) {
        let clock = Arc::new(Hand::default());
        let quota = Quota::per_hour(NonZeroU32::new(count).unwrap());
        (Throttle::new(quota, keys_max, clock.clone()), clock)
    }

    #[test]
    fn allows_five_an_hour_then_says_how_long_to_wait() {
        let (throttle, clock) = per_hour(5, 10);
        clock.set(1_000);
        for _ in 0..5 {
            assert_eq!(throttle.take(&"caller", 1), Ok(()));
        }
        assert_eq!(throttle.take(&"caller", 1), Err(720));
        assert_eq!(throttle.take(&"another", 1), Ok(()));
        clock.set(1_001);
        assert_eq!(throttle.take(&"caller", 1), Err(720), "rounded up");
        clock.set(1_000 + 719_999);
        assert_eq!(throttle.take(&"caller", 1), Err(1));
        clock.set(1_000 + 720_000);
        assert_eq!(throttle.take(&"caller", 1), Ok(()));
        assert_eq!(throttle.take(&"caller", 1), Err(720));
        clock.set(10 * HOUR_MS);
        for _ in 0..5 {
            assert_eq!(throttle.take(&"caller", 1), Ok(()), "no more than a burst is saved up");
        }
        assert_eq!(throttle.take(&"caller", 1), Err(720));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (throttle, _) = per_hour(1, 10);
        for _ in 0..10 {
            assert_eq!(throttle.take(&"caller", 1), Ok(()));
            throttle.give_back(&"caller");
        }
        throttle.give_back(&"never seen");
        throttle.give_back(&"caller");
        assert_eq!(throttle.take(&"caller", 1), Ok(()));
        assert_eq!(throttle.take(&"caller", 1), Err(3_600), "to give back twice saves nothing up");
    }

    #[test]
    fn more_than_the_burst_is_let_through_once_the_key_has_recovered_wholly() {
        let (throttle, clock) = per_hour(5, 10);
        assert_eq!(throttle.take(&"key", 7), Ok(()));
        assert_eq!(throttle.take(&"key", 7), Err(3_600));
        clock.set(HOUR_MS - 1);
        assert_eq!(throttle.take(&"key", 7), Err(1));
        clock.set(HOUR_MS);
        assert_eq!(throttle.take(&"key", 7), Ok(()));
        assert_eq!(throttle.take(&"key", 0), Ok(()), "nothing costs nothing");
    }

    #[test]
    fn remembers_a_bounded_number_of_keys_and_forgets_who_has_recovered() {
        let (throttle, clock) = per_hour(1, 2);
        assert_eq!(throttle.take(&1, 1), Ok(()));
        assert_eq!(throttle.take(&2, 1), Ok(()));
        clock.set(2 * HOUR_MS + 1);
        assert_eq!(throttle.take(&3, 1), Ok(()));
        assert_eq!(throttle.marks.len(), 1);
    }

    #[test]
    fn whoever_has_not_recovered_is_remembered_when_there_is_room_for_others() {
        let (throttle, clock) = per_hour(1, 4);
        for key in 0..3 {
            assert_eq!(throttle.take(&key, 1), Ok(()));
        }
        clock.set(2 * HOUR_MS + 1);
        for key in 3..6 {
            assert_eq!(throttle.take(&key, 1), Ok(()));
        }
        assert_eq!(throttle.take(&3, 1), Err(3_600));
    }

    #[test]
    fn a_storm_of_made_up_keys_does_not_lock_out_a_newcomer() {
        let (throttle, _) = per_hour(1, 4);
        for key in 0..1_000 {
            assert_eq!(throttle.take(&key, 1), Ok(()));
            assert!(throttle.marks.len() <= 4);
        }
    }

    #[test]
    fn takers_at_once_find_no_gap() {
        let (throttle, _) = per_hour(5, 10);
        let taken = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| (0..100).filter(|_| throttle.take(&"one", 1).is_ok()).count())
                })
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum::<usize>()
        });
        assert_eq!(taken, 5);
    }
}
