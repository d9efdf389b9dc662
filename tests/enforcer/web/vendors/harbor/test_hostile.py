"""Whatever is sent to the Harbor API, its answer has a documented status and Harbor's form (HarborCaller checks that).

With HYPOTHESIS_PROFILE=thorough these are 15,000 requests.
"""

from __future__ import annotations

from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.rules import HOSTILE, rule

RULES = "/library/immutabletagrules"
PATHS = [f"{RULES}/1", f"{RULES}/2", "/team/immutabletagrules/1", "/1/immutabletagrules/x", RULES, "", "/library"]
QUERIES = st.dictionaries(st.sampled_from(["page", "page_size", "q", "sort", "name"]), st.text(max_size=5))

same_redis = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@same_redis
@given(body=HOSTILE)
def test_any_create(harbor, body):
    """A rule is created, refused or in conflict."""
    assert harbor("POST", RULES, body).status_code in (201, 400, 409)


@same_redis
@given(
    method=st.sampled_from(["PUT", "PUT", "PUT", "DELETE", "GET", "POST"]),
    path=st.sampled_from(PATHS),
    query=QUERIES,
    body=HOSTILE,
)
def test_any_other_call(harbor, method, path, query, body):
    """Another call is carried out or refused, with a rule or without."""
    harbor("POST", RULES, rule())
    status = harbor(method, f"{path}?{urlencode(query)}", body).status_code
    assert status in (200, 201, 400, 404, 405, 409, 422)
