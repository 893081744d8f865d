//! Tasks that several threads take from one stack, the newest first.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

struct State<T> {
    tasks: Vec<T>,
    /// Threads that may still add tasks.
    busy: usize,
    failure: Option<io::Error>,
}

struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

/// Works off a task and all tasks that come of it; stops at the first error.
///
/// Each thread has a worker of its own, which is given a task and a list for new ones.
pub(super) fn work_off<T: Send, W: FnMut(T, &mut Vec<T>) -> io::Result<()>>(
    first: T,
    threads: usize,
    worker: impl Fn() -> W + Sync,
) -> io::Result<()> {
    let state = State { tasks: vec![first], busy: 0, failure: None };
    let queue = Queue { state: Mutex::new(state), changed: Condvar::new() };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| queue.work(worker()));
        }
    });
    let state = queue.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.failure.map_or(Ok(()), Err)
}

impl<T> Queue<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, mut worker: impl FnMut(T, &mut Vec<T>) -> io::Result<()>) {
        let mut new = Vec::new();
        while let Some(task) = self.take() {
            let done = worker(task, &mut new);
            self.give(&mut new, done);
        }
    }

    /// Takes a task; `None` when there is and will be none.
    fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.failure.is_some() {
                return None;
            }
            if let Some(task) = state.tasks.pop() {
                state.busy += 1;
                return Some(task);
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn give(&self, new: &mut Vec<T>, done: io::Result<()>) {
        let mut state = self.lock();
        state.busy -= 1;
        state.tasks.append(new);
        if let Err(error) = done {
            state.failure.get_or_insert(error);
        }
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn everything_is_done_once() {
        let done = AtomicU32::new(0);
        let worker = || {
            |task: u32, new: &mut Vec<u32>| {
                done.fetch_add(1, Ordering::Relaxed);
                new.extend((0..3).filter(|_| task > 0).map(|_| task - 1));
                Ok(())
            }
        };
        work_off(6, 4, worker).unwrap();
        assert_eq!(done.into_inner(), (3_u32.pow(7) - 1) / 2);
    }

    #[test]
    fn an_error_ends_it() {
        let failed = work_off((), 2, || |(), _: &mut Vec<()>| Err(io::Error::other("no")));
        assert_eq!(failed.unwrap_err().to_string(), "no");
    }
}
