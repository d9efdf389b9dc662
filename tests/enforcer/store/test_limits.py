from __future__ import annotations

from enforcer.settings.registry import RegistrySettings
from enforcer.store import limits


def test_a_lease_outlives_missed_renewals():
    """A worker that lives keeps its claims, even if one renewal fails and the next one waits for Redis."""
    assert 2 * limits.RENEW + 5 < limits.LEASE < limits.JOB_TIMEOUT


def test_a_job_ends_before_it_is_stopped():
    """What a job may begin at the end of its budget is over before RQ stops it, whatever it does."""
    assert max(limits.BUDGET, limits.DRAIN_BUDGET) + limits.STEP < limits.JOB_TIMEOUT
    assert limits.SLICE < limits.BUDGET


def test_a_step_knows_the_longest_timeout():
    """No registry may be given more time than the limits count on."""
    allowed = RegistrySettings.model_json_schema()["properties"]["timeout"]["maximum"]
    assert 4 * allowed == limits.STEP


def test_what_a_dead_drain_had_is_taken_over_by_the_next_job():
    """A wake-up that was lost comes again after what a dead drain had read may be taken over."""
    assert limits.DRAIN_BUDGET < limits.STALE < limits.WAKE < limits.JOB_TIMEOUT


def test_a_sweep_renews_its_lock_within_a_slice():
    """A slice of a sweep that lives is over, or its lock renewed, long before the lock ends."""
    assert limits.SLICE < limits.SWEEP_LOCK / 4 <= limits.RENEW
