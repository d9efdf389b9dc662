"""The policy API as users of Huawei SWR Enterprise know it; an instance is a registry, by its name.

The vendor's SDK takes every redirect for success, knows an error only by `error_code` and `error_msg` at the top of its
body, and the id of a request only by the header `X-Request-Id`, which every answer therefore has.
"""

from enforcer.web.vendors.swr.answers import answer_error
from enforcer.web.vendors.swr.calls import blueprint, is_call

__all__ = ["answer_error", "blueprint", "is_call"]
