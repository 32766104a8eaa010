"""The benchmark itself: what it measures with is the same each time, and it runs."""

import getpass
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import cursor as cursor_rows
from bench import processes
from bench.corpus import Corpus, make_corpus
from bench.cursor import make_cursor_store
from bench.document import NOT_MEASURED, PATH, Heading, bodies_of, circumstances, document
from bench.processes import TreeWatch, memory_of, processes_of, processor_s
from bench.rows import first_read
from bench.sections import HEADINGS

pytestmark = pytest.mark.night

NOW_MS = 1_700_000_000_000
TWO = {name: Heading(name, name.title(), f"About {name}.") for name in ("one", "two-parts")}
BALLAST = 40_000_000
HOLDS_MEMORY = f"ballast = bytearray({BALLAST}); print('ready', flush=True); input()"


def test_a_history_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    first = _contents(_made(tmp_path / "home", seed=1))
    shutil.rmtree(tmp_path / "home")

    assert _contents(_made(tmp_path / "home", seed=1)) == first


def test_a_history_ends_before_its_time_and_newest_first(tmp_path: Path) -> None:
    corpus = _made(tmp_path / "home", seed=1)
    times_ms = [file.stat().st_mtime_ns // 1_000_000 for file in corpus.files]

    assert times_ms == sorted(times_ms, reverse=True)
    assert times_ms[0] < NOW_MS
    assert corpus.files[0] in corpus.files_of(corpus.projects[0])


def test_a_first_read_is_measured_beside_its_floor(tmp_path: Path) -> None:
    rows = list(first_read(_made(tmp_path / "home", seed=1), tmp_path))

    beside_floor = [row for row in rows if row.ratio is not None]
    assert len(beside_floor) >= 4
    assert all(re.search(r"\d", row.product) and re.search(r"\d", row.floor) for row in beside_floor)


def test_a_database_of_cursor_is_the_same_for_the_same_seed_and_about_as_large_as_asked_for(tmp_path: Path) -> None:
    first, second = (
        make_cursor_store(tmp_path / name, megabytes=3, conversations=4, seed=1) for name in ("one", "two")
    )

    assert first.read_bytes() == second.read_bytes()
    assert 2_500_000 < first.stat().st_size < 4_500_000


def test_reading_cursors_database_is_measured_beside_its_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor_rows, "CONVERSATIONS", 3)
    rows = list(cursor_rows.cursor(tmp_path, 2))

    beside_floor = [row for row in rows if row.ratio is not None]
    assert len(beside_floor) == 3
    assert all(re.search(r"\d", row.product) and re.search(r"\d", row.floor) for row in beside_floor)


def _made(home: Path, seed: int) -> Corpus:
    return make_corpus(home, megabytes=0.5, seed=seed, now_ms=NOW_MS)


def _contents(corpus: Corpus) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in corpus.files}


def test_the_document_has_the_sections_of_the_benchmark_and_names_what_was_not_measured() -> None:
    assert bodies_of(document(TWO, {"one": "measured\n"})) == {"one": "measured\n", "two-parts": NOT_MEASURED}
    assert list(bodies_of(PATH.read_text(encoding="utf-8"))) == list(HEADINGS)


def test_a_run_names_its_versions_and_neither_host_nor_user_nor_folder() -> None:
    line = circumstances()

    assert platform.python_version() in line
    assert [word for word in (platform.node(), getpass.getuser(), str(Path.cwd())) if word in line.split()] == []


def test_what_a_child_uses_counts_while_it_runs_and_after_it_has_ended() -> None:
    own, before_s = memory_of(os.getpid()), processor_s(os.getpid())
    with _child(HOLDS_MEMORY) as child:
        with_child = memory_of(os.getpid())
        assert child.pid in processes_of(os.getpid())
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    after_s = processor_s(os.getpid())

    assert own is not None and with_child is not None and with_child - own > BALLAST * 0.9
    assert before_s is not None and after_s is not None and after_s - before_s >= 0.25
    assert child.pid not in processes_of(os.getpid())


def test_the_peak_is_that_of_all_processes_that_last() -> None:
    tree = TreeWatch(os.getpid())
    tree.take()
    tree.take()
    peaks = [tree.peak_bytes or 0]
    with _child(HOLDS_MEMORY):
        for _ in range(2):
            tree.take()
            peaks.append(tree.peak_bytes or 0)

    assert peaks[1] - peaks[0] < BALLAST / 2
    assert peaks[2] - peaks[0] > BALLAST * 0.9


def test_processes_in_one_memory_take_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that is started does until it runs its program, which takes its time on a machine under load."""
    alone = memory_of(os.getpid())
    monkeypatch.setattr(processes, "processes_of", lambda pid: [pid, pid])
    together = memory_of(os.getpid())

    assert alone is not None and together is not None
    assert together < alone * 1.2


@contextmanager
def _child(program: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.stdin.write(b"\n")
        process.stdin.close()
