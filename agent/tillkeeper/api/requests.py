"""From bytes to a typed request, with an error that says where it went wrong."""

import asyncio
import re
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.problems import RequestRefused
from tillkeeper.contract.base import Id
from tillkeeper.errors import BadRequest, NotFound

T = TypeVar("T")

KEY_HEADER = "idempotency-key"
KEY_PATTERN = r"^[\x21-\x7e]{1,128}$(?!\n)"
_key = re.compile(KEY_PATTERN)
_path = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>\$[^`]*)`)?$", re.DOTALL)
_CLOSE = {"connection": "close"}


def idempotency_key(request: Request) -> str:
    """Raises `BadRequest` where there is none, more than one, or one that is not 1 to 128 visible ASCII characters."""
    keys = request.headers.getlist(KEY_HEADER)
    if len(keys) == 1 and _key.match(keys[0]):
        return keys[0]
    cause = "it is missing" if not keys else "it must be one value of 1 to 128 visible ASCII characters"
    raise BadRequest("read", "Idempotency-Key", cause, "make one new random key per intention and keep it over retries")


def path_params(request: Request) -> dict[str, str]:
    """What the path names. Text that can be no id names nothing that exists: `NotFound`."""
    params: dict[str, str] = request.path_params
    for name, value in params.items():
        try:
            msgspec.convert(value, Id)
        except msgspec.ValidationError as error:
            raise NotFound("find", name, f"{value[:64]!r} can be no id") from error
    return params


def query(request: Request, form: type[T]) -> T:
    """The query string as `form`. Raises `BadRequest` for text that is no query, `RequestRefused` 422 for a wrong field."""
    raw: bytes = request.scope["query_string"]
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(raw), errors="strict", max_num_fields=16)
    except ValueError as error:
        raise BadRequest("read", "query string", str(error)) from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("read", "query string", "a parameter is given twice")
    try:
        return msgspec.convert(fields, form, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid("query string", error) from error


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """`body` as what the route takes; no bytes at all stand for an empty object.

    Raises:
        BadRequest: not JSON (RFC 8259): malformed, not UTF-8, NaN, half a surrogate pair.
        RequestRefused: JSON of another form; 422 with `path` to the first field that does not fit.
    """
    try:
        return decoder.decode(body or b"{}")
    except msgspec.ValidationError as error:
        raise _invalid("body", error) from error
    except msgspec.DecodeError as error:
        raise BadRequest("read", "body", str(error), "send one JSON object in UTF-8") from error
    except UnicodeDecodeError as error:
        raise BadRequest("read", "body", "it is not UTF-8", "send one JSON object in UTF-8") from error
    except RecursionError as error:
        raise BadRequest("read", "body", "it is nested too deeply") from error


def _invalid(subject: str, error: msgspec.ValidationError) -> RequestRefused:
    match = _path.match(str(error))
    what, path = (match["what"], match["path"] or "$") if match else (str(error), "$")
    return RequestRefused("invalid_field", 422, "read", subject, f"{what} at {path}", "see /openapi.json", path=path)


async def read_body(request: Request, limits: ApiLimits) -> bytes:
    """The whole body, never more than the bound in memory.

    Raises:
        RequestRefused: 413 too large (by its length header, or while it arrives), 415 another content type, 408 too slow.
    """
    length = int(request.headers.get("content-length", "0"))
    expects = request.headers.get("expect", "").lower() == "100-continue"
    if length > limits.body_bytes:
        if not expects:  # who waits for "100 Continue" sends nothing before it
            await _discard(request, limits)
        raise _too_large(limits)
    _check_content_type(request, has_body=length > 0 or "transfer-encoding" in request.headers)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    break
    except TimeoutError as error:
        raise RequestRefused(
            "body_too_slow", 408, "read", "body", f"it took more than {limits.body_s:g} s", headers=_CLOSE
        ) from error
    if len(body) > limits.body_bytes:
        await _discard(request, limits)
        raise _too_large(limits)
    return bytes(body)


def _check_content_type(request: Request, *, has_body: bool) -> None:
    sent = request.headers.get("content-type", "")
    media, _, parameter = (part.strip().lower() for part in sent.partition(";"))
    json = media == "application/json" and parameter in {"", "charset=utf-8", 'charset="utf-8"'}
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if (json and encoding == "identity") or not (has_body or sent):
        return
    raise RequestRefused(
        "unsupported_media_type",
        415,
        "read",
        "body",
        f"the content is {sent[:80] or 'of no stated type'}, encoded as {encoding[:20]}",
        "send `Content-Type: application/json`, not compressed",
        headers={"accept-post": "application/json"},
    )


def _too_large(limits: ApiLimits) -> RequestRefused:
    return RequestRefused(
        "body_too_large",
        413,
        "read",
        "body",
        f"it is larger than {limits.body_bytes} bytes",
        "send fewer lines or shorter texts at a time",
        headers=_CLOSE,
        limit_bytes=limits.body_bytes,
    )


async def _discard(request: Request, limits: ApiLimits) -> None:
    """Throw away what is already on its way. A close over unread bytes would reset the connection, and the client might lose
    the answer; beyond these bounds it does."""
    thrown = 0
    try:
        async with asyncio.timeout(limits.discard_s):
            while thrown < limits.discard_bytes:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                thrown += len(message["body"])
                if not message["more_body"]:
                    return
    except TimeoutError:
        return
