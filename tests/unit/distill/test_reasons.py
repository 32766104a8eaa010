"""What an output says of why its call failed."""

from __future__ import annotations

import pytest

from carryover.distill.commands import why


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
            "$ lint --fix\n at cart.ts:3:5 unused ━━━━\n\n  × No rate is used.\n\n  > 3 │ rate = 7\n      │ ^^^^\n\n"
            'Found 1 error.\nlint ━━━━\n\n  × Some errors were emitted.\n\nerror: script "lint" exited with code 1',
            "× No rate is used.",
        ),
        ("  × It would be:\n\n  3   │ - rate\n    7 │ + rates\n\nRead 9 files.\nFound 1 error.", "× It would be"),
        ("Rates:\n│ - tax\n│ ^\n3 7 │ rate = 7\nNone is 3", "Rates: ¶ None is 3"),
        ("Error: 1 found\nUsage:\n" + "  -q\n" * 40 + "✖  1. No rate\n   └─ Set it\n⚠  2. No tax", "✖ 1. No rate"),
        ("✖ 1 of 2 rates is old\nError: no rate for 7", "Error: no rate for 7"),
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
