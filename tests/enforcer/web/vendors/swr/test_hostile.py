"""Whatever is sent to the SWR API, its answer has a documented status and the vendor's form (SwrCaller checks that).

With HYPOTHESIS_PROFILE=thorough these are 15,000 requests.
"""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.rules import HOSTILE, rule

RULES = "/namespaces/library/immutabletagrules"
PATHS = [f"{RULES}/1", f"{RULES}/2", "/namespaces/team/immutabletagrules/1", "/immutabletagrules", "/namespaces"]
QUERIES = st.dictionaries(st.sampled_from(["offset", "limit", "namespace_id", "name"]), st.text(max_size=5))

same_redis = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@same_redis
@given(body=HOSTILE)
def test_any_create(roomy, body):
    """A rule is created, refused or in conflict."""
    assert roomy("POST", RULES, body).status_code in (201, 400, 409)


@same_redis
@given(
    method=st.sampled_from(["PUT", "PUT", "PUT", "DELETE", "GET", "POST"]),
    path=st.sampled_from(PATHS),
    query=QUERIES,
    body=HOSTILE,
)
def test_any_other_call(roomy, method, path, query, body):
    """Another call is carried out or refused, with a rule or without."""
    roomy("POST", RULES, rule())
    status = roomy(method, f"{path}?{urlencode(query)}", body).status_code
    assert status in (200, 204, 400, 404, 405, 409)
