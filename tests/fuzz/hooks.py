"""What schemathesis loads besides its own: ids that exist in the place of made-up ones, and a check more.

Made-up ids end at "there is no such item" and never reach what is behind. So half of the ids become some that the target
knows (`FUZZ_KNOWN`: JSON, field name -> values). The choice follows from the made-up value alone: a seed plays the same again.
"""

import json
import os
import re
import zlib
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, GenerationMode, HookContext, Response
from schemathesis.core.failures import Failure

KNOWN: dict[str, list[str]] = json.loads(os.environ.get("FUZZ_KNOWN", "{}"))
_id = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_FORM = ("bad_request", "invalid_field")
"""Codes that say: not of the form that the document gives."""


def _chosen(name: str, value: Any) -> Any:
    known = KNOWN.get(name)
    if not known or not isinstance(value, str) or not _id.fullmatch(value):
        return value
    number = zlib.crc32(value.encode())
    return known[number // 2 % len(known)] if number % 2 else value


def _mapped(value: Any, name: str = "") -> Any:
    """With known ids. And 5.0 becomes 5: both are integers to JSON Schema (2020-12, 4.2.3), ours have no point."""
    if isinstance(value, dict):
        return {key: _mapped(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_mapped(one, name) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _chosen(name, value)


@schemathesis.hook
def map_body(_context: HookContext, body: Any) -> Any:
    return _mapped(body)


@schemathesis.hook
def map_path_parameters(_context: HookContext, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    return path_parameters and {name: _chosen(name, value) for name, value in path_parameters.items()}


@schemathesis.hook
def map_query(_context: HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
    return query and {name: _chosen(name, value) for name, value in query.items()}


@schemathesis.hook
def filter_query(_context: HookContext, query: dict[str, Any] | None) -> bool:
    """An object in a query is written as parameters of other names, which HQ's contract has everybody ignore."""
    return not any(isinstance(value, dict | list) for value in (query or {}).values())


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, _case: Case[Any], response: Response) -> bool:
    """From the 20th call without a token on 429 stands for 401: `closed.py` looks at those itself."""
    return not (response.status_code == 429 and "'Authorization'" in failure.message)


@schemathesis.check
def what_fits_the_document_is_understood(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Rules of the store may refuse it; that a field does not fit would say that document and code differ."""
    if (
        case.meta is None
        or case.meta.generation.mode is not GenerationMode.POSITIVE
        or response.status_code not in (400, 413, 422)
    ):
        return
    code = str(response.json().get("type", "")).rpartition(":")[2]
    assert code not in _FORM, f"{code} to what fits the document: {response.text[:500]}"
