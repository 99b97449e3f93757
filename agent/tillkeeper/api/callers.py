"""Who asks, read from a request: the scope of its token, the terminal, the session and an approval.

Headers: `Tillkeeper-Terminal`, `Tillkeeper-Session`, `Tillkeeper-Approval`.
"""

from starlette.requests import Request

from tillkeeper.api.auth import SCOPE_KEY
from tillkeeper.api.ports import People
from tillkeeper.contract.caller import Caller

TERMINAL_HEADER = "tillkeeper-terminal"
SESSION_HEADER = "tillkeeper-session"
APPROVAL_HEADER = "tillkeeper-approval"


def caller_of(request: Request, people: People) -> Caller:
    """The caller of this request; whoever has signed in is where that was, whatever terminal the header names."""
    said = request.headers
    return people.caller(
        request.scope.get(SCOPE_KEY, "full"),
        said.get(TERMINAL_HEADER, ""),
        said.get(SESSION_HEADER, ""),
        said.get(APPROVAL_HEADER, ""),
    )
