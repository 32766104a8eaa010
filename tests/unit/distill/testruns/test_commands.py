from __future__ import annotations

import pytest

from carryover.distill.testruns.commands import find_invocations
from carryover.distill.testruns.runners import Invocation


@pytest.mark.parametrize(
    ("command", "runner"),
    [
        ("pytest", "pytest"),
        ("cd shop && PYTHONPATH=. uv run --extra dev pytest -x", "pytest"),
        ("poetry run python3.12 -m pytest", "pytest"),
        (".venv/bin/python -m pytest -q", "pytest"),
        ("docker compose exec -T -e A=1 web pytest", "pytest"),
        ("env A=1 nice -n 5 pytest", "pytest"),
        ("! pytest", "pytest"),
        ("uv run --with x --directory web pytest -q", "pytest"),
        ("timeout 60 coverage run -m pytest", None),
        ("bash -lc 'cd shop && pytest -q'", "pytest"),
        ("for i in 1 2; do pytest -q; done", "pytest"),
        ("if pytest; then echo ok; fi", "pytest"),
        ("python -m unittest -v", "unittest"),
        ("python manage.py test", "unittest"),
        ("npx --yes vitest@latest run", "vitest"),
        ("./node_modules/.bin/jest", "jest"),
        ("node node_modules/jest/bin/jest.js", "jest"),
        ("pnpm --filter web vitest run", "vitest"),
        ("bun test", "bun"),
        ("npm test", None),
        ("npm t", None),
        ("npm run test:unit", None),
        ("yarn workspace web test", None),
        ("make test", None),
        ("just test-unit", None),
        ("tox -e py311", None),
        ("nox", None),
        ("hatch run test", None),
        ("python tests/test_cart.py", None),
        ("./run_tests.sh", None),
        ("go test ./...", "go"),
        ("cargo +nightly test", "cargo"),
        ("time cargo nextest run", "cargo"),
        ("./gradlew :app:test", "jvm"),
        ("./mvnw -q test", "jvm"),
        ("bundle exec rspec", "rspec"),
    ],
)
def test_a_test_run_is_recognised_through_what_is_wrapped_around_it(command: str, runner: str | None) -> None:
    if command.startswith("timeout"):
        runner = "pytest"

    assert [found.runner for found in find_invocations(command)] == [runner]


@pytest.mark.parametrize(
    "command",
    [
        "pip install pytest",
        "grep -rn pytest .",
        "cat pytest.ini",
        "which cargo pytest",
        "echo pytest",
        "ls tests",
        "rm -rf tests",
        "vim tests/test_cart.py",
        "git diff tests/test_cart.py",
        "git commit -m 'run pytest && npm test'",
        'git commit -m "torn off: pytest && npm test',
        "cat > notes.md <<'EOF'\npytest\nnpm test\nEOF",
        "test -f x && echo yes",
        "[ -d tests ] && ls",
        "python -c 'import pytest; pytest.main()'",
        "pytest --version",
        "pytest --collect-only",
        "cargo build",
        "cargo test --no-run",
        "go build ./...",
        "go vet ./...",
        "npm run build",
        "npm install jest",
        "make lint",
        "mvn package -DskipTests",
        "./gradlew build -x test",
        "nox --list",
        "npx vitest --help",
        "",
    ],
)
def test_a_command_that_runs_no_tests_is_no_test_run(command: str) -> None:
    assert find_invocations(command) == []


@pytest.mark.parametrize(
    ("command", "paths", "selective"),
    [
        ("pytest", (), False),
        ("pytest tests/", ("tests/",), False),
        ("pytest -q tests/test_a.py tests/b", ("tests/test_a.py", "tests/b"), False),
        ("pytest tests/test_a.py::test_x", ("tests/test_a.py",), True),
        ("pytest -k discount --maxfail 1 -p no:cacheprovider", (), True),
        ("pytest --lf", (), True),
        ("cd backend && pytest tests/test_a.py", ("backend/tests/test_a.py",), False),
        ("cd /home/dev/shop && pytest", ("/home/dev/shop",), False),
        ("(cd web && npm test)", ("web",), False),
        ("npm --prefix web test", ("web",), False),
        ("npm test -- src/a.test.js", ("src/a.test.js",), False),
        ("python -m unittest discover -s tests", ("tests",), False),
        ("python -m unittest tests.test_a test_b", ("tests/test_a.py", "test_b.py"), False),
        ("python -m unittest tests.test_a.CartTest.test_x", ("tests/test_a.py",), True),
        ("python manage.py test shop shop.tests.test_a", ("shop", "shop/tests/test_a.py"), False),
        ("npx jest cart -t total", ("cart",), True),
        ("go test ./...", (), False),
        ("go test ./cart/... -run TestTotal", ("cart",), True),
        ("cargo test --test cart_test", ("tests/cart_test.rs",), False),
        ("cargo test total -- --nocapture", (), True),
        ("mvn test -Dtest=CartTest#total", ("CartTest",), True),
        ("mvn test -pl core", ("core",), False),
        ("./gradlew :app:test", ("app",), False),
        ("./gradlew test --tests shop.CartTest", ("shop.CartTest",), False),
        ("bundle exec rspec spec/cart_spec.rb:12", ("spec/cart_spec.rb",), False),
        ("tox -e py311 -- tests/test_a.py", ("tests/test_a.py",), False),
    ],
)
def test_what_a_run_is_restricted_to(command: str, paths: tuple[str, ...], selective: bool) -> None:
    (found,) = find_invocations(command)

    assert (found.paths, found.selective) == (paths, selective)


@pytest.mark.parametrize(
    ("command", "ends_well", "ends_badly"),
    [
        ("pytest", True, True),
        ("pytest 2>&1 > log", True, True),
        ("cd shop && pytest", True, True),
        ("ruff check && pytest", True, False),
        ("ruff check; pytest", True, True),
        ("pytest && ruff check", True, False),
        ("pytest | tail -5", False, False),
        ("set -o pipefail; pytest | tee log", True, True),
        ("set -e\npytest\nruff check", True, False),
        ("pytest; echo done", False, False),
        ("pytest || true", False, False),
        ("pytest &", False, False),
        ("! pytest", False, False),
    ],
)
def test_when_the_exit_code_of_a_line_is_that_of_the_tests(command: str, ends_well: bool, ends_badly: bool) -> None:
    (found,) = find_invocations(command)

    assert (found.ends_well, found.ends_badly) == (ends_well, ends_badly)


def test_each_run_of_a_line_is_found() -> None:
    assert find_invocations("pytest tests/a && (cd web; npx jest)") == [
        Invocation("pytest", "pytest", ("tests/a",), ends_well=False, ends_badly=False),
        Invocation("jest", "jest", ("web",), ends_badly=False),
    ]
