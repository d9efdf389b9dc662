"""Time limits that must hold together, in seconds. Each leaves room for the one before it; a test ties them.

An exchange with a registry is bounded by its `timeout`. A step of work is some exchanges, and its worker renews the
claim meanwhile, so a lease ends only with its worker. A job claims no more when its budget is spent, and ends with the
last step that had begun, before RQ stops it.
"""

from __future__ import annotations

from enforcer.settings.registry import LONGEST_TIMEOUT

STEP = 4 * LONGEST_TIMEOUT
"""The longest request to a registry: a token, the request, a new token, the request once more."""

RENEW = 15
"""Between two renewals of a claim that is being worked on; one may fail."""

LEASE = 60
"""For so long a claim belongs to its worker without being renewed."""

SLICE = 10
"""Work on a baseline or a sweep before it makes room for others."""

DRAIN_BUDGET = 15
"""After that a drain makes room for the next job."""

STALE = 20
"""After so long without being judged, an event is taken from the worker that had claimed it."""

BUDGET = 20
"""After that a job claims no more keys."""

JOB_TIMEOUT = 120
"""RQ stops a job after that."""

WAKE = 30
"""After so long a wake-up counts as lost, and the next one is enqueued again."""

SWEEP_LOCK = 60
"""For so long a sweep that died keeps others from the same registry; one that lives renews it four times as often."""
