"""A box shows a client nothing of this machine. Every other row relies on it."""

import pytest

from real_agents.lab import product, shop
from real_agents.lab.box import ENVIRONMENT, HOME, Box, Terminal
from real_agents.lab.packages import cache_dir
from real_agents.lab.rows import Row

SECRET = "a-value-of-this-machine"


def test_a_box_has_no_network_but_loopback(row: Row) -> None:
    with Box(cache_dir() / "runs") as box:
        interfaces = box.must("cat", "/proc/net/dev").splitlines()[2:]
        routes = box.must("ip", "route")

    assert [line.split(":")[0].strip() for line in interfaces] == ["lo"]
    assert routes == ""
    row.shown("one interface, lo; no route")


def test_a_box_knows_no_home_no_settings_and_no_environment_of_this_machine(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    with Box(cache_dir() / "runs") as box:
        top = box.must("ls", "/").split()
        etc = box.must("ls", "/etc").split()
        homes = box.must("ls", "/home").split()
        environment = box.must("env")
        all_environments = box.run("sh", "-c", "cat /proc/*/environ").out

    shown = "bin dev etc home lib lib32 lib64 libx32 out proc sbin tmp usr"
    assert set(top) <= set(shown.split())
    known = {"alternatives", "group", "hosts", "ld.so.cache", "nsswitch.conf", "passwd", "ssl", "terminfo"}
    assert set(etc) <= known
    assert homes == ["dev"]
    assert dict(line.split("=", 1) for line in environment.splitlines()) == ENVIRONMENT
    assert SECRET not in all_environments
    row.shown("a root and an environment made from nothing")


def test_the_end_of_a_box_ends_its_processes_and_deletes_its_files(row: Row) -> None:
    with Box(cache_dir() / "runs") as box:
        box.write(HOME / "left.txt", "left\n")
        sleeper = box.start("sleep", "600")
        state = box.state
        assert state.exists()

    assert sleeper.wait() != 0
    assert not state.exists()
    row.shown("no process and no file is left")


def test_a_terminal_begins_while_the_server_of_another_is_there(row: Row) -> None:
    """The server of the last one may end a moment later, on a busy machine."""
    with (
        Box(cache_dir() / "runs") as box,
        Terminal(box, "sleep", "600", cwd=HOME) as last,
        Terminal(box, "cat", cwd=HOME) as terminal,
    ):
        terminal.enter("here")
        assert "here" not in last.screen()
    row.shown("two terminals, each with a screen of its own")


def test_a_client_that_a_failed_row_leaves_running_is_ended(row: Row) -> None:
    with Box(cache_dir() / "runs") as box:
        with pytest.raises(TimeoutError), box.start("sh", "-c", "echo started; exec sleep 600") as left:
            assert left.line() == "started"
            raise TimeoutError
        assert left.ended()
        row.shown("nothing takes the replies of the next row")


def test_the_product_is_compiled_as_an_installer_leaves_it(row: Row) -> None:
    asked = "import pathlib, carryover.daemon.hooks.without_daemon as m; print(pathlib.Path(m.__cached__).is_file())"
    with shop.boxed() as box:
        assert box.must(product.PYTHON, "-c", asked).strip() == "True"
    row.shown("no process of a hook's has to compile first")
