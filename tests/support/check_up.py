"""What `carryover doctor` finds."""

import json

from carryover.errors import ExitCode
from support.recorded_shop import Run


def found(run: Run, *arguments: str) -> list[str]:
    """Runs it, and returns what is wrong, as it words that."""
    code, out, err = run("doctor", "--json", *arguments)
    reported = json.loads(out)
    wrong = [finding["what"] for finding in reported["findings"] if finding["level"] == "wrong"]
    assert (err, reported["healthy"], code) == ("", not wrong, ExitCode.FAILED if wrong else ExitCode.OK)
    return wrong
