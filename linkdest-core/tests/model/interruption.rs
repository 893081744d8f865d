//! What goes wrong in one operation.

use std::sync::atomic::{AtomicUsize, Ordering};

use linkdest_core::{Event, Monitor, Progress, StopFlag};

use super::choices::Choices;

/// What goes wrong, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    Nothing,
    /// Somebody asks it to stop after so many events.
    Stop(usize),
    /// Nothing reaches the disk any more after so many kernel calls.
    #[cfg(linkdest_calls)]
    End(usize),
    /// The n-th call of a kind fails with an error number.
    #[cfg(linkdest_calls)]
    Fault(linkdest_core::calls::Call, usize, i32),
}

impl Interruption {
    /// Nothing most of the time.
    pub fn chosen(choices: &mut Choices<'_>) -> Self {
        match choices.below(8) {
            4 => Self::Stop(1 + choices.below(40)),
            #[cfg(linkdest_calls)]
            5 | 6 => Self::End(choices.wide() % 600),
            #[cfg(linkdest_calls)]
            7 => Self::fault(choices),
            _ => Self::Nothing,
        }
    }

    #[cfg(linkdest_calls)]
    fn fault(choices: &mut Choices<'_>) -> Self {
        use linkdest_core::calls::Call;
        const CALLS: &[Call] = &[
            Call::Open,
            Call::Create,
            Call::Stat,
            Call::List,
            Call::Read,
            Call::Write,
            Call::Link,
            Call::Symlink,
            Call::ReadLink,
            Call::MakeDir,
            Call::MakeNode,
            Call::Unlink,
            Call::Rename,
            Call::SetOwner,
            Call::SetMode,
            Call::SetTimes,
            Call::ListXattr,
            Call::GetXattr,
            Call::SetXattr,
            Call::Sync,
            Call::SyncFs,
            Call::Lock,
        ];
        // EIO, ENOSPC, EACCES, ENOMEM, EDQUOT
        let call = choices.one_of(CALLS).unwrap_or(Call::Open);
        let errno = choices.one_of(&[5, 28, 13, 12, 122]).unwrap_or(5);
        // Where the file system is tried out, a refusal of these is an answer.
        let answers =
            [Call::SetOwner, Call::SetMode, Call::SetXattr, Call::GetXattr, Call::Symlink, Call::ReadLink];
        let errno = if errno == 13 && answers.contains(&call) { 5 } else { errno };
        Self::Fault(call, 1 + choices.below(60), errno)
    }

    /// Whether what was being done may be on disk although it was said to have failed.
    pub fn is_end(self) -> bool {
        #[cfg(linkdest_calls)]
        return matches!(self, Self::End(_));
        #[cfg(not(linkdest_calls))]
        false
    }

    /// Does something, which is disturbed in this way.
    pub fn around<T>(self, act: impl FnOnce(&StopFlag, &dyn Monitor) -> T) -> T {
        let flag = StopFlag::default();
        let events = if let Self::Stop(events) = self { events } else { usize::MAX };
        let monitor = Stopping { flag: flag.clone(), left: AtomicUsize::new(events) };
        #[cfg(linkdest_calls)]
        match self {
            Self::End(calls) => linkdest_core::calls::trace::start_ending_after(calls),
            Self::Fault(call, nth, errno) => linkdest_core::calls::trace::start(Some((call, nth, errno))),
            _ => {}
        }
        let result = act(&flag, &monitor);
        #[cfg(linkdest_calls)]
        linkdest_core::calls::trace::finish();
        result
    }
}

struct Stopping {
    flag: StopFlag,
    left: AtomicUsize,
}

impl Stopping {
    fn count(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.flag.stop();
        }
    }
}

impl Monitor for Stopping {
    fn event(&self, _: &Event) {
        self.count();
    }

    fn progress(&self, _: &Progress) {
        self.count();
    }

    fn wants_entries(&self) -> bool {
        true
    }
}
