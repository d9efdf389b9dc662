"""A pytest plugin for CI: with CI=true a skipped test counts as failed, since it has shown nothing there.

An expected failure (`xfail`) is no skip: it ran.
"""

from __future__ import annotations

import os

import pytest


def pytest_configure(config):
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(_NoSkips())


class _NoSkips:
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self):
        return _failed((yield))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self):
        return _failed((yield))


def _failed(report):
    """The report of a skip, as one of a failure."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"
    return report
