"""Runs targets under Atheris, each in a process of its own, with a corpus that is kept from run to run."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fuzz.found import MARK
from fuzz.target import Target, names, target

CHECKOUT: Final = Path(__file__).parents[2]
CORPUS: Final = CHECKOUT / "lab" / "fuzz" / "corpus"
"""What the suite replays: by target, small and synthetic."""
_SLOWEST_S: Final = 60
"""By the clock, so long enough for a busy machine."""
_MEMORY_MB: Final = 2048
_MANY: Final = 400
"""A corpus of more files is made small after each run."""
_COVERED: Final = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")
_RUNS: Final = re.compile(r"number_of_executed_units: +(\d+)")


def has_engine() -> bool:
    return find_spec("atheris") is not None


def names_like(only: str) -> list[str]:
    return [name for name in names() if only in name]


def is_kept(name: str, path: Path, place: Path) -> bool:
    """Whether a target keeps its promise for the bytes of a file. In a process, which they may end."""
    command = [sys.executable, "-m", "fuzz.one_target", name, str(path)]
    try:
        ran = subprocess.run(command, env=_environment(place), cwd=place, check=False, timeout=2 * _SLOWEST_S)
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0


def _environment(place: Path) -> dict[str, str]:
    """Returns variables that lead to nothing of the user's: a target is given any bytes."""
    home, temporary = place / "home", place / "tmp"
    for folder in (home, temporary):
        folder.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    path = os.pathsep.join((str(CHECKOUT / "tests"), str(CHECKOUT / "lab"), os.environ.get("PYTHONPATH", "")))
    moved = {"HOME": str(home), "TMPDIR": str(temporary), "GIT_CONFIG_GLOBAL": os.devnull}
    return {**kept, **moved, "PYTHONPATH": path}


class Campaign:
    """One run of targets. `kept`: the folder that outlasts it; `place`: an empty one that does not."""

    def __init__(self, kept: Path, place: Path, seconds: int, seed: int) -> None:
        self._kept, self._place, self._seconds, self._seed = kept, place, seconds, seed

    def run(self, name: str) -> list[Path]:
        """Runs a target, and returns the files of what it found and what earlier runs found that is not mended."""
        tried = target(name)
        found, corpus = self._kept / "found" / name, self._kept / "corpus" / name
        seeds, place = self._place / "seeds" / name, self._place / name
        for folder in (found, corpus, seeds, place):
            folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(found.iterdir()):
            if not is_kept(name, path, place):
                print(f"fuzz: {name}: what was found before is not mended, so it is not run", flush=True)
                return [path]
            print(f"fuzz: {name}: {shutil.move(path, corpus)} is mended; its place is {CORPUS / name}", flush=True)
        _write_seeds(tried, seeds)
        given = [corpus, *(folder for folder in (CORPUS / name, seeds) if folder.is_dir())]
        flags = [f"-max_total_time={self._seconds}", f"-seed={self._seed}", "-print_final_stats=1"]
        output = self._libfuzzer(tried, [*flags, f"-artifact_prefix={found}/"], given)
        print(f"fuzz: {name}: {_summary(output)}", flush=True)
        self._make_small(tried, corpus)
        broken = sorted(found.iterdir())
        if broken or not _RUNS.search(output):
            print(_told(output), flush=True)
        return broken or ([] if _RUNS.search(output) else [corpus])

    def _make_small(self, tried: Target, corpus: Path) -> None:
        """Leaves of a corpus what is needed to reach all that it reaches."""
        if len(list(corpus.iterdir())) <= _MANY:
            return
        small = self._place / "small" / tried.name
        small.mkdir(parents=True)
        output = self._libfuzzer(tried, ["-merge=1"], [small, corpus])
        if "MERGE-OUTER: successful" in output:
            shutil.rmtree(corpus)
            shutil.move(small, corpus)

    def _libfuzzer(self, tried: Target, flags: Sequence[str], folders: Sequence[Path]) -> str:
        place = self._place / tried.name
        command = place / "run"  # a program by itself, since libFuzzer starts it again to merge
        child = [sys.executable, "-m", "fuzz.one_target", tried.name, str(self._kept / "found" / tried.name)]
        command.write_text(f'#!/bin/sh\nexec {shlex.join(child)} "$@"\n')
        command.chmod(0o700)
        slowest = [f"-timeout={_SLOWEST_S}", f"-report_slow_units={_SLOWEST_S}"]
        bounds = [f"-max_len={tried.largest}", f"-rss_limit_mb={_MEMORY_MB}", *slowest]
        env = {**_environment(place), "FUZZ_COMMAND": str(command)}
        line = [str(command), *bounds, *flags, *map(str, folders)]
        ran = subprocess.run(line, env=env, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return ran.stdout.decode(errors="replace")


def _write_seeds(tried: Target, folder: Path) -> None:
    for seed in tried.seeds():
        (folder / hashlib.sha256(seed).hexdigest()[:12]).write_bytes(seed)


def _summary(output: str) -> str:
    covered, runs = _COVERED.findall(output), _RUNS.search(output)
    reached = "{} places and {} ways to them, {} files".format(*covered[-1]) if covered else "nothing reached"
    return f"{runs[1] if runs is not None else '?'} runs, {reached}"


def _told(output: str) -> str:
    """Returns the traceback of what was found, or the last lines of libFuzzer's report."""
    _, mark, traceback = output.partition(MARK)
    return traceback if mark else "\n".join(output.splitlines()[-25:])
