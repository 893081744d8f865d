//! A share of something that there is only so much of.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// So much of something.
pub(crate) struct Budget(Arc<Shared>);

struct Shared {
    free: Mutex<Free>,
    all: usize,
    more: Condvar,
}

/// What is left, and how many wait for some of it.
struct Free {
    amount: usize,
    waiting: usize,
}

/// A share, given back when dropped.
pub(crate) struct Share {
    amount: usize,
    of: Arc<Shared>,
}

impl Budget {
    pub fn new(all: usize) -> Self {
        Self(Arc::new(Shared {
            free: Mutex::new(Free { amount: all, waiting: 0 }),
            all,
            more: Condvar::new(),
        }))
    }

    /// Takes a share if there is enough. Who has one may take more only like this: nobody waits for somebody who waits.
    pub fn try_take(&self, amount: usize) -> Option<Share> {
        let mut free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.amount = free.amount.checked_sub(amount)?;
        Some(Share { amount, of: Arc::clone(&self.0) })
    }

    /// Takes a share, waiting until there is enough; all of it, where more is asked for. `None` if `give_up` says so.
    pub fn take(&self, amount: usize, give_up: impl Fn() -> bool) -> Option<Share> {
        let amount = amount.min(self.0.all);
        let mut free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(left) = free.amount.checked_sub(amount) {
                free.amount = left;
                return Some(Share { amount, of: Arc::clone(&self.0) });
            }
            if give_up() {
                return None;
            }
            let tick = Duration::from_millis(100);
            free.waiting += 1;
            free = self.0.more.wait_timeout(free, tick).unwrap_or_else(PoisonError::into_inner).0;
            free.waiting -= 1;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut free = self.of.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.amount += self.amount;
        // Waking nobody is a system call, too.
        let is_wanted = free.waiting > 0;
        drop(free);
        if is_wanted {
            self.of.more.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_given_back() {
        let budget = Budget::new(10);
        let first = budget.try_take(6).unwrap();
        assert!(budget.try_take(5).is_none());
        assert!(budget.take(5, || true).is_none());
        let second = budget.try_take(4).unwrap();
        drop(first);
        assert!(budget.take(6, || true).is_some());
        drop(second);
        assert!(budget.take(1000, || true).is_some(), "nobody gets more than all");
    }
}
