from __future__ import annotations

import pytest

from enforcer.errors import StoreUnavailable
from enforcer.store.schema import KEY, SCHEMA, check_schema, write_schema
from tests.fakes.stores import stores
from tests.fakes.violations import violation


@pytest.mark.parametrize("has_data", [False, True])
def test_a_store_without_a_number_is_of_the_first_schema(redis, has_data):
    """Data that is older than the number has today's layout, and has the number from then on."""
    if has_data:
        stores(redis).violations.open([violation()])
    check_schema(redis)
    write_schema(redis)
    check_schema(redis)
    assert redis.get(KEY) == str(SCHEMA).encode() == b"1"


@pytest.mark.parametrize("found", ["99", "2", "0", "", "many\n"])
def test_another_schema_is_refused(redis, found):
    """What a newer version wrote is left alone, and the text says what to do."""
    redis.set(KEY, found)
    with pytest.raises(StoreUnavailable, match="knows schema 1: run the version that wrote it"):
        check_schema(redis)
    assert redis.get(KEY) == found.encode()
