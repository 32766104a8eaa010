from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from carryover.errors import UserError
from carryover.paths import StateDir, require_address, socket_address
from carryover.platform import MACOS, here
from carryover.terminal.paths import short_path
from support.platforms import on


def path_of_length(tmp_path: Path, length: int) -> Path:
    shortest = tmp_path / "f" / "daemon.sock"
    path = tmp_path / ("f" * (length - len(os.fsencode(shortest)) + 1)) / "daemon.sock"
    path.parent.mkdir()
    return path


@pytest.mark.linux("for a short address of a socket")
@pytest.mark.parametrize("length", [here().longest_address, here().longest_address + 1, 250])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a way round its limit")
def test_a_socket_can_be_bound_and_reached_whatever_the_length_of_its_path(tmp_path: Path, length: int) -> None:
    path = path_of_length(tmp_path, length)
    assert len(os.fsencode(path)) == length
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as caller:
        with socket_address(path) as address:
            listener.bind(address)
        listener.listen()
        assert path.is_socket()
        with socket_address(path) as address:
            caller.connect(address)


def test_a_mac_has_no_way_round_its_limit(tmp_path: Path) -> None:
    with on(MACOS):
        require_address(path_of_length(tmp_path, 103))
        with pytest.raises(UserError, match="more than 103 bytes"), socket_address(path_of_length(tmp_path, 104)):
            pass


def test_a_short_path_is_taken_as_it_is(tmp_path: Path) -> None:
    with socket_address(Path("/run/user/1000/daemon.sock")) as address:
        assert address == "/run/user/1000/daemon.sock"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/home/dev/.claude", "~/.claude"),
        ("/home/dev", "~"),
        ("/home/dev2/x", "/home/dev2/x"),
        ("/home/developer/app", "/home/developer/app"),
        ("/srv", "/srv"),
    ],
)
def test_only_paths_below_home_are_shortened(path: str, shown: str) -> None:
    assert (short_path(path, Path("/home/dev")), short_path(Path(path), Path("/home/dev"))) == (shown, shown)


def test_a_home_that_is_the_root_of_the_file_system_is_shown_as_any_other() -> None:
    """As in a container that does not know its user."""
    assert short_path("/.carryover/config.toml", Path("/")) == "~/.carryover/config.toml"


def test_a_home_that_is_a_link_is_shown_as_any_other(tmp_path: Path) -> None:
    """Projects are named by the folder that the link leads to."""
    (tmp_path / "data/ada").mkdir(parents=True)
    (tmp_path / "home").symlink_to("data")
    home = tmp_path / "home/ada"

    assert short_path(tmp_path / "data/ada/shop", home) == "~/shop"
    assert short_path(home / "shop", home) == "~/shop"
    assert short_path(tmp_path / "data/bob/shop", home) == str(tmp_path / "data/bob/shop")


def test_sudo_is_refused_in_the_home_folder_of_who_calls_it(tmp_path: Path) -> None:
    """What root made there, its owner could not read: settings of agents too."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(tmp_path, 1234, -1)

    with pytest.raises(UserError, match="Run it without sudo"):
        StateDir.of({"SUDO_UID": "1234"}, tmp_path)
    assert StateDir.of({"SUDO_UID": "1235"}, tmp_path) == StateDir.of({}, tmp_path)
    assert StateDir.of({"SUDO_UID": "1234"}, tmp_path / "none").root == tmp_path / "none/.carryover"


def test_an_empty_home_is_not_the_root_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^HOME is '', a relative path"):
        StateDir.of({"HOME": "", "CARRYOVER_HOME": str(tmp_path)}, Path("/"))
