"""The recovery code on the receipt printer: on paper, on no screen, and on no disk."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.support.store import StoreRig

from tillkeeper.cli import exits
from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import parse
from tillkeeper.errors import Refused
from tillkeeper.trust.codes import read_recovery_code
from tillkeeper.trust.paper import printer_of

GROUPS = 7


async def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tillkeeper", "store", *arguments]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)


def codes(rig: StoreRig, printer: str = "receipt") -> list[str]:
    """As they stand on the slips that have one."""
    slips = [re.findall(r"(?m)^\s*\d\s+([0-9A-Z]{5})\s*$", text) for text in rig.slips(printer)]
    return ["-".join(groups) for groups in slips if len(groups) == GROUPS]


def on_disk(folder: Path, code: str) -> list[Path]:
    """Files with the code or a part of it, dashes or not."""
    wanted = [code.encode(), code.replace("-", "").encode(), *(group.encode() for group in code.split("-"))]
    return [path for path in folder.rglob("*") if path.is_file() and any(one in path.read_bytes() for one in wanted)]


@pytest.mark.timeout(180)
def test_it_is_printed_and_nowhere_else(tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, agent=False) as rig:
            config = ("--config", str(rig.config_file))
            made = await cli("create", *config, "--print", "--json")
            assert made.returncode == exits.OK, made.stderr
            (code,) = codes(rig)
            assert read_recovery_code(code) == bytes.fromhex((rig.data / "trust" / "authority.key").read_text().strip())
            assert json.loads(made.stdout)["printed"] in ("confirmed", "sent")
            assert code not in made.stdout + made.stderr

            await rig.start_agent()
            named = await cli("paper", *config, "--by", "Mia")
            assert (named.returncode, codes(rig)) == (exits.USAGE, [code]), "it would be said to be in the journal, and is not"
            again = await cli("paper", *config)
            assert again.returncode == exits.OK, again.stderr
            assert codes(rig) == [code, code]
            assert code not in again.stdout + again.stderr
            await rig.ok("POST", "/v1/no-sales", {"drawer": "drawer", "reason": "change"})
            assert [job["document_class"] for job in (await rig.get("/v1/jobs?state=all"))["jobs"]] == ["drawer_pulse"]
            assert on_disk(rig.data, code) == []
            assert await rig.stop_agent() == 0
            assert on_disk(rig.data, code) == []

    asyncio.run(scene())


@pytest.mark.timeout(180)
def test_a_printer_that_is_off_costs_no_code(tmp_path: Path) -> None:
    """The store is made, and its code is on the screen, or it would be nowhere."""

    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, agent=False) as rig:
            config = ("--config", str(rig.config_file))
            nobody = await cli("create", *config, "--print", "--printer", "kitchen-oven")
            assert nobody.returncode == exits.REFUSED
            assert not (rig.data / "trust").exists(), "nothing is made where it can not be printed at all"
            rig.printer("receipt").power_off()
            made = await cli("create", *config, "--print", "--json")
            assert made.returncode == exits.PARTLY
            assert json.loads(made.stderr)["cause"]
            code = json.loads(made.stdout)["recovery_code"]
            assert read_recovery_code(code)
            failed = await cli("paper", *config)
            assert failed.returncode == exits.REFUSED
            assert "again" in failed.stderr
            assert code not in failed.stdout + failed.stderr

    asyncio.run(scene())


def test_a_register_without_the_authoritys_key_prints_none(tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, agent=False) as rig:
            done = await cli("paper", "--config", str(rig.config_file))
            assert done.returncode == exits.REFUSED
            assert "authority" in done.stderr
            assert codes(rig) == []

    asyncio.run(scene())


def test_it_goes_through_no_other_register() -> None:
    config = parse(example_toml(), file="example.toml", folder=Path.cwd())
    far = msgspec.structs.replace(config.devices["receipt"], register="side")
    config = msgspec.structs.replace(config, devices=config.devices | {"receipt": far})
    with pytest.raises(Refused, match="wired to register side"):
        printer_of(config, "")
    assert printer_of(config, "grill") == "grill"
