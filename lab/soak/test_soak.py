"""What `make soak` says of its rows."""

from soak.figures import Row, Timings, drift


def row(minutes: float, *, resident_mb: float = 70.0, handles: int = 20) -> Row:
    timings = Timings(hooks=[0.005, 0.010], lines=[0.1], missed=1)
    return Row("laptop", minutes, resident_mb, handles, 15, 1.5, 0.5, timings, 12.0)


def test_what_a_daemon_needs_may_differ_from_row_to_row_but_not_grow() -> None:
    times = range(0, 480, 10)

    assert drift([row(at, resident_mb=60 + at % 30) for at in times]) == []
    assert drift([row(at, resident_mb=40 if at < 60 else 90) for at in times]) == []
    assert drift([row(at, handles=20 + at // 20) for at in times]) == ["soak: handles of laptop grew from 26.0 to 41.0"]
    [grown] = drift([row(at, resident_mb=70 + at / 10) for at in times])
    assert grown.startswith("soak: RSS MB of laptop grew")


def test_a_row_tells_middle_and_worst_times() -> None:
    assert str(row(10)) == "| laptop | 10 | 70.0 | 20 | 15 | 1.5 | 0.5 | 8/10 (2) | 100/100 (1, 1) | 12 |"
