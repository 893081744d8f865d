"""Incremental backups as plain directories: unchanged files are hard links to the previous snapshot.

    import linkdest

    report = linkdest.snapshot("/home/me", "/mnt/backup/laptop")
    for problem in report.problems:
        print(problem)
    for snapshot in linkdest.Repository("/mnt/backup/laptop").snapshots():
        print(snapshot.name, snapshot.status, snapshot.bytes)

Paths are str, bytes or `os.PathLike` everywhere, and come back as `pathlib.Path`. An exception means that nothing was
published; entries that could not be saved as asked are in the report.
"""

from linkdest import progress
from linkdest._errors import Interrupted, LinkdestError, Locked, NotARepository, ProfileError, RulesError
from linkdest._linkdest import (
    Adoption,
    AdoptReport,
    Change,
    Counts,
    Explanation,
    ExpungedEntry,
    ExpungeReport,
    Filter,
    Finding,
    Grown,
    Item,
    Problem,
    ProfileCheck,
    ProfileReport,
    Progress,
    ReindexReport,
    Replica,
    ReplicateReport,
    Repository,
    RepositoryReport,
    RestoreCounts,
    RestoreReport,
    Run,
    Sighting,
    Snapshot,
    SnapshotReport,
    SnapshotUsage,
    Usage,
    Version,
    VerifyReport,
    __version__,
    adopt,
    check_profile,
    replicate,
    run,
    snapshot,
)

__all__ = [
    "AdoptReport",
    "Adoption",
    "Change",
    "Counts",
    "Explanation",
    "ExpungeReport",
    "ExpungedEntry",
    "Filter",
    "Finding",
    "Grown",
    "Interrupted",
    "Item",
    "LinkdestError",
    "Locked",
    "NotARepository",
    "Problem",
    "ProfileCheck",
    "ProfileError",
    "ProfileReport",
    "Progress",
    "ReindexReport",
    "Replica",
    "ReplicateReport",
    "Repository",
    "RepositoryReport",
    "RestoreCounts",
    "RestoreReport",
    "RulesError",
    "Run",
    "Sighting",
    "Snapshot",
    "SnapshotReport",
    "SnapshotUsage",
    "Usage",
    "Version",
    "VerifyReport",
    "__version__",
    "adopt",
    "check_profile",
    "progress",
    "replicate",
    "run",
    "snapshot",
]
