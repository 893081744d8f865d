//! Asking only which entries take part.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::engine::{Plan, walk};
use super::filtering::Filtering;
use super::found::{absolute, open_source};
use super::groups::HARD_LINKS;
use super::space::Space;
use crate::entry::Timestamp;
use crate::error::Result;
use crate::monitor::{Event, Monitor, Progress, StopFlag};
use crate::os::{effective_ids, open_file_limit};
use crate::path::RelPath;
use crate::policy::Quick;
use crate::policy::attributes::Reach;
use crate::source::LocalSource;

/// An entry that takes part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Selected {
    /// The path below the source.
    pub path: RelPath,
    /// Whether it is a directory.
    pub directory: bool,
}

/// Keeps what was selected and passes everything else on.
struct Selecting<'m> {
    monitor: &'m dyn Monitor,
    selected: Mutex<Vec<Selected>>,
}

impl Monitor for Selecting<'_> {
    fn event(&self, event: &Event) {
        if let Event::Selected { path, directory } = event {
            let one = Selected { path: path.clone(), directory: *directory };
            self.selected.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }
        self.monitor.event(event);
    }

    fn progress(&self, progress: &Progress) {
        self.monitor.progress(progress);
    }
}

impl Filtering {
    /// Lists the entries of a source that take part, sorted by their bytes, a directory as if it ended in `/`. Nothing
    /// is written and no content is read but rule files.
    ///
    /// # Errors
    /// A source that cannot be read; a bad rule in one of its rule files; the stop that was asked for.
    pub fn select(
        &self,
        source: impl AsRef<Path>,
        monitor: &dyn Monitor,
        stop: &StopFlag,
    ) -> Result<Vec<Selected>> {
        let source = source.as_ref();
        let (dir, metadata) = open_source(source)?;
        let selecting = Selecting { monitor, selected: Mutex::default() };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        walk(Plan {
            source: &LocalSource::new(dir),
            source_path: &absolute(source),
            filtering: self,
            select_only: true,
            staged: None,
            scratch: None,
            part_lists: None,
            manifest: None,
            started: Timestamp::now(),
            damaged: &HashSet::new(),
            record_attributes: false,
            shift: None,
            trust_shift: false,
            device: metadata.id.device,
            references: &[],
            policy: &Quick::default(),
            reach: Reach::unknown(effective_ids()),
            one_file_system: false,
            own: Vec::new(),
            repository: source,
            space: Space::new(None),
            write_out: None,
            threads: cores.min(64),
            descriptors: open_file_limit() / 4 * 3,
            hard_links: HARD_LINKS,
            monitor: &selecting,
            stop,
        })?;
        let mut selected = selecting.selected.into_inner().unwrap_or_else(PoisonError::into_inner);
        selected.sort_by_cached_key(|one| {
            let mut key = one.path.as_bytes().to_vec();
            key.extend(one.directory.then_some(b'/'));
            key
        });
        Ok(selected)
    }
}
