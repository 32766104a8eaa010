"""The results of runs: kept one line each, so that a measure that was ended goes on, and their table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Final

import msgspec

from quality.intervals import interval

SEED: Final = 1


class Result(msgspec.Struct, frozen=True):
    """One run of one agent on one task. None is what could not be known."""

    task: str
    arm: str
    run: int
    agent: str
    """The command it was started with."""
    carryover: str
    """The version and commit that made the texts."""
    text_tokens: int
    """Roughly, of the arm's text; 0 for an empty text."""
    arrived: bool | None
    """Whether request and text are in a prompt of the agent's transcript; None if there is no transcript to read."""
    passed: int
    wanted: int
    calls: int | None
    looked_up: int | None
    """Calls that name the repository or the commit of the answer: they may have found it in public."""
    tokens: int | None
    """Of input (cached or not) and output together."""
    minutes: float
    ended: str
    """`exit N`, or `time limit`."""

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        return self.carryover, self.agent, self.task, self.run, self.arm

    @property
    def share(self) -> float:
        return self.passed / self.wanted

    @property
    def counts(self) -> bool:
        """Whether it is a result: what was to be compared is known to have reached the agent."""
        return self.arrived is True and (self.arm == "nothing" or self.text_tokens > 0)


def kept(file: Path) -> list[Result]:
    """Returns the results in a file; a line that was cut off by an end is run again."""
    if not file.exists():
        return []
    return [result for line in file.read_bytes().splitlines() for result in _result(line)]


def _result(line: bytes) -> Iterator[Result]:
    try:
        yield msgspec.json.decode(line, type=Result)
    except msgspec.DecodeError:
        return


def keep(file: Path, result: Result) -> None:
    """Appends a result."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("ab") as out:
        out.write(b"\n" if _is_cut_off(file) else b"")
        out.write(msgspec.json.encode(result) + b"\n")


def _is_cut_off(file: Path) -> bool:
    content = file.read_bytes()
    return bool(content) and not content.endswith(b"\n")


def report(results: Sequence[Result], arms: Sequence[str]) -> str:
    """Returns deliveries first, then a row for each arm on the tasks that all arms have a result of, then each task."""
    here = [arm for arm in arms if any(result.arm == arm for result in results)]
    by_arm = {arm: [result for result in results if result.arm == arm] for arm in here}
    counting = {arm: [result for result in by_arm[arm] if result.counts] for arm in here}
    names = list(dict.fromkeys(result.task for result in results))
    common = [name for name in names if all(name in {each.task for each in counting[arm]} for arm in here)]
    lines = ["arrived, of all runs (a run whose text is not known to have arrived is no result)"]
    lines += [f"  {arm:<14}{_deliveries(by_arm[arm])}" for arm in here]
    drawn = f"intervals of 95 % by drawing tasks again, seed {SEED}"
    lines += ["", f"on the {len(common)} of {len(names)} tasks that each arm has a result of; {drawn}"]
    lines += [f"{'arm':<14}{'runs':>5}{'tests':>18}{'whole':>7}{'calls':>7}{'tokens':>10}{'minutes':>9}"]
    lines += [_row(arm, [result for result in counting[arm] if result.task in common]) for arm in here]
    if "nothing" in here:
        lines += ["", *(_against(counting["nothing"], counting[arm], arm) for arm in here if arm != "nothing")]
    named = sum(bool(result.looked_up) for result in results)
    if named:
        lines += ["", f"runs that named the repository in a call, and may have looked the answer up: {named}"]
    lines += ["", f"{'wanted tests passed':<24}" + "".join(f"{arm:>14}" for arm in here)]
    for name in names:
        cells = [_cell([result for result in by_arm[arm] if result.task == name]) for arm in here]
        lines.append(f"{name:<24}" + "".join(f"{cell:>14}" for cell in cells))
    return "\n".join(lines)


def _deliveries(results: Sequence[Result]) -> str:
    arrived = sum(result.arrived is True for result in results)
    unknown = sum(result.arrived is None for result in results)
    empty = sum(result.arm != "nothing" and not result.text_tokens for result in results)
    said = [f"{arrived} of {len(results)}"]
    if unknown:
        said.append(f"{unknown} unknown: no transcript that Carryover reads")
    if empty:
        said.append(f"{empty} empty: nothing to hand over")
    return "; ".join(said)


def _row(arm: str, results: Sequence[Result]) -> str:
    if not results:
        return f"{arm:<14}{0:>5}{'–':>18}{'–':>7}{'–':>7}{'–':>10}{'–':>9}"
    share = fmean(result.share for result in results)
    names = {result.task for result in results}
    low, high = interval({name: [each.share for each in results if each.task == name] for name in names}, SEED)
    tests = f"{share:.0%} ({low:.0%}–{high:.0%})"
    whole = sum(result.passed == result.wanted for result in results)
    calls = _middle([result.calls for result in results])
    tokens = _middle([result.tokens for result in results])
    minutes = median(result.minutes for result in results)
    return f"{arm:<14}{len(results):>5}{tests:>18}{whole:>7}{calls:>7}{tokens:>10}{minutes:>9.1f}"


def _against(nothing: Sequence[Result], results: Sequence[Result], arm: str) -> str:
    """Says on how many tasks an arm passed more or fewer of the tests than without anything."""
    without, share = _shares(nothing), _shares(results)
    both = [name for name in share if name in without]
    more = sum(share[name] > without[name] for name in both)
    fewer = sum(share[name] < without[name] for name in both)
    return f"{arm}: more than nothing on {more} of {len(both)} tasks, fewer on {fewer}"


def _shares(results: Sequence[Result]) -> dict[str, float]:
    names = {result.task for result in results}
    return {name: fmean(each.share for each in results if each.task == name) for name in names}


def _middle(values: Sequence[int | None]) -> str:
    """The median; `–` if it isn't known of each."""
    known = [value for value in values if value is not None]
    return f"{median(known):,.0f}" if known and len(known) == len(values) else "–"


def _cell(results: Sequence[Result]) -> str:
    counting = [result for result in results if result.counts]
    if not counting:
        return "no result" if results else "–"
    return " ".join(f"{result.passed}/{result.wanted}" for result in counting)
