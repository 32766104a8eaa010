"""Recognises test runs among shell commands and reads their output by its form, without telling runners apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import msgspec

from carryover.model import ToolResult
from carryover.testruns.commands import Invocation, find_invocations, module_path
from carryover.testruns.run import Status, TestOutcome, TestRun
from carryover.text.harmless import harmless
from carryover.text.pattern import later
from carryover.text.shell import from_folder

MOST_NAMES = 20
_LONGEST_SHOWN = 200

_KINDS = {
    **dict.fromkeys(("passed", "passing", "pass", "xfailed", "xpassed"), "passed"),
    **dict.fromkeys(("failed", "failing", "fail", "failure", "failures"), "failed"),
    **dict.fromkeys(("error", "errors", "cancelled"), "errors"),
    **dict.fromkeys(("skipped", "skip", "skips", "pending", "pendings", "ignored", "todo"), "skipped"),
    **dict.fromkeys(("tests", "test", "examples", "example", "runs", "run", "total"), "total"),
    "of": "of",
    **dict.fromkeys(
        "assertions warnings warning deselected excluded measured filtered steps step files file flaky rerun"
        " expectations warn unexpected assertion subtests".split(),
        "",
    ),
}
_WORDS = "|".join(sorted(_KINDS, key=len, reverse=True))
_NUMBER_FIRST = later(rf"\b(?<![.%])(?:(\d+) (?:tests? (?=passed|failed))?({_WORDS})|out (of) (\d+))\b")
_WORD_FIRST = later(rf"\b({_WORDS})(?: ?[:=] *| (?=\d+(?: ?[|\]]|$)))(\d+)\b(?!\.\d)")
_OF_ALL = r"(\d+) ?(?:/|(?:out )?of) ?(\d+)"
_PART = later(
    rf"\b(?<![.%]){_OF_ALL}(?: (?:tests?|test cases|checks?|specs?))? (passed|passing|failed|failing|skipped)\b"
)
_PART_LAST = later(rf"\b(passed|failed|skipped):? {_OF_ALL}\b")
"""So many of all: `15/24 passed`, `Passed: 3 of 5`."""
_EACH = later(r"\btest (?:case )?\d+ ?(?:/|of) ?\d+:? (passed|failed|skipped)\b")
"""A single test, by its number: `Test 3 of 10 passed`."""
_KIND_TWICE = later(r"\b(passed|failed|skipped): (\d+) tests?\b")
"""ExUnit's line of failures (Elixir 1.20): `Failed: 9 tests`."""
_BESIDE_COUNTS = later(
    r"\b(?:(?:test )?result|pytest|test cases|tests?|ok|failed|passed|all|ran|run|executed|with|in|out|finished"
    r"|completed|across|summary|seconds|secs?|done|info|error|warning|and|did not run)\b"
    r"|\bduration:.*|[\d.:]+ ?(?:ms|s|m|min)?\b|[^\w]|[_ℹ]"
)
_DIGIT = later(r"\d")
_COUNTED = later("|".join(sorted(word for word, kind in _KINDS.items() if kind)))
"""Without one of these, a line counts nothing: most lines have none, and reading one takes twenty times as long."""
_LABEL = later(r"(?!(?:\[.* )?[0-9a-f]{7,40}\b)[^:]+: +")
"""No commit's subject, which git prints behind its id (`[main 1a2b3c4] Cap it: 12 passed, 1 failed`)."""
_LEADING = later(r"^(?:\[gw\d+\] \[ *\d+%\] |\[\w+\] | *-+ )")
_OF_PART = r"(?:\[(?:[^\[\]\n]|\[[^\[\]\n]*\])*\])?(?: ?\((?:[^()\n]|\([^()\n]*\))*\))?"
"""What pytest says of a part of a test, which may have brackets of its own: `[a [b]] (x=(1, 2))`."""
_FAIL_WORD = rf"FAILED|FAIL|ERROR|SUBFAILED{_OF_PART}|Failed(?= \S+ \[)"
_ALSO_PRINTED = ("●", "ERROR")
_PASS_WORD = r"PASSED|PASS|XFAIL|XPASS"
_MARK_FIRST = later(
    rf" *+(?:(?P<fail>(?:[✗✕✖×●] )?(?:{_FAIL_WORD})|[✗✕✖×●]|not ok \d+ -|\(fail\))|(?P<pass>{_PASS_WORD}|ok|[✓✔√]))"
    r"(?::| ?\|[^|]+\|)?\s+(?P<rest>\S.*)"
)
_MARK_LAST = later(
    rf"(?:test )?(?P<rest>\S(?:.*?\S)??)(?: +(?:\.\.\.|---))? +(?! )"
    rf"(?:(?P<fail>{_FAIL_WORD})|(?P<pass>{_PASS_WORD}|ok))(?: +\[.*\])?$"
)
_ARROWS_LAST = later(r"(?:test )?(?P<rest>\S+) +(?P<fail>.*<<< (?:FAILURE|ERROR)!)(?: +\[.*\])?$")
"""Surefire's mark, which may stand far behind the name: from each word on, looking for it would take too long."""
_DOTS = later(r"(\S+\.\w+) ([.FEsxXR]+) *(?:\[ *\d+%\])?$")
_CLASS = later(r"Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+),.* in (\S+)$")
_NUMBERED = later(r" {4,}\d+\) (\S.*?):?$|\d+\) (\S+::\S+)$|---- (\S+) stdout ----$|_+ ERROR collecting (\S+) _+$")
_LISTED = later(r" {4}(?:\[[^\]]*\] › )?(\S+?):\d+:\d+ › (\S.*)")
"""A test in the list below a count of Playwright, whose other lines also tell of those that passed when tried again."""
_BEHIND_NAME = later(r"(?: -- Time elapsed.*| \([\d.]*\d ?m?s\)| \(\d+ tests?\b.*| \[[^\]]*\]| +[\d.]+ ?m?s|\t.*)+$")
_PATH = later(r"((?:[^\s/:]*/)+[^\s:]+|[^\s:/]+\.[a-z]\w{0,5})(?=$|:| )")
_PROSE = later(r" \w")
_ONE_NAME = later(r"[\w$.:<>/\[\]-]{3,}(?:\(\))?(?: \([\w.<>]+\))?")
_SIDE = later(r"\s+((?:Expected|Received|left|right)[^:]*: .+)")
_PANIC = later(r"thread '.*' .*panicked at ")
_GO_TEST = later(r"( *)--- (PASS|FAIL|SKIP): (\S+)")
_GO_RESULTS = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
_NOTHING_RAN = later(
    r"\bno tests? (?:ran\b|found|to run|files found|matching|specified)|\bran 0 tests|NO-SOURCE$|\btests +no tests",
    re.I,
)
_BROKEN = later(
    r"could not compile|COMPILATION ERROR|Compilation (?:error|failed)|\[(?:build|setup) failed\]"
    r"|Test suite failed to run|Interrupted: \d+ errors? during collection|ImportError while loading conftest"
)
_NOT_BUILT = "[build failed]"
"""Go's word for a package whose tests did not run, beside others whose tests did."""
_INTERRUPTED = later(r"KeyboardInterrupt !!|INTERNALERROR>")
_REASON = later(
    r"E {2,}(?P<pytest>\S.*)|\s*+(?P<exception>(?:panic|[\w.]*(?:Error|Exception))\b(?: \[\w+\])?: ?\S.*)"
    r"|error(?:\[E\d+\])?: (?!could not|test failed|\d+ target)(?P<compiler>.+)"
    r"|(?P<located>\S[^\n]{0,300}?\(\d{1,6},\d{1,6}\): error [A-Z]{2,8}\d{2,5}: .+)"
    r"|\s?ERR_PNPM_(?!RECURSIVE_)[A-Z_]{1,60}\s{1,3}(?P<pnpm>\S.*)"  # between thin spaces
    r"|(?:\[ERROR\] )?\s*+\S+\.(?:go|rs|java|kt|scala|c|cc|cpp|swift):\[?\d+(?:[,:]\d*)?\]?:? "
    r"(?:error: )?(?P<source>(?!\+0x)\S.*)"  # an offset ends a line of Go's stacks
)
_XCTEST_TOTAL = later(r"\s*Executed \d+ tests?, with ")
_WHOLE_XCTEST = later(r"Test Suite '(?:All|Selected) tests' (?:passed|failed) at ")
_MOST_OUTPUT = 100_000
_LONGEST_LINE = 1000
_LEFT_OUT = later(r"\[\.\.\. \d{1,20} characters left out \.\.\.\]")
"""What stands for the middle of a long output: half a line may be before and after it."""
_MOST_FILES = 50
_NEVER_STARTED = later(r"command not found|No module named (?:pytest|unittest|tox|nox)\b|not recognized as an")
_FIRST_OF_SHELLS = 124
"""From here on, exit codes are of time-outs, of signals and of the shell itself."""
_NOT_A_VERDICT = {4, 5, 124, 126, 127, 130, 137, 143}
"""Exit codes of time-outs, missing commands, signals, and pytest without a test to run."""


class Findings(msgspec.Struct):
    """What the output of a test run shows. A count is None if it does not occur there."""

    counts: Counter[str] = msgspec.field(default_factory=Counter)
    failed_names: list[str] = []
    files: dict[str, TestOutcome] = {}
    reason: str | None = None
    ended: bool = False
    """Whether the end of a run was seen: its counts, or a package of Go, which are not counted."""
    empty: bool = False
    marked: bool = False
    """Whether a mark that is nothing else, such as a bullet or a level of a log, says that a test failed."""
    broken: bool = False
    of_build: bool = False
    """Whether the reason is why a package could not be built, not why a test failed."""
    interrupted: bool = False
    ends_in_fail: bool = False
    """Whether the last word of `go test` is there, which may be all that `tail` left of the tests that failed."""

    @property
    def bad(self) -> bool:
        """Whether something failed. Counts take precedence over single lines."""
        has_bad_file = "fail" in self.files.values()
        has_bad_line = (self.marked or has_bad_file) and not self.counts
        if self.ends_in_fail or self.counts["failed"] or self.counts["errors"] or has_bad_line:
            return True
        return self.broken and (has_bad_file or not self.counts["passed"])  # unless it is what passing tests print


def _read_output(lines: Sequence[str]) -> Findings:
    """Returns what the lines of a test run's output say."""
    found = Findings()
    labelled: dict[str, list[tuple[str, int]]] = {}
    so_far: dict[str, int] = {}
    """What the newest line of counts says."""
    before = listed = ""
    for line in lines:
        found.broken = found.broken or _BROKEN.search(line) is not None
        if _NOT_BUILT in line:
            found.of_build = found.of_build or (found.reason is not None and not found.counts["failed"])
        found.interrupted = found.interrupted or _INTERRUPTED.search(line) is not None
        was_last, found.ends_in_fail = found.ends_in_fail, False  # until counts or tests come below it
        if one := _GO_TEST.match(line):
            kind = _GO_RESULTS[one[2]]
            if not one[1]:  # else a subtest, which is part of a test
                found.counts[kind] += 1
            if kind == "failed":
                _failed(found, one[3])
        elif counts := _counts_in(line):
            part = dict(counts)
            if "of" in part and so_far == {**part, "passed": part["passed"] - 1}:  # `1/3 passed`, then `2/3 passed`
                found.counts.subtract(so_far)
            so_far = part
            for kind, number in counts:
                found.counts[kind] += number
                listed = kind
        elif listed == "failed" and (one := _LISTED.match(line)):
            _saw(found, one[1], "fail")
            _failed(found, f"{one[1]} › {one[2].rstrip(' ─')}")
        elif counts := _counts_behind_label(line):
            labelled[line] = counts  # once: Claude Code 2.1.63 has the output of a failed command twice
        else:
            listed = ""
            _see_name(found, line)
            found.ends_in_fail = was_last or line == "FAIL"
        _see_reason(found, line, before)
        before = line
    if not found.counts:  # beside others, such a line may count suites, snapshots or the like
        for kind, number in chain.from_iterable(labelled.values()):
            found.counts[kind] += number
    _complete(found, lines)
    if found.of_build and found.counts["failed"]:
        found.reason = f"{(found.reason or '')[: _LONGEST_SHOWN - 40]} (elsewhere, where the build failed)"
    return found


def _without_inner_totals(lines: Sequence[str]) -> Sequence[str]:
    """Returns the lines without the counts of suites that are counted again: XCTest prints a line for each class, for
    the bundle that holds it and for all."""
    totals = [at for at, line in enumerate(lines) if _XCTEST_TOTAL.match(line)]
    whole = [at for at in totals if at and _WHOLE_XCTEST.match(lines[at - 1])]
    inner = {*totals} - {*whole} if whole else ()
    return [line for at, line in enumerate(lines) if at not in inner] if inner else lines


def _see_reason(found: Findings, line: str, before: str) -> None:
    side = _SIDE.match(line)
    if side and (found.reason is None or found.reason.endswith(before.strip())):
        found.reason = f"{found.reason}, {side[1]}" if found.reason else side[1]
    elif found.reason is None and _PANIC.match(before):
        found.reason = line.strip()
    elif found.reason is None and (why := _REASON.match(line)):
        found.reason = next(filter(None, why.groups())).strip()
    found.reason = found.reason and found.reason[:_LONGEST_SHOWN]


def _counts_in(line: str) -> list[tuple[str, int]]:
    """Returns the counts of a line that holds nothing else."""
    if line.endswith(":") or not _DIGIT.search(line) or not _COUNTED.search(line.lower()):
        return []
    text, pattern = _KIND_TWICE.sub(r"\2 \1", _LEADING.sub("", line).lower()), _NUMBER_FIRST
    text = _PART_LAST.sub(r"\2 \1 out of \3", _PART.sub(r"\1 \3 out of \2", _EACH.sub(r"1 \1", text)))
    pairs = [(number or of, word or kind) for number, word, kind, of in pattern.findall(text)]
    if not pairs:
        pattern = _WORD_FIRST
        pairs = [(number, word) for word, number in pattern.findall(text)]
    all_kind = "of" if any(_KINDS[word] == "passed" for _, word in pairs) else "total"
    # Once each: `3/5 passed, 2/5 failed` are parts of the same five.
    counts = [(all_kind, int(number)) for number in dict.fromkeys(number for number, word in pairs if word == "of")]
    counts += [(_KINDS[word], int(number)) for number, word in pairs if word != "of" and _KINDS[word]]
    return counts if counts and not _BESIDE_COUNTS.sub("", pattern.sub("", text)) else []


def _counts_behind_label(line: str) -> list[tuple[str, int]]:
    """Returns the counts behind a label of any words, as scripts without a runner print them, if one is of failures or
    of all."""
    label = _LABEL.match(line)
    counts = _counts_in(line[label.end() :]) if label is not None else []
    kinds = {kind for kind, _ in counts}
    return counts if len(kinds) > 1 and kinds & {"failed", "errors", "of"} else []


def _see_name(found: Findings, line: str) -> None:
    bare = _LEADING.sub("", line)
    if dots := _DOTS.match(bare):
        _saw(found, dots[1], "fail" if set(dots[2]) & {"F", "E"} else "pass", ran=dots[2].strip("s") != "")
    elif summary := _CLASS.match(bare):
        ran, failed, errors, skipped = (int(number) for number in summary.groups()[:4])
        _saw(found, summary[5], "fail" if failed or errors else "pass", ran=ran > skipped)
    elif numbered := _NUMBERED.match(line):
        _failed(found, next(filter(None, numbered.groups())))
    elif marked := _MARK_FIRST.match(bare):
        _see_marked(found, marked)
    elif marked := _ARROWS_LAST.match(bare) or _MARK_LAST.match(bare):
        _see_marked(found, marked, is_last=True)


def _see_marked(found: Findings, marked: re.Match[str], *, is_last: bool = False) -> None:
    subject = _BEHIND_NAME.sub("", marked["rest"].strip())
    fail_mark = marked["fail"] or ""
    outcome: TestOutcome = "fail" if fail_mark else "pass"
    found.ended = found.ended or "\t" in marked["rest"]
    path = _PATH.match(subject) if "<<<" not in fail_mark else None
    if path and fail_mark == "ERROR" and _PROSE.match(subject, path.end()):
        return  # any program may print this about a file ("ERROR: shop.json not found")
    if path:
        subject, _, why = subject.partition(" - ")
        if why and outcome == "fail" and found.reason is None:
            found.reason = why[:_LONGEST_SHOWN]
        _saw(found, path[1], outcome, ran="[no tests to run]" not in marked["rest"])
    elif module := re.fullmatch(r"\S+ \(([\w.<>]+)\)", subject):
        if not module[1].startswith("unittest.") and (file := module_path(module[1])):
            _saw(found, file, outcome)
    elif is_last and " > " in subject:
        _saw(found, subject.partition(" > ")[0], outcome)
    is_file = path is not None and path[1] == subject
    is_name = _ONE_NAME.fullmatch(subject) is not None or " > " in subject or not fail_mark.isupper()
    if outcome == "fail" and is_name and not is_file and _failed(found, subject):
        found.marked = found.marked or fail_mark not in _ALSO_PRINTED


def _saw(found: Findings, file: str, outcome: TestOutcome, *, ran: bool = True) -> None:
    """Notes a file's result. A failure stays, whatever else of the file passed."""
    if ran and found.files.get(file) != "fail":
        found.files[file] = outcome


def _failed(found: Findings, name: str) -> bool:
    """Notes the name of a failed test; returns whether it can be one."""
    name = _BEHIND_NAME.sub("", name)[:_LONGEST_SHOWN]
    is_name = not name.endswith(":") and not name[:1].isdigit() and name != "Test suite failed to run"
    if is_name and name not in found.failed_names and len(found.failed_names) < MOST_NAMES:
        found.failed_names.append(name)
    return is_name


def _complete(found: Findings, lines: Sequence[str]) -> None:
    counts = found.counts
    known = counts["passed"] + counts["failed"] + counts["errors"] + counts["skipped"]
    if "passed" not in counts and counts["total"]:
        counts["passed"] = max(0, counts["total"] - known)
    elif counts["of"] > known:
        counts["failed"] += counts["of"] - known
    found.ended = found.ended or bool(counts)
    ran = counts["passed"] or counts["failed"] or counts["errors"]
    # Looked for last, since with all its spellings it takes as long as a fourth of the rest.
    found.empty = not ran and (bool(counts) or (not found.files and any(map(_NOTHING_RAN.search, lines))))
    names = found.failed_names  # a name alone, and behind its group
    found.failed_names = [name for name in names if not _is_repeated(name, names)]
    if not found.failed_names:
        found.failed_names = [file for file, outcome in found.files.items() if outcome == "fail"][:MOST_NAMES]


def _is_repeated(name: str, names: Sequence[str]) -> bool:
    return any(other.endswith(f" {name}") for other in names)


def test_run_in(body: ToolResult) -> TestRun | None:
    """Returns the test run in a command. If no record shows how it ended, the output must contain a verdict."""
    if body.op != "shell" or body.never_ran or body.status not in ("ok", "error", "unknown"):
        return None
    if body.status != "unknown":
        run = read_test_run(body.subject, body.output, exit_code=body.exit_code, failed=body.status == "error")
    else:
        run = read_test_run(body.subject, body.output, exit_code=None, failed=None)
        run = run if run is not None and run.status != "unknown" else None
    return _in_folder(body.folder, run) if run is not None and body.folder is not None else run


def _in_folder(folder: str, run: TestRun) -> TestRun:
    """Returns the run of a command that was started in `folder`, all of which it tests if it names no paths."""
    paths = tuple(from_folder(folder, path) for path in run.paths or ("",))
    excluded = tuple(from_folder(folder, path) for path in run.excluded)
    return msgspec.structs.replace(run, paths=paths, excluded=excluded)


def read_test_run(command: str, output: str, *, exit_code: int | None, failed: bool | None) -> TestRun | None:
    """Returns the test run made by `command`; None if it ran no tests. `exit_code` and `failed` are the agent's record
    of the whole command line, None if it has none. The output takes precedence: behind a pipe, or before another
    command, the exit code is not the tests'. Counts of several runners are added. The output may lack its middle."""
    invocations = find_invocations(command)
    if not invocations:
        return None
    lines = _without_inner_totals(_lines_of(output))
    found = _read_output(lines)
    certain = [each for each in invocations if each.certain]
    if not (certain or found.counts["passed"] or found.counts["failed"] or found.files):
        return None
    runs = certain or invocations
    if exit_code is None and failed is not None:
        exit_code = int(failed)
    others_failed = 0 < (exit_code or 0) < _FIRST_OF_SHELLS and all(run.needs_others for run in runs)
    if others_failed and not (found.counts or found.files):
        return None
    status = _status(runs, found, lines, exit_code)
    reason = found.reason if status == "fail" else None
    if status == "unknown" and exit_code and not found.ended:
        reason = _why_none(runs, lines)
    ordered = sorted(found.files.items(), key=lambda item: item[1] != "fail")
    return TestRun(
        status=status,
        passed=found.counts["passed"] or None,
        failed=found.counts["failed"] or None,
        errors=found.counts["errors"] or None,
        skipped=found.counts["skipped"] or None,
        failed_names=tuple(found.failed_names) if status == "fail" else (),
        files=dict(ordered[:_MOST_FILES]),
        reason=reason,
        paths=_paths_of(runs),
        excluded=tuple(path for run in runs for path in run.excluded),
        selective=any(run.selective for run in runs),
    )


def _why_none(runs: Sequence[Invocation], lines: Sequence[str]) -> str | None:
    """Returns the last line if it says that the test runner is not installed; None otherwise."""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    is_known = all(run.ends_badly for run in runs) and _NEVER_STARTED.search(last) is not None
    return last[:_LONGEST_SHOWN] if is_known else None


def _lines_of(output: str) -> list[str]:
    if len(output) > _MOST_OUTPUT:
        output = f"{output[: _MOST_OUTPUT // 4]}\n{output[-_MOST_OUTPUT * 3 // 4 :]}"
    lines = [line[:_LONGEST_LINE] for line in harmless(output).split("\n")]
    at = next((at for at, line in enumerate(lines) if _LEFT_OUT.fullmatch(line)), -1)
    return lines if at < 0 else [*lines[: max(0, at - 1)], *lines[at + 2 :]]


def _paths_of(runs: Sequence[Invocation]) -> tuple[str, ...]:
    """Returns the paths of all runs; none if one of them is not restricted to any."""
    if not all(run.paths for run in runs):
        return ()
    return tuple(path for run in runs for path in run.paths)


def _status(runs: Sequence[Invocation], found: Findings, lines: Sequence[str], code: int | None) -> Status:
    """Returns the status by the output or, if that shows nothing, by an exit code that is certainly the tests'."""
    if found.bad:
        return "fail"
    if found.empty or found.interrupted or code in _NOT_A_VERDICT:
        return "unknown"
    ends_badly = any(run.ends_badly for run in runs)
    if code == 0 and all(run.ends_well for run in runs):
        return "pass"
    if code and ends_badly and not any(_NEVER_STARTED.search(line) for line in lines):
        return "fail"
    return "pass" if found.ended and (code is None or not ends_badly) else "unknown"
