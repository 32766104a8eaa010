"""Files that a shell command certainly changed."""

from __future__ import annotations

import pytest

from carryover.records.shell_files import changes, removed
from support.costs import costing_little

CWD = "/p"


def said(command: str) -> list[str]:
    """Changes in short: `modify /p/a`, `rename /p/a /p/b`."""
    return [" ".join(filter(None, (c.change, c.old_path, c.path))) for c in changes(command, CWD)]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("echo hi > a.txt", ["modify /p/a.txt"]),
        ("echo hi >> a.txt", ["modify /p/a.txt"]),
        ("echo hi>a.txt", ["modify /p/a.txt"]),
        ("jq '.a>1' in.json > out.json", ["modify /p/out.json"]),
        ("cat > 'my notes.md' << \"END\"\ntext > other\nEND", ["modify /p/my notes.md"]),
        ("cat > src/x.py <<'EOF'\nprint(1) > y\nrm z\nEOF", ["modify /p/src/x.py"]),
        ("cat <<EOF > b.py\nx\nEOF\npython b.py", ["modify /p/b.py"]),
        ("cat > f <<-EOF\n\tx\n\tEOF\nrm q", ["modify /p/f", "delete /p/q"]),
        ("pytest 2>&1 | tee -a out.log", ["modify /p/out.log"]),
        ("rm README.md", ["delete /p/README.md"]),
        ("rm -f a b", ["delete /p/a", "delete /p/b"]),
        ("git rm a", ["delete /p/a"]),
        ("mv a.py b.py && ls", ["rename /p/a.py /p/b.py"]),
        ("git mv lib/a.py lib/b.py", ["rename /p/lib/a.py /p/lib/b.py"]),
        ("mv a.py src/", ["rename /p/a.py /p/src/a.py"]),
        ("mv lib/Makefile src/Makefile", ["rename /p/lib/Makefile /p/src/Makefile"]),
        ("mv -v a.py lib/b.md src", ["rename /p/a.py /p/src/a.py", "rename /p/lib/b.md /p/src/b.md"]),
        ("mv a.py Makefile src/", ["rename /p/a.py /p/src/a.py", "rename /p/Makefile /p/src/Makefile"]),
        ("cd sub && echo x >> y", ["modify /p/sub/y"]),
        ("cd /q\necho x > y", ["modify /q/y"]),
        ("mkdir -p a && cat > a/f <<EOF\nx\nEOF\nchmod +x a/f", ["modify /p/a/f"]),
        ("cd sub && echo x > y\nmake", ["modify /p/sub/y"]),
        ("git reset HEAD p && echo 'x' >> .gitignore && git add .gitignore", ["modify /p/.gitignore"]),
        ("echo x > a; make", ["modify /p/a"]),
        ("make && make test; echo x > a; ls", ["modify /p/a"]),
        ("echo x > ../q/a", ["modify /q/a"]),
        ("# tidy up\nrm a # and > b", ["delete /p/a"]),
        ("echo 2 > a", ["modify /p/a"]),
        ("rm a && echo done", ["delete /p/a"]),
        ("cat <<<word > a\nrm b", ["modify /p/a", "delete /p/b"]),
        ("echo 'me@'\nrm a", ["delete /p/a"]),
        ("python - <<'E'\np = Path('a.md')\np.write_text('x')\nE", ["modify /p/a.md"]),
        ("cd q && python3 <<E\nwith open('a', 'w') as f:\n    f.write('x')\nE", ["modify /p/q/a"]),
        ("python - <<E\njson.dump(x, open('a', 'w'))\nPath('b').write_text('')\nE", ["modify /p/a", "modify /p/b"]),
        ("node <<'E'\nconst OUT = '/q/a';\nfs.writeFileSync(OUT, x);\nE", ["modify /q/a"]),
    ],
)
def test_plain_commands_name_the_files_they_change(command: str, expected: list[str]) -> None:
    assert said(command) == expected


@pytest.mark.parametrize(
    "command",
    [
        "grep -n '>' a",
        'echo "a > b"',
        "python -c 'print(1 > 0)'",
        "awk '$1 > 2' f",
        "pytest > /dev/null 2>&1",
        "make 2> errors.txt",
        "make &> all.txt",
        "[[ a > b ]] && echo yes",
        "ls -la | grep rm",
        "python - <<'E'\nif x:\n    open('a', 'w')\nE",
        "python - <<'E'\nopen(name, 'w')\nopen('a')\nE",
        "python - <<'E'\np = 'a'\nif x:\n    p = 'b'\nopen(p, 'w')\nE",
        "python - <<'E'\nif x: sys.exit()\nopen('a', 'w')\nE",
        "python - <<'E'\nx = \"\"\"\nopen('a', 'w')\n\"\"\"\nE",
        "python - <<'E'\nopen('a', 'w')\nE\nmake",
        "python - <<'E' || true\nopen('a', 'w')\nE",
        "ssh shop python - <<'E'\nopen('a', 'w')\nE",
        "python - <<'E'\nE\npython - <<'F'\nopen('a', 'w')\nF",
        "echo x > $FILE",
        "echo x > ~/f",
        'echo x > "$HOME/f"',
        "rm *.py",
        "rm file?.py",
        "rm {a,b}.py",
        "rm -rf build",
        "rm --interactive=always a",
        "mv notes.md docs",
        "mv notes docs",
        "mv sample.env .env",
        "mv a b c",
        "mv -t src a.py b.py",
        "mv --target-directory=src a.py b.py",
        "git rm --cached a",
        "false || echo x > y",
        "for f in a b; do echo x > y; done",
        "if true; then echo x > y; fi",
        "(echo x > y)",
        "echo $(date) > y",
        "echo `date` > y",
        "sleep 1 & echo x > y",
        "diff <(a) <(b) > c",
        "git commit -m \"$(cat <<'EOF'\nx > y\nEOF\n)\"",
        'echo "unterminated > y',
        "@'\nadd('end', '<p>Cart: none</p>');\n'@ | Set-Content $page",
        "cd $WHERE && echo x > y",
        "cd - && echo x > y",
        "pushd q && echo x > y",
        "make &&\n echo x > y; ls",
        "try { echo x > y } catch { }",
        "test -d q && cd q\necho x > y",
        'mv a.py "$TARGET.py"',
        'mv "$SOURCE.py" a.py',
        "echo a # > b",
        *(
            "rm a; ls",
            "mv a.py b.py; ls",
            "test -f a && echo x > y; ls",
            "rm a\nmake",
        ),  # the first may fail
    ],
)
def test_what_only_looks_like_a_change_or_might_be_read_otherwise_is_none(command: str) -> None:
    assert said(command) == []


def test_an_endless_command_costs_no_time() -> None:
    with costing_little():
        changes("echo x > y " + "word " * 200_000, CWD)
        changes("cat > y <<EOF\n" + "line\n" * 100_000 + "EOF", CWD)
        changes("python - <<EOF\n" + "a = '" * 20_000 + " \n" * 20_000 + "EOF", CWD)


@pytest.mark.parametrize("folder", ["D:/shop/sales", "D:\\shop\\sales"])
def test_a_file_moved_on_windows_gets_a_path_of_windows(folder: str) -> None:
    (moved,) = changes(f'cd "{folder}" && mkdir -p old && mv offer.pdf "old/"', "D:\\shop")

    assert (moved.old_path, moved.path) == ("D:\\shop\\sales\\offer.pdf", "D:\\shop\\sales\\old\\offer.pdf")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("rm -rf build dist/", ["/p/build", "/p/dist"]),
        ("cd sub && rm -r old && ls", ["/p/sub/old"]),
        ("rm -rf build; npm run build", ["/p/build"]),
        ("git rm -r lib", ["/p/lib"]),
        ('rm -rf "$HOME/.skills/web" ~/notes/ ${HOME}/old', ["~/.skills/web", "~/notes", "~/old"]),
        ("rm -r build; npm run build", []),  # which may not be there
        ("rm -rf build/* $OUT ~", []),
        ("git rm -r --cached lib", []),
        ("rm -f a b", []),
        ("test -d old && rm -rf old; ls", []),
        ("echo 'rm -rf lib'", []),
    ],
)
def test_what_is_removed_with_all_that_is_in_it(command: str, expected: list[str]) -> None:
    assert list(removed(command, CWD)) == expected
