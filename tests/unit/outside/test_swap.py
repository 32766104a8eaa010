"""A file that another program edits at this moment: nothing that it writes is lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from carryover.fsio import temporary_beside
from carryover.outside import swap as swap_module
from carryover.outside.apply import Text, apply, plan_edit
from carryover.outside.swap import BeingChanged, swap
from carryover.paths import StateDir
from carryover.platform import MACOS, choose, here
from support.daemon_process import wait_until
from support.platforms import altered, fake_darwin, on

Act = Callable[[], object]
BEFORE, OURS, THEIRS, NEWER = b"before", b"before and ours", b"theirs, longer than before", b"newer"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "settings.json").write_bytes(BEFORE)
    return tmp_path / "settings.json"


def by_rename(path: Path, data: bytes) -> None:
    path.with_name("client").write_bytes(data)
    path.with_name("client").rename(path)


def in_place(path: Path, data: bytes) -> None:
    path.write_bytes(data)


WRITES = (by_rename, in_place)
on_both = pytest.mark.parametrize("system", [here().name, MACOS], indirect=True)


@pytest.fixture(autouse=True)
def system(request: pytest.FixtureRequest) -> Iterator[None]:
    """What this machine runs or, for a test that is marked `on_both`, also macOS."""
    with on(getattr(request, "param", here().name)):
        yield


def interpose(*acts: Act, call: str = "exchange") -> None:
    """Until the end of the test, another program does something before the first exchange, the second, and so on; or
    before another call of the system's."""
    left = iter(acts)
    really = getattr(here(), call)

    def disturbed(*arguments: object) -> object:
        next(left, lambda: None)()
        return really(*arguments)

    choose(altered(**{call: disturbed}))


def is_all_there_is(file: Path, data: bytes) -> bool:
    return file.read_bytes() == data and list(file.parent.iterdir()) == [file]


@on_both
@pytest.mark.parametrize("write", WRITES)
def test_an_edit_between_the_last_look_and_the_exchange_stays(file: Path, write: Callable[[Path, bytes], None]) -> None:
    interpose(lambda: write(file, THEIRS))

    with pytest.raises(BeingChanged):
        swap(file, BEFORE, OURS)

    assert is_all_there_is(file, THEIRS)


@on_both
@pytest.mark.parametrize("write", WRITES)
def test_so_does_a_second_one_before_the_first_is_back(file: Path, write: Callable[[Path, bytes], None]) -> None:
    interpose(lambda: by_rename(file, THEIRS), lambda: write(file, NEWER))

    with pytest.raises(BeingChanged):
        swap(file, BEFORE, OURS)

    assert is_all_there_is(file, NEWER)


@on_both
def test_so_does_a_third_one(file: Path) -> None:
    interpose(*(partial(by_rename, file, data) for data in (THEIRS, NEWER, b"the newest of all")))

    with pytest.raises(BeingChanged):
        swap(file, BEFORE, OURS)

    assert is_all_there_is(file, b"the newest of all")


@pytest.mark.linux("for a lease")
def test_who_has_the_file_open_goes_on_writing_into_the_file_of_that_name(file: Path) -> None:
    """Before the exchange, or while what was exchanged goes back."""
    with file.open("r+b", buffering=0) as client:
        with pytest.raises(BeingChanged):
            swap(file, BEFORE, OURS)
        client.write(THEIRS)
        client.truncate()
    assert is_all_there_is(file, THEIRS)

    opened: list[int] = []
    interpose(lambda: in_place(file, b"first"), lambda: opened.append(os.open(file, os.O_WRONLY | os.O_TRUNC)))
    with pytest.raises(BeingChanged):
        swap(file, THEIRS, OURS)
    os.write(opened[0], NEWER)
    os.close(opened[0])
    assert is_all_there_is(file, NEWER)


@pytest.mark.linux("for a lease")
def test_who_had_found_the_old_file_waits_and_writes_into_the_file_of_that_name(file: Path) -> None:
    """Between finding a file and having it open, a program can't be seen."""
    found = os.open(file, os.O_RDONLY)
    client = threading.Thread(target=in_place, args=(Path(f"/proc/self/fd/{found}"), THEIRS))
    waiting: list[int] = []
    former = signal.signal(signal.SIGURG, lambda number, _frame: waiting.append(number))

    def opens_it() -> None:
        client.start()
        wait_until("the client to open it", lambda: waiting or not client.is_alive())

    interpose(lambda: None, opens_it, call="at_rest")  # leased since the first call

    with pytest.raises(BeingChanged):
        swap(file, BEFORE, OURS)
    client.join()
    signal.signal(signal.SIGURG, former)
    os.close(found)
    assert waiting

    assert is_all_there_is(file, THEIRS)


@on_both
def test_a_file_that_was_removed_or_made_meanwhile_is_as_the_other_program_left_it(file: Path) -> None:
    interpose(file.unlink)
    with pytest.raises(BeingChanged):
        swap(file, BEFORE, OURS)
    assert list(file.parent.iterdir()) == []

    interpose(lambda: file.write_bytes(THEIRS), call="full_sync")
    with pytest.raises(BeingChanged):
        swap(file, None, OURS)
    assert is_all_there_is(file, THEIRS)


@on_both
@pytest.mark.parametrize("write", WRITES)
def test_a_file_that_is_removed_is_removed_only_as_it_was_read(
    file: Path, write: Callable[[Path, bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = temporary_beside

    def edited_meanwhile(target: Path) -> Path:
        write(target, THEIRS)
        return name(target)

    monkeypatch.setattr(swap_module, "temporary_beside", edited_meanwhile)
    with pytest.raises(BeingChanged):
        swap(file, BEFORE, None)
    assert is_all_there_is(file, THEIRS)

    monkeypatch.undo()
    swap(file, THEIRS, None)
    assert list(file.parent.iterdir()) == []


def test_on_a_disk_without_hard_links_a_file_is_made_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.unlink()
    monkeypatch.setattr(os, "link", Mock(side_effect=PermissionError))

    swap(file, None, OURS)

    assert is_all_there_is(file, OURS)


def test_where_files_cannot_be_exchanged_it_looks_once_more_before_it_writes(file: Path) -> None:
    choose(fake_darwin(swaps=False))
    swap(file, BEFORE, OURS)
    assert is_all_there_is(file, OURS)
    interpose(lambda: by_rename(file, THEIRS), call="full_sync")
    with pytest.raises(BeingChanged):
        swap(file, OURS, b"ours again")
    assert is_all_there_is(file, THEIRS)


@on_both
def test_an_edit_that_came_in_between_has_ours_added(file: Path, tmp_path: Path) -> None:
    interpose(lambda: by_rename(file, THEIRS), lambda: by_rename(file, NEWER))
    text = Text(path=file, what="a test", put=lambda data: (data or b"") + b" and ours")

    [done] = apply([plan_edit(text)], StateDir(tmp_path / "state"))

    assert (done.outcome, file.read_bytes()) == ("changed", NEWER + b" and ours")
