"""A test run and its result, as read from what a command printed."""

# No annotations as text (`from __future__`): before it decodes, msgspec 0.22 would compile each of them.
from typing import ClassVar, Literal

import msgspec

Status = Literal["pass", "fail", "unknown"]
TestOutcome = Literal["pass", "fail"]


class TestRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One command that ran tests, and its result. A count is None if it is zero, or not in the output."""

    __test__: ClassVar[bool] = False  # pytest takes any imported `Test…` for a test class

    status: Status
    passed: int | None = None
    failed: int | None = None
    errors: int | None = None
    skipped: int | None = None
    failed_names: tuple[str, ...] = ()
    """Names of failed tests as printed, at most 20."""
    files: dict[str, TestOutcome] = msgspec.field(default_factory=dict)
    """Outcome of each file, package or class as named in the output; at most 50, failed ones first."""
    reason: str | None = None
    """First reason given for a failure, or why no test was run at all; at most 200 characters."""
    paths: tuple[str, ...] = ()
    """Paths that the command restricts the run to, joined to the folder in which it was started, if that is recorded,
    and that of a preceding `cd`. Empty: all tests."""
    excluded: tuple[str, ...] = ()
    """Paths that the command leaves out of the run (`--ignore`)."""
    selective: bool = False
    """Whether only some tests of those files were selected (`-k`, `::name`, `-t`): a pass covers only those."""
