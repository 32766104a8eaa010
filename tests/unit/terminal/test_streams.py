"""Standard output and error take text alone, whoever writes to them and by whatever way."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.terminal import streams
from carryover.terminal.output import answer_to, paint, print_document, say, warn
from carryover.terminal.streams import SafeOutput, shown, shown_lines, styled

HOSTILE = "\x1b[2J\x1b]52;c;eA==\x07\x9b8m\u202e\u200b\u2028\r\x08"
"""Clears the screen, writes to the clipboard, conceals, reorders, hides, overwrites."""

BY_OTHERS = f"""
import argparse, asyncio, logging, os, sys, threading, traceback, warnings
from carryover.terminal import streams
bad = {HOSTILE!r}
streams.guard()
streams.guard()
print(bad)
print(bad, file=sys.stderr)
sys.stdout.writelines([bad])
logging.warning(bad)
logging.getLogger("x").error("%s", bad)
warnings.warn(bad)
try:
    argparse.ArgumentParser(prog=bad).parse_args([bad])
except SystemExit:
    pass
try:
    raise ValueError(bad)
except ValueError:
    traceback.print_exc()
thread = threading.Thread(target=lambda: 1 / 0, name=bad)
thread.start()
thread.join()
class Odd:
    def __del__(self):
        raise OSError(bad)
Odd()
async def fails():
    asyncio.get_running_loop().call_exception_handler({{"message": bad}})
asyncio.run(fails())
raise RuntimeError(bad)
"""


def acting(text: str) -> str:
    return "".join(sign for sign in text if sign in HOSTILE and not sign.isprintable())


def test_nothing_that_python_or_a_library_prints_acts_on_the_terminal() -> None:
    done = subprocess.run([sys.executable, "-c", BY_OTHERS], capture_output=True, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()

    assert done.returncode == 1
    assert (out.count(shown("\x1b[2J")), err.count(shown("\x1b[2J")) >= 8) == (2, True), err
    assert (acting(out), acting(err)) == ("", "")


def test_a_stream_that_was_closed_is_the_null_device() -> None:
    script = "from carryover.terminal import streams, output; streams.guard(); output.say('x'); output.warn('y')"
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -c "{script}" >&- 2>&-'], capture_output=True, check=False
    )

    assert (done.stdout, done.stderr) == (b"", b"")


@given(st.text())
def test_whatever_is_printed_as_a_line_is_one_line_that_is_shown(text: str) -> None:
    line = shown(text)

    assert all(sign == "\t" or sign.isprintable() or sign.isspace() or ord(sign) > 0xFF for sign in line)
    assert (len(line.split("\n")), shown(line)) == (1, line)
    assert shown_lines(text).count("\n") == text.count("\n")


def test_no_text_can_have_a_style_of_ours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even one that was printed before, or that names the mark of another process."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    say(paint("bold", "1"))
    printed = capsys.readouterr().out
    of_another = subprocess.run(
        [sys.executable, "-c", "from carryover.terminal.streams import styled; print(styled('x', '8'))"],
        capture_output=True,
        check=True,
    ).stdout.decode()
    say(printed, of_another, "\x1b[8m")

    assert printed == "\x1b[1mbold\x1b[0m\n"
    assert "\x1b" not in capsys.readouterr().out


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


PRINTERS: dict[str, Callable[[str], object]] = {
    "say": say,
    "as it fits": lambda text: say(text, fits=True),
    "warn": warn,
    "document": print_document,
    "question": answer_to,
    "styled": lambda text: say(styled(text, "1")),
}


@pytest.mark.parametrize("printer", PRINTERS)
def test_every_way_to_print_on_a_terminal_shows_what_would_act(printer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, screen)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    PRINTERS[printer](f"a {HOSTILE} b")

    text = screen.getvalue()
    ours = {"styled": "\x1b[1m"}.get(printer, "")
    assert text.startswith(ours)
    assert acting(text.removeprefix(ours).replace("\x1b[0m", "")) == ""
    assert r"\x1b[2J" in text


def test_a_document_goes_into_a_pipe_byte_for_byte(capsys: pytest.CaptureFixture[str]) -> None:
    print_document("a\r\n\u200db\x1b[2J")

    assert capsys.readouterr().out == "a\r\n\u200db\x1b[2J"


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[SafeOutput, Path]]:
    path = tmp_path / "out"
    with path.open("w", encoding="ascii") as file, SafeOutput(file) as stream:
        yield stream, path


def test_what_a_stream_cannot_encode_is_replaced(pipe: tuple[SafeOutput, Path]) -> None:
    stream, path = pipe

    assert stream.write("ä\x1b\n") == 3
    stream.flush()
    assert path.read_bytes() == b"?\\x1b\n"


def test_the_stream_that_is_stood_in_for_stays_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = os.fdopen(os.open(tmp_path / "out", os.O_CREAT | os.O_RDWR), "w")
    monkeypatch.setattr(sys, "stdout", file)
    streams.guard()
    print("x", end="", flush=True)
    monkeypatch.setattr(sys, "stdout", file)

    file.write("y")
    file.close()
    assert (tmp_path / "out").read_text() == "xy"


def test_what_was_printed_before_an_error_comes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both go into one file or pipe."""
    both = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(both))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(both, write_through=True))

    say("1 session loses all that was recorded until now:")
    warn("There is no terminal to ask on.")

    assert both.getvalue() == b"1 session loses all that was recorded until now:\nThere is no terminal to ask on.\n"
