//! Rules by themselves: what they say of a path, with no tree to look at.

use std::path::Path;

use linkdest_core::filter::{Step, Verdict};
use pyo3::prelude::*;

use crate::error::exception;
use crate::path::{FsPath, path_of};
use crate::repository::below;
use crate::rules::RuleText;

/// The rules that say what takes part.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct Filter(linkdest_core::filter::Filter);

#[pymethods]
impl Filter {
    /// Reads rules from a text that is as a rule file would be.
    #[staticmethod]
    fn parse(py: Python<'_>, text: RuleText) -> PyResult<Self> {
        let read = py.detach(|| linkdest_core::filter::Filter::parse(text.0));
        read.map(Self).map_err(|error| exception(py, &error))
    }

    /// Reads a rule file.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: FsPath) -> PyResult<Self> {
        let read = py.detach(|| linkdest_core::filter::Filter::from_file(path));
        read.map(Self).map_err(|error| exception(py, &error))
    }

    /// Tells whether a path takes part, and why.
    #[pyo3(signature = (path, is_dir = false))]
    fn explain(&self, path: FsPath, is_dir: bool) -> PyResult<Explanation> {
        let is_dir = is_dir || path.as_bytes().ends_with(b"/");
        Ok(Explanation(self.0.explain(below(path)?.as_bytes(), is_dir)))
    }

    /// Looks for rules that cannot do what they seem to say.
    fn check(&self) -> Vec<String> {
        self.0.check().iter().map(ToString::to_string).collect()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Filter(rules={})", self.0.clauses().count())
    }
}

/// Why a path takes part or not.
#[pyclass(frozen, module = "linkdest")]
pub(crate) struct Explanation(linkdest_core::filter::Explanation);

impl Explanation {
    fn last(&self) -> Option<&Step> {
        self.0.steps().last()
    }
}

#[pymethods]
impl Explanation {
    /// The path that was asked for.
    #[getter]
    fn path(&self) -> &Path {
        path_of(self.0.path())
    }

    /// Whether it takes part.
    #[getter]
    fn included(&self) -> bool {
        self.0.verdict() == Verdict::Include
    }

    /// The rule that decided; None where no rule matches.
    #[getter]
    fn rule(&self) -> Option<String> {
        self.last().and_then(Step::rule).map(ToString::to_string)
    }

    /// Where that rule is.
    #[getter]
    fn origin(&self) -> Option<String> {
        self.last().and_then(Step::rule).map(|rule| rule.origin().to_string())
    }

    /// The directory above it that is left out, so that nobody asks for the path.
    #[getter]
    fn excluded_parent(&self) -> Option<&Path> {
        self.0.excluded_parent().map(|parent| path_of(parent.path()))
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Explanation('{}')", self.0)
    }
}
