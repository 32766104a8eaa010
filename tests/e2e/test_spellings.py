"""A daemon as on a Mac, on a disk that folds letters: whichever way an agent spells its folder, it is one project."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from carryover.config import load_config
from carryover.faces.cli import main
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import projects, sessions
from carryover.platform import MACOS
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.folding_disk import can_fold, folding_disk
from support.forked import ALTERED
from support.platforms import on
from support.repository import repository

pytestmark = pytest.mark.skipif(not can_fold(), reason="needs /dev/fuse and root")

_PROGRAM: Final = """
from carryover.platform import choose
from carryover.platform.linux import Linux
from support.platforms import fake_darwin
choose({})
from carryover.faces.cli.carryoverd import main
raise SystemExit(main({}))
"""
AS_ON_A_MAC: Final = _PROGRAM.format("fake_darwin()", [])


@pytest.fixture
def shop(home: Path, tmp_path: Path) -> Iterator[Path]:
    behind, at = tmp_path / "behind", home / "Disk"
    behind.mkdir()
    at.mkdir()
    with folding_disk(behind, at), on(MACOS):
        yield repository(at / "Work" / "Shop")


@pytest.fixture
def mac(shop: Path, free_port: None) -> Iterator[DaemonProcess]:
    daemon = DaemonProcess((*ALTERED, AS_ON_A_MAC))
    yield daemon
    if daemon.is_running:
        daemon.kill()


def in_ledger(daemon: DaemonProcess) -> dict[str, int]:
    with closing(connect_read_only(daemon.state.ledger)) as db:
        return {row.root: len(sessions(db, row.id, limit=9)) for row in projects(db)}


def test_one_project_is_read_paused_and_forgotten_by_any_spelling(
    mac: DaemonProcess, shop: Path, transcripts: Path
) -> None:
    mac.start().wait_until_it_answers().wait_until_caught_up()
    spellings = [shop, shop.parent / "SHOP", shop.parents[1] / "WORK" / "shop"]
    first, second, third = (ClaudeSession(transcripts, folder) for folder in spellings)
    first.work("Add a discount to the cart")
    second.work("Round it to whole cents")
    mac.settle()
    assert in_ledger(mac) == {str(shop): 2}

    wait_until("the handoff", lambda: "Round it" in handoff_of(shop))

    assert main.main(["pause", str(spellings[1])]) == 0
    assert load_config(mac.state.config).projects.exclude == (str(shop),)
    wait_until("the withdrawal", lambda: not (shop / ".carryover" / "handoff.md").exists())
    third.work("Make the receipt shorter")
    mac.settle()
    assert (in_ledger(mac), handoff_of(shop)) == ({str(shop): 3}, "")

    assert main.main(["forget", "--project", str(spellings[2]), "--yes"]) == 0
    assert in_ledger(mac) == {}


@pytest.mark.usefixtures("free_port")
@pytest.mark.night
def test_what_is_written_behind_a_link_with_another_spelling_is_seen_at_once(
    shop: Path, home: Path, transcripts: Path
) -> None:
    """Changes are reported by the real path, spelt as on disk."""
    disk = shop.parents[1]
    (disk / "Dotfiles" / "claude" / "projects").mkdir(parents=True)
    (home / ".claude").symlink_to(disk / "DOTFILES" / "Claude")
    session = ClaudeSession(transcripts, shop)
    session.work("Add a discount to the cart")

    with DaemonProcess((*ALTERED, AS_ON_A_MAC)) as daemon:
        wait_until("the watch", lambda: daemon.health()["watch"]["mode"] == "native")
        for request in ("Round it to whole cents", "Make the receipt shorter", "Name the shop on it"):
            session.work(request)
            wait_until("the handoff", partial(lambda wanted: wanted in handoff_of(shop), request))
        assert daemon.health()["watch"]["reason"] is None
