from __future__ import annotations

from worker.scanning.estimate import Estimate


def test_expected_from_what_is_listed():
    """What is not listed yet is thought to be like what is; before the first repository nothing is known."""
    estimate = Estimate(4)
    assert estimate.expected is None
    estimate.add(10)
    assert estimate.expected == 40
    estimate.add(30)
    assert estimate.expected == 80
    estimate.add(0)
    estimate.add(2)
    assert estimate.expected == 42
