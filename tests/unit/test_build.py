"""What tells two builds of the same version apart."""

from __future__ import annotations

import os
from pathlib import Path

from carryover.build import build_of

AT_NS = 1_795_000_000_000_000_000


def write(path: Path, text: str, at_ns: int = AT_NS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(at_ns, at_ns))


def test_a_build_is_another_once_a_file_is_new_or_gone_or_changed(tmp_path: Path) -> None:
    write(tmp_path / "one.py", "a = 1\n")
    write(tmp_path / "part" / "two.txt", "two\n")
    first = build_of(tmp_path)
    seen = {first}

    write(tmp_path / "part" / "two.txt", "four\n")  # another size
    seen.add(build_of(tmp_path))
    write(tmp_path / "part" / "two.txt", "two\n", AT_NS + 1)
    seen.add(build_of(tmp_path))
    write(tmp_path / "part" / "three.py", "")
    seen.add(build_of(tmp_path))
    (tmp_path / "one.py").unlink()
    seen.add(build_of(tmp_path))

    assert len(seen) == 5


def test_a_build_stays_the_same_wherever_it_is_and_whatever_python_keeps_beside_it(tmp_path: Path) -> None:
    for folder in (tmp_path / "one", tmp_path / "other"):
        write(folder / "one.py", "a = 1\n")
        write(folder / "part" / "two.py", "b = 2\n")
    write(tmp_path / "other" / "part" / "__pycache__" / "two.pyc", "")
    (tmp_path / "other" / ".#one.py").symlink_to("dev@laptop.4711")  # an editor's lock

    assert build_of(tmp_path / "one") == build_of(tmp_path / "other")
