"""How time and memory are taken, the rows that the table is made of, and what their figures should come to."""

import multiprocessing
import os
import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `ratio` is the product's figure over the floor's, wherever both measure the same.

    `key` names the figure where there is a goal for it (`goals.py`); `value` and `bare` are then the two as numbers.
    """

    what: str
    product: str
    floor: str = ""
    ratio: float | None = None
    key: str = ""
    value: float | None = None
    bare: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What a function gave in a process of its own. `peak_bytes` and `start_bytes` are None where /proc is missing.

    `cpu_s` counts the processes that it started, too.
    """

    value: Any
    wall_s: float
    cpu_s: float
    start_bytes: int | None
    peak_bytes: int | None


def in_own_process(work: Callable[..., Any], *arguments: Any) -> Run:
    """Run `work` in a fresh process, so that neither memory nor warm caches of another measurement count."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measured, work, arguments).result()


def _measured(work: Callable[..., Any], arguments: Sequence[Any]) -> Run:
    start_bytes = memory(os.getpid(), "VmRSS")
    started, cpu = time.perf_counter(), _processor_s()
    value = work(*arguments)
    wall_s, cpu_s = time.perf_counter() - started, _processor_s() - cpu
    return Run(value, wall_s, cpu_s, start_bytes, memory(os.getpid(), "VmHWM"))


def _processor_s() -> float:
    """Of this process and of its children that have ended."""
    used = os.times()
    return time.process_time() + used.children_user + used.children_system


def memory(pid: int, field: str) -> int | None:
    """A field of a process's memory in bytes: `VmRSS` now, `VmHWM` the most so far. None where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(f"{field}:")), None)


def timed(work: Callable[[], T], times: int = 1) -> tuple[float, T]:
    took = []
    for _ in range(times):
        started = time.perf_counter()
        value = work()
        took.append(time.perf_counter() - started)
    return statistics.median(took), value


def at(values: Iterable[float], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def compared(what: str, product: float | None, floor: float | None, unit: str, key: str = "") -> Row:
    """A row of two figures of the same kind; `floor` is None for one that has none."""
    ratio = product / floor if product is not None and floor else None
    return Row(what, shown(product, unit), "" if floor is None else shown(floor, unit), ratio, key, product, floor)


@dataclass(slots=True)
class Pairs:
    """Seconds, one for each time that something was done: by the product, and by what it cannot be faster than."""

    product: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    def rows(self, what: str, bare: str, key: str = "", **shares: float) -> Iterator[Row]:
        """Yields a row for each of the shares, in ms."""
        for name, share in shares.items():
            product, floor = at(self.product, share) * 1000, at(self.floor, share) * 1000
            label = f"{what}, {name} of {len(self.product)}, {product - floor:+.1f} ms (bare: {bare})"
            yield compared(label, product, floor, "ms", key and f"{key}-{name}")


def shown(value: float | None, unit: str) -> str:
    """A number with three significant digits and its unit; without a unit a whole number."""
    if value is None:
        return "not measured"
    if not unit:
        return f"{value:,.0f}"
    digits = max(0, 3 - len(str(int(abs(value))))) if abs(value) >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def megabytes(count_bytes: int | None) -> float | None:
    return None if count_bytes is None else count_bytes / 1e6


MARKED: Final = 0.25
"""A ratio that has grown by more than this share since the last run is marked."""

Measure = Literal["value", "ratio", "more"]
"""The product's figure itself; how many times the floor it is; how much more than the floor it is."""


@dataclass(frozen=True, slots=True)
class Goal:
    """At most `most`, in `unit` where it is not a ratio. `why` is shown only where the goal is missed."""

    measure: Measure
    most: float
    unit: str
    why: str


GOALS: Final[Mapping[str, Goal]] = {
    "first-read": Goal("ratio", 8, "", "redaction, adapters and the fold are most of it"),
    "first-read-memory": Goal("value", 150, "MB", "the interpreter, the modules and the batch that is being read"),
    "newest-handoff": Goal("value", 1, "s", "the start of the daemon is half of it, the rest is the newest files"),
    "newest-word": Goal("value", 2, "s", "the start of the daemon is half of it, the rest is its newest session"),
    "rescan": Goal("ratio", 4, "", "folders are listed and positions fetched, beside one stat for each file"),
    "start-known": Goal(
        "value", 0.4, "s", "loading the modules is most of it, and the floor of a server alone is half of that"
    ),
    "append-idle-p50": Goal(
        "value", 60, "ms", "the line is read, the handoff made again and git asked before it is written"
    ),
    "append-idle-p95": Goal(
        "value", 120, "ms", "the line is read, the handoff made again and git asked before it is written"
    ),
    "page-first-paint": Goal("value", 200, "ms", "its twenty files come one after the other"),
    "append-busy-p50": Goal("value", 120, "ms", "the line waits for the batch that is being read and folded"),
    "append-busy-p95": Goal(
        "value", 300, "ms", "the line waits for a batch that is being committed, and for two processors in use"
    ),
    "session-start-p50": Goal("more", 15, "ms", "git is asked for the state of the project"),
    "session-start-p99": Goal("more", 25, "ms", "git is asked for the state of the project"),
    "session-start-late": Goal("value", 0, "", "as many at once are answered with the last handoff that was written"),
    "command-version": Goal("ratio", 3.5, "", "the interpreter loads the package's own start"),
    "command-help": Goal("ratio", 3.5, "", "the definition of all commands is loaded"),
    "command-sessions": Goal("ratio", 7, "", "it loads the settings' and the ledger's structs"),
    "command-show": Goal("ratio", 7, "", "it loads the settings' and the ledger's structs"),
    "command-log": Goal("ratio", 7, "", "half of it is loading modules, a third reading events and tests' output"),
    "command-search": Goal("ratio", 7, "", "it loads the settings' and the ledger's structs"),
    "command-status": Goal("ratio", 8, "", "more than half of it is loading modules; it also looks for each agent"),
    "command-handoff": Goal(
        "ratio", 8, "", "nearly half of it is loading modules; the daemon looks at each file and asks git"
    ),
    "idle-memory": Goal("value", 60, "MB", "a server, a watcher and a database alone take the floor beside it"),
    "idle-processor": Goal("value", 0.3, "%", "timers of a second and more, of tasks and of the event loop"),
    "idle-children": Goal("value", 0, "", "git has not ended yet"),
    "ledger": Goal("value", 20, "%", "prompts, answers and commands are kept whole; only tool output is cut"),
    "one-session": Goal("ratio", 4, "", "the whole session is redacted and stored, not only read"),
}

GROWTH_GOALS: Final[Mapping[str, Goal]] = {
    "first_handoff_s": Goal("value", 1, "s", "its first rescan lists every folder before it reads the newest file"),
    "first_read_mb": GOALS["first-read-memory"],
    "ledger_percent": GOALS["ledger"],
    "busy_nothing": Goal("value", 0, "", "the answer took longer than the agent's hook waits"),
    "idle_mb": GOALS["idle-memory"],
    "restart_s": Goal("value", 0.4, "s", "every file's state is compared with the ledger's"),
}


def verdict(row: Row) -> str:
    """`≤ 5 x: met`, or missed and why; empty where there is no goal or the figure was not measured."""
    goal = GOALS.get(row.key)
    figure = _figure(row, goal.measure) if goal is not None else None
    if goal is None or figure is None:
        return ""
    return _judged(goal, figure)


TITLES: Final = ("", "Carryover", "floor, same run", "ratio", "before", "goal")


def table(rows: Iterable[Row], former: str = "") -> str:
    """A line for each row; under "before" what `former`, the last table of the same section, says of it."""
    known = figures_of(former)
    lines = [_line(TITLES), _line(["---"] * len(TITLES), around="")]
    for row in rows:
        ratio = _short(row.ratio)
        before = known.get(_without_numbers(row.what))
        lines.append(_line((row.what, row.product, row.floor, ratio, _beside(row, before), verdict(row))))
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Former:
    """What an earlier run found for a row: its figure as it was shown, and the ratio to its floor, if it had one."""

    product: str
    ratio: float | None


def figures_of(text: str) -> dict[str, Former]:
    """What a table says, by its rows' labels without their numbers, which differ from run to run."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) in (len(TITLES) - 1, len(TITLES)) and cells[0] and not cells[0].startswith("---"):
            ratio = cells[3].replace(",", "")
            found[_without_numbers(cells[0])] = Former(cells[1], float(ratio) if ratio else None)
    return found


def _beside(row: Row, before: Former | None) -> str:
    """The former figure; marked where this one is worse by more than a quarter, in its ratio if it has one."""
    if before is None:
        return ""
    shown_before = before.product if before.ratio is None else f"{before.product}, {_short(before.ratio)} x"
    if row.ratio is not None and before.ratio:
        more = row.ratio / before.ratio - 1
        return f"{shown_before}: **{more:+.0%}**" if more > MARKED else shown_before
    return shown_before


def _without_numbers(label: str) -> str:
    """Returns a label as it is in each run: `p50` and the like stay, counts and differences do not."""
    label = re.sub(r", [+-][\d,.]+ ms", "", label)
    return re.sub(r"(?<![A-Za-z])\d[\d,.]*", "#", label)


def _short(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.1f}" if ratio < 100 else f"{ratio:,.0f}"


def _line(cells: Sequence[str], around: str = " ") -> str:
    return "|" + "|".join(f"{around}{cell}{around}" for cell in cells) + "|"


def table_of_growth(sizes: Sequence[tuple[str, Mapping[str, float]]], labels: Mapping[str, tuple[str, str]]) -> str:
    """A column for each size, a line for each figure, and whether the goal that holds at all sizes is met at each."""
    lines = ["| " + " | ".join(("", *(name for name, _ in sizes), "goal")) + " |", "|---" * (len(sizes) + 2) + "|"]
    for key, (label, unit) in labels.items():
        shares = [shown(figures.get(key), unit) for _, figures in sizes]
        found = [figures[key] for _, figures in sizes if key in figures]
        goal = GROWTH_GOALS.get(key)
        judged = _judged(goal, max(found)) if goal is not None and found else ""
        lines.append("| " + " | ".join((label, *shares, judged)) + " |")
    return "\n".join(lines)


def in_brief(rows: Iterable[Row]) -> str:
    """How many goals were met, and what was missed, in one line; empty where no row has a goal."""
    judged = [(row, found) for row in rows if (found := verdict(row))]
    if not judged:
        return ""
    missed = []
    for row in (row for row, found in judged if not found.endswith(": met")):
        goal = GOALS[row.key]
        missed.append(f"{row.key} {shown(_figure(row, goal.measure), 'x' if goal.measure == 'ratio' else goal.unit)}")
    return f"{len(judged) - len(missed)} of {len(judged)} goals met{'; missed: ' if missed else ''}{', '.join(missed)}"


def _judged(goal: Goal, figure: float) -> str:
    sign = "+" if goal.measure == "more" else ""
    unit = "x" if goal.measure == "ratio" else goal.unit
    bound = f"≤ {sign}{goal.most:g} {unit}".rstrip()
    return f"{bound}: met" if figure <= goal.most else f"{bound}: **missed**, {goal.why}"


def _figure(row: Row, measure: Measure) -> float | None:
    if measure == "ratio":
        return row.ratio
    if measure == "more" and row.value is not None and row.bare is not None:
        return row.value - row.bare
    return row.value if measure == "value" else None
