"""Looks at a folder that never come back: who asked is told in time, and nobody asks there again until one does."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from carryover.probe.looks import MOST_STUCK, Disks, Silent
from support.daemon_process import wait_until
from support.platforms import fake_darwin, on

SOON_S = 0.2


class Stuck:
    """A look that does not come back until it is let go. `wrote`: whether it went on to write then."""

    def __init__(self, disks: Disks) -> None:
        self._disks = disks
        self._go = threading.Event()
        self.looks = 0
        self.wrote = False
        self.ended = threading.Event()

    def look(self, *_: object) -> str:
        self.looks += 1
        try:
            self._go.wait()
            self._disks.give_up_if_late()
            self.wrote = True
            return "late"
        finally:
            self.ended.set()

    def let_go(self) -> None:
        self._go.set()
        if self.looks:  # none, if a busy machine took the folder for a silent one before
            self.ended.wait()
        wait_until("the disks to be no longer silent", lambda: not self._disks.silent_folders())


@pytest.fixture
def disks() -> Disks:
    """Disks that are soon given up."""
    return Disks(knock_s=SOON_S, work_s=SOON_S)


@pytest.fixture
def stuck(disks: Disks) -> Iterator[Stuck]:
    stuck = Stuck(disks)
    yield stuck
    stuck.let_go()


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    (tmp_path / "hanging" / "below").mkdir(parents=True)
    return tmp_path / "hanging"


def test_a_look_that_comes_back_gives_what_it_found_or_raises_it(disks: Disks, tmp_path: Path) -> None:
    def fail() -> None:
        raise LookupError("nothing")

    assert disks.look_at(tmp_path, lambda: "found") == "found"
    assert disks.look_at(tmp_path / "missing\0", lambda: "found") == "found"
    with pytest.raises(LookupError, match="nothing"):
        disks.look_at(tmp_path, fail)


def test_after_a_look_that_does_not_come_back_nothing_below_that_folder_is_looked_at(
    disks: Disks, hanging: Path, stuck: Stuck
) -> None:
    with pytest.raises(Silent, match="its disk does not answer"):
        disks.look_at(hanging, stuck.look)

    for place in (hanging, hanging / "below"):
        with pytest.raises(Silent):
            disks.look_at(place, stuck.look)
    assert disks.look_at(hanging.parent, lambda: "found") == "found"
    assert (stuck.looks, list(disks.silent_folders())) == (1, [str(hanging)])


def test_on_a_mac_too_nothing_on_that_disk_is_looked_at(disks: Disks, hanging: Path, stuck: Stuck) -> None:
    with on(fake_darwin(["/", str(hanging)])):
        with pytest.raises(Silent):
            disks.look_at(hanging / "below", stuck.look)
        with pytest.raises(Silent):
            disks.look_at(hanging, stuck.look)

    assert (stuck.looks, list(disks.silent_folders())) == (1, [str(hanging)])


def test_a_folder_whose_look_came_back_is_looked_at_again(disks: Disks, hanging: Path, stuck: Stuck) -> None:
    with pytest.raises(Silent):
        disks.look_at(hanging, stuck.look)

    stuck.let_go()

    assert disks.look_at(hanging, lambda: "found") == "found"
    assert not stuck.wrote


def test_of_many_folders_only_those_that_hang_are_left_out(disks: Disks, hanging: Path, stuck: Stuck) -> None:
    folders = [hanging.parent / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    order = [folders[0], hanging, hanging / "below", folders[1]]

    found = disks.look_at_each(order, lambda folder: stuck.look() if folder == hanging else folder.name)

    assert found == [(folders[0], "a"), (folders[1], "b")]
    assert stuck.looks == 1


def test_a_question_that_was_lost_is_asked_again_but_not_by_too_many_threads(
    disks: Disks, hanging: Path, stuck: Stuck
) -> None:
    disks.again_s = 0.0
    for _ in range(3 * MOST_STUCK):
        with pytest.raises(Silent):
            disks.look_at(hanging, stuck.look)

    assert stuck.looks <= MOST_STUCK


def test_a_disk_that_answers_again_is_no_longer_silent_though_a_question_was_lost(
    disks: Disks, hanging: Path, stuck: Stuck
) -> None:
    disks.again_s = 0.0
    with pytest.raises(Silent):
        disks.look_at(hanging, stuck.look)

    assert disks.look_at(hanging, lambda: "found") == "found"
    assert disks.silent_folders() == {}


def test_what_belongs_to_a_look_at_a_disk_that_answers_again_is_done(disks: Disks, hanging: Path, stuck: Stuck) -> None:
    """Else the settings of the project would be unknown, and it counted as excluded."""
    disks.again_s = 0.0
    with pytest.raises(Silent):
        disks.look_at(hanging, stuck.look)
    disks.again_s = 60.0

    assert disks.look_at(hanging, lambda: disks.look_at(hanging / "below", lambda: "found")) == "found"


def test_a_silent_disk_of_which_only_the_folder_is_still_known_stays_silent(
    disks: Disks, hanging: Path, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks.again_s = 0.0
    with pytest.raises(Silent):
        disks.look_at(hanging, stuck.look)

    with monkeypatch.context() as gone:
        gone.setattr(os, "scandir", stuck.look)
        with pytest.raises(Silent):
            disks.look_at(hanging, lambda: "found without the disk")

    assert list(disks.silent_folders()) == [str(hanging)]
    assert stuck.looks == 2


def test_what_belongs_to_a_look_that_is_wanted_soon_gets_no_longer(hanging: Path) -> None:
    disks = Disks(work_s=60.0)

    def left_s() -> float:
        assert disks.here.walk is not None
        return disks.here.walk.left_s()

    def within(*, soon: bool) -> float:
        return disks.look_at(hanging, lambda: disks.look_at(hanging / "below", left_s), soon=soon)

    assert within(soon=True) <= disks.soon_s < within(soon=False)


def test_what_belongs_to_a_look_goes_on_in_its_thread(disks: Disks, hanging: Path) -> None:
    def inner() -> int:
        return threading.get_ident()

    def outer() -> tuple[int, int]:
        return threading.get_ident(), disks.look_at(hanging / "below", inner)

    here, within = disks.look_at(hanging, outer)

    assert here == within != threading.get_ident()


async def test_what_a_look_found_is_let_go_once_it_was_answered(tmp_path: Path) -> None:
    patient = Disks(knock_s=3_600, work_s=3_600)
    found = await patient.looked_at(tmp_path, lambda: {"a batch of what was read"})
    kept = weakref.ref(found)
    del found

    wait_until("the end of what was found", lambda: kept() is None)
