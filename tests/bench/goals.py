"""What the figures should come to, beside the reason for each that does not; and the table that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bench.measure import Row, shown

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
    "first-read": Goal("ratio", 5, "", "redaction, adapters and the fold are most of it"),
    "first-read-memory": Goal("value", 150, "MB", "the interpreter, the modules and the batch that is being read"),
    "newest-handoff": Goal("value", 1, "s", "the start of the daemon is half of it, the rest is the newest files"),
    "newest-complete": Goal("value", 2, "s", "all sessions of the newest project are read before its last word"),
    "rescan": Goal("ratio", 4, "", "folders are listed and positions fetched, beside one stat for each file"),
    "start-known": Goal(
        "value", 0.4, "s", "loading the modules is most of it, and the floor of a server alone is half of that"
    ),
    "append-busy-p50": Goal("value", 120, "ms", "the line waits for the batch that is being read and folded"),
    "append-busy-p95": Goal(
        "value", 250, "ms", "the line waits for a batch that is being committed, and for two processors in use"
    ),
    "session-start-p50": Goal("more", 10, "ms", "git is asked for the state of the project"),
    "session-start-p99": Goal("more", 20, "ms", "git is asked for the state of the project"),
    "session-start-late": Goal("value", 0, "", "as many at once are answered with the last handoff that was written"),
    "command-handoff": Goal("ratio", 6, "", "it loads the distiller, parses the touched files and asks git by itself"),
    "command-status": Goal("ratio", 6, "", "it loads what looks for the agents and their hooks, and asks systemd"),
    "command-sessions": Goal("ratio", 6, "", "it loads the settings' and the ledger's structs"),
    "idle-memory": Goal("value", 60, "MB", "a server, a watcher and a database alone take the floor beside it"),
    "idle-processor": Goal("value", 0.3, "%", "the watcher asks its queue in fixed steps"),
    "idle-children": Goal("value", 0, "", "git has not ended yet"),
    "ledger": Goal("value", 20, "%", "prompts, answers and commands are kept whole; only tool output is cut"),
    "one-session": Goal("ratio", 2, "", "the whole session is redacted, stored and indexed, not only read"),
}
"""By the key of the row."""

GROWTH_GOALS: Final[Mapping[str, Goal]] = {
    "first_handoff_s": Goal("value", 1, "s", "its first rescan lists every folder before it reads the newest file"),
    "first_read_mb": GOALS["first-read-memory"],
    "ledger_percent": GOALS["ledger"],
    "busy_nothing": Goal("value", 0, "", "the answer took longer than the agent's hook waits"),
    "idle_mb": GOALS["idle-memory"],
    "restart_s": Goal("value", 0.4, "s", "every file's state is compared with the ledger's"),
}
"""By the key of the figure; they hold at every size."""


def verdict(row: Row) -> str:
    """`≤ 5 x: met`, or missed and why; empty where there is no goal or the figure was not measured."""
    goal = GOALS.get(row.key)
    figure = _figure(row, goal.measure) if goal is not None else None
    if goal is None or figure is None:
        return ""
    return _judged(goal, figure)


def table(rows: Iterable[Row]) -> str:
    lines = ["| | Carryover | floor, same run | ratio | goal |", "|---|---|---|---|---|"]
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}" if row.ratio < 100 else f"{row.ratio:,.0f}"
        lines.append(f"| {row.what} | {row.product} | {row.floor} | {ratio} | {verdict(row)} |")
    return "\n".join(lines)


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
    missed = [_short(row) for row, found in judged if not found.endswith(": met")]
    return f"{len(judged) - len(missed)} of {len(judged)} goals met{'; missed: ' if missed else ''}{', '.join(missed)}"


def _judged(goal: Goal, figure: float) -> str:
    sign = "+" if goal.measure == "more" else ""
    unit = "x" if goal.measure == "ratio" else goal.unit
    bound = f"≤ {sign}{goal.most:g} {unit}".rstrip()
    return f"{bound}: met" if figure <= goal.most else f"{bound}: **missed**, {goal.why}"


def _short(row: Row) -> str:
    figure = _figure(row, GOALS[row.key].measure)
    unit = "x" if GOALS[row.key].measure == "ratio" else GOALS[row.key].unit
    return f"{row.key} {shown(figure, unit)}"


def _figure(row: Row, measure: Measure) -> float | None:
    if measure == "ratio":
        return row.ratio
    if measure == "more" and row.value is not None and row.bare is not None:
        return row.value - row.bare
    return row.value if measure == "value" else None
