"""`make audit`: looks up known vulnerabilities of what is locked, and says so plainly where that could not be asked.

A service that is out of reach does not fail the release, but nothing was audited either: each list is then reported
as not audited, as is one with packages that the service does not know. With `--strict`, as at a release, both fail. A
known vulnerability always fails, also beside packages that could not be looked up.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

REQUIREMENTS: Final = Path(__file__).resolve().parent / "requirements"
LISTS: Final = ("run", "dev", "release")
_OUT_OF_REACH: Final = re.compile(
    r"ServiceError|ConnectionError|Max retries exceeded|NameResolutionError|NewConnectionError"
    r"|Temporary failure in name"
)


@dataclass(frozen=True, slots=True)
class Audit:
    """What the audit of one list came to. `why` is empty only if all of it was audited and nothing was found."""

    outcome: Literal["audited", "not audited", "vulnerable", "failed"]
    why: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__, allow_abbrev=False)
    parser.add_argument("--strict", action="store_true", help="fail if any package could not be looked up")
    options = parser.parse_args()
    outcomes = {_audited(name).outcome for name in LISTS}
    if outcomes & {"vulnerable", "failed"}:
        return 1
    return int(options.strict and "not audited" in outcomes)


def _audited(name: str) -> Audit:
    options = ("--format", "json", "--disable-pip", "--require-hashes", "-r", str(REQUIREMENTS / f"{name}.txt"))
    ran = subprocess.run([sys.executable, "-m", "pip_audit", *options], capture_output=True, text=True)
    audit = audit_of(ran.returncode, ran.stdout, ran.stderr)
    if audit.outcome == "failed":
        print(ran.stderr, end="", file=sys.stderr)
    said = f"{audit.outcome.upper()}: {audit.why}" if audit.why else audit.outcome
    print(f"{name}.txt: {said}", flush=True)
    return audit


def audit_of(code: int, printed: str, said: str) -> Audit:
    """Returns what a run of pip-audit came to, from its exit code, its JSON report and its standard error.

    It prints no report if the service fails for any package. It is run without its own `--strict`, which ends at the
    first package that the service does not know and so hides vulnerabilities of the others.
    """
    if not printed.strip():
        if _OUT_OF_REACH.search(said):
            return Audit("not audited", "the advisory service could not be reached")
        return Audit("failed", f"pip-audit ended with {code} and without a report")
    packages = json.loads(printed)["dependencies"]
    found = [f"{package['name']} ({each['id']})" for package in packages for each in package.get("vulns", ())]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if found:
        return Audit("vulnerable", ", ".join(found))
    if code:
        return Audit("failed", f"pip-audit ended with {code}")
    if unknown:
        return Audit("not audited", f"the advisory service does not know {len(unknown)} of {len(packages)} packages")
    return Audit("audited")


if __name__ == "__main__":
    sys.exit(main())
