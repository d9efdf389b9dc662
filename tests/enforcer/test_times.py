from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.errors import InvalidName
from enforcer.times import Time, read_duration

FIRST = -62_135_596_800 * 10**9
LAST = 253_402_300_799 * 10**9 + 999_999_999
NANOSECONDS = st.integers(FIRST, LAST)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-11-22T04:06:40Z", "2026-11-22T04:06:40.000000000Z"),
        ("2026-11-22t04:06:40z", "2026-11-22T04:06:40.000000000Z"),
        ("2026-11-22T04:06:40.5Z", "2026-11-22T04:06:40.500000000Z"),
        ("2026-11-22T04:06:40.594990671Z", "2026-11-22T04:06:40.594990671Z"),
        ("2026-11-22T04:06:40.000000001Z", "2026-11-22T04:06:40.000000001Z"),
        ("2026-11-22T04:06:40.123456789987654321Z", "2026-11-22T04:06:40.123456789Z"),
        ("2026-11-22T04:06:40+00:00", "2026-11-22T04:06:40.000000000Z"),
        ("2026-11-22T04:06:40-00:00", "2026-11-22T04:06:40.000000000Z"),
        ("2026-11-22T04:06:40.25+05:30", "2026-11-21T22:36:40.250000000Z"),
        ("2026-12-31T23:30:00.7-01:00", "2027-01-01T00:30:00.700000000Z"),
        ("2024-02-29T23:59:59.999999999+23:59", "2024-02-29T00:00:59.999999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000000Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_reads_every_rfc_3339_time(text, read):
    """Any offset and any number of digits become UTC with nine digits."""
    assert Time(text) == read
    assert len(Time(text)) == 30
    assert Time(Time(text)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-22",
        "2026-11-22T04:06:40",
        "2026-11-22 04:06:40Z",
        "2026-11-22T04:06Z",
        "2026-11-22T04:06:40.Z",
        "2026-11-22T04:06:40,5Z",
        "2026-13-22T04:06:40Z",
        "2026-02-30T04:06:40Z",
        "2026-11-22T25:06:40Z",
        "2026-11-22T04:06:60Z",
        "2026-11-22T04:06:40+24:00",
        "2026-11-22T04:06:40+01:60",
        "2026-11-22T04:06:40+0100",
        "2026-11-22T04:06:40Z\n",
        " 2026-11-22T04:06:40Z",
        "٢٠٢٦-11-22T04:06:40Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "12026-11-22T04:06:40Z",
        "2026-11-22T04:06:40." + "1" * 19 + "Z",
        "2026-11-22T04:06:40." + "1" * 100_000 + "Z",
    ],
)
def test_junk(text):
    """What is no time of the years 1 to 9999 is refused, shortly."""
    with pytest.raises(InvalidName, match="is no time") as caught:
        Time(text)

    assert len(str(caught.value)) < 200


def test_known_nanoseconds():
    """Nanoseconds count from 1970, and no digit is lost."""
    assert Time("1970-01-01T00:00:00.000000001Z").nanoseconds == 1
    assert Time("2026-11-22T04:06:40.594990671Z").nanoseconds == 1_795_320_400_594_990_671
    assert Time("1969-12-31T23:59:59.5Z").nanoseconds == -500_000_000
    assert Time.from_nanoseconds(1_795_320_400_594_990_671) == "2026-11-22T04:06:40.594990671Z"
    assert Time.from_nanoseconds(-1) == "1969-12-31T23:59:59.999999999Z"


def test_milliseconds():
    """Redis counts in milliseconds."""
    assert Time.from_milliseconds(1_795_320_400_594) == "2026-11-22T04:06:40.594000000Z"


@pytest.mark.parametrize("nanoseconds", [FIRST - 1, LAST + 1, 10**40, -(10**40)])
def test_no_such_time(nanoseconds):
    """Text of one width holds no year before 1 or after 9999."""
    with pytest.raises(InvalidName, match="between the years 1 and 9999"):
        Time.from_nanoseconds(nanoseconds)


@given(first=NANOSECONDS, second=NANOSECONDS)
def test_text_order_is_time_order(first, second):
    """Texts compare as the nanoseconds do."""
    assert (Time.from_nanoseconds(first) < Time.from_nanoseconds(second)) == (first < second)
    assert (Time.from_nanoseconds(first) == Time.from_nanoseconds(second)) == (first == second)


@given(nanoseconds=NANOSECONDS)
def test_round_trip(nanoseconds):
    """Every nanosecond of these years has its own text of 30 characters."""
    moment = Time.from_nanoseconds(nanoseconds)

    assert (moment.nanoseconds, len(moment), Time(str(moment))) == (nanoseconds, 30, moment)


@given(text=st.text(max_size=70) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\n?"))
def test_any_text_is_a_time_or_refused(text):
    """Reading raises nothing but `InvalidName`, and what it reads can be computed with."""
    try:
        moment = Time(text)
    except InvalidName:
        return
    assert Time.from_nanoseconds(moment.nanoseconds) == moment


def test_plus_and_since():
    """Seconds can be added and taken away, with fractions, and across 1970."""
    moment = Time("2026-11-22T04:06:40.594990671Z")

    assert moment.plus(120) == "2026-11-22T04:08:40.594990671Z"
    assert moment.plus(-0.5) == "2026-11-22T04:06:40.094990671Z"
    assert Time("1969-12-31T23:59:59Z").plus(2) == "1970-01-01T00:00:01.000000000Z"
    assert moment.plus(1.5).since(moment) == 1.5
    assert moment.since(moment.plus(600)) == -600


def test_now():
    """The clock of this machine counts."""
    before = time.time_ns()
    now = Time.now()

    assert before <= now.nanoseconds <= time.time_ns()


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86_400), ("007m", 420)]
)
def test_read(text, seconds):
    """A number and a unit are so many seconds."""
    assert read_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "m", "0s", "-1m", "1.5h", "1h30m", " 1h", "1h\n", "1H", "1w", "٣h", "9999999s", "one hour"]
)
def test_what_is_none(text):
    """Anything else is refused with an example; a duration of nothing is none."""
    with pytest.raises(InvalidName, match="like 90s, 30m, 2h or 1d"):
        read_duration(text)
