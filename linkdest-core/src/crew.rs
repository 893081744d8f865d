//! Threads that work off tasks, each of which may bring up more.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::monitor::StopFlag;

/// How often the calling thread looks up.
const TICK: Duration = Duration::from_millis(100);
/// More threads than this only wait for each other.
const MOST_THREADS: usize = 64;

/// What is still to be done. The task that came last is taken first, so that a walk goes deep and the list stays
/// short.
#[derive(Debug)]
pub(crate) struct Crew<T> {
    state: Mutex<State<T>>,
    /// For threads that wait for tasks.
    wake: Condvar,
    /// For the calling thread, which waits for the end.
    ended: Condvar,
}

#[derive(Debug)]
struct State<T> {
    tasks: Vec<T>,
    /// Tasks that are being worked on, which may bring up more.
    busy: usize,
    /// Those that were started.
    threads: usize,
    closed: bool,
    error: Option<Error>,
}

impl<T: Send> Crew<T> {
    /// Works until there are no tasks left, one of them fails, or the flag says stop; `tick` is called on the calling
    /// thread meanwhile, ten times a second.
    ///
    /// Each thread makes a worker for itself, and hands it one task after the other.
    ///
    /// # Errors
    /// The first error of a task, or that the work was stopped.
    pub fn work<W>(
        threads: usize,
        tasks: Vec<T>,
        stop: &StopFlag,
        tick: &mut dyn FnMut(),
        make: &(impl Fn() -> W + Sync),
        handle: &(impl Fn(&mut W, T, &Self) -> Result<()> + Sync),
    ) -> Result<()> {
        let state = State { closed: tasks.is_empty(), tasks, busy: 0, threads: 0, error: None };
        let crew = Self { state: Mutex::new(state), wake: Condvar::new(), ended: Condvar::new() };
        std::thread::scope(|scope| {
            for number in 0..threads.clamp(1, MOST_THREADS) {
                let started = start(scope, || {
                    let mut worker = make();
                    while let Some(task) = crew.take() {
                        let result = if stop.is_stopped() {
                            Err(Error::interrupted())
                        } else {
                            handle(&mut worker, task, &crew)
                        };
                        crew.done(result);
                    }
                });
                if let Err(error) = started {
                    crew.go_on_without(number, error);
                    break;
                }
                crew.lock().threads += 1;
            }
            crew.watch(tick);
        });
        match crew.state.into_inner().unwrap_or_else(PoisonError::into_inner).error {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Adds a task.
    pub fn push(&self, task: T) {
        self.lock().tasks.push(task);
        self.wake.notify_one();
    }

    /// Says whether a thread has nothing to do.
    pub fn is_idle(&self) -> bool {
        let state = self.lock();
        state.tasks.is_empty() && state.busy < state.threads
    }

    /// Goes on with the threads that there are; with none, nothing would ever be done.
    fn go_on_without(&self, threads: usize, error: Error) {
        if threads == 0 {
            let mut state = self.lock();
            state.error.get_or_insert(error);
            state.closed = true;
        }
    }

    /// Leaves what is not begun undone.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(task) = state.tasks.pop() {
                state.busy += 1;
                return Some(task);
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, result: Result<()>) {
        let mut state = self.lock();
        state.busy -= 1;
        if let Err(error) = result {
            state.error.get_or_insert(error);
            state.closed = true;
        }
        state.closed |= state.busy == 0 && state.tasks.is_empty();
        if state.closed {
            self.wake.notify_all();
            self.ended.notify_all();
        }
    }

    fn watch(&self, tick: &mut dyn FnMut()) {
        let mut state = self.lock();
        while !(state.closed && state.busy == 0) {
            let (guard, waited) =
                self.ended.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            if waited.timed_out() {
                drop(state);
                tick();
                state = self.lock();
            }
        }
    }
}

/// Starts a thread; the system may have none left.
///
/// # Errors
/// What the system says.
pub(crate) fn start<'s, 'e, T: Send + 's>(
    scope: &'s std::thread::Scope<'s, 'e>,
    work: impl FnOnce() -> T + Send + 's,
) -> Result<std::thread::ScopedJoinHandle<'s, T>> {
    let started = std::thread::Builder::new().spawn_scoped(scope, work);
    started.map_err(|error| Error::io("start a thread", ".", error))
}

/// The number of threads that were asked for, else one for each core.
pub(crate) fn threads(asked: Option<NonZeroUsize>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    asked.map_or_else(cores, NonZeroUsize::get).min(MOST_THREADS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn count(threads: usize, tasks: Vec<u64>, stop: &StopFlag) -> (Result<()>, u64) {
        let done = AtomicU64::new(0);
        let result = Crew::work(threads, tasks, stop, &mut || {}, &|| (), &|(), task, crew| {
            done.fetch_add(1, Ordering::Relaxed);
            (0..task).for_each(|smaller| crew.push(smaller));
            if task == 99 { Err(Error::option("no")) } else { Ok(()) }
        });
        (result, done.into_inner())
    }

    #[test]
    fn every_task_and_what_it_brings_up_is_done_once() {
        for threads in [0, 1, 2, 7] {
            for (tasks, expected) in [(vec![], 0), (vec![0], 1), (vec![3, 3], 16), (vec![10], 1024)] {
                let (result, done) = count(threads, tasks, &StopFlag::default());
                assert!(result.is_ok());
                assert_eq!(done, expected);
            }
        }
    }

    #[test]
    fn an_error_or_the_wish_to_stop_ends_the_work() {
        assert!(count(2, vec![1, 99, 1], &StopFlag::default()).0.is_err());
        let stop = StopFlag::default();
        stop.stop();
        let (result, done) = count(2, vec![1, 1], &stop);
        assert_eq!((result.unwrap_err().kind(), done), (crate::error::ErrorKind::Interrupted, 0));
    }
}
