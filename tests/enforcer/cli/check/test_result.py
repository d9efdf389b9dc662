from __future__ import annotations

from enforcer.cli.check.result import Level, failed, ok, warning


def test_levels():
    """Each way to say something has its level."""
    assert [make("it", "is").level for make in (ok, warning, failed)] == [Level.OK, Level.WARNING, Level.FAILED]


def test_one_line():
    """The end of a log, which an error may quote, stays one line, also in JSON."""
    finding = failed("redis", "it ended with\n  fatal:\tno space\n")
    assert finding.line == "it ended with fatal: no space"
    assert finding.as_dict() == {"level": "failed", "subject": "redis", "text": "it ended with fatal: no space"}
