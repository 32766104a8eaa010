"""Which folders of records are fit to name a project."""

from __future__ import annotations

import pytest

from carryover.transcript.recorder import usable_folder


@pytest.mark.parametrize("path", ["/proc/self/cwd", "//proc/./1/root/srv", "/usr/../dev/fd/3", "/proc"])
def test_a_path_that_leads_each_process_elsewhere_names_no_project(path: str) -> None:
    """Where carryoverd resolves it, it is the folder that carryoverd was started in, or has open."""
    assert usable_folder(path) is None


@pytest.mark.parametrize("path", ["/processes/app", "/dev/shm/app", "/srv/proc/app", "C:\\src\\app"])
def test_any_other_absolute_path_does(path: str) -> None:
    assert usable_folder(path) == path
