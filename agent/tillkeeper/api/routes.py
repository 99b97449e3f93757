"""One row of the route table, and how rows of commands and of reads are made."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tillkeeper.api.ports import Till
from tillkeeper.contract import commands as c
from tillkeeper.contract.base import Command, ShortText
from tillkeeper.contract.caller import INTEGRATION, Caller

JSON = "application/json"


class Call(msgspec.Struct, frozen=True):
    """A request, taken apart. `body` and `query` are what the operation's types say, None where it has none. `session`: the
    header of this name, for what is about the session itself. `address`: of the machine that asks, empty on the unix socket."""

    params: dict[str, str]
    key: str = ""
    body: Any = None
    query: Any = None
    caller: Caller = INTEGRATION
    session: str = ""
    address: str = ""


class Answer(msgspec.Struct, frozen=True):
    """`replayed`: this is the answer of the first time that the key was seen."""

    value: Any
    replayed: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """`body` is decoded from JSON and `query` from the query string; `changes`: it wants an Idempotency-Key. `media`: what the
    answer is; anything but JSON comes as bytes."""

    method: str
    path: str
    id: str
    summary: str
    answer: Any
    run: Callable[[Till, Call], Awaitable[Answer]]
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    changes: bool = False
    tag: str = ""
    media: str = JSON


class PersonBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks."""

    by: ShortText = ""


def path_names(path: str) -> tuple[str, ...]:
    """The names in braces: `/v1/checks/{check_id}` -> ("check_id",)."""
    return tuple(part[1:-1] for part in path.split("/") if part.startswith("{"))


def body_of(command: type[Command], given: tuple[str, ...]) -> type[msgspec.Struct]:
    """The struct of the request body: the command's fields with their bounds, without those that the path gives."""
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(command):
        if field.name in given:
            continue
        default: Any = msgspec.NODEFAULT
        if field.default_factory is not msgspec.NODEFAULT:
            default = msgspec.field(default_factory=field.default_factory)
        elif field.default is not msgspec.NODEFAULT:
            default = msgspec.field(default=field.default)
        fields.append((field.name, field.type, default))
    return msgspec.defstruct(
        f"{command.__name__}Body",
        fields,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        namespace={"__doc__": command.__doc__ or ""},
        module=__name__,
    )


def command(path: str, form: type[c.AnyCommand], summary: str, tag: str = "checks") -> Operation:
    body = body_of(form, path_names(path))
    names = [field.name for field in msgspec.structs.fields(body)]

    async def run(till: Till, call: Call) -> Answer:
        given: dict[str, Any] = call.params | {name: getattr(call.body, name) for name in names}
        result, replayed = await till.execute(call.key, form(**given), call.caller)
        return Answer(result, replayed)

    return Operation(
        method="POST",
        path=path,
        id=str(form.__struct_config__.tag),
        summary=summary,
        answer=c.CommandResult,
        run=run,
        body=body,
        changes=True,
        tag=tag,
    )


def read(
    path: str,
    name: str,
    summary: str,
    answer: Any,
    run: Callable[[Till, Call], Awaitable[Answer]],
    *,
    tag: str = "register",
    query: type[msgspec.Struct] | None = None,
) -> Operation:
    return Operation(method="GET", path=path, id=name, summary=summary, answer=answer, run=run, query=query, tag=tag)
