from __future__ import annotations

from worker.extent import Extent


def test_expected_from_what_is_listed():
    """What is not listed yet is thought to be like what is; before the first repository nothing is known."""
    extent = Extent(4)
    assert extent.expected is None
    extent.add(10)
    assert extent.expected == 40
    extent.add(30)
    assert extent.expected == 80
    extent.add(0)
    extent.add(2)
    assert extent.expected == 42
