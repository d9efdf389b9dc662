from __future__ import annotations

import importlib
import itertools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from enforcer.cli.policy import policy
from enforcer.policies.patterns import Pattern

matching = importlib.import_module("enforcer.cli.policy.match")
VECTORS = Path(__file__).parents[3] / "data" / "patterns.jsonl"


def run(*arguments, stdin=None):
    return CliRunner().invoke(policy, ["match", *arguments], input=stdin)


def answers(*lines: object):
    """What `--json` says to the lines; text goes in as it is, anything else as JSON."""
    stdin = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    result = run("--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def case(pattern: str, subject: str):
    return {"pattern": pattern, "subject": subject}


def test_all_names_match():
    """Each name gets a line of its own, aligned; exit status 0 when every name matches."""
    result = run("v*", "v1", "v2.0-rc1")
    assert result.stdout == "v1        matches\nv2.0-rc1  matches\n"
    assert result.exit_code == 0


def test_one_name_does_not_match():
    """Exit status 1 when one name does not match, wherever it stands."""
    result = run("{team/*,ops/**}", "latest", "team/app", "ops/a/b")
    assert result.stdout == "latest    does not match\nteam/app  matches\nops/a/b   matches\n"
    assert result.exit_code == 1


def test_invalid_name_does_not_match():
    """What cannot be a tag or a repository matches nothing, and the line says why."""
    result = run("**", "a//b", "v1\n")
    first, second = result.stdout.splitlines()
    assert first.startswith("a//b    does not match ('a//b' is no repository: ")
    assert second.startswith("'v1\\n'  does not match ")
    assert "is no tag: " in second
    assert result.exit_code == 1


def test_refused_pattern():
    """A pattern that breaks a rule is an error with the rule on standard error, exit status 1."""
    result = run("[!a]", "b")
    assert result.stderr == "Error: the pattern is refused: unexpected '!' at 1 (use [^...])\n"
    assert result.stdout == ""
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a PATTERN and at least one NAME, or --json"),
        (["v*"], "give a PATTERN and at least one NAME, or --json"),
        (["v*", "--json"], "--json takes patterns and subjects from standard input"),
        (["--json", "v*", "v1"], "--json takes patterns and subjects from standard input"),
    ],
)
def test_wrong_usage(arguments, message):
    """Without names, or with names and --json, the usage is explained with exit status 2."""
    result = run(*arguments)
    assert message in result.stderr
    assert result.exit_code == 2


def test_help_shows_examples_and_exit_status():
    """The help can be used without any other page."""
    result = run("--help")
    assert result.exit_code == 0
    assert "\n    enforcer policy match 'v*' v1 v2.0 latest\n" in result.stdout
    assert "\n    1  a NAME does not match, or the pattern is refused\n" in result.stdout


def test_json_gives_every_vector_its_verdict():
    """All recorded cases, fed as they are with fields that the command does not know, come out as expected."""
    lines = VECTORS.read_text(encoding="utf-8").splitlines()
    wrong = [
        f"{vector} gives {answer}"
        for vector, answer in zip(map(json.loads, lines), answers(*lines), strict=True)
        if {**case(vector["pattern"], vector["subject"]), "match": vector["expected"]}
        != {key: value for key, value in answer.items() if key != "reason"}
        or (answer["reason"] is None) is (vector["expected"] == "reject")
    ]
    assert not wrong, "\n".join(wrong)


def test_json_says_why_a_pattern_is_refused():
    """A refused pattern is answered with "reject" and the rule, before the subject is looked at."""
    assert answers(case("a,b", "A//B")) == [
        {"pattern": "a,b", "subject": "A//B", "match": "reject", "reason": "',' outside braces at 1 (use {a,b})"}
    ]


def test_json_says_why_a_subject_cannot_match():
    """ "reject" is about the pattern alone: an invalid subject does not match, and the reason says what is wrong."""
    (answer,) = answers(case("**", "a b"))
    assert answer["match"] is False
    assert answer["reason"].startswith("'a b' is no repository: ")
    assert "'a b' is no tag: " in answer["reason"]


@pytest.mark.parametrize(
    ("line", "pattern", "subject", "reason"),
    [
        ("v* v1", None, None, "the line is no JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[" * 100_000, None, None, "the line is no JSON: maximum recursion depth exceeded"),
        ('["v*", "v1"]', None, None, 'the line is no JSON object with "pattern" and "subject"'),
        ('{"subject": "v1"}', None, "v1", 'the line has no "pattern" that is a string'),
        ('{"pattern": "v*", "subject": 1}', "v*", None, 'the line has no "subject" that is a string'),
        ('{"pattern": NaN, "subject": null}', None, None, 'the line has no "pattern" that is a string'),
    ],
)
def test_json_answers_a_bad_line_and_goes_on(line, pattern, subject, reason):
    """A line that is no case is answered with what is wrong with it, and so are the lines after it."""
    bad, good = answers(line, case("v*", "v1"))
    assert bad["reason"].startswith(reason)
    assert bad == {"pattern": pattern, "subject": subject, "match": "reject", "reason": bad["reason"]}
    assert good == {"pattern": "v*", "subject": "v1", "match": True, "reason": None}


def test_json_survives_bytes_that_are_no_text():
    """A line that is not UTF-8 is a bad line like others, not the end of the run."""
    result = run("--json", stdin=b'{"pattern": "\xff"}\n{"pattern": "**", "subject": "a"}\n')
    bad, good = map(json.loads, result.stdout.splitlines())
    assert bad["match"] == "reject"
    assert bad["reason"].startswith("the line is no JSON: ")
    assert good["match"] is True


def test_json_answers_surrogates_in_plain_text():
    """Half a character in a pattern or a subject is answered in JSON that every reader takes."""
    (answer, other) = answers('{"pattern": "\\ud800", "subject": "a"}', '{"pattern": "*", "subject": "\\ud800"}')
    assert answer["reason"] == "unexpected '\\ud800' at 0"
    assert other["match"] is False


def test_json_skips_blank_lines():
    """A blank line, such as the last of a file, is no case."""
    assert len(answers("", case("v*", "v1"), "  ", "")) == 1


def test_json_streams():
    """An answer does not wait for the next line: input without end is answered line by line."""
    endless = itertools.repeat(json.dumps(case("v*", "v1")).encode())
    first = list(itertools.islice(matching._answers(endless), 3))
    assert len(first) == 3


def test_json_compiles_a_pattern_once(monkeypatch):
    """Lines that repeat a pattern, or a refused one, do not pay for it again."""
    parsed = []
    parse = Pattern.parse

    def counted(text: str) -> Pattern:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(Pattern, "parse", counted)
    matching._compiled.cache_clear()
    answers(*[case("once*", "a"), case("once[", "a")] * 20)
    assert parsed == ["once*", "once["]
