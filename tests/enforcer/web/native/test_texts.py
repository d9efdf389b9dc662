from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enforcer import names
from enforcer.errors import InvalidName
from enforcer.web.native import texts

KINDS = {
    names.RegistryName: texts.REGISTRY,
    names.Namespace: texts.NAMESPACE,
    names.Repository: texts.REPOSITORY,
    names.Tag: texts.TAG,
    names.Digest: texts.DIGEST,
}


def fits(schema, text) -> bool:
    """Whether a JSON schema takes a text; there, unlike here, $ is the end and nothing else."""
    pattern = schema["pattern"].removesuffix("$") + r"\Z"
    return len(text) <= schema.get("maxLength", len(text)) and re.search(pattern, text) is not None


def is_name(kind, text) -> bool:
    try:
        kind(text)
    except InvalidName:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(data=st.data())
def test_the_schema_says_what_a_name_is(kind, data):
    """What a schema takes is a name, and what is almost one is taken if and only if it is one."""
    schema = KINDS[kind]
    text = data.draw(st.from_regex(schema["pattern"].removesuffix("$") + r"\Z"))
    assert is_name(kind, text) is fits(schema, text)
    at = data.draw(st.integers(0, len(text)))
    other = text[:at] + data.draw(st.sampled_from(list("aA0_.-/: \n٣"))) + text[at:]
    assert is_name(kind, other) is fits(schema, other)


@pytest.mark.parametrize(("kind", "length"), [(names.Namespace, 255), (names.Repository, 255), (names.Tag, 128)])
def test_the_schema_says_how_long_a_name_is(kind, length):
    """The longest name is one for both, and a longer text is none."""
    for size in (length, length + 1):
        text = "a" * size
        assert is_name(kind, text) is fits(KINDS[kind], text) is (size == length)
