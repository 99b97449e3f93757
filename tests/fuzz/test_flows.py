"""A sale from its first line to its refund, by the links and forms of the document: what fuzzing seldom gets through to. Each
answer is held against what the document says of its status."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import httpx
from tests.fuzz import targets
from tests.fuzz.closed import operations

Steps = tuple[tuple[str, dict[str, Any]], ...]
SALE: Steps = (
    ("open_check", {"order_type": "dine_in", "table": "7"}),
    ("add_lines", {"lines": [{"item_id": "cola", "quantity": 3}, {"item_id": "espresso"}]}),
    ("change_line", {"quantity": 2}),
    ("send_order", {}),
    ("get_check", {}),
    ("record_tender", {"tender": "cash", "tendered_minor": 10_000}),
    ("reprint_receipt", {}),
    ("refund_check", {"tender": "cash", "reason": "cold", "amount_minor": 100}),
    ("get_check", {}),
)
READ = (
    "list_checks", "list_jobs", "list_devices", "list_staff", "list_drawers", "list_found", "get_status", "get_catalogue",
    "get_books", "get_day", "get_network", "get_roles", "get_mode", "get_store", "get_after", "get_green", "get_availability",
    "get_pages",
)  # fmt: skip


class Reader:
    """Asks by operation id and holds each answer against the document."""

    def __init__(self, client: httpx.AsyncClient, document: dict[str, Any]) -> None:
        self._client, self._document = client, document
        self._known = {described["operationId"]: (method, path, described) for method, path, described in operations(document)}
        self.ids: dict[str, str] = {}

    async def ask(self, name: str, body: dict[str, Any] | None = None) -> Any:
        method, path, described = self._known[name]
        answer = await self._client.request(
            method,
            path.format(**self.ids),
            json=body if method == "POST" else None,
            headers={"idempotency-key": f"{name}-{uuid.uuid4()}"} if method == "POST" else None,
        )
        told = described["responses"][str(answer.status_code)]
        if "$ref" in told:
            told = self._document["components"]["responses"][told["$ref"].rpartition("/")[2]]
        media = answer.headers["content-type"].partition(";")[0]
        from jsonschema import Draft202012Validator

        schema = {**told["content"][media]["schema"], "components": self._document["components"]}
        Draft202012Validator(schema).validate(answer.json())
        for header, form in told["headers"].items():
            if "$ref" in form:
                const = self._document["components"]["headers"][form["$ref"].rpartition("/")[2]]["schema"]["const"]
                assert answer.headers[header] == const
        assert answer.status_code == 200, (name, answer.text)
        return answer.json()


def test_a_sale_and_what_is_read_of_it_are_as_the_document_says(tmp_path: Path) -> None:
    async def scene() -> None:
        async with targets.agent(tmp_path) as target:
            headers = {"authorization": f"Bearer {target.tokens['full']}"}
            async with httpx.AsyncClient(base_url=target.url, headers=headers, trust_env=False, timeout=60) as client:
                reader = Reader(client, await target.document())
                for name, body in SALE:
                    answer = await reader.ask(name, body)
                    reader.ids |= {"check_id": answer["check_id"]}
                    if answer.get("line_ids"):
                        reader.ids["line_id"] = answer["line_ids"][0]
                for name in READ:
                    await reader.ask(name)

    asyncio.run(scene())
