//! The queue of directories: last in, first out for each worker, so that the walk goes deep before it goes wide and
//! memory stays flat; idle workers take the oldest work of others, which is the largest.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};

/// Work for many workers, until it is closed.
pub(crate) struct Queue<T> {
    injector: Injector<T>,
    stealers: Vec<Stealer<T>>,
    sleepers: AtomicUsize,
    closed: AtomicBool,
    lock: Mutex<()>,
    wake: Condvar,
}

/// A sleeper looks again after this time at the latest.
const NAP: Duration = Duration::from_millis(20);

impl<T> Queue<T> {
    /// Makes the queue and the workers' own ends of it.
    pub fn new(workers: usize) -> (Self, Vec<Worker<T>>) {
        let locals: Vec<Worker<T>> = (0..workers).map(|_| Worker::new_lifo()).collect();
        let queue = Self {
            injector: Injector::new(),
            stealers: locals.iter().map(Worker::stealer).collect(),
            sleepers: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        };
        (queue, locals)
    }

    /// Adds work for anybody.
    pub fn push(&self, work: T) {
        self.injector.push(work);
        self.wake_one();
    }

    /// Adds work to a worker's own end.
    pub fn push_local(&self, local: &Worker<T>, work: T) {
        local.push(work);
        self.wake_one();
    }

    fn wake_one(&self) {
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.wake.notify_one();
        }
    }

    /// Ends the work: everybody gets `None` from now on.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.wake.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Takes work, waiting for some; `None` once the queue is closed.
    pub fn pop(&self, local: &Worker<T>) -> Option<T> {
        loop {
            if self.is_closed() {
                return None;
            }
            if let Some(work) = self.find(local) {
                return Some(work);
            }
            self.sleepers.fetch_add(1, Ordering::SeqCst);
            let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.is_closed() && self.injector.is_empty() && self.stealers.iter().all(Stealer::is_empty) {
                drop(self.wake.wait_timeout(guard, NAP));
            }
            self.sleepers.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn find(&self, local: &Worker<T>) -> Option<T> {
        local.pop().or_else(|| {
            loop {
                let others = || self.stealers.iter().map(Stealer::steal).collect::<Steal<T>>();
                match self.injector.steal().or_else(others) {
                    Steal::Success(work) => return Some(work),
                    Steal::Empty => return None,
                    Steal::Retry => {}
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn every_piece_of_work_is_done_once() {
        let (queue, locals) = Queue::new(4);
        let left = AtomicU64::new(1);
        let done = AtomicU64::new(0);
        queue.push(12_u32);
        std::thread::scope(|scope| {
            for local in locals {
                let (queue, left, done) = (&queue, &left, &done);
                scope.spawn(move || {
                    // Each piece of n makes two of n - 1: 2^13 - 1 pieces in all.
                    while let Some(depth) = queue.pop(&local) {
                        done.fetch_add(1, Ordering::Relaxed);
                        if depth > 0 {
                            left.fetch_add(2, Ordering::SeqCst);
                            queue.push_local(&local, depth - 1);
                            queue.push_local(&local, depth - 1);
                        }
                        if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                            queue.close();
                        }
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 8191);
    }
}
