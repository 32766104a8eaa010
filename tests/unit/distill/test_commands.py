from __future__ import annotations

import msgspec
import pytest

from carryover.distill.commands import failed, is_edit_of, signature, tried
from carryover.model import Op, ResultStatus, ToolResult
from carryover.text.looking import is_looking, is_retry


def result(
    subject: str, status: ResultStatus = "error", *, op: Op = "shell", output: str = "", never_ran: bool = False
) -> ToolResult:
    return ToolResult(
        call_id="c", name="Bash", op=op, status=status, subject=subject, output=output, never_ran=never_ran
    )


LOOKING = (
    *("ls -la", "cd src && rg -n discount .", "LC_ALL=C grep -r 'a > b' src", "git -C shop log --oneline | head"),
    *("git diff --stat; grep -n cap src/*.py; exit 3", "if grep -q cap a; then echo yes; else exit 1; fi"),
    *("for f in *.py; do grep -n cap $f; done", "[[ -f a.py ]] && cat a.py", "! grep -q cap a.py"),
    *("git diff --stat; rg -n 'a; make' src", "sed -n 1,20p cart.py", "cat cart.py 2>/dev/null", "Get-ChildItem src"),
    *("cd shop && npm audit 2>&1", "npm audit --json | head -40", "pnpm outdated"),
    *("nl -ba cart.py | sed -n 1,20p", "for f in *.py\ndo\nnl $f\ndone", "ss -ltn | grep 8000"),
    *("grep -n cap \\\n  src/cart.py \\\n  src/lid.py",),
    *("git branch", "git branch -vv | grep gone", "git branch -r --merged main", "git branch 2>/dev/null | cat"),
    *("git branch -a --sort -committerdate", "git branch -vv --format %(refname)"),
    *("git remote -v", "git -C shop remote show origin", "find . -name '*.py' -exec grep -n cap {} +"),
    *(
        "find . -print0 | xargs -0 -n 1 grep -l cap",
        "ls | xargs",
        "gc cart.json | Select-Object -First 3",
        "cat a.json | jq .cap",
    ),
    *(
        "cat a.json |& python3 -c 'import sys'",
        "ls | while read f; do cat $f; done",
        "grep cap\\|lid a.py | LC_ALL=C sort",
        'rg "add\\(\\"cap|lid" a.py',
    ),
    *("# Where is it?\nls", "(cd src && ls) | head", "awk '\nNR > 1\n' a.csv", "cat <<'END'\nmake it so\nEND"),
    *("cat app/(tabs)/a.tsx", "if (Test-Path a.md) { Get-Content a.md }", "ls > $null"),
)
CHANGING = (
    *("", "make", "git commit -m x", "git push", "sed -i s/a/b/ cart.py", "echo x > cart.py", "cat a.txt | tee b.txt"),
    *("npm audit fix", "npm audit --force fix", "npm install", "cat cap.sql | psql shop", "ls a.py | xargs -0 git add"),
    "ls build | xargs sh -c 'rm {}'",
    *("Get-Content cap.ps1 -Raw | Invoke-Expression", "echo done | mail ann", "cat cap.sh | bash -s", "ls |& sh"),
    *('for f in a b; do echo x > "$f.txt"; done', "ls & rm cart.py", "(cd src && make)", "cat cart.py 1> lid.py"),
    "cat cart.py >& lid.py",
    *("rg -n 'a; make", 'ls | grep -v "a', f"ls {'a' * 20_000}; make"),  # the end is not certain
    *("cat << EOF > cart.py", "rm -r build", "cd src && python cart.py", "ls src && make"),
    *("for f in *.py; do python $f; done", "make || exit 1", "if ! make; then exit 1; fi", "! make", "make && exit 3"),
    *("git branch tax", "git branch -m tax", "git branch -r -d origin/tax", "git branch -Df tax", "git branch -rd tax"),
    *("git remote add o ../shop", "git remote set-url o ../shop", "find . -delete", "find a -exec rmdir {} +"),
    *("find build -type f -exec rm {} +", "cd shop && git branch -D tax", "git branch --set-upstream-to=origin/tax"),
)


@pytest.mark.parametrize("command", [*LOOKING, *CHANGING])
def test_a_command_that_only_looks_cannot_fail(command: str) -> None:
    assert is_looking(command) == (command in LOOKING)
    assert failed(result(command)) == (command in CHANGING)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("cd shop && CAP=10 make", "make"),
        ("cd shop && \\\nmake", "make"),
        ("CAP=10; make", "make"),
        ("time make", "make"),
        ("SHOP='my shop'; CAP=\"$HOME/a b\" && make", "make"),
        ('SHOP="my \\"shop\\"" CAP=a\\ b make', "make"),
        ("SHOP=$(pwd -P) && find $SHOP -name cap", "SHOP=$(pwd -P) && find $SHOP -name cap"),
        ('LOG="$(make 2>&1)"; echo $LOG', 'LOG="$(make 2>&1)"; echo $LOG'),
    ],
)
def test_what_was_tried_is_shown_without_the_values_set_before(command: str, shown: str) -> None:
    assert tried(result(command)) == f"`{shown}`"


@pytest.mark.parametrize(
    ("command", "tried_again"),
    [
        ("sudo -nu deploy -H make", "make"),
        ("sudo --user=deploy make -u", "make -u"),
        ("sudo -- make", "make"),
        ("timeout 60 make", "make"),
    ],
)
def test_as_whom_and_how_long_a_command_ran_is_shown_but_makes_it_no_other(command: str, tried_again: str) -> None:
    assert tried(result(f"cd shop && CAP=10 {command}")) == f"`{command}`"
    assert signature(result(command)) == signature(result(tried_again))


@pytest.mark.parametrize(
    ("command", "code", "fails"),
    [
        ("make; git diff --stat; grep -n cap build.log", 1, False),
        ("pytest -q 2>&1 | grep FAILED", 1, False),
        ('npx tsc --noEmit 2>&1 | findstr /C:"error TS"', 1, False),
        ("docker ps -a | grep shop && docker rm shop | head", 1, True),
        ("make || grep -n cap build.log && cat build.log", 1, True),
        ("make 2>&1 | grep -c 'no rule'", None, False),
        ("make\ntest -f build/cart", 1, False),
        ("make; git diff --exit-code", 1, False),
        ("pkill -f 'npm run dev'", 1, False),
        ("pkill -f 'npm run dev' && make", 1, True),
        ("git config --global core.excludesfile 2>/dev/null", 1, False),
        ("git config --get core.excludesfile", 2, True),
        ("git config core.excludesfile ~/.ignored", 1, True),
        ("python build.py; exit 3", 3, False),
        ("Remove-Item -Recurse -ErrorAction SilentlyContinue 'build','dist'", 1, False),
        ("Remove-Item build -EA 0; msbuild shop.sln", 1, True),
        ("make; grep -n cap build.log", 2, True),
        ("make && grep -n cap build.log", 1, True),
        ('make; [ -n "$f" ] && ./ship "$f"', 1, True),
        ('make && [ -n "$f" ] && cat "$f"', 1, True),
        ("set -o pipefail; make | grep cap", 1, True),
        ("make; exit $code", 3, True),
        ("make 'a; grep b'", 1, True),
        ("make; grep -n 'a", 1, True),
        ("cat <<EOF | python\ngrep cap\nEOF", 1, True),
    ],
)
def test_a_last_step_that_found_nothing_and_an_exit_of_its_own_are_no_failure(
    command: str, code: int | None, fails: bool
) -> None:
    assert failed(msgspec.structs.replace(result(command), exit_code=code)) == fails


@pytest.mark.parametrize(
    ("command", "printed", "fails"),
    [
        ("cd shop && python sell.py 2>&1 | tail -30", "Traceback:\nModuleNotFoundError: no cart\n", True),
        ("npx tsc | head -40", "lid.ts(1,2): error TS2322: No.\ncart.ts(3,4): error TS2322: No.", True),
        ("npx tsc | head -40", "lid.ts(1,2): error TS2322: No.\n  A lid is no cart.", False),
        ("swift build | tail", "a.swift:2:1: error: no lid\n2 | lid()\n  | `- error: no lid\n3 | \n4 | b", True),
        ("psql shop | tail -3", "ERROR:  no cart\n 1 | a lid\n(1 row)", False),
        ("python sell.py | tail", "Error: one lid is left\nsold 3", False),
        ("make || true", "error: no shop", False),
        ("make; shop --what | tail -3", "error: no shop", False),
        ("make || shop --what | tail -3", "error: no shop", False),
        ("shop logs --all | tail -3", "error: no shop", False),
        ("log show | head", "error: no shop", False),
        ("shop login |tail -3", "error: no shop", True),
        ("shop list | python sell.py | tail -3", "error: no shop", True),
        ("cat shop.txt | tail -3", "error: no shop", False),
        ("gh issue view 3 | tail -3", "error: no shop", False),
        ("strings shop | grep -i error | head -3", "error: no shop", False),
        ("python fit.py | tail -3", "Error rate: 0.1%", False),
        ("python fit.py | tail -3", "Error: 0.03", False),
        ("python fit.py | tail -3", "Error 0.03", False),
        ("python fit.py | tail -3", "error: 3 lids are left", True),
        ("python sell.py", "error: no shop", False),
    ],
)
def test_tail_and_head_hide_that_a_command_failed(command: str, printed: str, fails: bool) -> None:
    assert failed(result(command, "ok", output=printed)) == fails
    assert not failed(result(command, "interrupted", output=printed))


@pytest.mark.parametrize(
    ("first", "later", "same"),
    [
        ("npm run build", "npm run build --silent", True),
        ("pytest tests/test_cart.py", ".venv/bin/python -m pytest tests/test_cart.py -q 2>&1", True),
        ("make dist", "make dist 2>&1 | tail -5", False),
        ("make dist 2>&1 | head -5", "make dist | tail", True),
        ("make dist 2>&1 | head -5", "make dist | grep cap", False),
        ("make dist|head -5", "make dist", True),
        ("make dist | headers", "make dist", False),
        ("make dist | head; npm start", "make dist; npm start", False),
        ("make dist", "make dist; true", False),
        ("uv run ruff check src", "ruff check src", True),
        ("make -j4", "make", True),
        ("make -j4 dist", "make -j4 -n dist", False),
        ("npm publish", "npm publish --dry-run", False),
        ("make -n dist", "make -n -j4 dist", True),
        ("npm start", "npm start --version", False),
        ("helm upgrade shop", "helm upgrade --version=1.2 shop", True),
        ("make dist && head a", "make -j4 dist && head -n a", True),
        ("pytest tests/test_cart.py", "pytest tests/test_checkout.py", False),
        ("pytest tests/test_cart.py", "pytest tests/test_cart.py -k cap", False),
        ("python cart.py", "python checkout.py", False),
        ("pip install money", "pip install moneyed", False),
        ("-x", "--help", False),
        ("python move.py && tail -n 10 move.log", "tail -n 20 move.log", False),
        ("cd src && cat -n cart.py", "cat cart.py", True),
    ],
)
def test_a_retry_differs_in_options_or_launcher_or_ends_what_was_begun(first: str, later: str, same: bool) -> None:
    assert is_retry(first, later) == same


def test_what_succeeded_was_refused_or_is_not_known_is_no_failure() -> None:
    assert not failed(result("make", "ok"))
    assert not failed(result("make", "denied"))
    assert not failed(result("make", never_ran=True))
    assert not failed(ToolResult(call_id="c", name="", op="other", status="error", output="no"))
    assert not failed(result("cart.py", op="read"))
    assert failed(result("cart.py", op="edit"))


@pytest.mark.parametrize("job", ["Shell b1 is not running, so cannot be killed", "Task b1 is not running"])
def test_a_job_that_had_ended_before_it_was_to_end_is_no_failure(job: str) -> None:
    assert not failed(result("", op="other", output=f"{job} (status: completed)"))
    assert failed(result("", op="other", output=f"No {job}"))


def test_the_same_thing_again_has_the_same_signature() -> None:
    again = [signature(result(command)) for command in ("make part1", "make  part22", "cd x && make part3")]

    assert len(set(again)) == 1
    assert signature(result("make all")) not in again
    assert signature(result("make part1", op="edit")) not in again


@pytest.mark.parametrize("subject", ["src/cart.py", "./cart.py", "/shop/src/cart.py", "src\\cart.py"])
def test_an_edit_is_known_by_any_name_of_its_file(subject: str) -> None:
    mark = signature(result(subject, op="edit"))

    assert is_edit_of(mark, "/shop/src/cart.py")
    assert not is_edit_of(mark, "/shop/src/smart_cart.py")
    assert not is_edit_of(signature(result(subject)), "/shop/src/cart.py")
