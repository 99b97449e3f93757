"""Errors as problem documents (RFC 9457), made in one place. The type is `urn:tillkeeper:problem:<code>`; operation, subject,
cause, hint and retry_safe are extension members (section 3.2), and so is everything in the error's `extra`."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tillkeeper.api.headers import EVERY
from tillkeeper.errors import Refused, TillkeeperError, about

CONTENT_TYPE = "application/problem+json"
MAX_WORDS = 500
"""A cause may quote what the client sent; an answer never grows with it."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The members that every problem has; each kind may add its own (allowed tenders, amounts, an error id)."""

    type: str
    title: str
    status: int
    detail: str
    operation: str
    subject: str
    cause: str
    hint: str
    retry_safe: bool


class RequestRefused(Refused):
    """The API itself says no, before the register was asked. Carries the HTTP status and headers of the answer."""

    def __init__(
        self,
        code: str,
        status: int,
        operation: str,
        subject: str,
        cause: str,
        hint: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(code, operation, subject, cause, hint, **extra)
        self.status = status
        self.headers = dict(headers or {})


def _short(text: str) -> str:
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1] + "…"


def problem_of(error: TillkeeperError) -> dict[str, Any]:
    """The members of the document, in the order in which they are read best."""
    problem = Problem(
        type=f"urn:tillkeeper:problem:{error.code}",
        title=error.code.replace("_", " ").capitalize(),
        status=error.status,
        detail=_short(f"{about(error.operation, error.subject)}: {error.cause}"),
        operation=_short(error.operation),
        subject=_short(error.subject),
        cause=_short(error.cause),
        hint=_short(error.hint),
        retry_safe=error.retry_safe,
    )
    members = msgspec.structs.asdict(problem)
    return members | {name: value for name, value in error.extra.items() if name not in members}


def encode_problem(error: TillkeeperError) -> bytes:
    """As JSON; what JSON does not know is written as its text."""
    return msgspec.json.encode(problem_of(error), enc_hook=str)


def problem_headers(error: TillkeeperError) -> dict[str, str]:
    headers = dict(EVERY)
    if error.status == 429:
        headers["connection"] = "close"  # who comes too often comes by a new connection, and of those one address has few
    if error.status == 503:
        headers["retry-after"] = "1"
    if isinstance(wait_s := error.extra.get("retry_after_s"), int):
        headers["retry-after"] = str(wait_s)
    if isinstance(error, RequestRefused):
        headers |= error.headers
    return headers


def problem_response(error: TillkeeperError) -> Response:
    return Response(encode_problem(error), error.status, problem_headers(error), CONTENT_TYPE)


def internal(error_id: str) -> TillkeeperError:
    """What a client sees of a defect: nothing of the inside, only under which id the log tells more."""
    return TillkeeperError(
        "answer",
        "request",
        "an unexpected error",
        f"the log has it under {error_id}; the same Idempotency-Key makes a retry safe",
        error_id=error_id,
    )


async def answer_problem(error: TillkeeperError, scope: Scope, receive: Receive, send: Send) -> None:
    """For HTTP, and for a WebSocket not yet accepted: its handshake gets the same document (ASGI "denial response")."""
    if scope["type"] == "http":
        await problem_response(error)(scope, receive, send)
        return
    await send_problem(error, "websocket.http.response.start", send)


async def send_problem(error: TillkeeperError, start: str, send: Send, more: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """`start`: the ASGI message that begins the answer; `more`: headers besides its own."""
    body = encode_problem(error)
    headers = problem_headers(error) | {"content-type": CONTENT_TYPE, "content-length": str(len(body))}
    raw = [*((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()), *more]
    await send({"type": start, "status": error.status, "headers": raw})
    await send({"type": start.replace(".start", ".body"), "body": body, "more_body": False})
