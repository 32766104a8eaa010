from __future__ import annotations

from typing import Literal

import pytest

from carryover.testruns.related import related, verdict
from carryover.testruns.run import TestRun


@pytest.mark.parametrize(
    ("test", "source"),
    [
        ("tests/test_cart.py", "src/shop/cart.py"),
        ("test_cart.py", "cart.py"),
        ("cart_test.py", "cart.py"),
        ("tests/test_cart.py", "src/shop/_cart.py"),
        ("tests/test_cart.py", "src/shop/cart/__init__.py"),
        ("tests/unit/cart/test_api.py", "src/shop/cart/api.py"),
        ("backend/tests/test_cart.py", "backend/shop/cart.py"),
        ("cart/cart_test.go", "cart/cart.go"),
        ("src/cart.test.ts", "src/cart.ts"),
        ("src/cart.spec.tsx", "src/cart.tsx"),
        ("src/__tests__/cart.ts", "src/cart.ts"),
        ("src/cart.test.tsx", "src/cart/index.tsx"),
        ("test/CartItem.test.js", "lib/cart-item.mjs"),
        ("src/test/java/shop/CartTest.java", "src/main/java/shop/Cart.java"),
        ("src/test/kotlin/shop/CartIT.kt", "src/main/java/shop/Cart.java"),
        ("tests/cart_test.rs", "src/cart.rs"),
        ("tests/cart.rs", "src/cart.rs"),
        ("spec/cart_spec.rb", "app/cart.rb"),
        ("tests/cart_test.cpp", "src/cart.h"),
    ],
)
def test_a_test_file_goes_with_the_source_of_its_name(test: str, source: str) -> None:
    assert related(test, source)


@pytest.mark.parametrize(
    ("test", "source"),
    [
        ("tests/test_cart.py", "src/user.py"),
        ("tests/test_cart.py", "src/cart.ts"),
        ("tests/test_cart.py", "tests/test_cart.py"),
        ("tests/test_cart.py", "tests/cart.py"),
        ("src/cart.py", "src/cart.py"),
        ("src/cart.py", "lib/cart.py"),
        ("tests/distill/test_task.py", "src/publish/task.py"),
        ("tests/test_cart.py", "README.md"),
        ("latest.py", "la.py"),
    ],
)
def test_other_files_do_not(test: str, source: str) -> None:
    assert not related(test, source)


def run(status: Literal["pass", "fail", "unknown"] = "pass", **facts: object) -> TestRun:
    return TestRun(status=status, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "path", "expected"),
    [
        (run(), "src/cart.py", "pass"),
        (run("fail"), "src/cart.py", None),
        (run("unknown"), "src/cart.py", None),
        (run(paths=("tests/test_a.py",)), "tests/test_b.py", None),
        (run(paths=("tests/test_a.py",)), "tests/test_a.py", "pass"),
        (run(paths=("tests/test_a.py",)), "src/a.py", "pass"),
        (run(paths=("tests/test_a.py",)), "src/b.py", None),
        (run(paths=("tests",)), "tests/test_b.py", "pass"),
        (run(paths=("tests/",)), "src/b.py", "pass"),
        (run(paths=("backend/tests",)), "backend/shop/b.py", "pass"),
        (run(paths=("backend/tests",)), "frontend/b.ts", None),
        (run(paths=("tests/jobs",)), "src/jobs/export.py", "pass"),
        (run(paths=("tests/jobs",)), "src/mail/send.py", None),
        (run(paths=("tests/jobs",)), "app/jobs.py", "pass"),
        (run(paths=("backend/tests/unit/jobs",)), "backend/jobs/export.py", "pass"),
        (run(paths=("backend/tests/unit/jobs",)), "frontend/jobs/export.py", None),
        (run(paths=("/home/dev/shop",)), "/home/dev/shop/src/b.py", "pass"),
        (run(paths=("tests",), excluded=("tests/slow",)), "tests/slow/test_b.py", None),
        (run(excluded=("tests/slow",)), "src/slow/b.py", None),
        (run(excluded=("tests/slow",)), "src/b.py", "pass"),
        (run(selective=True), "src/cart.py", None),
        (run(selective=True, files={"tests/test_cart.py": "pass"}), "tests/test_cart.py", None),
        (run("fail", selective=True, files={"tests/test_cart.py": "fail"}), "tests/test_cart.py", "fail"),
        (run("fail", files={"tests/test_cart.py": "fail", "tests/test_b.py": "pass"}), "src/cart.py", "fail"),
        (run("fail", files={"tests/test_cart.py": "fail", "tests/test_b.py": "pass"}), "src/b.py", "pass"),
        (run("fail", files={"tests/test_cart.py": "fail"}), "src/user.py", None),
        (run("fail", files={"/home/dev/shop/n.test.mjs": "fail"}), "n.test.mjs", "fail"),
        (run("fail", files={"shop.CartTest": "fail"}), "src/main/java/shop/Cart.java", "fail"),
        (run("fail", files={"shop.CartTest": "fail"}), "src/test/java/shop/CartTest.java", "fail"),
        (run("fail", files={"CartTest": "fail"}), "src/test/kotlin/shop/CartTest.kt", "fail"),
        (run("fail", files={"example.com/shop/cart": "fail"}), "cart/cart.go", "fail"),
        (run("fail", files={"example.com/shop/cart": "fail"}), "user/user.go", None),
    ],
)  # fmt: skip
def test_what_a_run_says_of_a_file(seen: TestRun, path: str, expected: str | None) -> None:
    assert verdict(seen, path) == expected
