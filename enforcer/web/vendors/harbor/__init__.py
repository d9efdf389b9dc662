"""The policy API as Harbor's users know it, v2.0: rules under a project, which is a namespace.

Harbor's paths name no registry, so they are about one: the first that is configured with kind `harbor`, else the first
that is configured at all.
"""

from enforcer.web.vendors.harbor.answers import answer_error
from enforcer.web.vendors.harbor.calls import blueprint, is_call

__all__ = ["answer_error", "blueprint", "is_call"]
