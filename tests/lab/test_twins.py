"""Somebody's laptop is given the printer's address: the real prober tells of both, while the printer goes on answering."""

import asyncio

import pytest
from tests.lab.places import V4, lan4, mac
from tests.lab.spaces import ip
from tests.lab.topology import Lab, Shape
from tests.lab.trial import again, watched, why
from tests.support.prerequisites import need

from tillkeeper.network.model import Report
from tillkeeper.network.twins import EVERY_S

pytestmark = [pytest.mark.root, pytest.mark.timeout(400)]


def test_a_laptop_with_the_printers_address_is_told() -> None:
    need("ip", "nft", "ping", "arping")

    async def scene() -> Report:
        with Lab(Shape(families=(V4,), registers=1), "d") as lab:
            async with lab.served(), watched(lab, ["r1"]) as (register,):
                ip(lab.space("stray"), f"addr add {lan4('printer')}/24 dev eth0")
                wanted = "duplicate_device:printer"
                found = await register.until(lambda report: wanted in report.verdict.also, 3 * EVERY_S)
                assert found is not None, why(register)
                assert lab.policer.shut == {}
                return found

    found = asyncio.run(again(scene, lambda report: report.verdict.phase == "fine"))
    assert found.verdict.phase == "fine"
    (sign,) = (sign for sign in found.evidence.signs if sign.kind == "duplicate_device")
    assert set(sign.detail.split(", ")) == {mac("printer"), mac("stray")}
