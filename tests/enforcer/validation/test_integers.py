from __future__ import annotations

import pytest

from enforcer.validation.integers import read_integer


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("7", 7), ("-12", -12), ("9223372036854775807", 2**63 - 1)])
@pytest.mark.parametrize("padded", [False, True])
def test_plain_digits(text, number, padded):
    """Digits, with or without a sign, up to the largest number that 64 bits hold."""
    assert read_integer(text, padded=padded) == number


@pytest.mark.parametrize("text", ["", "-", " 1", "1\n", "+1", "1_0", "1.0", "1e1", "٣", "0x1", "9" * 5000])
@pytest.mark.parametrize("padded", [False, True])
def test_everything_else_is_none(text, padded):
    """Whatever else Python would read is refused, and digits without end are."""
    with pytest.raises(ValueError, match="should be an integer"):
        read_integer(text, padded=padded)


def test_zeros_in_front():
    """They are read only where a vendor's server reads them."""
    assert read_integer("010", padded=True) == 10
    with pytest.raises(ValueError, match="should be an integer"):
        read_integer("010")
