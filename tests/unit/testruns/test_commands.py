from __future__ import annotations

import pytest

from carryover.testruns.commands import Invocation, find_invocations, part_with_tests
from carryover.text.shell import from_folder
from support.costs import costing_little


@pytest.mark.parametrize(
    "command",
    [
        "pytest",
        "cd shop && PYTHONPATH=. uv run --extra dev pytest -x",
        "poetry run python3.12 -m pytest",
        ".venv/bin/python -m pytest -q",
        "docker compose exec -T -e A=1 web pytest",
        "env A=1 nice -n 5 pytest",
        "! pytest",
        "uv run --with x --directory web pytest -q",
        "timeout 60 coverage run -m pytest",
        "bash -lc 'cd shop && pytest -q'",
        'docker run --rm img bash -lc "cd /work && cmake --build build && build/test_cart | tail -5"',
        "ssh host bash -lc 'cd shop && pytest -q' | tail -3",
        "for i in 1 2; do pytest -q; done",
        "if pytest; then echo ok; fi",
        "python -m unittest -v",
        "python manage.py test",
        "npx --yes vitest@latest run",
        "./node_modules/.bin/jest",
        "node node_modules/jest/bin/jest.js",
        "pnpm --filter web vitest run",
        "bun test",
        "npm test",
        "echo y | npm test",
        "find tests -name 'test_*.py' | xargs pytest -q",
        "npm t",
        "npm run test:unit",
        "yarn workspace web test",
        "make test",
        "just test-unit",
        "mise run test:ci",
        "tox -e py311",
        "nox",
        "hatch run test",
        "python tests/test_cart.py",
        "./run_tests.sh",
        "go test ./...",
        "cargo +nightly test",
        "time cargo nextest run",
        "./gradlew :app:test",
        "./mvnw -q test",
        "bundle exec rspec",
        "rtk bun run test",
        "timeout 60 xvfb-run -a npm run test:e2e",
        "bash tests/run_all_tests.sh",
        r"node_modules\.bin\vitest.cmd run --pool forks",
        r"& .\.venv\Scripts\pytest.exe -q",
        r".venv\Scripts\python.exe tests\test_cart.py",
        r"shop\.tools\pytest.exe -q",
        "py tests/test_cart.py",
        "pypy tests/test_cart.py",
        "pypy3 tests/test_cart.py",
        "ruby tests/test_cart.rb",
        "perl tests/test_cart.pl",
        "php tests/test_cart.php",
        "node tests/test_cart.js",
        "sh tests/run_all_tests.sh",
        "node Test.js",
        "python RunTests.py",
    ],
)
def test_a_test_run_is_recognised_through_what_is_wrapped_around_it(command: str) -> None:
    assert [found.certain for found in find_invocations(command)] == [True]


@pytest.mark.parametrize(
    "command",
    [
        "pip install pytest",
        "grep -rn pytest .",
        "cat pytest.ini",
        "Remove-Item test_cart.py, pytest.ini -Force",
        "Get-Content phpunit.xml",
        "bash /tmp/test_quotes.sh",
        "cd /tmp && python3 quotes_test.py 2>&1",
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
        "ruff check tests",
        "bun agentv eval --test-id strict",
        "node keys.mjs test",
        "docker build -t test .",
        "",
    ],
)
def test_a_command_that_runs_no_tests_is_no_test_run(command: str) -> None:
    assert not [found for found in find_invocations(command) if found.certain]


def test_a_loop_that_looks_for_test_files_is_no_run() -> None:
    assert find_invocations("for f in \\\n  tests/test_cart.py; do\n  [ -f $f ] && echo $f\ndone") == []


@pytest.mark.parametrize(
    ("command", "paths", "selective"),
    [
        ("pytest", (), False),
        ("pytest tests/", ("tests",), False),
        ("pytest -q tests/test_a.py tests/b", ("tests/test_a.py", "tests/b"), False),
        ("pytest tests/test_a.py::test_x", ("tests/test_a.py",), True),
        ("pytest -k discount --maxfail 1 -p no:cacheprovider", (), True),
        ("pytest --lf", (), True),
        ("cd backend && pytest tests/test_a.py", ("backend/tests/test_a.py",), False),
        ("cd /home/dev/shop && pytest", ("/home/dev/shop",), False),
        ("cd apps/api && pytest tests ../../tests /srv/tests", ("apps/api/tests", "tests", "/srv/tests"), False),
        ("(cd web && npm test)", ("web",), False),
        ("npm --prefix web test", ("web",), False),
        ("vitest run --config api/vitest.config.json tests/a.test.ts", ("tests/a.test.ts",), False),
        ("pytest -c pytest.ini --junitxml out.xml --cov src/shop --timeout 2.5", (), False),
        ("pytest -s -v tests/a.py tests/b.py", ("tests/a.py", "tests/b.py"), False),
        ("go test -coverprofile cover.out", (), False),
        ("vendor/bin/phpunit -c phpunit.xml tests/CartTest.php", ("tests/CartTest.php",), False),
        ("npx mocha -r ts-node/register -g a.b --timeout=9.5 test/a.ts", ("test/a.ts",), True),
        ("cargo test --manifest-path kernel/Cargo.toml", ("kernel",), False),
        ("cargo test --manifest-path=Cargo.toml", (), False),
        ("npm --prefix=web test", ("web",), False),
        ("bundle exec rspec -c spec/a_spec.rb", ("spec/a_spec.rb",), False),
        ("npm test -- src/a.test.js", ("src/a.test.js",), False),
        ("python -m unittest discover -s tests", ("tests",), False),
        ("python -m unittest discover -s tests -p 'test_*.py'", ("tests",), False),
        ("python -m unittest discover -p 'test_cart*.py'", ("test_cart*.py",), False),
        ("uv run --with pytest pytest", (), False),
        ("uv run --with pytest python -m pytest tests/a.py", ("tests/a.py",), False),
        ("pytest unittest", ("unittest",), False),
        ("npx hardhat test", (), False),
        ("npx hardhat test test/cart.js", ("test/cart.js",), False),
        ("python -m unittest tests.test_a test_b", ("tests/test_a.py", "test_b.py"), False),
        ("python -m unittest tests.test_a.CartTest.test_x", ("tests/test_a.py",), True),
        ("python manage.py test shop shop.tests.test_a", ("shop", "shop/tests/test_a.py"), False),
        ("npx jest cart -t total", ("cart",), True),
        ("go test ./...", (), False),
        ("go test ./cart/... -run TestTotal", ("cart",), True),
        ("cargo test --test cart_test", (), True),
        ("cargo test total -- --nocapture", ("total",), False),
        ("mvn test -Dtest=CartTest#total", (), True),
        ("mvn test -pl core", (), True),
        ("mvn -q -Dtest=CartTest test", (), True),
        ("mvn -f api/pom.xml test", ("api",), False),
        ("cargo test -p core", (), True),
        ("cargo test --workspace", (), False),
        ("cargo nextest run -E 'test(total)'", (), True),
        ("ctest --test-dir build -R cart", (), True),
        ("rspec -e total", (), True),
        ("phpunit --testsuite unit", (), True),
        ("npx jest --testPathPatterns=cart", (), True),
        ("yarn workspace web test", (), True),
        ("docker compose exec workspace pytest", (), False),
        ("pytest workspace", ("workspace",), False),
        ("mvn test -f api/pom.xml", ("api",), False),
        ("mvn -f api/ci-pom.xml test", ("api",), False),
        ("if ($ready) { pytest }", (), False),
        ("go test -p 4 ./...", (), False),
        ("timeout -k 5 60 uv run --group dev pytest", (), False),
        ("./gradlew :app:test", ("app",), False),
        ("./gradlew test --tests shop.CartTest", ("shop.CartTest",), True),
        ("bundle exec rspec spec/cart_spec.rb:12", ("spec/cart_spec.rb",), False),
        ("tox -e py311 -- tests/test_a.py", ("tests/test_a.py",), False),
        (r"python -m pytest tests\unit\test_a.py", ("tests/unit/test_a.py",), False),
        (r"cd D:\code\shop; npm test | Select-Object -Last 9", ("D:/code/shop",), False),
        (r"cd D:\code\shop; pytest ..\bank", ("D:/code/bank",), False),
        (r"Set-Location -Path D:\code\shop; npm test", ("D:/code/shop",), False),
        ("if ($?) { ls; cd web }; npm test", ("web",), False),
        (r"cd /d D:\code\shop && npm test", ("D:/code/shop",), False),
        (r'cd "D:\the work\shop"; npm test', ("D:/the work/shop",), False),
        (r"cd 'D:\the work\shop'; npm test", ("D:/the work/shop",), False),
        (r'pytest "..\the bank\test_a.py"', ("../the bank/test_a.py",), False),
        (r"pytest '..\the bank\test_a.py'", ("../the bank/test_a.py",), False),
        (r"pytest 'D:\the bank\test_a.py'", ("D:/the bank/test_a.py",), False),
        (r'pytest "D:\the bank\test_a.py"', ("D:/the bank/test_a.py",), False),
        (r"pytest web\.hidden\test_a.py", ("web/.hidden/test_a.py",), False),
        (r'pytest -k "a\b" tests/a.py', ("tests/a.py",), True),
        (r"pytest 'tests/a\b.py'", (r"tests/a\b.py",), False),
        (r'pytest "tests/a\b.py"', (r"tests/a\b.py",), False),
        (r"npx jest src/a\.test\.ts", ("src/a.test.ts",), False),
    ],
)
def test_what_a_run_is_restricted_to(command: str, paths: tuple[str, ...], selective: bool) -> None:
    (found,) = find_invocations(command)

    assert (found.paths, found.selective) == (paths, selective)


def test_a_path_is_called_from_a_folder_on_windows() -> None:
    assert from_folder(r"D:\code\shop\web", "../api") == from_folder(r"C:\x", "D:/code/shop/api") == "D:/code/shop/api"


@pytest.mark.parametrize(
    ("command", "paths", "excluded"),
    [
        ("pytest tests --ignore tests/slow", ("tests",), ("tests/slow",)),
        ("cd web && pytest --ignore=./e2e/ --ignore=docs", ("web",), ("web/e2e", "web/docs")),
        ("python -m pytest --deselect tests/test_a.py::test_x tests", ("tests",), ()),
    ],
)
def test_the_paths_that_a_run_leaves_out(command: str, paths: tuple[str, ...], excluded: tuple[str, ...]) -> None:
    (found,) = find_invocations(command)

    assert (found.paths, found.excluded) == (paths, excluded)


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


@pytest.mark.parametrize(
    "command",
    [
        "(cd a; pytest); (cd b; pytest)",
        "(cd a; (cd c); pytest) && cd b && pytest",
        "cd a && pytest & cd b && pytest",
        "cd a && pytest | tail -3 & (cd b; pytest) &",
        "pushd a; pytest; popd; cd b; pytest",
        "cd a && pytest; cd - && cd b && pytest",
        "Push-Location a; pytest; Pop-Location; Push-Location 'b'; pytest; Pop-Location",
        "{ cd a && pytest; } 2>&1 | tail -3; cd ../b; pytest",
        "if pushd a; then pytest; popd; fi; while cd b; do pytest; done",
        "pushd a; pushd c; pushd ../d; popd; popd; pytest; popd; cd b; pytest",
        "cd a; pytest; (cd c); cd -; cd b; pytest",
        "pushd a; cd c; cd -; pytest; cd c; popd; cd b; pytest",
    ],
)
def test_the_folder_of_a_group_or_a_job_ends_with_it(command: str) -> None:
    assert [run.paths for run in find_invocations(command)] == [("a",), ("b",)]


def test_each_run_of_a_line_is_found() -> None:
    assert find_invocations("pytest tests/a && (cd web; npx jest)") == [
        Invocation(("tests/a",), ends_well=False, ends_badly=False),
        Invocation(("web",), ends_badly=False),
    ]


@pytest.mark.parametrize(
    "command",
    [
        *(f"npm run {'a-' * count}! && npm test" for count in (28, 50_000)),
        *(f"tests{'_a' * count}:b" for count in (28, 50_000)),
        f"make {'a:' * 50_000}-test",
        "npx a " + "test a " * 2_500,
    ],
)
def test_a_long_word_or_many_that_ask_for_tests_cost_no_time(command: str) -> None:
    with costing_little():
        find_invocations(command)


def test_many_variables_before_a_test_run_cost_no_time() -> None:
    with costing_little():
        assert part_with_tests(";".join([*(f"A{each}=1" for each in range(1900)), "pytest $A7"])) == "A7=1; pytest $A7"


@pytest.mark.parametrize(
    ("word", "asks"),
    [
        ("test", True),
        ("web:unit-fast:e2e", True),
        (":app:test", True),
        ("a--test", True),
        ("pkg/api:test:ci", True),
        ("--test", False),
        ("a::test", False),
        ("a/-test", False),
        ("latest", False),
    ],
)
def test_a_word_of_a_tool_asks_for_tests_by_one_of_its_parts(word: str, asks: bool) -> None:
    assert [run.certain for run in find_invocations(f"npm {word}")] == ([True] if asks else [False])


def test_only_what_git_has_a_hook_for_may_run_tests() -> None:
    assert find_invocations("git checkout -b tests") == []
    [run] = find_invocations("npx jest push")
    assert run.certain


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("cd api && ruff check src && pytest -q 2>&1 | tail -5; echo done", "cd api; pytest -q"),
        ("cat > a.py <<'X'\ncd b\nX\n. venv/bin/activate\nA=1 pytest a.py", ". venv/bin/activate; A=1 pytest a.py"),
        ("npm test && cd web && npx jest && cd ..", "npm test; cd web; npx jest"),
        ("npm ci; if ! tox; then exit 1; fi", "tox"),
        (
            "pushd a && npm test; popd; S=/tmp/x; T=b; echo $T\nPYTHONPATH=$S pytest",
            "pushd a; npm test; popd; S=/tmp/x; PYTHONPATH=$S pytest",
        ),
        ("cd a & npm test", "cd a; npm test"),
        ("Push-Location a; dir; go test; Pop-Location; npm t", "Push-Location a; go test; Pop-Location; npm t"),
        ("DB=x; T=b\nexport DB; ruff check; pytest", "DB=x; export DB; pytest"),
        ("cd api\nmake check | tail -3", "cd api; make check"),
        ('git commit -m "$(cat <<X\nTests\nX\n)"', 'git commit -m "$(cat <<X\nTests\nX\n)"'),
        ('pytest -k "a b" > log', 'pytest -k "a b"'),
        ("if npm test; then git push; fi", "npm test"),
        *(
            (line, line)
            for line in (
                'echo "pytest',
                "ls; (cd b; pytest)",
                "ls; cd b && pytest & npm t",
                "for n in 1 2\ndo tox\ndone",
            )
        ),
    ],
)
def test_the_part_of_a_command_that_runs_tests(command: str, part: str) -> None:
    assert part_with_tests(command) == part


@pytest.mark.parametrize(
    ("command", "certain"),
    [
        ("if [ -f a ]; then npm run build; elif [ -f pom.xml ]; then mvn test -q || echo BAD; else echo none; fi", []),
        ("if [ -d a ]; then\n  cd a\n  pytest\nfi; npm test", ["a"]),
        ("if pytest a; then if b; then pytest c; fi; else pytest d; fi", ["a"]),
    ],
)
def test_tests_in_a_branch_may_not_have_run(command: str, certain: list[str]) -> None:
    assert [path for run in find_invocations(command) if run.certain for path in run.paths] == certain
