"""The two sessions of `support.replayed`, and how tests call `carryover` on them."""

from collections.abc import Callable
from typing import Final, NamedTuple

import pytest

from carryover.errors import ExitCode
from carryover.faces.cli.main import main
from carryover.past.context import warn_once

DISCOUNT: Final = "c0de0000-0000-4000-8000-000000000001"
CHECKOUT: Final = "c0de0000-0000-4000-8000-000000000012"

Call = Callable[..., tuple[int, str, str]]


class Run(NamedTuple):
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        warn_once.cache_clear()  # as in a process of its own
        code = main(arguments)
        return (code, *self.capture.readouterr())

    def out(self, *arguments: str) -> str:
        """What a command prints that succeeds and has nothing to complain about."""
        code, out, err = self(*arguments)
        assert (code, err) == (ExitCode.OK, ""), err
        return out

    def err(self, expected: ExitCode, *arguments: str) -> str:
        """What a command says that prints nothing and ends with this exit code."""
        code, out, err = self(*arguments)
        assert (code, out) == (expected, ""), (code, err)
        return err
