"""A part of `make boot-test`: three registers and HQ, installed from their packages and booted, and what befalls them."""

import asyncio
from pathlib import Path

import pytest
from tests.boot.plays import SCENES, once
from tests.boot.scenes import stalls
from tests.boot.shop import opened
from tests.support.prerequisites import need

NAMES = (
    "kills", "switched-on-alone", "pos-first", "broken-journal", "plug-pulled", "hq-dies", "primary-reboots",
    "store-without-power",
)  # fmt: skip
PLAYED = {name: SCENES[name] for name in NAMES} | {"disk-full, for a moment": once(stalls.disk_full)}


@pytest.mark.root
@pytest.mark.timeout(900)
def test_a_store_of_booted_machines_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    need("systemd-nspawn", "mmdebstrap", "nsenter", "ip", "nft", "mkfs.ext4", "dpkg-deb")

    async def scenes() -> None:
        async with opened(tmp_path, print) as shop:
            for name, scene in PLAYED.items():
                print(name)
                await scene(shop, 1)

    asyncio.run(scenes())
