"""`tillkeeper privacy` as people type it: real agents of one store and HQ, and afterwards no byte of the name on any disk."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.privacy.world import holders
from tests.support.several import SeveralRig

from tillkeeper.cli import exits

NAME, PHONE, OTHER = "Zaphod Beeblebrox", "0151 2345678", "Trillian Astra"


async def cli(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tillkeeper", "privacy", *arguments, "--socket", str(folder)]
    return await asyncio.to_thread(subprocess.run, command, input=given, capture_output=True, text=True, check=False)


def told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == exits.OK, done.stderr
    return json.loads(done.stdout)


async def texts_at_hq(store: SeveralRig) -> list[str]:
    found = []
    for log in (await store.hq_get("/v1/registers"))["registers"]:
        page = await store.hq_get("/v1/events", register=log["register"], incarnation=log["incarnation"])
        found += [text for event in page["events"] for _, text in event["personal"].values()]
    return found


def test_one_register_erases_for_the_whole_store_and_a_late_one_does_not_bring_it_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with SeveralRig(tmp_path / "store", "front", "side", "back") as store:
            front, side, back = (store[name] for name in ("front", "side", "back"))
            await front.order("cola", name=NAME, phone=PHONE)
            await front.order("cola", name=OTHER)
            for one in store.names:
                await store[one].wait_synced()
            await side.wait_for("copies", lambda: _holds(side.socket, PHONE))
            await back.wait_for("copies", lambda: _holds(back.socket, PHONE))
            await side.wait_for("copies at HQ", lambda: _at_hq(store, NAME))
            await back.kill_agent()

            found = told(await cli(side.socket, "find", "zaphod", "--json"))
            assert [(one["field"], one["text"], one["register"]) for one in found["texts"]] == [("name", NAME, "front")]
            nobody = await cli(side.socket, "erase", "zaphod", "--yes")
            assert nobody.returncode == exits.REFUSED, "a part of a name is nobody's name"
            code = found["texts"][0]["ticket_code"]
            shown = await cli(side.socket, "erase", "--check", code, "--dry-run")
            assert NAME in shown.stdout
            assert PHONE in shown.stdout
            unasked = await cli(side.socket, "erase", "--check", code)
            assert unasked.returncode == exits.USAGE, "nobody at a terminal said yes"
            assert told(await cli(side.socket, "find", NAME, "--json"))["texts"]
            made = told(await cli(side.socket, "erase", "--check", code, "--yes", "--by", "Mia", "--json"))
            assert (made["erased"], made["digests"]) == (2, 2)

            await front.wait_for("the author erases", lambda: _lost(front.socket, NAME))
            await side.wait_for("HQ erases", lambda: _not_at_hq(store, NAME))
            await back.start_agent()
            await back.wait_for("who was away erases", lambda: _lost(back.socket, NAME))
            for one in store.names:
                await store[one].wait_synced()
            await asyncio.to_thread(_gone, tmp_path / "store", NAME, PHONE)
            assert sorted(await texts_at_hq(store)) == [OTHER]
            checks = (await front.get("/v1/checks"))["checks"]
            assert {check.get("name") for check in checks} == {None, OTHER}
            (erased,) = [
                event
                for log in (await store.hq_get("/v1/registers"))["registers"]
                for event in (await store.hq_get("/v1/events", register=log["register"], incarnation=log["incarnation"]))[
                    "events"
                ]
                if event["type"] == "personal_data_erased"
            ]
            assert (erased["register"], json.loads(erased["body"])["by"]) == ("side", "Mia")

    asyncio.run(scenario())


async def _holds(socket: Path, text: str) -> bool:
    done = await cli(socket, "find", text, "--json")
    return done.returncode == 0 and bool(json.loads(done.stdout)["texts"])


async def _lost(socket: Path, text: str) -> bool:
    done = await cli(socket, "find", text, "--json")
    return done.returncode == 0 and not json.loads(done.stdout)["texts"]


async def _at_hq(store: SeveralRig, text: str) -> bool:
    return text in await texts_at_hq(store)


async def _not_at_hq(store: SeveralRig, text: str) -> bool:
    return text not in await texts_at_hq(store)


def _gone(folder: Path, *texts: str) -> None:
    """Journals, copies, HQ's database, and their logs; what a virtual printer printed is paper."""
    for text in texts:
        kept = [name for name in holders(folder, text) if ".db" in name or ".sqlite" in name or name.endswith(".log")]
        assert kept == [], text
