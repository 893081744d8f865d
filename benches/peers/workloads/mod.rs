//! What is measured.

mod image;
mod reading;
mod removal;
mod rules;
mod saving;

use std::rc::Rc;

use crate::Result;
use crate::arguments::Kind;
use crate::contender::Contender;
use crate::ground::Ground;

/// A workload that can be asked for by name.
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// Only when it is named.
    is_extra: bool,
    pub(crate) runs_on: fn(Kind) -> bool,
    pub(crate) make: fn(&Rc<Ground>) -> Result<Workload>,
}

/// A workload with its source.
pub(crate) struct Workload {
    pub(crate) contenders: Vec<Contender>,
    /// What happens to the source before each round, given its number.
    pub(crate) before_round: Box<dyn FnMut(usize) -> Result<()>>,
    /// Whether each run has a file system of its own; else each program has one for all of its runs.
    pub(crate) is_fresh: bool,
    /// How many bytes of the source changed, where that is to be compared with what is stored.
    pub(crate) changed: Option<u64>,
}

impl Workload {
    /// A workload whose source stays as it is.
    fn new(contenders: Vec<Contender>) -> Self {
        Self { contenders, before_round: Box::new(|_| Ok(())), is_fresh: false, changed: None }
    }

    /// Gives each run a file system of its own.
    fn fresh(mut self) -> Self {
        self.is_fresh = true;
        self
    }

    /// Changes the source before each round.
    fn changing(mut self, change: impl FnMut(usize) -> Result<()> + 'static) -> Self {
        self.before_round = Box::new(change);
        self
    }
}

const USUAL: Plan = Plan {
    name: "",
    what: "",
    is_extra: false,
    runs_on: |_| true,
    make: |_| Err("a workload without a source".into()),
};

/// All of them.
pub(crate) const PLANS: [Plan; 17] = [
    Plan { name: "full", what: "the first backup of the tree", make: saving::full, ..USUAL },
    Plan { name: "unchanged", what: "the next one, nothing changed", make: saving::unchanged, ..USUAL },
    Plan { name: "changed", what: "1 % of the files rewritten", make: saving::changed, ..USUAL },
    Plan { name: "files-full", what: "one directory of 200,000 files", make: saving::files_full, ..USUAL },
    Plan { name: "files-unchanged", what: "the same, unchanged", make: saving::files_unchanged, ..USUAL },
    Plan { name: "directories-full", what: "100,000 directories", make: saving::directories_full, ..USUAL },
    Plan {
        name: "directories-unchanged",
        what: "the same, unchanged",
        make: saving::directories_unchanged,
        ..USUAL
    },
    Plan {
        name: "deep-full",
        what: "20 chains of 500 directories one in the other",
        make: saving::deep_full,
        ..USUAL
    },
    Plan { name: "deep-unchanged", what: "the same, unchanged", make: saving::deep_unchanged, ..USUAL },
    Plan {
        name: "image",
        what: "a file of 2 GiB, 1 % of its blocks of 64 KiB rewritten",
        runs_on: Kind::has_reflinks,
        make: image::image,
        ..USUAL
    },
    Plan { name: "rename", what: "the largest directory renamed", make: saving::rename, ..USUAL },
    Plan { name: "filter", what: "unchanged, with 500 rules", make: rules::filter, ..USUAL },
    Plan { name: "delete", what: "removing one of two equal snapshots", make: removal::delete, ..USUAL },
    Plan {
        name: "diff",
        what: "comparing two snapshots, 1 % of the files rewritten between them",
        make: reading::diff,
        ..USUAL
    },
    Plan { name: "verify", what: "reading all contents and comparing", make: reading::verify, ..USUAL },
    Plan {
        name: "growth-100k",
        what: "unchanged, 100,000 entries, the files empty",
        is_extra: true,
        make: saving::growth_100k,
        ..USUAL
    },
    Plan {
        name: "growth-1m",
        what: "unchanged, 1,000,000 such entries",
        is_extra: true,
        make: saving::growth_1m,
        ..USUAL
    },
];

/// Finds workloads by their names; `all` and `growth` stand for several.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<&'static Plan>> {
    let means = |name: &str, plan: &Plan| match name {
        "all" => !plan.is_extra,
        "growth" => plan.is_extra,
        name => plan.name == name,
    };
    for name in names {
        if !PLANS.iter().any(|plan| means(name, plan)) {
            return Err(format!("no workload is called {name}").into());
        }
    }
    Ok(PLANS.iter().filter(|plan| names.iter().any(|name| means(name, plan))).collect())
}
