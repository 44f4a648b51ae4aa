/// A generator whose every run can be repeated: `KITH_TEST_SEED=…` (Marsaglia's xorshift).
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    /// The same seed, the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// The seed of this run: `KITH_TEST_SEED`, or another one each time. It is printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let random =
        u64::from(std::process::id()) ^ u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    let seed = std::env::var("KITH_TEST_SEED").map_or(random, |seed| seed.parse().unwrap());
    println!("KITH_TEST_SEED={seed}");
    seed
}
