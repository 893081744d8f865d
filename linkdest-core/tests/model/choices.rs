//! A string of bytes as a source of decisions, the same for random seeds and for a fuzzer.

use linkdest_testkit::Random;

/// Decisions, one byte each; when the bytes are used up every decision is 0.
pub struct Choices<'b> {
    bytes: &'b [u8],
}

impl<'b> Choices<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    /// A number below `bound`, which is 256 at most and not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.next()) % bound
    }

    /// A number below 65,536.
    pub fn wide(&mut self) -> usize {
        usize::from(self.next()) * 256 + usize::from(self.next())
    }

    pub fn one_of<T: Clone>(&mut self, items: &[T]) -> Option<T> {
        if items.is_empty() {
            return None;
        }
        let at = if items.len() > 256 { self.wide() } else { usize::from(self.next()) };
        items.get(at % items.len()).cloned()
    }

    pub fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }
}

/// The decisions of a random history.
pub fn of_seed(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let length = 40 + random.below(200);
    random.bytes(usize::try_from(length).unwrap())
}
