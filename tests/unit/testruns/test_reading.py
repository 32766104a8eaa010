"""A test run read as a whole: command, output and exit code together.

Fixtures are outputs of the real runners, named by runner and version, with what each says in `expected.json`; those of
Go, Gradle and bun, which could not be run, are named `by-hand` and follow their documentation.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.model import ToolResult
from carryover.testruns import reading
from carryover.testruns.reading import read_test_run
from carryover.testruns.run import TestRun
from support.costs import costing_little

FIXTURES = Path(__file__).parent / "fixtures"
COMMANDS = {
    "bun": "bun test", "cargo": "cargo test", "go": "go test ./...", "gradle": "./gradlew test", "jest": "npx jest",
    "maven": "mvn test", "mocha": "npx mocha",
    "node": "node --test", "pytest": "pytest", "unittest": "python -m unittest", "vitest": "npx vitest run",
}  # fmt: skip

EXPECTED = msgspec.json.decode((FIXTURES / "expected.json").read_bytes(), type=dict[str, TestRun])


def output_of(name: str) -> str:
    return (FIXTURES / f"{name}.txt").read_text(encoding="utf-8")


def test_every_fixture_is_read() -> None:
    assert sorted(path.stem for path in FIXTURES.glob("*.txt")) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_output_alone_tells_status_counts_names_files_and_reason(name: str) -> None:
    command, expected = COMMANDS[name.partition("-")[0]], EXPECTED[name]

    assert read_test_run(command, output_of(name), exit_code=None, failed=None) == expected
    if expected.status != "unknown":
        assert read_test_run("make test", output_of(name), exit_code=None, failed=None) == expected


def run_of(command: str, output: str, exit_code: int | None, *, failed: bool | None) -> TestRun:
    """The run that there is in an output."""
    run = read_test_run(command, output, exit_code=exit_code, failed=failed)
    assert run is not None
    return run


def test_why_a_package_was_not_built_is_not_why_a_test_of_another_failed() -> None:
    other = "--- FAIL: TestUser (0.00s)\n    user_test.go:9: got 45, want 25\nFAIL\n"
    output = output_of("go-by-hand-build-failed") + other
    run = run_of("go test ./...", output, 1, failed=True)

    assert run.failed_names == ("TestUser",)
    assert run.reason == "undefined: percentt (elsewhere, where the build failed)"


@pytest.mark.parametrize(("behind", "more"), [(" 2>&1 | tail -40", ""), ("; echo BUILD OK", "BUILD OK\n")])
def test_a_failure_behind_a_pipe_or_an_echo_stays_a_failure(behind: str, more: str) -> None:
    """Both end with exit code 0, whatever the tests did."""
    failures = {name: run for name, run in EXPECTED.items() if run.status == "fail"}

    for name, run in failures.items():
        command, output = f"{COMMANDS[name.partition('-')[0]]}{behind}", f"{output_of(name)}{more}"
        assert read_test_run(command, output, exit_code=0, failed=False) == run, name


@pytest.mark.parametrize(
    ("command", "output", "exit_code", "status"),
    [
        ("pytest", "", 0, "pass"),
        ("pytest", "", 1, "fail"),
        ("pytest", "", 5, "unknown"),
        ("pytest", "", None, "unknown"),
        ("pytest", "bash: pytest: command not found", 127, "unknown"),
        ("python -m pytest", "/usr/bin/python: No module named pytest", 1, "unknown"),
        ("pytest | tail", "", 0, "unknown"),
        ("set -o pipefail; pytest | tail", "", 1, "fail"),
        ("pytest || true", "", 0, "unknown"),
        ("pytest; echo done", "done", 0, "unknown"),
        ("pytest && ruff check", "5 passed in 0.10s\nF401 unused", 1, "pass"),
        ("ruff check && pytest", "F401 unused", 1, "unknown"),
        ("cd shop && pytest", "", 1, "fail"),
        ("pytest --cov --cov-fail-under=90", "5 passed in 0.10s\nFAIL Required test coverage", 1, "fail"),
        ("pytest", "===== 3 passed, 0 failed, 0 errors in 0.10s =====", 0, "pass"),
        ("pytest", "collected 3 items\n\ntests/test_a.py ..", None, "unknown"),
        ("pytest", "2 skipped in 0.01s", 0, "unknown"),
        ("pytest", "1 xfailed in 0.01s", 0, "pass"),
        ("pytest", "FAILED tests/test_a.py::printed by a test\n1 passed in 0.10s", None, "pass"),
        ("pytest | grep FAILED", "FAILED tests/test_a.py::test_b - assert 1", 0, "fail"),
        ("pytest tests/a; pytest tests/b", "1 failed in 0.1s\n3 passed in 0.2s", 0, "fail"),
        ("pytest | tail -3", "pytest: 3 passed in 0.2s", None, "pass"),
        ("npm test", "> shop@1.0.0 test\n> true\n", 0, "pass"),
        ("npm test", "Error: no test specified", 1, "unknown"),
        ("npm test", "No tests found, exiting with code 1", 1, "unknown"),
        ("./run_tests.sh", "ok", 0, "pass"),
        ("bundle exec rspec", "3 examples, 0 failures, 1 pending", 0, "pass"),
        ("vendor/bin/phpunit", "OK (3 tests, 4 assertions)", 0, "pass"),
        ("vendor/bin/phpunit", "Tests: 3, Assertions: 3, Failures: 1.", 1, "fail"),
        ("rails test", "3 runs, 4 assertions, 1 failures, 0 errors, 0 skips", 1, "fail"),
        ("dotnet test", "Failed!  - Failed:     1, Passed:     2, Skipped:     0, Total:     3", 1, "fail"),
        ("deno test", "ok | 3 passed | 0 failed (12ms)", 0, "pass"),
        ("ctest", "67% tests passed, 1 tests failed out of 3", 8, "fail"),
        ("./build/test_gate", "[doctest] test cases:  5 |  4 passed | 1 failed | 0 skipped", None, "fail"),
        ("swift test", "Executed 5 tests, with 1 failure (0 unexpected) in 0.01 (0.02) seconds", None, "fail"),
        ("mix test", "5 tests, 0 failures", None, "pass"),
        ("mix test", "5 tests, 0 failures, 2 excluded", 0, "pass"),
        ("cargo test", "error: could not compile `shop`", None, "fail"),
        ("pytest", "a test of the compiler prints: Compilation failed\n5 passed in 0.10s", 0, "pass"),
        ("zig build test", "All 5 tests passed.", None, "pass"),
        ("just", "Uploaded 5 files, 3 passed on to the next host", 0, None),
        ("npx playwright test", "  1 failed\n    [chromium] › a.spec.ts:3:1 › x ───\n  2 passed (3s)", 1, "fail"),
    ],
)  # fmt: skip
def test_the_status(command: str, output: str, exit_code: int | None, status: str | None) -> None:
    run = read_test_run(command, output, exit_code=exit_code, failed=None)

    assert (run.status if run else None) == status


def test_the_agents_word_counts_where_no_exit_code_is_known() -> None:
    assert read_test_run("make test", "nothing known", exit_code=None, failed=True) == TestRun(status="fail")


@pytest.mark.parametrize("command", ["make", "make check", "mvn package", "./gradlew build"])
def test_a_build_that_may_run_tests_is_a_run_only_when_its_output_shows_one(command: str) -> None:
    assert read_test_run(command, "compiling\n", exit_code=0, failed=False) is None
    assert read_test_run(command, output_of("maven-surefire-3.2.5-pass"), exit_code=0, failed=False) is not None


def test_how_long_a_program_ran_is_no_count_of_tests() -> None:
    command = "cargo run -- test_cart.toml 2>&1 | tail -3"

    assert read_test_run(command, "Total: 487.397566ms\n14.422205\n", exit_code=0, failed=False) is None


@pytest.mark.parametrize(
    ("left", "status"),
    [
        ("--- PASS: TestCap (0.00s)\nFAIL\nFAIL\tshop/cart\t2.680s\nFAIL\n", "fail"),
        ("--- PASS: TestCap (0.00s)\nPASS\nok  \tshop/cart\t2.680s\nFAIL\n", "fail"),
        ("ok  \tshop/cart\t(cached)\nFAIL\n[test:ci] ERROR task failed\n", "fail"),
        ("ok  \tshop/cart\t2.680s\nok  \tshop/tax\t0.010s [no tests to run]\n", "pass"),
        ("ok  \tshop/tax\t0.010s [no tests to run]\n", "unknown"),
        # What a test or another runner printed before its end.
        ("FAIL\n--- PASS: TestCap (0.00s)\nPASS\nok  \tshop/cart\t2.680s\n", "pass"),
        ("FAIL\n...\n3 passed in 0.10s\n", "pass"),
        ("FAIL\n\nTests: 3 passed, 0 failed\n", "pass"),
    ],
)
def test_the_last_lines_of_go_tell_whether_tests_failed_and_whether_any_ran(left: str, status: str) -> None:
    run = run_of("go test ./... 2>&1 | tail", left, 0, failed=False)

    assert run.status == status


@pytest.mark.parametrize("command", ['git add . && git commit -m "Cap it"', "git -C shop commit -qm Cap", "git push"])
def test_tests_that_a_hook_of_git_ran_are_a_run_whether_or_not_git_went_on(command: str) -> None:
    tests = "$ bun test\n\n 12 pass\n 0 fail\nRan 12 tests across 2 files. [9.00ms]\n"
    linted = read_test_run(command, f"{tests}$ tsc\ncart.ts(2,6): error TS2322: no\n", exit_code=1, failed=True)
    failed = read_test_run(command, tests.replace("0 fail", "1 fail"), exit_code=1, failed=True)

    assert (linted and linted.status, linted and linted.passed) == ("pass", 12)
    assert (failed and failed.status, failed and failed.failed) == ("fail", 1)
    for subject in ("[main 1a2b3c4] 3 failed", "[main 1a2b3c4] A: 9 passed, 3 failed", "1a2b3c4 A: 9 passed, 3 failed"):
        assert read_test_run(command, f"{subject}\n 2 files changed", exit_code=0, failed=False) is None
    assert read_test_run(command, "error: failed to push some refs to 'shop'", exit_code=1, failed=True) is None
    assert read_test_run("git log --grep=push", tests, exit_code=0, failed=False) is None


@pytest.mark.parametrize(
    ("output", "status"),
    [("  ✔ Should mint\n\n  29 passing (2s)\n  77 failing\n", "fail"), ("  29 passing (2s)\n", "pass")],
)
def test_an_unknown_program_asked_to_test_is_a_run_if_its_output_counts_tests(output: str, status: str) -> None:
    run = read_test_run("cd shop && npx hardhat test", output, exit_code=77 if status == "fail" else 0, failed=None)

    assert (run and run.status, run and run.passed) == (status, 29)
    assert read_test_run("psql shop test", "(3 rows)\n", exit_code=0, failed=None) is None


@pytest.mark.parametrize("command", ["docker compose build test", "npx eslint src test", "npx supabase deploy test"])
def test_marks_alone_make_no_test_run_of_an_unknown_program_that_is_given_the_word(command: str) -> None:
    assert read_test_run(command, "  ✔ web  Built\n  ✖ 3 problems\n", exit_code=1, failed=None) is None


def test_an_output_without_its_middle_still_tells_what_failed() -> None:
    whole = output_of("pytest-9.2.0-fail")
    cut = f"{whole[:400]}\n[900 characters left out]\n{whole[-420:]}"

    run = run_of("pytest", cut, 1, failed=True)

    assert (run.status, run.failed, run.errors) == ("fail", 2, 1)
    assert run.failed_names == EXPECTED["pytest-9.2.0-fail"].failed_names


def test_half_a_line_beside_what_was_left_out_names_no_test() -> None:
    output = "a.py::test_cap FAILED\na.py::te\n[... 99 characters left out ...]\nt_tax FAILED\n2 failed\n"

    assert run_of("pytest -v", output, 1, failed=True).failed_names == ("a.py::test_cap",)


def test_an_offset_in_a_stack_of_go_is_no_reason() -> None:
    output = "  Full Stack Trace\n    \t/go/src/net/server.go:72 +0xd4\n--- FAIL: TestCap (0.00s)\nFAIL\n"

    assert run_of("go test ./...", output, 1, failed=True).reason is None


def test_the_counts_of_several_runners_are_added() -> None:
    output = output_of("pytest-9.2.0-pass") + output_of("jest-29.7.0-fail")

    run = run_of("pytest && npx jest", output, 1, failed=True)

    assert (run.status, run.passed, run.failed, run.failed_names) == ("fail", 3, 1, ("cart › takes percent off",))


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        ("NIGHTLY SHOP CHECK: 8 passed, 2 failed", ("fail", 8, 2)),
        ("  Results: 9 passed, 0 failed out of 9 tests", ("pass", 9, None)),
        ("Part 1: 2 failed out of 9 tests\nPart 2: 4 passed, 0 failed", ("fail", 4, 2)),
        ("Results: 7 passed, 1 failed\nFailed: total\nResults: 7 passed, 1 failed", ("fail", 7, 1)),
        ("Checkout: 3 passed, 1 failed\n4 passed in 0.10s", ("pass", 4, None)),
        ("Test Suites: 1 failed, 1 passed, 2 total\nTests: 1 failed, 5 passed, 6 total", ("fail", 5, 1)),
        ("Results: 9 passed out of 10 tests", ("fail", 9, 1)),
        ("Checkout: 3/5 passed", ("fail", 3, 2)),
        ("Cache: 5 passed, 2 skipped\nUpload: 3 failed\n2 warnings", ("unknown", None, None)),
        ("Upload: 3 failed over to host 2, 1 passed", ("unknown", None, None)),
    ],
)
def test_counts_behind_a_label_count_where_no_others_are(output: str, counts: tuple[object, ...]) -> None:
    run = run_of("python3 tests/test_shop.py | tail -5", output, 0, failed=False)

    assert (run.status, run.passed, run.failed) == counts


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        ("Result: 15/24 passed\nFailed: 9 tests", ("fail", 15, 9)),  # ExUnit of Elixir 1.20, as the next two
        ("Result: 23/24 passed\nFailed: 1 test", ("fail", 23, 1)),
        ("Finished in 0.2 seconds (0.00s async, 0.2s sync)\n\nResult: 94 passed, 4 excluded", ("pass", 94, None)),
        ("3/5 tests passed", ("fail", 3, 2)),
        ("✓ 3 of 5 checks passed", ("fail", 3, 2)),
        ("Tests passed: 3/5", ("fail", 3, 2)),
        ("Tests: 2 / 5 failed", ("fail", 3, 2)),
        ("5/5 tests passed", ("pass", 5, None)),
        ("3/5 passed, 2 skipped", ("pass", 3, None)),
        ("3/5 passed, 2/5 failed", ("fail", 3, 2)),
        ("Passed: 3 / 3, Failed: 0 / 3", ("pass", 3, None)),
        ("2/5 failed, 3/5 skipped", ("fail", None, 2)),
        ("1/3 passed\nit rounds\n2/3 passed\n3/3 passed", ("pass", 3, None)),
        ("Test 1 of 2 passed\nTest 2 of 2 passed", ("pass", 2, None)),
        ("Test case 1 of 2: passed\nTest case 2 of 2: failed", ("fail", 1, 1)),
        ("3/3 passed\n3/3 passed", ("pass", 6, None)),
        ("2/4 passed\n4/4 passed", ("fail", 6, 2)),
    ],
)
def test_a_part_of_all_tests_is_not_all_of_them(output: str, counts: tuple[object, ...]) -> None:
    run = run_of("npm test 2>&1 | tail -5", output, 0, failed=False)

    assert (run.status, run.passed, run.failed) == counts


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ("Testing: cart\n✓ SUCCESS: cart\n\nTesting: receipt\n✗ FAILED: receipt\n", "fail"),
        ("Testing: cart\n✓ SUCCESS: cart\n", "pass"),
        ("To use it:\n    1) Start the shop\n    2) Open it\n", "pass"),
        ("● shop.service\nERROR warmup\nAll is well\n", "pass"),
        ("✗ 2 of 9 carts\n", "pass"),
        ("✗ FAILED: receipt\n\n9 passed in 0.10s\n", "pass"),
    ],
)
def test_a_script_that_ends_well_failed_if_it_marks_a_failure_and_counts_nothing(output: str, status: str) -> None:
    run = run_of("./test_shop.sh", output, 0, failed=False)

    assert run.status == status
    assert run.failed_names == (("receipt",) if status == "fail" else ())


def test_the_failures_of_cargo_are_named_where_only_its_end_is_shown() -> None:
    output = (
        "---- cart::tests::caps stdout ----\nthread 'cart::tests::caps' panicked at src/cart.rs:7:5:\nnot capped\n\n"
        "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s"
    )
    run = run_of("cargo test | tail -5", output, 0, failed=False)

    assert (run.failed_names, run.failed, run.reason) == (("cart::tests::caps",), 1, "not capped")


def test_of_playwright_the_list_below_the_count_of_failures_names_them() -> None:
    tried = "  1) [chromium] › e2e/pay.spec.ts:7:5 › pays by card ─────\n\n    Error: expected 200\n\n"
    listed = "    [chromium] › e2e/cart.spec.ts:70:5 › cart › keeps cents ────\n    e2e/sum.spec.ts:3:1 › adds up \n"
    output = f"{tried}  2 failed\n{listed}  1 flaky\n    [chromium] › e2e/pay.spec.ts:7:5 › pays by card \n"
    command = "pnpm exec playwright test --reporter=line"

    run = run_of(command, f"{output}  5 passed (51.0s)\n", 1, failed=True)

    assert (run.status, run.passed, run.failed) == ("fail", 5, 2)
    assert run.failed_names == ("e2e/cart.spec.ts › cart › keeps cents", "e2e/sum.spec.ts › adds up")
    assert run.files == {"e2e/cart.spec.ts": "fail", "e2e/sum.spec.ts": "fail"}


def test_names_files_and_reason_are_bounded() -> None:
    lines = [f"FAILED tests/test_{n}.py::test_{'x' * 300} - {'y' * 300}" for n in range(100)]

    run = run_of("pytest", "\n".join(lines), 1, failed=True)

    assert (len(run.failed_names), len(run.files), len(run.reason or "")) == (20, 50, 200)
    assert max(map(len, run.failed_names)) == 200


@given(
    output=st.text(max_size=300),
    names=st.lists(st.sampled_from(sorted(EXPECTED)), max_size=2),
    cut=st.integers(0, 3000),
)
def test_no_output_breaks_the_reading(output: str, names: list[str], cut: int) -> None:
    text = output + "".join(output_of(name)[cut % 500 : cut] for name in names) + output

    run = read_test_run("make test", text, exit_code=None, failed=None)

    assert run is not None and len(run.reason or "") <= 200


@pytest.mark.parametrize(
    "unit",
    [
        *("FAIL a b", "tests/test_a.py::", "1 passed, ", " > ", "\x1b[", "Tests run: 1, ", "a" * 40),
        *(f"_{' ' * 998}\n", f"{('x   <<< ERROR! [] ' * 60)[:998]}x\n", f"a.scala:{'1' * 990}\n"),
    ],
)
def test_hostile_output_costs_time_in_proportion_to_its_length(unit: str) -> None:
    with costing_little():
        read_test_run("make test", unit * (80_000 // len(unit)), exit_code=None, failed=None)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("(a)/b.ts(3,5): error TS23: No Rate.\n(a)/c.ts(9,1): error TS1: No.", "(a)/b.ts(3,5): error TS23: No Rate."),
        ("\u2009ERR_PNPM_UNSUPPORTED_ENGINE\u2009 Unsupported environment\n\nGot: v14", "Unsupported environment"),
        ("\u2009ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL\u2009 shop test: `tsc`\nExit status 2", None),
    ],
)
def test_why_tests_did_not_start_is_what_the_compiler_or_pnpm_says_first(output: str, reason: str | None) -> None:
    run = run_of("pnpm test", output, 1, failed=True)

    assert (run.status, run.reason) == ("fail", reason)


@pytest.mark.parametrize(
    ("command", "output", "reason"),
    [
        ("python3 -m pytest -q", "python3: No module named pytest\n", "python3: No module named pytest"),
        ("pytest", "bash: pytest: command not found", "bash: pytest: command not found"),
        ("pytest", "bash: okapi: command not found\nand then", None),
        ("pytest || true", "bash: pytest: command not found", None),
        ("npm test", "Tests:       5 passed, 5 total\nsh: 1: okapi: command not found", None),
    ],
)
def test_why_no_test_was_run_is_the_last_line(command: str, output: str, reason: str | None) -> None:
    run = run_of(command, output, 1, failed=True)

    assert (run.status, run.reason) == ("unknown", reason)


def test_a_build_with_a_missing_file_is_not_a_failing_test() -> None:
    output = "[ERROR] [prices] An error occurred\nERROR: src/prices.json not found. Run: npm run fetch\n"
    assert read_test_run("npm run build 2>&1 | tail -20", output, exit_code=0, failed=False) is None

    short = read_test_run("make test | tail -3", "ERROR tests/test_cart.py - no cart\n", exit_code=0, failed=False)
    assert short is not None and short.files == {"tests/test_cart.py": "fail"}


def test_a_command_that_never_ran_is_no_failing_test() -> None:
    denied = "Permission to use Bash with command pytest has been denied."
    result = ToolResult(call_id="c", name="Bash", op="shell", status="error", subject="pytest", output=denied)

    assert reading.test_run_in(result) is not None
    assert reading.test_run_in(msgspec.structs.replace(result, never_ran=True)) is None


def xctest(suite: str, count: int, failures: int, at: str = "2031-05-14 17:35:02.118") -> str:
    ended = "failed" if failures else "passed"
    took = f"with {failures} failures (0 unexpected) in 0.02 (0.02) seconds"
    return f"Test Suite '{suite}' {ended} at {at}.\n\t Executed {count} tests, {took}\n"


@pytest.mark.parametrize("whole", ["All tests", "Selected tests"])
def test_a_suite_that_xctest_counts_again_with_the_ones_around_it_counts_once(whole: str) -> None:
    classes = xctest("CartTests", 5, 1) + xctest("TaxTests", 12, 0)
    bundle = xctest("ShopPackageTests.xctest", 17, 1)
    run = read_test_run("swift test", classes + bundle + xctest(whole, 17, 1), exit_code=1, failed=None)
    cut = read_test_run("swift test", classes, exit_code=1, failed=None)

    assert [run and (run.passed, run.failed), cut and (cut.passed, cut.failed)] == [(16, 1), (16, 1)]


@pytest.mark.parametrize(
    ("command", "code", "is_run"),
    [
        ("git stash && go test ./shop/... 2>&1 | tail -5", 1, False),
        ("cd shop && npx jest | grep -v warn | head -20", 1, False),
        ("git stash && go test ./shop/... 2>&1 | tail -5", 143, True),
        ("git stash; go test ./shop/... 2>&1 | tail -5", 1, True),
        ("git stash && go test ./shop/... | grep FAIL", 1, True),
        ("set -o pipefail && cd shop && go test ./... | tail -5", 1, True),
        ("go test ./shop/... | tail -5", 1, True),
    ],
)
def test_tests_behind_a_step_that_failed_did_not_run(command: str, code: int, is_run: bool) -> None:
    """What reads their output to the end succeeds, so that the exit code is that of the step before them."""
    run = read_test_run(command, "error: could not write index\n", exit_code=code, failed=True)
    told = read_test_run(command, "FAIL: TestCart\n2 passed, 1 failed\n", exit_code=code, failed=True)

    assert (run is not None, told is not None and told.failed) == (is_run, 1)


@pytest.mark.parametrize("mark", ["SUBFAILED(i=1)", "SUBFAILED[half] (i=1, by=2)", "SUBFAILED[a [b]] (x=(1, 2))"])
def test_pytest_counts_the_parts_of_a_test_apart(mark: str) -> None:
    """As pytest 9.2 prints them."""
    output = f"{mark} test_a.py::T::test_x - AssertionError: 1 == 1\n1 failed, 3 passed, 7 subtests passed in 5.00s"
    run = read_test_run("pytest -q | tail -9", output, exit_code=0, failed=False)
    assert run is not None
    assert (run.status, run.passed, run.failed) == ("fail", 3, 1)
    assert (run.failed_names, run.files) == (("test_a.py::T::test_x",), {"test_a.py": "fail"})

    run = read_test_run("pytest -q | tail -9", "3 passed, 8 subtests passed in 6.09s", exit_code=0, failed=False)
    assert run is not None
    assert (run.status, run.passed) == ("pass", 3)
