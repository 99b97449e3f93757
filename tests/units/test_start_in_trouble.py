"""What a register starts with that is not as it should be: a catalogue that can not be read."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.units.manager import Manager, manager
from tests.units.till import Till

from tillkeeper.config.load import builtin_menu


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Manager]:
    with manager(tmp_path) as made:
        yield made


def advisories(till: Till) -> dict[str, Any]:
    with till.client() as client:
        return {one["code"]: one for one in client.get("/v1/status").json()["advisories"]}


def test_a_catalogue_that_can_not_be_read_is_an_advisory_and_the_one_before_it_holds(tmp_path: Path, held: Manager) -> None:
    menu = tmp_path / "menu.toml"
    menu.write_bytes(builtin_menu().read_bytes())
    till = Till(tmp_path, held, changes={"catalogue": {"file": str(menu)}})
    till.start()
    held.ready()
    assert "catalogue_unknown" not in advisories(till)
    held.signal(signal.SIGTERM)
    held.wait()
    menu.write_bytes(menu.read_bytes()[:500] + b"\0\0\0")  # as after a power cut
    till.start()
    held.ready()
    told = advisories(till)["catalogue_unknown"]
    assert "the one before it holds" in told["text"]
    with till.client() as client:
        order = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}]}
        answer = client.post("/v1/orders", json=order, headers={"Idempotency-Key": "one"})
        assert answer.json()["state"] == "closed", answer.text


def test_a_new_register_without_one_does_not_start_and_says_why(tmp_path: Path, held: Manager) -> None:
    menu = tmp_path / "menu.toml"
    menu.write_text("nonsense")
    till = Till(tmp_path, held, changes={"catalogue": {"file": str(menu)}})
    till.start()
    held.wait_for("not started", lambda told: "menu.toml" in told.get("STATUS", ""))
    menu.write_bytes(builtin_menu().read_bytes())
    assert held.wait() == 2, held.said()
    till.start()
    held.ready()
