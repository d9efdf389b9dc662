"""The policy API as Tencent TCR users know it, version 2019-09-24: one address, `/`, and the action in a header.

The vendor's clients read nothing but HTTP status 200 with a type of exactly `application/json`: with any other status
they lose the error's code, and with a charset in the type they take an error for success.
"""

from enforcer.web.vendors.tcr.answers import answer_error
from enforcer.web.vendors.tcr.calls import blueprint, is_call

__all__ = ["answer_error", "blueprint", "is_call"]
