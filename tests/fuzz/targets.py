"""What is fuzzed: an agent and an HQ as real processes, with fresh data and devices that are virtual."""

import contextlib
import json
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from tests.hq.world import READER, SHOP, STORE, Log, running, token
from tests.support.staff import STAFF, STAFF_CONFIG, write_roster
from tests.support.store import StoreRig

from tillkeeper.config.embedded import example_toml


class Target(NamedTuple):
    """`tokens`: name -> what opens it; `known`: field name -> ids that exist; `log`: what the process says."""

    url: str
    tokens: dict[str, str]
    known: dict[str, list[str]]
    log: Path | None

    async def document(self) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {next(iter(self.tokens.values()))}"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            answer = await client.get(self.url + "/openapi.json", headers=headers)
            return dict(answer.raise_for_status().json())


@contextlib.asynccontextmanager
async def agent(folder: Path) -> AsyncIterator[Target]:
    """A register with a roster, some sales and some open checks."""
    async with StoreRig(folder, changes=STAFF_CONFIG, hq=False, agent=False) as rig:
        write_roster(rig.folder / "staff.json", rig.data)
        await rig.start_agent()
        checks = [(await rig.order("cola", "cola", tenders=[]))["check_id"] for _ in range(3)]
        paid = await rig.order("cola")
        config = tomllib.loads(example_toml())
        catalogue = await rig.get("/v1/catalogue")
        known = {
            "check_id": [*checks, paid["check_id"], paid["ticket_code"]],
            "line_id": (await rig.get(f"/v1/checks/{checks[0]}"))["lines"][0]["line_id"].split(),
            "item_id": [item["item_id"] for item in catalogue["items"]],
            "tender": ["cash", *config.get("tenders", {})],
            "device": list(config["devices"]),
            "drawer": [name for name, device in config["devices"].items() if device["kind"] == "drawer"],
            "register": list(config["registers"]),
            "station": list(config["stations"]),
            "job_id": [job["job_id"] for job in (await rig.get("/v1/jobs?state=all"))["jobs"]],
            "employee": [one.employee for one in STAFF],
            "document": (await rig.get("/v1/preview"))["documents"],
            "day": [(await rig.get("/v1/status"))["business_day"]],
        }
        yield Target(rig.origin, {"full": rig.api_token}, known, rig.folder / "agent.log")


@contextlib.asynccontextmanager
async def hq(folder: Path) -> AsyncIterator[Target]:
    """With a log of some sales, a rejected event, and an order of a web shop."""
    with running(folder) as server:
        log = Log()
        for number in range(5):
            log.sale(f"c{number}", 1190)
        log.raw("check_voided", "{}")
        server.send(log.batch())
        server.post_to(
            f"/v1/stores/{STORE}/online-orders",
            json.dumps({"id": "w-1", "order_type": "takeout", "lines": [{"item_id": "cola"}]}),
            SHOP,
        )
        known = {
            "store": [STORE],
            "register": ["till-1"],
            "incarnation": [log.incarnation],
            "reference": ["c1", "c2"],
            "order": ["w-1"],
            "id": ["w-1"],
            "day": ["2026-11-21"],
        }
        yield Target(server.url, {"register": token("till-1"), "reader": READER, "shop": SHOP}, known, None)
