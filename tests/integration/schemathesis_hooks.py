"""What schemathesis cannot know by itself: what a pattern looks like."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies

PATTERNS = ["**", "*", "v*", "latest", "r?", "[0-9].*", "{a,b}", "{v1{,-rc},v2}", "a/**", "**/b", "x-[^a-c]", " a "]

schemathesis.openapi.format("tag-pattern", strategies.sampled_from(PATTERNS))
