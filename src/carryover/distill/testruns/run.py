"""The result of one test run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import msgspec

Status = Literal["pass", "fail", "unknown"]
Outcome = Literal["pass", "fail"]

MOST_NAMES = 20
MOST_FILES = 50
LONGEST_LINE = 200


class TestRun(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One command that ran tests, and its result. A count is None if the output does not contain it."""

    __test__: ClassVar[bool] = False  # pytest takes any imported `Test…` for a test class

    runner: str
    """`pytest`, `unittest`, `jest`, `vitest`, `go`, `cargo`, `jvm`, …; the command's own name if none is known."""
    status: Status
    passed: int | None = None
    failed: int | None = None
    errors: int | None = None
    skipped: int | None = None
    failed_names: tuple[str, ...] = ()
    """Names of failed tests as printed, at most 20."""
    files: dict[str, Outcome] = msgspec.field(default_factory=dict)
    """Outcome of each file, package or class as named in the output; at most 50, failed ones first."""
    reason: str | None = None
    """First reason given for a failure, at most 200 characters."""
    paths: tuple[str, ...] = ()
    """Paths that the command restricts the run to, joined to the folder of a preceding `cd`. Empty: all tests."""
    selective: bool = False
    """Whether only some tests of those files were selected (`-k`, `::name`, `-t`): a pass covers only those."""


@dataclass(slots=True)
class Findings:
    """What a parser found in the output of one runner."""

    passed: int | None = None
    failed: int | None = None
    errors: int | None = None
    skipped: int | None = None
    failed_names: list[str] = field(default_factory=list)
    files: dict[str, Outcome] = field(default_factory=dict)
    reason: str | None = None
    summary: bool = False
    """Whether the run's summary was seen, so that counts of None mean none."""
    empty: bool = False
    """Whether the runner reported that there was no test to run."""
    broken: bool = False
    """Whether tests could not be built or collected."""
    interrupted: bool = False

    def add(self, count: Literal["passed", "failed", "errors", "skipped"], number: int) -> None:
        """Adds to a count, since runs that print several summaries are added up."""
        setattr(self, count, (getattr(self, count) or 0) + number)

    def saw(self, file: str, outcome: Outcome) -> None:
        """Notes a file's result. A failure stays, whatever else of the file passed."""
        if self.files.get(file) != "fail":
            self.files[file] = outcome

    def failed_test(self, name: str) -> None:
        """Notes a failed test once, however often it is printed."""
        name = name.strip()
        if name and name not in self.failed_names and len(self.failed_names) < MOST_NAMES:
            self.failed_names.append(name[:LONGEST_LINE])

    def because(self, reason: str) -> None:
        """Notes why a test failed; the first reason is kept."""
        if self.reason is None and reason.strip():
            self.reason = reason.strip()[:LONGEST_LINE]

    @property
    def spoke(self) -> bool:
        """Whether the output comes from this runner."""
        return self.summary or self.broken or self.empty

    @property
    def counted(self) -> bool:
        """Whether the output names single tests or files."""
        return bool(self.passed or self.failed or self.errors or self.files or self.failed_names)

    @property
    def bad(self) -> bool:
        """Whether something failed. A run's summary takes precedence over single lines."""
        if self.broken or self.failed or self.errors:
            return True
        return not self.summary and ("fail" in self.files.values() or bool(self.failed_names))
