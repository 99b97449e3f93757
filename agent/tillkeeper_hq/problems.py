"""What HQ answers when it does not do what was asked: problem details (RFC 9457) with a stable type."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

TYPE_PREFIX = "urn:tillkeeper:hq:problem:"


class Problem(Exception):
    """`code` is the last part of the problem's type and never changes its meaning."""

    def __init__(self, status: int, code: str, title: str, detail: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(f"{title}: {detail}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.retry_after_s = retry_after_s


def respond(problem: Problem) -> Response:
    headers: dict[str, str] = {}
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="tillkeeper-hq"'
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    body = {
        "type": TYPE_PREFIX + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    return Response(msgspec.json.encode(body), problem.status, headers, media_type="application/problem+json")


async def on_problem(_request: Request, error: Exception) -> Response:
    """Starlette's exception handler for `Problem`."""
    assert isinstance(error, Problem)  # noqa: S101 - registered for this type only
    return respond(error)
