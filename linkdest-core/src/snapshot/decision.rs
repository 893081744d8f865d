//! Decisions weighed against each other.

use super::decide::{Candidate, Decision, Proof};
use crate::monitor::Reason;

impl Decision {
    /// How good a decision is: unread links first, then what costs reading, then copies with the best reason.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Link { proof: Proof::Unread, .. } => 6,
            Self::Link { .. } => 5,
            Self::Share { proof: Proof::Unread, .. } => 4,
            Self::Share { .. } => 3,
            Self::Anew(Reason::AttributesChanged) => 2,
            Self::Anew(Reason::New) => 0,
            Self::Anew(_) => 1,
        }
    }

    /// What is left of a decision by size and time alone where a reference that knows of change times had the entry and
    /// did not find it unchanged: the bytes must tell.
    pub fn doubted_by(mut self, other: &Self) -> Self {
        let doubted = !matches!(other.rank(), 0 | 4 | 6);
        if let Self::Link { proof: proof @ Proof::Unread, .. }
        | Self::Share { proof: proof @ Proof::Unread, .. } = &mut self
            && doubted
        {
            *proof = Proof::Source;
        }
        self
    }

    /// The reference's entry that it is about.
    pub fn candidate(&self) -> Option<&Candidate> {
        match self {
            Self::Link { candidate, .. } | Self::Share { candidate, .. } => Some(candidate),
            Self::Anew(_) => None,
        }
    }
}
