"""A test run read as a whole: command, output and exit code together.

Fixtures are outputs of the real runners, named by runner and version; those of Go, Gradle and bun,
which could not be run, are named `by-hand` and follow their documentation.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.distill.testruns.reading import read_test_run
from carryover.distill.testruns.run import TestRun

FIXTURES = Path(__file__).parent.parent / "fixtures" / "testruns"
COMMANDS = {
    "bun": "bun test", "cargo": "cargo test", "go": "go test ./...", "gradle": "./gradlew test", "jest": "npx jest",
    "maven": "mvn test", "mocha": "npx mocha",
    "node": "node --test", "pytest": "pytest", "unittest": "python -m unittest", "vitest": "npx vitest run",
}  # fmt: skip

PYTEST_FAIL = TestRun(
    runner="pytest",
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
)  # fmt: skip
UNITTEST_FAIL = TestRun(
    runner="unittest",
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
)  # fmt: skip
JEST_FAIL = TestRun(
    runner="jest",
    status="fail",
    passed=2,
    failed=1,
    errors=1,
    skipped=1,
    failed_names=("cart › takes percent off",),
    files={"j/cart.test.js": "fail", "j/broken.test.js": "fail", "j/user.test.js": "pass"},
    reason="Expected: 180, Received: 190",
)
VITEST_FILES = {"v/cart.test.mjs": "fail", "v/broken.test.mjs": "fail", "v/user.test.mjs": "pass"}
VITEST_2 = "Error: Failed to load url ../src/missing (resolved id: ../src/missing) in /home/dev/shop/v/broken.test.mjs."
VITEST_3 = "Error: Cannot find module '../src/missing' imported from '/home/dev/shop/v/broken.test.mjs'"


def vitest_fail(reason: str) -> TestRun:
    return TestRun(
        runner="vitest",
        status="fail",
        passed=2,
        failed=1,
        errors=1,
        skipped=1,
        failed_names=("v/cart.test.mjs > cart > takes percent off",),
        files=dict(VITEST_FILES),  # type: ignore[arg-type]
        reason=reason,
    )


def surefire_fail(files: dict[str, str]) -> TestRun:
    return TestRun(
        runner="jvm",
        status="fail",
        passed=2,
        failed=1,
        errors=1,
        skipped=1,
        failed_names=("shop.CartTest.boom", "shop.CartTest.discount"),
        files=files,  # type: ignore[arg-type]
        reason="java.lang.IllegalStateException: boom",
    )


def jvm(status: str, **facts: object) -> TestRun:
    return TestRun(runner="jvm", status=status, **facts)  # type: ignore[arg-type]


def go(status: str, **facts: object) -> TestRun:
    return TestRun(runner="go", status=status, **facts)  # type: ignore[arg-type]


def cargo(status: str, passed: int | None, failed: int | None, skipped: int | None, **facts: object) -> TestRun:
    return TestRun(runner="cargo", status=status, passed=passed, failed=failed, skipped=skipped, **facts)  # type: ignore[arg-type]


CART, USER = "example.com/shop/cart", "example.com/shop/user"
LEFT_RIGHT = "assertion `left == right` failed, left: 190, right: 180"
EXPECTED = {
    "pytest-7.4.4-fail": PYTEST_FAIL,
    "pytest-9.2.0-fail": PYTEST_FAIL,
    "pytest-9.2.0-verbose-color": PYTEST_FAIL,
    "pytest-9.2.0-xdist": PYTEST_FAIL,
    "pytest-9.2.0-quiet-fail": TestRun(
        runner="pytest", status="fail", passed=4, failed=2, errors=1, skipped=1, failed_names=PYTEST_FAIL.failed_names,
        files={"tests/test_cart.py": "fail", "tests/test_fixture.py": "fail"}, reason="RuntimeError: no database",
    ),
    "pytest-9.2.0-pass": TestRun(runner="pytest", status="pass", passed=1, files={"ok/test_user.py": "pass"}),
    "pytest-9.2.0-quiet-pass": TestRun(runner="pytest", status="pass", passed=1),
    "pytest-9.2.0-collection-error": TestRun(
        runner="pytest", status="fail", errors=1, failed_names=("broken/test_import.py",),
        files={"broken/test_import.py": "fail"}, reason="ModuleNotFoundError: No module named 'nothere'",
    ),
    "pytest-9.2.0-none": TestRun(runner="pytest", status="unknown"),
    "pytest-9.2.0-missing-file": TestRun(runner="pytest", status="unknown"),
    "pytest-9.2.0-interrupted": TestRun(runner="pytest", status="unknown"),
    "unittest-3.11-fail": UNITTEST_FAIL,
    "unittest-3.11-verbose-fail": UNITTEST_FAIL,
    "unittest-3.11-pass": TestRun(runner="unittest", status="pass", passed=1, failed=0, errors=0, skipped=0),
    "unittest-3.11-none": TestRun(runner="unittest", status="unknown", passed=0, failed=0, errors=0, skipped=0),
    "unittest-3.11-import-error": TestRun(
        runner="unittest", status="fail", passed=0, failed=0, errors=1, skipped=0,
        failed_names=("test_gone (unittest.loader._FailedTest.test_gone)",),
        reason="ModuleNotFoundError: No module named 'ut.test_gone'",
    ),
    "jest-29.7.0-fail": JEST_FAIL,
    "jest-29.7.0-verbose-color": JEST_FAIL,
    "jest-29.7.0-pass": TestRun(runner="jest", status="pass", passed=1, files={"j/user.test.js": "pass"}),
    "jest-29.7.0-none": TestRun(runner="jest", status="unknown"),
    "vitest-2.1.9-fail": vitest_fail(f"{VITEST_2} Does the file exist?"),
    "vitest-2.1.9-verbose-color": vitest_fail(f"{VITEST_2} Does the file exist?"),
    "vitest-3.2.7-fail": vitest_fail(VITEST_3),
    "vitest-2.1.9-pass": TestRun(runner="vitest", status="pass", passed=1, files={"v/user.test.mjs": "pass"}),
    "vitest-2.1.9-none": TestRun(runner="vitest", status="unknown"),
    "mocha-10.8.2-fail": TestRun(
        runner="mocha", status="fail", passed=1, failed=1, skipped=1, failed_names=("takes percent off",),
        files={"m/cart.js": "fail"}, reason="AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:",
    ),
    "node-test-20-fail-spec": TestRun(
        runner="node", status="fail", passed=1, failed=1, errors=0, skipped=1, failed_names=("takes percent off",),
        files={"n.test.mjs": "fail"}, reason="AssertionError [ERR_ASSERTION]: 190 == 180",
    ),
    "node-test-20-fail-tap": TestRun(
        runner="node", status="fail", passed=1, failed=1, errors=0, skipped=1, failed_names=("takes percent off",),
        files={"/home/dev/shop/n.test.mjs": "fail"}, reason="190 == 180",
    ),
    "bun-by-hand-fail": TestRun(
        runner="bun", status="fail", passed=2, failed=1, failed_names=("takes percent off",),
        reason="expect(received).toBe(expected)",
    ),
    "go-by-hand-pass": go("pass", files={CART: "pass", USER: "pass"}),
    "go-by-hand-none": go("unknown"),
    "go-by-hand-fail": go(
        "fail", failed=2, failed_names=("TestDiscount", "TestTotal", "TestTotal/empty"),
        files={CART: "fail", USER: "pass"}, reason="Discount(200, 10) = 190, want 180",
    ),
    "go-by-hand-verbose-fail": go(
        "fail", passed=1, failed=1, skipped=1, failed_names=("TestDiscount",), files={CART: "fail"},
        reason="Discount(200, 10) = 190, want 180",
    ),
    "go-by-hand-build-failed": go("fail", files={CART: "fail", USER: "pass"}, reason="undefined: percentt"),
    "go-by-hand-panic": go(
        "fail", failed=1, failed_names=("TestDiscount",), files={CART: "fail"},
        reason="panic: runtime error: index out of range [3] with length 2 [recovered]",
    ),
    "cargo-1.95.0-fail": cargo(
        "fail", 2, 1, 1, failed_names=("tests::takes_percent_off",),
        files={"src/lib.rs": "fail", "tests/cart_test.rs": "pass"}, reason=LEFT_RIGHT,
    ),
    "cargo-1.95.0-quiet-fail": cargo("fail", 1, 1, 1, failed_names=("tests::takes_percent_off",), reason=LEFT_RIGHT),
    "cargo-1.95.0-pass": cargo("pass", 1, 0, 0, files={"tests/cart_test.rs": "pass"}),
    "cargo-1.95.0-none": cargo("unknown", 0, 0, 0),
    "cargo-1.95.0-compile-error": cargo("fail", None, None, None, reason="cannot find value `percentt` in this scope"),
    "maven-surefire-3.2.5-fail": surefire_fail({"shop.CartTest": "fail", "shop.UserTest": "pass"}),
    "maven-surefire-3.2.5-quiet-fail": surefire_fail({"shop.CartTest": "fail"}),
    "maven-surefire-3.2.5-pass": jvm("pass", passed=1, failed=0, errors=0, skipped=0, files={"shop.UserTest": "pass"}),
    "maven-surefire-3.2.5-none": jvm("unknown"),
    "maven-surefire-3.2.5-compile-error": jvm("fail", reason="';' expected"),
    "gradle-by-hand-pass": jvm("pass"),
    "gradle-by-hand-no-source": jvm("unknown"),
    "gradle-by-hand-compile-error": jvm("fail", reason="';' expected"),
    "gradle-by-hand-fail": jvm(
        "fail", passed=2, failed=1, skipped=1, failed_names=("CartTest > discount()",), files={"CartTest": "fail"},
        reason="org.opentest4j.AssertionFailedError",
    ),
}  # fmt: skip


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
        ("npm test", "Error: no test specified", 1, "fail"),
        ("npm test", "No tests found, exiting with code 1", 1, "unknown"),
        ("./run_tests.sh", "ok", 0, "pass"),
        ("bundle exec rspec", "3 examples, 0 failures, 1 pending", 0, "pass"),
        ("vendor/bin/phpunit", "OK (3 tests, 4 assertions)", 0, "pass"),
        ("vendor/bin/phpunit", "Tests: 3, Assertions: 3, Failures: 1.", 1, "fail"),
        ("rails test", "3 runs, 4 assertions, 1 failures, 0 errors, 0 skips", 1, "fail"),
        ("dotnet test", "Failed!  - Failed:     1, Passed:     2, Skipped:     0, Total:     3", 1, "fail"),
        ("deno test", "ok | 3 passed | 0 failed (12ms)", 0, "pass"),
        ("ctest", "67% tests passed, 1 tests failed out of 3", 8, "fail"),
        ("npx playwright test", "  1 failed\n    [chromium] › a.spec.ts:3:1 › x ───\n  2 passed (3s)", 1, "fail"),
    ],
)  # fmt: skip
def test_the_status(command: str, output: str, exit_code: int | None, status: str) -> None:
    run = read_test_run(command, output, exit_code=exit_code, failed=None)

    assert run is not None
    assert run.status == status


def test_the_agents_word_counts_where_no_exit_code_is_known() -> None:
    run = read_test_run("make test", "nothing known", exit_code=None, failed=True)

    assert run == TestRun(runner="make", status="fail")


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
    assert run.failed_names == PYTEST_FAIL.failed_names


def test_of_several_runners_the_one_that_failed_is_reported() -> None:
    output = output_of("pytest-9.2.0-pass") + output_of("jest-29.7.0-fail")

    assert read_test_run("pytest && npx jest", output, exit_code=1, failed=True) == JEST_FAIL


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

    assert run is not None
    assert run.status != "fail" or run.runner != "make"


@pytest.mark.parametrize(
    "unit", ["FAIL a b", "tests/test_a.py::", "1 passed, ", " > ", "\x1b[", "Tests run: 1, ", "a" * 40]
)
def test_hostile_output_costs_time_in_proportion_to_its_length(unit: str) -> None:
    def seconds(size: int) -> float:
        start = time.process_time()
        read_test_run("make test", unit * (size // len(unit)), exit_code=None, failed=None)
        return time.process_time() - start

    assert seconds(80_000) < 10 * seconds(20_000) + 0.5
