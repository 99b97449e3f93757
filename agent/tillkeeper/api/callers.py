"""Who asks, read from a request: the scope of its token, the terminal, the session and an approval.

Headers: `Tillkeeper-Terminal`, `Tillkeeper-Session`, `Tillkeeper-Approval`.
"""

from starlette.requests import Request

from tillkeeper.api.auth import SCOPE_KEY
from tillkeeper.contract.caller import Caller

TERMINAL_HEADER = "tillkeeper-terminal"
SESSION_HEADER = "tillkeeper-session"
APPROVAL_HEADER = "tillkeeper-approval"


def caller_of(request: Request) -> Caller:
    return Caller(scope=request.scope.get(SCOPE_KEY, "full"), terminal=request.headers.get(TERMINAL_HEADER, ""))
