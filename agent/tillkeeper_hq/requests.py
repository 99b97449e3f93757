"""What the rooms of HQ's API do alike with a request: whose it is, its body, its answer."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tillkeeper_hq.credentials import Caller
from tillkeeper_hq.problems import Problem


class Asked(Protocol):
    """The body of a register's request."""

    @property
    def register(self) -> str: ...


T = TypeVar("T")
A = TypeVar("A", bound=Asked)


class Requests(NamedTuple):
    """`caller`: whose token it is. `body`: of a request, bounded. `change`, `read`: in the database, failures as problems."""

    caller: Callable[[Request], Caller]
    body: Callable[[Request], Awaitable[bytes]]
    change: Callable[..., Awaitable[Any]]
    read: Callable[..., Awaitable[Any]]

    async def decoded(self, request: Request, decoder: "msgspec.json.Decoder[T]", what: str, most_bytes: int) -> T:
        body = await self.body(request)
        if len(body) > most_bytes:
            raise Problem(413, "too_large", "The body is too large", f"at most {most_bytes} bytes")
        try:
            return decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(400, "bad_request", f"The body is not {what}", str(error)) from error

    async def of_register(
        self, request: Request, decoder: "msgspec.json.Decoder[A]", what: str, most_bytes: int, *, does: str
    ) -> tuple[str, A]:
        """The store, and what a register of it says of itself. `does`: what only a register does, as "takes orders"."""
        caller = self.caller(request)
        if not caller.register:
            raise Problem(403, "forbidden", f"Only a register {does}")
        asked = await self.decoded(request, decoder, what, most_bytes)
        if (caller.store, caller.register) != (request.path_params["store"], asked.register):
            words = f"it speaks for {caller.store}/{caller.register}"
            raise Problem(403, "not_your_register", "The token is another register's", words)
        return caller.store, asked


def answer(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, {"Cache-Control": "no-store"}, media_type="application/json")
