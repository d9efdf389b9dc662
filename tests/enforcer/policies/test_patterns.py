from __future__ import annotations

import json
import pickle
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enforcer.errors import InvalidPattern
from enforcer.names import Repository, Tag
from enforcer.policies.patterns import MAX_ALTERNATIVES, MAX_LENGTH, Pattern

VECTORS = Path(__file__).parents[2] / "data" / "patterns.jsonl"

NAME_CHARACTERS = string.ascii_letters + string.digits + "_.-"
SYNTAX = NAME_CHARACTERS + "/*?{},[]^! \\"

tags = st.builds(str.__add__, st.sampled_from(NAME_CHARACTERS.rstrip("-.")), st.text(NAME_CHARACTERS, max_size=12))
paths = st.lists(tags, min_size=1, max_size=4).map("/".join)

untimed = settings(deadline=None)  # a busy machine is no failure


def verdict(pattern: str, name: str) -> bool | str:
    try:
        return Pattern.parse(pattern).matches(name)
    except InvalidPattern:
        return "reject"


def refusal(pattern: str) -> str:
    with pytest.raises(InvalidPattern) as raised:
        Pattern.parse(pattern)
    return str(raised.value)


def test_every_vector_has_its_verdict():
    """All recorded cases come out as expected; a failure names the lines that do not."""
    lines = VECTORS.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1000
    wrong = [
        f"line {number}: {case['pattern']!r} on {case['subject']!r} gives {found}, not {case['expected']}"
        for number, case in enumerate(map(json.loads, lines), 1)
        if (found := verdict(case["pattern"], case["subject"])) != case["expected"]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a" * 513, "longer than 512 characters"),
        ("a" + " " * 512, "longer than 512 characters"),
        ("", "empty"),
        (" \t\n", "empty"),
        ("v1.!", "unexpected '!' at 3"),
        ("  v1.!", "unexpected '!' at 5"),
        ("a b", "unexpected ' ' at 1"),
        ("\\*", "unexpected '\\' at 0"),
        ("a\x00", "unexpected '\\x00' at 1"),
        ("ä", "unexpected 'ä' at 0"),
        ("a]", "unexpected ']' at 1"),
        ("b[!a]", "unexpected '!' at 2 (use [^...])"),
        ("[a!]", "unexpected '!' at 2"),
        ("[]a]", "unexpected ']' at 1"),
        ("[^]", "unexpected ']' at 2"),
        ("[a-]", "unexpected '-' at 2"),
        ("[-a]", "unexpected '-' at 1"),
        ("[a/b]", "unexpected '/' at 2"),
        ("[{a,b}]", "unexpected '{' at 1"),
        ("[[:alpha:]]", "unexpected '[' at 1"),
        ("x[ab", "unexpected '[' at 1 (no ']' closes it)"),
        ("[c-a]", "backward range in [c-a]"),
        ("x[^0-9c-a]y", "backward range in [^0-9c-a]"),
        ("a,b", "',' outside braces at 1 (use {a,b})"),
        ("a , b", "',' outside braces at 2 (use {a,b})"),
        ("a}", "'}' outside braces at 1 (use {a,b})"),
        ("}{", "'}' outside braces at 0 (use {a,b})"),
        ("{a", "unclosed '{'"),
        ("{{a,b}", "unclosed '{'"),
        ("{a,b}" * 8, "more than 128 alternatives"),
        ("{}", "matches nothing"),
        ("{,}", "matches nothing"),
        ("{{},{,{}}}", "matches nothing"),
        ("***", "'***' is no wildcard"),
        ("{*,a}**", "'***' is no wildcard"),
        ("/a", "empty path component in '/a'"),
        ("a/", "empty path component in 'a/'"),
        ("a//b", "empty path component in 'a//b'"),
        ("{a/,}/b", "empty path component in 'a//b'"),
        ("{a,}/b", "empty path component in '/b'"),
        ("**/**/**/a", "too many '**/'"),
    ],
)
def test_refusal_names_the_broken_rule(pattern, message):
    """What cannot be accepted is refused with the rule that it breaks, and the place in the text as it was sent."""
    assert refusal(pattern) == message


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("a" * 512, "a", False),
        (" {repo1 , repo2} ", "repo2", True),
        ("{\ta,\nb }c", "bc", True),
        ("{a}", "a", True),
        ("{1..3}", "2", False),
        ("{1..3}", "1..3", True),
        ("x{{a,b}}", "xb", True),
        ("a{}b", "ab", True),
        ("{{a},{b}}", "b", True),
        ("v1{,-rc}", "v1", True),
        ("{**/,}b", "b", True),
        ("a/**", "a", False),
        ("**/a", "a", True),
        ("nginx-**", "nginx-a/b", False),
        ("V*", "v1", False),
        ("*", ".hidden", True),
        ("[a-a]", "a", True),
        ("a[.-a]b", "a/b", False),
        ("*.*.*", "1.2.3-rc1", True),
    ],
)
def test_meaning(pattern, name, matches):
    """White space, single options, empty options and stars mean what the documentation of the language says."""
    assert Pattern.parse(pattern).matches(name) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "{a,b}" * 100,
        "{a,b,c,d,e,f,g,h}" * 30,
        "{" * 256 + "," + "}" * 255,
        "{a," * 127 + "b" + "}" * 128,
        "{a," * 128 + "}" * 128,
        "{" + ",".join("a" * 129) + "}",
        "**/a/" * 100 + "b",
        "**/" * 170 + "b",
        "x{/**/a,/**/b}{/**/c,/**/d}{/**/e,/**/f}",
        "{" + ",".join(f"**/{letter}/**/x" for letter in string.ascii_letters[:17]) + "}",
        "a" * 100_000,
        "\u00a0" * 512,
    ],
)
def test_hostile_pattern_is_refused(pattern):
    """What would take long to expand or to match is never compiled."""
    assert refusal(pattern)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*a" * 200 + "b", "a" * 255),
        ("*[a-z]?" * 70 + "B", "a" * 255),
        ("?*" * 255, "a" * 254),
        ("{*a,*aa}" * 7 + "*a" * 200 + "b", "a" * 255),
        ("**/a/**/b", "/".join("a" * 128)),
        ("{" * 200 + "b" + "}" * 200, "a"),
        ("{a," * 126 + "b" + "}" * 126, "c"),
    ],
)
def test_hostile_pattern_that_is_accepted_gets_an_answer(pattern, name):
    """Stars and braces are no way to keep a worker busy: the test would not end if they were."""
    assert verdict(pattern, name) is False


def test_limits_are_inclusive():
    """The longest pattern, the most alternatives and the highest cost are accepted, one more of each is not."""
    longest = "a" * MAX_LENGTH
    most = "{" + ",".join("a" * MAX_ALTERNATIVES) + "}"
    dearest = "{" + ",".join(f"**/{letter}/**/x" for letter in string.ascii_letters[:16]) + "}"
    for pattern in (longest, most, dearest):
        assert Pattern.parse(pattern).text == pattern
    assert refusal(longest + "a") == "longer than 512 characters"
    assert refusal(most.replace("{", "{a,")) == "more than 128 alternatives"
    assert refusal(dearest.replace("{", "{z,")) == "too many '**/'"


@pytest.mark.parametrize("pattern", ["**/**/**", "a**/b**/c**/d", "**/a/**/**"])
def test_only_what_crosses_components_costs(pattern):
    """A last `**` takes all that is left, and `**` beside other characters stays in its component: both are free."""
    assert Pattern.parse(pattern).text == pattern


def test_pattern_is_a_value():
    """A pattern equals another of the same text, keeps the text as sent, cannot change, and survives pickling."""
    pattern = Pattern.parse(" {a, b} ")
    assert pattern.text == " {a, b} "
    assert {pattern} == {Pattern.parse(" {a, b} ")}
    assert pattern != Pattern.parse("{a,b}")
    with pytest.raises(AttributeError):
        pattern.text = "**"
    copy = pickle.loads(pickle.dumps(pattern))
    assert copy == pattern
    assert copy.matches("b")


@untimed
@given(paths, paths)
def test_literal_pattern_matches_itself_only(literal, other):
    """Letters, digits, '.', '_', '-' and '/' stand for themselves."""
    pattern = Pattern.parse(literal)
    assert pattern.matches(literal)
    assert pattern.matches(other) is (other == literal)


@untimed
@given(paths, st.data())
def test_literal_path_does_not_match_its_variation(literal, data):
    """A name that differs in one character from a literal pattern is not matched."""
    place = data.draw(st.integers(0, len(literal) - 1))
    other = data.draw(st.sampled_from(NAME_CHARACTERS).filter(lambda character: character != literal[place]))
    assert not Pattern.parse(literal).matches(literal[:place] + other + literal[place + 1 :])


@untimed
@given(st.one_of(st.text(SYNTAX, max_size=40), st.text()), tags)
def test_any_text_is_a_pattern_or_refused(text, name):
    """Whatever is sent, the answer is a pattern that can be used or `InvalidPattern`, never another exception."""
    assert verdict(text, name) in {True, False, "reject"}


@untimed
@given(st.lists(st.text(NAME_CHARACTERS, min_size=1, max_size=2), min_size=2, max_size=6), tags)
def test_braces_match_what_one_of_their_options_matches(options, name):
    """A group is the union of its options."""
    pattern = Pattern.parse("{" + " , ".join(f"*{option}" for option in options) + "}")
    assert pattern.matches(name) is any(Pattern.parse(f"*{option}").matches(name) for option in options)


def test_names_as_types_are_matched():
    """Valid tags and repository paths can be given as the types they are."""
    assert Pattern.parse("v?").matches(Tag("v1"))
    assert Pattern.parse("team/*").matches(Repository("library/team/app").path)
