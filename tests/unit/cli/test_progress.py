from __future__ import annotations

import io

from carryover.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_rewritten_in_place() -> None:
    stream = Terminal()
    progress = Progress(stream)

    progress.update(0.5, "half")
    progress.finish("all read")

    assert stream.getvalue() == "\r\x1b[K[######......] half\r\x1b[Kall read\n"


def test_elsewhere_a_plain_line_is_printed_now_and_then() -> None:
    stream = io.StringIO()
    progress = Progress(stream)

    for step in range(100):
        progress.update(step / 100, f"{step} of 100")
    progress.finish("all read")

    assert stream.getvalue() == "0 of 100\nall read\n"


def test_a_display_that_is_cleared_leaves_nothing_behind() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        progress = Progress(stream)
        progress.update(0.0, "none")
        progress.clear()

    assert terminal.getvalue().endswith("none\r\x1b[K")
    assert pipe.getvalue() == "none\n"


def test_a_share_out_of_bounds_does_not_break_the_bar() -> None:
    stream = Terminal()

    Progress(stream).update(7.0, "more than all")

    assert stream.getvalue() == f"\r\x1b[K[{'#' * 12}] more than all"
