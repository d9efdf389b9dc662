from __future__ import annotations

import pytest

from enforcer.durations import read_duration
from enforcer.errors import InvalidName


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
