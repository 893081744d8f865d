//! Looking once more at many files of one directory that were read: listing it again takes far fewer requests than asking
//! for each of them.

use std::ffi::CStr;
use std::io;

use super::listed::Listed;
use super::{SftpDir, SftpSource};
use crate::entry::{Kind, Metadata};
use crate::sftp::Asked;

/// What it takes to look at one file, in names of a listing; and to open a directory and to close it.
const ONE: usize = 5;
const LISTING: usize = 20;
/// So many names OpenSSH has in one part; so many parts are asked for at most.
const NAMES: usize = 100;
const PARTS: usize = 64;

impl SftpSource {
    /// Says whether listing a directory again is less work than looking at so many files of it, and tells as much.
    pub(super) fn may_list_again(&self, dir: &SftpDir, files: usize) -> bool {
        let is_less = |names| files.saturating_mul(ONE) > names + LISTING;
        self.client.extensions().lists_afresh() && dir.names().is_some_and(is_less)
    }

    /// What is told by now of the names in a directory, sorted. Not all of them, if the listing breaks, or if there are more
    /// than there were.
    pub(super) fn list_again(&self, dir: &SftpDir) -> Listed {
        let mut listed = Listed::default();
        // What cannot be listed is looked at one by one, and that tells why.
        let _ = self.add_again(dir, &mut listed);
        listed.sort();
        listed
    }

    /// What a name is listed as, if that is the file that it was.
    pub(super) fn listed_as(
        &self,
        listed: &mut Listed,
        name: &CStr,
        looked_at: &Metadata,
    ) -> Option<Metadata> {
        let now = listed.find(name).and_then(|(told, letter)| self.known(&told, letter).ok());
        now.filter(|now| now.kind == Kind::File && now.same_stamps(looked_at))
    }

    fn add_again(&self, dir: &SftpDir, listed: &mut Listed) -> io::Result<()> {
        // Who has files open may not wait for more.
        let Some(share) = self.client.handles.try_take(1) else { return Ok(()) };
        // `.` and `..` are names as well.
        let parts = (dir.names().unwrap_or_default() + 2).div_ceil(NAMES).clamp(1, PARTS);
        let (opened, parts) = self.client.together().open_and_list(dir.path(), parts, Some(share));
        parts.last().into_iter().for_each(Asked::await_answer);
        opened.wait()?;
        for part in parts {
            match part.wait()? {
                Some(names) => listed.add(&names),
                None => break,
            }
        }
        Ok(())
    }
}
