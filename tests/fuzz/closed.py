"""Every operation of a document, asked by those who may not: nobody's token, a wrong one, none."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import httpx

WRONG: dict[str, str | None] = {
    "none": None,
    "empty": "Bearer",
    "wrong": "Bearer " + "0123456789abcdef" * 3,
    "basic": "Basic dGlsbGtlZXBlcjp0aWxsa2VlcGVy",
}
METHODS = ("get", "post", "put", "patch", "delete")


class Asked(NamedTuple):
    method: str
    path: str
    how: str
    answer: httpx.Response


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def is_open(described: Mapping[str, Any]) -> bool:
    return described.get("security") == []


async def ask_all(url: str, document: Mapping[str, Any], known: Mapping[str, list[str]]) -> list[Asked]:
    """Each closed operation in each wrong way, with ids that exist, so that only the token can be what refuses it."""
    found = []
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
        for method, path, described in operations(document):
            if is_open(described):
                continue
            filled = path
            for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
                filled = filled.replace(f"{{{name}}}", (known.get(name) or ["one"])[0])
            for how, said in WRONG.items():
                headers = {"idempotency-key": f"{how}-{path}"[:128]} | ({"authorization": said} if said else {})
                content = b"{}" if method == "POST" else None
                kind = {"content-type": "application/json"} if content else {}
                found.append(
                    Asked(method, path, how, await client.request(method, filled, headers=headers | kind, content=content))
                )
    return found
