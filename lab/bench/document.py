"""`architecture/benchmarks.md`: a section for each kind of measurement, with the machine and versions of its run."""

import hashlib
import os
import platform
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import carryover

PATH: Final = Path(__file__).parents[2] / "architecture" / "benchmarks.md"
SOURCE: Final = Path(carryover.__file__).parent

HEAD: Final = """\
# Benchmarks

What [Carryover](../README.md) costs, each figure beside its floor: what the machine allows, measured in the same run
with the bare libraries. Times on another machine differ, ratios hardly do. All history is generated, but for the
transcripts that are called real. `make bench` measures everything and writes this file, `make bench-growth` only the
section that takes longest, and `make bench-quick` prints a small run. "Before" is the last run in this file, on the
machine and with the load it had then; a ratio that has grown by more than a quarter since is marked.
"""
NOT_MEASURED: Final = "Not measured yet.\n"


@dataclass(frozen=True, slots=True)
class Heading:
    name: str
    title: str
    about: str


def document(headings: Mapping[str, Heading], bodies: Mapping[str, str]) -> str:
    parts = [HEAD]
    for heading in headings.values():
        body = bodies.get(heading.name, NOT_MEASURED)
        parts.append(
            f"## {heading.title}\n{heading.about}\n\n<!-- {heading.name} -->\n{body}<!-- /{heading.name} -->\n"
        )
    return "\n".join(parts)


def bodies_of(text: str) -> dict[str, str]:
    return dict(re.findall(r"^<!-- ([a-z-]+) -->\n(.*?)^<!-- /\1 -->$", text, re.M | re.S))


def former(name: str) -> str:
    """What the document says of a section now; empty where it was not measured yet."""
    return bodies_of(PATH.read_text(encoding="utf-8")).get(name, "")


def put(path: Path, headings: Mapping[str, Heading], name: str, body: str) -> None:
    """Write the section into the file, which is made where there is none; all other sections stay."""
    known = bodies_of(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(document(headings, {**known, name: f"{body.strip()}\n"}), encoding="utf-8")


def circumstances() -> str:
    """When, with which versions and on which machine something is measured, in one line; no name of a host or user."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    versions = f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    machine = f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    product = f"Carryover {carryover.__version__} (sources {source_digest()})"
    return f"{datetime.now(UTC):%Y-%m-%d}, {product}, {versions}; {machine}; load average {load} at the start."


def source_digest() -> str:
    """Eight digits that change with the product's sources."""
    digest = hashlib.sha256()
    for path in sorted(path for path in SOURCE.rglob("*") if path.suffix in (".py", ".sh")):
        digest.update(str(path.relative_to(SOURCE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
