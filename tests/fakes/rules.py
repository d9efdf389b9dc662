"""Rules as clients of SWR and Harbor send them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st


def selector(decoration: str, pattern: str, **more: Any) -> dict[str, Any]:
    """A selector with the kind that there is."""
    return {"kind": "doublestar", "decoration": decoration, "pattern": pattern, **more}


def rule(tags: str = "**", repositories: str = "**", **fields: Any) -> dict[str, Any]:
    """A rule on tags and repositories that match; fields replace its own."""
    return {
        "tag_selectors": [selector("matches", tags)],
        "scope_selectors": {"repository": [selector("repoMatches", repositories)]},
        **fields,
    }


_FIELDS = ["id", "priority", "disabled", "action", "template", "params", "tag_selectors", "scope_selectors"]
_WORDS = [*_FIELDS, "repository", "kind", "decoration", "pattern", "extras"]
_TEXTS = ["doublestar", "matches", "repoMatches", "excludes", "repoExcludes", "**", "{a,b}", "immutable", ""]
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(_TEXTS)
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(_WORDS) | st.text(max_size=5)
    return st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)


def _nearly(anything: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Rules with some of it changed: what is quite wrong is refused at the door."""
    changes = st.dictionaries(st.sampled_from(_FIELDS), anything, max_size=2)
    selectors = st.dictionaries(st.sampled_from(["kind", "decoration", "pattern", "extras"]), anything, max_size=1)
    return st.builds(
        lambda rule_changes, tag_changes: rule(tag_selectors=[selector("matches", "**") | tag_changes], **rule_changes),
        changes.map(lambda fields: {name: fields[name] for name in fields if name != "tag_selectors"}),
        selectors,
    )


_ANYTHING = st.recursive(_LEAVES, _nested, max_leaves=12)

HOSTILE = _ANYTHING | _nearly(_ANYTHING) | _nearly(_LEAVES) | st.binary(max_size=40)
"""Bodies that somebody may send: JSON of any shape, rules with something wrong about them, bytes."""
