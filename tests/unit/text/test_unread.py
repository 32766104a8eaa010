"""Lines that no reader reads are known by their form, and nothing that says something is taken for one."""

from __future__ import annotations

import base64
import random

import pytest

from carryover.text.unread import is_unread
from support.costs import costing_little

CHANCE = random.Random(7)
ENCODED = base64.b64encode(CHANCE.randbytes(90)).decode()
UNREAD = (
    'd="M12.5 3.2L8.1 4.4c0 0.6 2.1 1.9 3.3 2.2 M4 4h16v2H4z M2 12.5l4.1-4.2 4.2 4.3z" />',
    "M10 10 L20 20 C30 30 40 40 50 50 S60 60 70 70 Q80 80 90 90 T100 100 Z M1 1 h5 v5 h-5 z",
    ENCODED,
    f"data:image/png;base64,{ENCODED}",
    CHANCE.randbytes(90).hex(),
    "00000010: 4865 6c6c 6f20 576f 726c 6421 0a00 0000  Hello World!....",
    "   ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 18.2/18.2 MB 30.1 MB/s eta 0:00:00",
    " 45%|████████▊           | 45/100 [00:03<00:04, 12.31it/s]",
    "[=============>          ] 57% 120/210",
    "100  1256  100  1256    0     0   5123      0 --:--:-- --:--:-- --:--:--  5126",
    "Updating files:  98% (761/776)",
    "Receiving objects: 100% (34966/34966), 626.01 MiB | 555.00 KiB/s, done.",
    "remote: Resolving deltas: 100% (36/36), completed with 13 local objects.",
    "Enumerating objects: 13, done.",
    "Delta compression using up to 8 threads",
    "(Reading database ... 95%",
    "(Reading database ...",
    "Get:4 https://archive.example.org/ubuntu focal/main amd64 shop 2.79.0 [18.7 MB]",
    "Get:5 https://archive.example.org/ubuntu focal/main amd64 till 1:2.79.0 [18.7 MB]",
    "Ign:1 http://archive.example.org/ubuntu focal InRelease",
    "remote: Total 5 (delta 0), reused 3 (delta 0), pack-reused 0",
    "-rw-r--r-- 1 dev dev 4096 Nov 20 06:12 cart.py",
    "drwxr-xr-x@ 12 ines staff 384 20 Nov 06:12 src",
    ".git/objects/1a/2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
    "/home/dev/shop/.git/logs/refs/heads/main",
    "Using cached numbers_cu12-12.1.3.1-py3-none-manylinux1_x86_64.whl (410.6 MB)",
    "Downloading https://files.example.org/packages/money-2.1.0.tar.gz (18.2 MB)",
    "10 32 32 32 14 8 8 120 7",
    "function a(b){return b.c(d,e)};var f=function(g){for(var h=0;h<g.length;h++){i(g[h])}};" * 5,
)
READ = (
    "aa:bb:cc:dd:ee:ff",
    "2031-11-20-10-45",
    ".git/config has no remote",
    "1200, 3400 and 5600",
    "Downloading took 18 minutes",
    "ok",
    "Updating files: 3 of them have no cap",
    "Receiving objects: 50% (3/6), error: RPC failed",
    "Get:2 carts from the shop",
    "Err:3 http://archive.example.org/ubuntu focal InRelease 403 Forbidden",
    "Statements   : 98% ( 761/776 )",
    "Carts passed: 85% (17/20)",
    "Prices are whole cents, never floats; checkout.py converts them, and the importer divides by 100 (see cart.py).",
    "割引は丸めのあとで上限をかけます。" * 20,
    "sha256: 1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809",
    "latest: digest: sha256:1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809 size: 1234",
    "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f809",
    "tests/test_cart.py::test_cap PASSED                                      [ 45%]",
    "tests/test_cart.py ......F.....                                          [ 45%]",
    "================== 1 failed, 83 passed in 2.13s ==================",
    "Progress: ████████░░ 80 % of the importer is done, the receipt is missing",
    '{"id":4711,"name":"cart","price":1250,"tags":["a","b"],"owner":{"id":3,"name":"Ines"}},' * 6,
    "Meet at 10, 12, 14 or 16; rooms 3, 4, 7 and 12 are free then, room 9 only after 15:30 on Monday",
    "| 2031-11-20 | 1200 | 3400 | 5600 | 7800 | 9100 | 1120 | 1340 | 1560 | 1780 |",
    "/home/dev/shop/src/components/checkout/receipt/discount/total/line/item/view/controller.py",
    "for (const item of cart.items) { total += item.price * item.count; log(item); }",
)


@pytest.mark.parametrize("line", UNREAD, ids=range(len(UNREAD)))
def test_lines_that_no_reader_reads_are_known_by_form(line: str) -> None:
    assert is_unread(line.strip())


@pytest.mark.parametrize("line", READ, ids=range(len(READ)))
def test_what_says_something_is_none_of_them(line: str) -> None:
    assert not is_unread(line.strip())


@pytest.mark.parametrize("count", [30, 2_000])
def test_a_row_of_numbers_that_ends_in_words_costs_no_time(count: int) -> None:
    """As a line of a table has them, with a label behind: of many numbers a comma can be a part, or between two."""
    row = ",".join("01"[number % 3 == 0] for number in range(count))
    with costing_little():
        assert is_unread(row)
        assert is_unread(f"{row},")
        assert not is_unread(f"{row[:59]},a label")
