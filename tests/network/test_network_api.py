"""The network's routes over a real server: what they answer, who may ask, and what the OpenAPI document says of them."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import msgspec
import websockets
from msgspec.structs import replace
from tests.api.serving import problem, serving
from tests.people.world import Store, staffed
from tests.people.world import in_store as in_staffed_store
from tests.support.prober import StandIn
from tests.support.staff import ANA
from tests.support.store import StoreRig, in_store

from tillkeeper.api.openapi import document
from tillkeeper.contract.live import LiveSnapshot, StatusChanged
from tillkeeper.contract.network import DiagnosisView, NetworkHistory, NetworkView

DIAGNOSES = "/v1/network/diagnoses"


def key(name: str) -> dict[str, str]:
    return {"idempotency-key": name}


def test_the_routes_answer_what_their_types_say() -> None:
    async def scenario() -> None:
        async with serving() as running:
            http = running.http
            now = msgspec.json.decode((await http.get("/v1/network")).content, type=NetworkView)
            assert (now.phase, now.prober.state) == ("checking", "absent")
            history = msgspec.json.decode((await http.get("/v1/network/history?limit=1")).content, type=NetworkHistory)
            assert history.more  # the query has arrived
            for wrong in ("limit=0", "limit=501", "limit=x", "day=1"):
                problem(await http.get(f"/v1/network/history?{wrong}"), 422, "invalid_field")
            begun = await http.post(DIAGNOSES, json={"pcap": True, "by": "ana"}, headers=key("k"))
            assert msgspec.json.decode(begun.content, type=DiagnosisView).state == "running"
            again = await http.post(DIAGNOSES, json={"pcap": True, "by": "ana"}, headers=key("k"))
            assert again.headers["idempotent-replayed"] == "true"
            problem(await http.post(DIAGNOSES, json={}, headers=key("other")), 409, "conflict")
            problem(await http.post(DIAGNOSES, json={"pcap": "yes"}, headers=key("x")), 422, "invalid_field")
            problem(await http.post(DIAGNOSES, json={"deep": True}, headers=key("x")), 422, "invalid_field")
            problem(await http.post(DIAGNOSES, json={}), 400, "bad_request")
            assert running.till.network.asked == [("k", True, "ana")] * 2
            assert (await http.get(f"{DIAGNOSES}/D1")).json()["diagnosis_id"] == "D1"
            problem(await http.get(f"{DIAGNOSES}/D2"), 404, "not_found")
            async with httpx.AsyncClient(base_url=running.bound.url, trust_env=False) as stranger:
                problem(await stranger.get("/v1/network"), 401, "unauthorized")
                problem(await stranger.post(DIAGNOSES, headers=key("s")), 401, "unauthorized")

    asyncio.run(scenario())


def test_openapi_describes_them() -> None:
    described = document()
    paths = described["paths"]
    assert paths["/v1/network"]["get"]["operationId"] == "get_network"
    assert paths["/v1/network/history"]["get"]["parameters"][0]["name"] == "limit"
    start = paths[DIAGNOSES]["post"]
    assert any(one.get("name") == "Idempotency-Key" for one in start["parameters"])
    assert paths[f"{DIAGNOSES}/{{diagnosis_id}}"]["get"]["parameters"][0]["name"] == "diagnosis_id"
    assert "network" in {tag["name"] for tag in described["tags"]}
    schemas = described["components"]["schemas"]
    assert set(schemas["NetworkView"]["required"]) >= {"phase", "headline", "evidence", "what_to_do", "columns", "prober"}
    assert "network" in schemas["StatusView"]["properties"]


def test_a_page_looks_deeper_only_for_somebody_who_has_signed_in(tmp_path: Path) -> None:
    """As test slips of devices: no permission of its own, but a person, whom the diagnosis names."""

    async def scene(store: Store) -> None:
        page = store.page()
        assert (await page.get("/network"))["phase"] == "checking"
        refused = await page.post("/network/diagnoses", {"by": "somebody else"}, status=401)
        assert refused["type"].endswith(":sign_in_needed")
        await page.sign_in(ANA)
        async with StandIn(tmp_path / "probe.sock") as prober:
            await prober.hello()
            async with asyncio.timeout(10):
                while True:  # until it was let in
                    if (await page.get("/network"))["prober"]["pid"]:
                        break
                    await asyncio.sleep(0.01)
            assert (await page.post("/network/diagnoses", {"by": "somebody else"}))["by"] == "ana"

    config = staffed(tmp_path)
    network = replace(config.network, watch=True, socket=str(tmp_path / "probe.sock"))
    in_staffed_store(replace(config, network=network), scene)


def test_live_readers_hear_of_a_change_at_once(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        url = f"ws://127.0.0.1:{rig.api_port}/v1/live"
        headers = {"authorization": f"Bearer {rig.api_token}"}
        async with websockets.connect(url, additional_headers=headers) as live, StandIn(rig.data / "probe.sock") as prober:
            first = msgspec.json.decode(await live.recv(), type=LiveSnapshot)
            assert first.status.network.phase == "checking"
            await prober.hello()

            async def until(phase: str) -> Any:
                async with asyncio.timeout(10):
                    while True:
                        raw = await live.recv()
                        if msgspec.json.decode(raw)["type"] != "status":
                            continue
                        status = msgspec.json.decode(raw, type=StatusChanged).status
                        if status.network.phase == phase:
                            return status

            await prober.says("confirmed", "dns_own")
            said = await until("confirmed")
            assert said.network.faults == ("dns_own",)
            assert said.network.what_to_do
            assert "network_fault" in {one.code for one in said.advisories}
            await prober.says("fine", also=("metered",))
            said = await until("fine")
            assert said.network.also == ("metered",)

    in_store(tmp_path, scene, hq=False)
