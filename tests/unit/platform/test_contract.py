"""Each function of a platform, on this system and on macOS as `support.platforms` answers for it."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from carryover.platform import LINUX, MACOS, choose, here
from carryover.platform.contract import Platform
from carryover.platform.darwin import Darwin
from carryover.platform.linux import Linux
from support.platforms import fake_darwin, on

BOTH: dict[str, Platform] = {LINUX: Linux(), MACOS: fake_darwin()}
on_linux = pytest.mark.skipif(sys.platform != LINUX, reason="asks Linux")


@pytest.fixture(params=BOTH)
def platform(request: pytest.FixtureRequest) -> Platform:
    return BOTH[request.param]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    other.write_text("2")
    yield one, other


@pytest.mark.parametrize("name", [LINUX, MACOS])
def test_the_system_decides_unless_a_test_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", name)
    try:
        assert choose(None).name == here().name == name
        with on(MACOS):
            assert here().name == MACOS
    finally:
        monkeypatch.undo()
        choose(None)


@on_linux
def test_a_link_that_can_not_be_read_is_taken_as_it_is(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the folder of another user's process in /proc: all projects were asked for their spelling at once."""
    (tmp_path / "link").symlink_to("folder")

    def refuse(*_: object, **_named: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "readlink", refuse)
    assert platform.canonical(tmp_path / "link" / "below") == str(tmp_path / "link" / "below")


@on_linux
def test_links_are_resolved_as_far_as_there_is_something(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "broken").symlink_to("gone")
    named = {"link/new/er": "folder/new/er", "link/..": "", "file": "file", "broken": "gone", "file/x": "file/x"}

    assert platform.canonical("/") == "/"
    assert {name: platform.canonical(f"{tmp_path}/{name}") for name in named} == {
        name: str(tmp_path / place) for name, place in named.items()
    }


def test_a_folder_that_may_not_be_opened_keeps_its_name(tmp_path: Path) -> None:
    """As macOS refuses the user's documents to a program."""

    def refuse(_descriptor: int, _command: int, _argument: object) -> None:
        raise PermissionError

    assert Darwin(control=refuse).canonical(tmp_path / "x") == str(tmp_path / "x")


@on_linux
def test_the_priority_of_one_thread_is_lowered(platform: Platform) -> None:
    found: list[int] = []

    def lower() -> None:
        platform.lower_priority(19)
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, 0)
    thread = threading.Thread(target=lower)
    thread.start()
    thread.join()

    assert found == [19 if platform.name == LINUX else before]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


@on_linux
def test_files_are_exchanged_in_one_step(platform: Platform, two: tuple[Path, Path]) -> None:
    one, other = two

    assert platform.exchange(one, other)
    assert (one.read_text(), other.read_text()) == ("2", "1")
    other.unlink()
    with pytest.raises(FileNotFoundError):
        platform.exchange(one, other)


@pytest.mark.parametrize("platform", [fake_darwin(swaps=False), Darwin(libc=object), Linux(libc=object)])
def test_a_disk_or_system_that_cannot_exchange_says_so(platform: Platform, two: tuple[Path, Path]) -> None:
    one, other = two

    assert not platform.exchange(one, other)
    assert (one.read_text(), other.read_text()) == ("1", "2")


@on_linux
def test_a_file_knows_when_it_was_made(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    os.utime(file, (1, 1))
    born = Linux().born_ns(file)

    assert born is None or abs(born - time.time_ns()) < 60 * 10**9
    assert Linux(libc=object).born_ns(file) is None, "a C library without statx"


def test_one_that_is_missing_was_never_made(platform: Platform, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        platform.born_ns(tmp_path / "none")


@on_linux
def test_a_file_that_is_open_for_writing_is_not_at_rest(two: tuple[Path, Path]) -> None:
    file, _ = two
    for writes, rests in ((True, False), (False, True)):
        with file.open("ab" if writes else "rb"):
            descriptor = os.open(file, os.O_RDONLY)
            assert Linux().at_rest(descriptor) is rests
            os.close(descriptor)


@pytest.mark.parametrize("platform", [Linux(), fake_darwin(), fake_darwin(syncs=False)])
def test_content_is_flushed(platform: Platform, two: tuple[Path, Path]) -> None:
    descriptor = os.open(two[0], os.O_RDONLY)
    platform.full_sync(descriptor)
    os.close(descriptor)
    with pytest.raises(OSError) as raised:
        platform.full_sync(descriptor)
    assert raised.value.errno in (errno.EBADF, errno.EINVAL)


def test_a_mac_flushes_the_disk_itself_and_not_twice(two: tuple[Path, Path]) -> None:
    asked: list[int] = []
    with two[0].open("rb") as file:
        Darwin(control=lambda _descriptor, command, _argument: asked.append(command)).full_sync(file.fileno())

    assert asked == [51]


@pytest.mark.parametrize("platform", [Linux(), fake_darwin(["/", "/Volumes/Big Disk", "/private/var/vm"])])
def test_the_mounts_have_the_root_among_them(platform: Platform) -> None:
    assert "/" in platform.mounts()


def test_all_mounts_are_named_whatever_is_in_their_names(tmp_path: Path) -> None:
    names = ["/", "/Volumes/Big Disk", "/Volumes/B\xfccher"]
    (tmp_path / "self").mkdir()
    lines = "".join(f"22 1 8:1 / {name.replace(' ', chr(92) + '040')} rw - ext4 /dev/x rw\n" for name in names)
    (tmp_path / "self/mountinfo").write_text(lines)

    assert fake_darwin(names).mounts() == Linux(proc=tmp_path).mounts() == names
    for unknown in (fake_darwin([]), Linux(proc=tmp_path / "none")):
        with pytest.raises(OSError):
            unknown.mounts()


@on_linux
def test_a_connection_is_its_users(platform: Platform) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        ends = (client.getsockname(), server.getsockname())
        owners = platform.connection_owners(*ends)

    assert owners == ({os.geteuid()} if platform.name == LINUX else None)
    assert Linux(proc=Path("/none")).connection_owners(*ends) is None


def test_limits_are_numbers(platform: Platform) -> None:
    assert platform.descriptors() >= 0
    assert platform.longest_address == {LINUX: 107, MACOS: 103}[platform.name]


@on_linux
def test_a_socket_has_a_short_address_on_linux_alone(platform: Platform, tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "s").touch()
    address = platform.address_in(folder, "s")

    assert address is None if platform.name == MACOS else Path(str(address)).samefile(tmp_path / "s")
    os.close(folder)


@pytest.mark.parametrize(("hard", "allowed"), [(20_000, 10_240), (300, 300)])
def test_a_daemon_from_a_macs_terminal_may_have_enough_files_open(hard: int, allowed: int) -> None:
    """There a program may have 256, and FSEvents takes one for each folder on the way to one that it watches."""
    program = (
        "import resource, sys\n"
        "from carryover.platform.darwin import Darwin\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}))\n"
        "Darwin().allow_descriptors(10_240)\n"
        "sys.exit(Darwin().descriptors() != int(sys.argv[1]))\n"
    )

    assert subprocess.run([sys.executable, "-c", program, str(allowed)], check=False).returncode == 0
