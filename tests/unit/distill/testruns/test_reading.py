"""A test run read as a whole: command, output and exit code together.

Fixtures are outputs of the real runners, named by runner and version; those of Go, Gradle and bun, which could not be
run, are named `by-hand` and follow their documentation. No runner has code of its own: an output that no fixture shows
is read by the same form.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.distill.digest import TestRun
from carryover.distill.testruns.reading import read_test_run

FIXTURES = Path(__file__).parent.parent / "fixtures" / "testruns"
COMMANDS = {
    "bun": "bun test", "cargo": "cargo test", "go": "go test ./...", "gradle": "./gradlew test", "jest": "npx jest",
    "maven": "mvn test", "mocha": "npx mocha",
    "node": "node --test", "pytest": "pytest", "unittest": "python -m unittest", "vitest": "npx vitest run",
}  # fmt: skip

NO_URL = (
    "Error: Failed to load url ../src/missing (resolved id: ../src/missing) in /home/dev/shop/v/broken.test.mjs. "
    "Does the file exist?"
)
EXPECTED = {
    "bun-by-hand-fail": TestRun(
        status="fail", passed=2, failed=1, failed_names=("takes percent off",), reason="expect(received).toBe(expected)"
    ),
    "cargo-1.95.0-compile-error": TestRun(status="fail", reason="cannot find value `percentt` in this scope"),
    "cargo-1.95.0-fail": TestRun(
        status="fail",
        passed=2,
        failed=1,
        skipped=1,
        failed_names=("tests::takes_percent_off",),
        reason="assertion `left == right` failed, left: 190, right: 180",
    ),
    **dict.fromkeys(
        (
            "cargo-1.95.0-none",
            "gradle-by-hand-no-source",
            "gradle-by-hand-pass",
            "jest-29.7.0-none",
            "maven-surefire-3.2.5-none",
            "pytest-9.2.0-interrupted",
            "pytest-9.2.0-missing-file",
            "pytest-9.2.0-none",
            "unittest-3.11-none",
            "vitest-2.1.9-none",
        ),
        TestRun(status="unknown"),
    ),
    **dict.fromkeys(
        ("cargo-1.95.0-pass", "pytest-9.2.0-quiet-pass", "unittest-3.11-pass"), TestRun(status="pass", passed=1)
    ),
    "cargo-1.95.0-quiet-fail": TestRun(
        status="fail",
        passed=1,
        failed=1,
        skipped=1,
        failed_names=("tests::takes_percent_off",),
        reason="assertion `left == right` failed, left: 190, right: 180",
    ),
    "go-by-hand-build-failed": TestRun(
        status="fail",
        failed_names=("example.com/shop/cart",),
        files={"example.com/shop/cart": "fail", "example.com/shop/user": "pass"},
        reason="undefined: percentt",
    ),
    "go-by-hand-fail": TestRun(
        status="fail",
        failed=2,
        failed_names=("TestDiscount", "TestTotal", "TestTotal/empty"),
        files={"example.com/shop/cart": "fail", "example.com/shop/user": "pass"},
        reason="Discount(200, 10) = 190, want 180",
    ),
    "go-by-hand-none": TestRun(status="unknown", files={"example.com/shop/cart": "pass"}),
    "go-by-hand-panic": TestRun(
        status="fail",
        failed=1,
        failed_names=("TestDiscount",),
        files={"example.com/shop/cart": "fail"},
        reason="panic: runtime error: index out of range [3] with length 2 [recovered]",
    ),
    "go-by-hand-pass": TestRun(status="pass", files={"example.com/shop/cart": "pass", "example.com/shop/user": "pass"}),
    "go-by-hand-verbose-fail": TestRun(
        status="fail",
        passed=1,
        failed=1,
        skipped=1,
        failed_names=("TestDiscount",),
        files={"example.com/shop/cart": "fail"},
        reason="Discount(200, 10) = 190, want 180",
    ),
    **dict.fromkeys(
        ("gradle-by-hand-compile-error", "maven-surefire-3.2.5-compile-error"),
        TestRun(status="fail", errors=1, reason="';' expected"),
    ),
    "gradle-by-hand-fail": TestRun(
        status="fail",
        passed=2,
        failed=1,
        skipped=1,
        failed_names=("CartTest > discount()",),
        files={"CartTest": "fail"},
    ),
    **dict.fromkeys(
        ("jest-29.7.0-fail", "jest-29.7.0-verbose-color"),
        TestRun(
            status="fail",
            passed=2,
            failed=1,
            skipped=1,
            failed_names=("cart › takes percent off",),
            files={"j/cart.test.js": "fail", "j/broken.test.js": "fail", "j/user.test.js": "pass"},
            reason="Expected: 180, Received: 190",
        ),
    ),
    "jest-29.7.0-pass": TestRun(status="pass", passed=1, files={"j/user.test.js": "pass"}),
    "maven-surefire-3.2.5-fail": TestRun(
        status="fail",
        passed=2,
        failed=1,
        errors=1,
        skipped=1,
        failed_names=("shop.CartTest.boom", "shop.CartTest.discount"),
        files={"shop.CartTest": "fail", "shop.UserTest": "pass"},
        reason="java.lang.IllegalStateException: boom",
    ),
    "maven-surefire-3.2.5-pass": TestRun(status="pass", passed=1, files={"shop.UserTest": "pass"}),
    "maven-surefire-3.2.5-quiet-fail": TestRun(
        status="fail",
        passed=2,
        failed=1,
        errors=1,
        skipped=1,
        failed_names=("shop.CartTest.boom", "shop.CartTest.discount"),
        files={"shop.CartTest": "fail"},
        reason="java.lang.IllegalStateException: boom",
    ),
    "mocha-10.8.2-fail": TestRun(
        status="fail",
        passed=1,
        failed=1,
        skipped=1,
        failed_names=("takes percent off",),
        reason="AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:",
    ),
    "node-test-20-fail-spec": TestRun(
        status="fail",
        passed=1,
        failed=1,
        skipped=1,
        failed_names=("takes percent off",),
        reason="AssertionError [ERR_ASSERTION]: 190 == 180",
    ),
    "node-test-20-fail-tap": TestRun(status="fail", passed=1, failed=1, skipped=1, failed_names=("takes percent off",)),
    **dict.fromkeys(
        ("pytest-7.4.4-fail", "pytest-9.2.0-fail", "pytest-9.2.0-verbose-color", "pytest-9.2.0-xdist"),
        TestRun(
            status="fail",
            passed=4,
            failed=2,
            errors=1,
            skipped=1,
            failed_names=(
                "tests/test_cart.py::test_discount",
                "tests/test_cart.py::test_many[2]",
                "tests/test_fixture.py::test_db",
            ),
            files={"tests/test_cart.py": "fail", "tests/test_fixture.py": "fail", "tests/test_user.py": "pass"},
            reason="RuntimeError: no database",
        ),
    ),
    "pytest-9.2.0-collection-error": TestRun(
        status="fail",
        errors=1,
        failed_names=("broken/test_import.py",),
        files={"broken/test_import.py": "fail"},
        reason="ModuleNotFoundError: No module named 'nothere'",
    ),
    "pytest-9.2.0-pass": TestRun(status="pass", passed=1, files={"ok/test_user.py": "pass"}),
    "pytest-9.2.0-quiet-fail": TestRun(
        status="fail",
        passed=4,
        failed=2,
        errors=1,
        skipped=1,
        failed_names=(
            "tests/test_cart.py::test_discount",
            "tests/test_cart.py::test_many[2]",
            "tests/test_fixture.py::test_db",
        ),
        files={"tests/test_cart.py": "fail", "tests/test_fixture.py": "fail"},
        reason="RuntimeError: no database",
    ),
    "unittest-3.11-fail": TestRun(
        status="fail",
        passed=1,
        failed=1,
        errors=1,
        skipped=1,
        failed_names=(
            "test_error (ut.test_cart.CartTest.test_error)",
            "test_discount (ut.test_cart.CartTest.test_discount)",
        ),
        files={"ut/test_cart.py": "fail"},
        reason="ValueError: boom",
    ),
    "unittest-3.11-import-error": TestRun(
        status="fail",
        errors=1,
        failed_names=("test_gone (unittest.loader._FailedTest.test_gone)",),
        reason="ImportError: Failed to import test module: test_gone",
    ),
    "unittest-3.11-verbose-fail": TestRun(
        status="fail",
        passed=1,
        failed=1,
        errors=1,
        skipped=1,
        failed_names=(
            "test_discount (ut.test_cart.CartTest.test_discount)",
            "test_error (ut.test_cart.CartTest.test_error)",
        ),
        files={"ut/test_cart.py": "fail"},
        reason="ValueError: boom",
    ),
    "vitest-2.1.9-fail": TestRun(
        status="fail",
        passed=2,
        failed=1,
        skipped=1,
        failed_names=("v/cart.test.mjs > cart > takes percent off",),
        files={"v/broken.test.mjs": "fail", "v/cart.test.mjs": "fail", "v/user.test.mjs": "pass"},
        reason=NO_URL,
    ),
    "vitest-2.1.9-pass": TestRun(status="pass", passed=1, files={"v/user.test.mjs": "pass"}),
    "vitest-2.1.9-verbose-color": TestRun(
        status="fail",
        passed=2,
        failed=1,
        skipped=1,
        failed_names=("v/cart.test.mjs > cart > takes percent off",),
        files={"v/cart.test.mjs": "fail", "v/broken.test.mjs": "fail", "v/user.test.mjs": "pass"},
        reason=NO_URL,
    ),
    "vitest-3.2.7-fail": TestRun(
        status="fail",
        passed=2,
        failed=1,
        skipped=1,
        failed_names=("v/cart.test.mjs > cart > takes percent off",),
        files={"v/broken.test.mjs": "fail", "v/cart.test.mjs": "fail", "v/user.test.mjs": "pass"},
        reason="Error: Cannot find module '../src/missing' imported from '/home/dev/shop/v/broken.test.mjs'",
    ),
}


def output_of(name: str) -> str:
    return (FIXTURES / f"{name}.txt").read_text(encoding="utf-8")


def test_every_fixture_is_read() -> None:
    assert sorted(path.stem for path in FIXTURES.glob("*.txt")) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_output_alone_tells_status_counts_names_files_and_reason(name: str) -> None:
    run = read_test_run(COMMANDS[name.partition("-")[0]], output_of(name), exit_code=None, failed=None)

    assert run == EXPECTED[name]


@pytest.mark.parametrize("name", [name for name, run in EXPECTED.items() if run.status == "fail"])
def test_a_failure_behind_a_pipe_or_an_echo_stays_a_failure(name: str) -> None:
    """Both end with exit code 0, whatever the tests did."""
    command = COMMANDS[name.partition("-")[0]]

    piped = read_test_run(f"{command} 2>&1 | tail -40", output_of(name), exit_code=0, failed=False)
    echoed = read_test_run(f"{command}; echo BUILD OK", f"{output_of(name)}BUILD OK\n", exit_code=0, failed=False)

    assert piped == echoed == EXPECTED[name]


@pytest.mark.parametrize("name", [name for name, run in EXPECTED.items() if run.status != "unknown"])
def test_a_make_target_is_read_by_the_form_of_its_output(name: str) -> None:
    run = read_test_run("make test", output_of(name), exit_code=None, failed=None)

    assert run == EXPECTED[name]


@pytest.mark.parametrize(
    ("command", "output", "exit_code", "status"),
    [
        ("pytest", "", 0, "pass"),
        ("pytest", "", 1, "fail"),
        ("pytest", "", 4, "unknown"),
        ("pytest", "", 5, "unknown"),
        ("pytest", "", 124, "unknown"),
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
    run = read_test_run("make test", "nothing known", exit_code=None, failed=True)

    assert run == TestRun(status="fail")


@pytest.mark.parametrize("command", ["make", "make check", "mvn package", "./gradlew build"])
def test_a_build_that_may_run_tests_is_a_run_only_when_its_output_shows_one(command: str) -> None:
    assert read_test_run(command, "compiling\n", exit_code=0, failed=False) is None
    assert read_test_run(command, output_of("maven-surefire-3.2.5-pass"), exit_code=0, failed=False) is not None


def test_an_output_without_its_middle_still_tells_what_failed() -> None:
    whole = output_of("pytest-9.2.0-fail")
    cut = f"{whole[:400]}\n[900 characters left out]\n{whole[-420:]}"

    run = read_test_run("pytest", cut, exit_code=1, failed=True)

    assert run is not None
    assert (run.status, run.failed, run.errors) == ("fail", 2, 1)
    assert run.failed_names == EXPECTED["pytest-9.2.0-fail"].failed_names


def test_the_counts_of_several_runners_are_added() -> None:
    output = output_of("pytest-9.2.0-pass") + output_of("jest-29.7.0-fail")

    run = read_test_run("pytest && npx jest", output, exit_code=1, failed=True)

    assert run is not None
    assert (run.status, run.passed, run.failed, run.failed_names) == ("fail", 3, 1, ("cart › takes percent off",))


def test_names_files_and_reason_are_bounded() -> None:
    lines = [f"FAILED tests/test_{n}.py::test_{'x' * 300} - {'y' * 300}" for n in range(100)]

    run = read_test_run("pytest", "\n".join(lines), exit_code=1, failed=True)

    assert run is not None
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
    "unit", ["FAIL a b", "tests/test_a.py::", "1 passed, ", " > ", "\x1b[", "Tests run: 1, ", "a" * 40]
)
def test_hostile_output_costs_time_in_proportion_to_its_length(unit: str) -> None:
    def seconds(size: int) -> float:
        start = time.process_time()
        read_test_run("make test", unit * (size // len(unit)), exit_code=None, failed=None)
        return time.process_time() - start

    assert seconds(80_000) < 10 * seconds(20_000) + 0.5
