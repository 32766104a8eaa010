from __future__ import annotations

import msgspec
import pytest

from carryover.distill.commands import failed, is_edit_of, signature, tried, why
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


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("Traceback:\n  File x\nValueError: no cents\n\nmore", "ValueError: no cents"),
        ("ValueError: no cents\nERROR cart: run failed", "ValueError: no cents"),
        ("error[E0425]: cannot find value", "error[E0425]: cannot find value"),
        (
            "error[E0425]: cannot find value `rate`\n --> src/cart.rs:3:5\n\nFor more information, try `--explain`.\n"
            "error: could not compile `shop` (lib) due to 1 previous error; 2 warnings emitted",
            "error[E0425]: cannot find value `rate`",
        ),
        ("error: no rate\nerror Command failed with exit code 3.", "error: no rate"),
        ('Error: no rate\n    at rate.js:3\nerror: script "build" exited with code 1', "Error: no rate"),
        ("Stdout: (empty)\nStderr: no tty\nfatal: no shop\n\nError: (none)\nExit Code: 128", "fatal: no shop"),
        ("fatal: not a git repository\nhint: init", "fatal: not a git repository"),
        (
            "PHP Fatal error:  Uncaught RateError: no rate in /shop/rates.php:40\n#0 {main}\n  thrown on line 40",
            "PHP Fatal error: Uncaught RateError: no rate in /shop/rates.php:40",
        ),
        (
            "a.py:30:16: F821 undefined name 'Rate'\n30█ except Rate:\n31│ pass",
            "a.py:30:16: F821 undefined name 'Rate'",
        ),
        (
            "Bundling\njava.lang.IllegalStateException: no cart\n\tat org.shop.Cart.total(Cart.java:19)\n"
            "Caused by: org.shop.RateException: no rate for 7\n\tat org.shop.Rates.of(Rates.java:3)\n\t... 23 more",
            "Caused by: org.shop.RateException: no rate for 7",
        ),
        (
            "Unhandled exception. System.FormatException: no rate\n   at Shop.Rates.Of(String name) in /Rates.cs:line 3"
            "\n--- End of stack trace from previous location ---\n   at Shop.Program.<Main>b__0()",
            "Unhandled exception. System.FormatException: no rate",
        ),
        (
            "no rate in the table\n    at org.shop.Rates.of(Rates.java:3)\nBUILD FAILED",
            "no rate in the table ¶ BUILD FAILED",
        ),
        ("a.ts(3,5): error TS2304: no name 'Rate'.\n\nDone in 2 s", "a.ts(3,5): error TS2304: no name 'Rate'."),
        (
            "/shop/cart.ts\n  3:5  warning  unused rate\n\n/shop/tax.ts\n  3:5   warning  unused tax  no-unused\n"
            "  19:1  error    no rate     no-undef\n  20:1  error  no tax\n\n✖ 4 problems (2 errors, 2 warnings)\n\n"
            'error: script "lint" exited with code 1',
            "/shop/tax.ts:19 error no rate no-undef",
        ),
        (
            "C:\\my shop\\Shop.csproj : error NU1101: No package Rates.\n    1 Error(s)\n\nTime Elapsed 00:02",
            "C:\\my shop\\Shop.csproj : error NU1101: No package Rates.",
        ),
        ("src/a.py:30: rate\nsrc/b.py:3: rate\nnothing to do", "src/a.py:30: rate ¶ src/b.py:3: rate ¶ nothing to do"),
        ("one\ntwo\nthree\nfour\nfive", "two ¶ three ¶ four ¶ five"),
        ("Der Preis fehlt in der Tabelle der Artikel, die heute neu angelegt wurde.", None),
        ("", ""),
        ("No such file\n+ cat x\n+ FullyQualifiedErrorId : PathNotFound\n", "No such file"),
        (
            "npm error code ERESOLVE\nnpm error A complete log of this run can be found in: /a",
            "npm error code ERESOLVE",
        ),
        (
            "npm error code EACCES\nnpm error path /a\nnpm error Error: EACCES: permission denied, rename '/a'\n"
            "npm error     at async Arborist.reify (/npm/reify/index.js:103:5)\nnpm error If you believe this might be "
            "a permissions issue, run the command again as root.",
            "npm error Error: EACCES: permission denied, rename '/a'",
        ),
        (
            "npm ERR! code E404\nnpm ERR! 404 Not Found - GET /rate\nnpm ERR! 404 You can install",
            "npm ERR! 404 Not Found - GET /rate",
        ),
        (
            "npm error code E404\nnpm error 404 Not Found - GET /rate\nTraceback:\n  File x\nRateError: no rate",
            "RateError: no rate",
        ),
        (
            "Traceback:\n  File x\nshop.rates.Error: no rate\n║ See the docs of rates.\n║ ♥ Shop",
            "shop.rates.Error: no rate",
        ),
        ("no rate for 7\nconsole.error:\nconsole.Error", "no rate for 7 ¶ console.error: ¶ console.Error"),
        (
            "npm error enoent Could not read package.json\nnpm error enoent This is related to npm not being able to "
            "find a file.\nnpm error Log files were not written due to an error writing to the directory: /a\n"
            "npm error You can rerun the command with `--loglevel=verbose` to see the logs in your terminal",
            "npm error enoent Could not read package.json",
        ),
        (
            "** (RateError) no rate in %{\n  id: 3\n}\n\n    (shop 1.0.0) lib/rates.ex:3: Rates.of/1",
            "** (RateError) no rate in %{",
        ),
        (
            "panic: no rate for 7\n\ngoroutine 1 [running]:\nmain.total(...)\n\t/cart.go:6 +0x1d\nexit status 2",
            "panic: no rate for 7",
        ),
        (
            "fatal error: out of memory\n\nruntime stack:\n" + "shop/rates.of(0x7)\n\t/shop/rates.go:3 +0xd9\n" * 30,
            "fatal error: out of memory",
        ),
        (
            "thread 'main' panicked at src/cart.rs:3:5:\nno rate for 7\nnote: run with `RUST_BACKTRACE=1` to see",
            "thread 'main' panicked at src/cart.rs:3:5: ¶ no rate for 7",
        ),
        (
            "thread 'main' (7) panicked at src/cart.rs:3:5:\nno rate for 7\nstack backtrace:\n   0: shop::rates::of\n"
            "             at ./src/rates.rs:3:5\n   1: shop::main\n             at ./src/main.rs:9:5",
            "thread 'main' (7) panicked at src/cart.rs:3:5: ¶ no rate for 7 ¶ stack backtrace:",
        ),
        ("no display\n╚════", "no display"),
        ("denied for schema shop\nLINE 1: SELECT * FROM shop\n               ^\nHINT:  Ask.", "denied for schema shop"),
        (
            "The token '&&' is not valid.\nAt line:2 char:1\n"
            "    + CategoryInfo          : ParserError: (:) [], ParentContainsErrorReco \n"
            "   rdException\n    + FullyQualifiedErrorId : InvalidEndOfLine,Microsoft.PowerShell.Commands.Invoke \n"
            "   Command",
            "The token '&&' is not valid.",
        ),
        *(
            (f"no rate for 7\n{place}\n+ Set-Rate 7\n+ ~~~~", "no rate for 7")
            for place in ("In Zeile:1 Zeichen:1", "Au caractère Ligne:1 : 1", "En C:\\a b\\c.ps1: 3 Carácter: 8")
        ),
        ("Set-Rate : none for 7\nAt C:\\shop\\a b.ps1:3 char:8\n+ Set-Rate 7\n+ ~~~~", "Set-Rate : none for 7"),
        ("Ignored paths:\na.log\nhint: Use -f if you really want to add it.", "Ignored paths: ¶ a.log"),
        ("X Not logged in\n- No token.\n- To forget it, run: gh auth logout -u ann", "X Not logged in ¶ - No token."),
        (
            "rate : The term 'rate' is not recognized as the name of a cmdlet or operable\n"
            "program. Check the spelling of the name and try again.\nAt line:1 char:1\n+ rate 3\n+ ~~~~",
            "rate : The term 'rate' is not recognized as the name of a cmdlet or operable",
        ),
        (
            "C:\\my shop\\Cart.java:5: error: package tax does not exist\nimport tax.Rate;\n1 error\n\nBUILD FAILED",
            "C:\\my shop\\Cart.java:5: error: package tax does not exist",
        ),
        ('Unknown JSON field: "rate"\nAvailable fields:\n  author\n  body\n  url', 'Unknown JSON field: "rate"'),
        (
            'Invalid search query "rate".\nThe repositories cannot be searched, as you may not see them all.',
            "The repositories cannot be searched, as you may not see them all.",
        ),
        (
            "pay.sh: line 12: syntax error near unexpected token `$'in\\r''\n'pay.sh: line 12: `  case \"$rate\" in",
            "pay.sh: line 12: syntax error near unexpected token `$'in\\r''",
        ),
        ("1x.sh: run\nbash: line 1: `1x': not a name", "1x.sh: run ¶ bash: line 1: `1x': not a name"),
        ("wsl: Failed to translate 'E:\\till'\nbash: rate: command not found", "bash: rate: command not found"),
        ("shop: unknown command: rate\n\nUsage: shop [command]\n\nFlags:\n  -q\n", "shop: unknown command: rate"),
        (
            "Unknown argument: 3\nshop rates [name]\n\nShows rates.\n\nOptions:\n  -h, --help  Show help  [boolean]",
            "Unknown argument: 3",
        ),
    ],
)
def test_what_an_output_says_of_its_failure(output: str, cause: str | None) -> None:
    assert why(output) == (output if cause is None else cause)
    assert why(f"Not found in file:\n{output}", op="edit") == "Not found in file"


@pytest.mark.parametrize(
    "output",
    [
        "Command timed out after 2m 0s\nshop 1a2b3c4 -> 5d6e7f8\nblog 2b3c4d5 -> 6e7f8a9",
        "command timed out after 10016 milliseconds\nError: still checking the registry",
        "Error: still checking the registry\nCommand timed out after 30 seconds",
    ],
)
def test_a_command_whose_time_was_up_failed_for_that(output: str) -> None:
    """What clients say first (Claude Code 2.1.226, Codex 0.77) or last (Pi 1.5.2)."""
    assert why(output) == next(line for line in output.splitlines() if "timed out" in line)


def test_what_was_raised_stands_at_the_head_of_a_long_stack() -> None:
    stack = "".join(f"  at Task Step{number}(int\n     timeout) in\n     Steps.cs:{number}\n" for number in range(30))
    assert why(f"Loading shop.csproj\nTimeoutException: No answer.\n{stack}") == "TimeoutException: No answer."
    newer = f"TimeoutException: No answer.\n{stack}error: the restore failed\n"
    assert why(newer) == "error: the restore failed"


def test_the_reason_of_a_failure_is_the_error_in_json_output() -> None:
    failed_first = '{\n "ok": false,\n "error": {\n  "code": 7,\n  "message": "no file \\"cart.json\\""\n }\n}\n'
    then_well = '{\n "ok": true,\n "data": {\n  "message": "saved",\n  "ids": [\n   "rec9"\n  ]\n }\n}'

    assert why(failed_first + then_well) == 'no file "cart.json"'
    assert why('{"error":{"message":"no rows"}}') == "no rows"
    assert why('{\n "success": false,\n "error": "no rows"\n}', op="other") == "no rows"
    assert why(f'{{\n "success": false,\n "error": "no {"row " * 200}"\n}}', op="other").startswith("no row row")
    served = '127.0.0.1 replied {"error": {"message": "no rows"}}\n1 of 9 carts differs\nmake: *** [check] Stopped\n'
    assert (
        why(served)
        == '127.0.0.1 replied {"error": {"message": "no rows"}} ¶ 1 of 9 carts differs ¶ make: *** [check] Stopped'
    )


def test_code_that_is_quoted_above_the_last_line_is_no_reason() -> None:
    quoted = "> 160 | if (cart || lid) {\n      | ^\n  161 |   sell();"
    assert why(f"No sale.\n{quoted}\nThe worker has ended.") == "No sale. ¶ The worker has ended."


def test_a_tool_that_runs_no_command_gives_its_reason_first() -> None:
    output = "No carts found for your query.\n\nFor example:\n- Instead of 'my cart', search for 'cart('"
    assert why(output, op="other") == "No carts found for your query."
    assert why(f"Traceback (most recent call last):\n{output}\nKeyError: 'cap'", op="other") == "KeyError: 'cap'"


def test_the_time_before_an_error_in_a_log_is_passed_over() -> None:
    error = "2026/11/20 06:19:25 ERROR : shop/lids: no such folder"
    assert why(f"{error}\nTransferred: 0 B / 0 B, -, 0 B/s\nElapsed time: 0.6s") == error


def test_what_powershell_7_draws_above_a_reason_is_left_out() -> None:
    output = (
        "ParserError: \r\nLine |\r\n   1 |  python - <<'PY'\r\n     |            ~\r\n     | Missing file after `<`."
    )
    assert why(output) == "ParserError: ¶ Missing file after `<`."


def test_what_a_shell_warns_of_before_an_edit_is_not_why_it_failed() -> None:
    warned = "bash: line 38: warning: here-document at line 1 delimited by end-of-file (wanted `PATCH')"
    assert why(f"{warned}\nInvalid patch hunk on line 4", op="write") == "Invalid patch hunk on line 4"
    assert why(warned, op="write") == warned


def test_an_error_that_ends_with_a_colon_comes_with_what_it_announces() -> None:
    head = "error: Your local changes to the following files would be overwritten by checkout:"
    output = f"{head}\n\tshop/log.txt\n\tshop/tax.py\n\tshop/cart.py\nPlease commit your changes.\nAborting"

    assert why(output) == f"{head} ¶ shop/log.txt ¶ shop/tax.py"
    assert why("fatal: nothing is there\nAborting") == "fatal: nothing is there"
    assert why(f"{head}\n\tshop/zebra.py\nOnce more.\n{output}") == why(output)
