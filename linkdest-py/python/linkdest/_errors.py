"""The exceptions: when one of them is raised, nothing was published."""

from __future__ import annotations

__all__ = ["Interrupted", "LinkdestError", "Locked", "NotARepository", "ProfileError", "RulesError"]


class LinkdestError(OSError):
    """Something ended the run, or the repository cannot be used.

    `str()` is a whole sentence. `errno` is the operating system's, and `filename` the path it happened at; each is
    None where there is none. `strerror` is the cause in words, or the sentence again where the operating system was
    not asked.
    """

    __module__ = "linkdest"

    _message: str | None = None

    @classmethod
    def _make(cls, errno: int | None, strerror: str | None, filename: str | None, message: str) -> LinkdestError:
        # Without words, a `repr` would say nothing at all.
        error = cls(errno, strerror or message, filename)
        error._message = message
        return error

    def __str__(self) -> str:
        return super().__str__() if self._message is None else self._message


class NotARepository(LinkdestError):
    """The directory is missing, was not initialised, or has a format that is not known here."""

    __module__ = "linkdest"


class Locked(LinkdestError):
    """Another run holds the repository's lock."""

    __module__ = "linkdest"


class ProfileError(LinkdestError):
    """There is no such profile, or it cannot be used; `str()` names line and column of all that is wrong."""

    __module__ = "linkdest"


class RulesError(LinkdestError):
    """A filter rule cannot be used, or a rule file cannot be read; `str()` names file, line and text.

    `filename` is the rule file, None for a rule that was given by itself.
    """

    __module__ = "linkdest"


class Interrupted(LinkdestError):
    """The run was stopped before it published anything, by something other than an exception of its caller's."""

    __module__ = "linkdest"
