"""What comes from outside is refused in words, or printed as what it is: never half-done, never a command on paper."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.store import StoreRig, in_store

CARD = "4111 1111 1111 1111"
COLA = {"item_id": "cola"}
BACON = {**COLA, "modifiers": [{"modifier_id": "bacon"}]}
CARD_LINE = {**COLA, "note": CARD.replace(" ", "-")}
TWICE = [{"tender": "cash"}, {"tender": "cash", "tendered_minor": 1}]
CASH = [{"tender": "cash"}]
ESCAPES = "\x1b@\x1bp\x00\x19\xfa\x10\x14\x01\x00\x01\x1dV\x00\x07\x00\x9b"
"""As characters: reset, kick the drawer (buffered and at once), cut, bell, NUL, C1."""

REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown item": ({"lines": [{"item_id": "colla"}], "tenders": CASH}, 422, "unknown_item"),
    "unknown modifier": ({"lines": [BACON], "tenders": CASH}, 422, "unknown_modifier"),
    "absurd quantity": ({"lines": [{**COLA, "quantity": 10**9}], "tenders": CASH}, 422, "invalid_field"),
    "negative quantity": ({"lines": [{**COLA, "quantity": -1}], "tenders": CASH}, 422, "invalid_field"),
    "absurd amount": ({"lines": [COLA], "tenders": [{"tender": "cash", "tendered_minor": 10**15}]}, 422, "invalid_field"),
    "overpaid voucher": ({"lines": [COLA], "tenders": [{"tender": "voucher", "tendered_minor": 9_999}]}, 422, "overpayment"),
    "paid after all was paid": ({"lines": [COLA], "tenders": TWICE}, 422, "check_not_open"),
    "unknown tender": ({"lines": [COLA], "tenders": [{"tender": "shells"}]}, 422, "unknown_tender"),
    "unknown field": ({"lines": [COLA], "tenders": CASH, "price_minor": 1}, 422, "invalid_field"),
    "card number in a note": ({"lines": [COLA], "tenders": CASH, "note": f"charge {CARD} please"}, 422, "card_number_in_text"),
    "card number in a line": ({"lines": [CARD_LINE], "tenders": CASH}, 422, "card_number_in_text"),
    "card number as a reference": (
        {"lines": [COLA], "tenders": [{"tender": "house", "reference": CARD.replace(" ", "")}]}, 422, "card_number_in_text"
    ),
}  # fmt: skip

OF_ITSELF = {"incarnation_began", "catalogue_adopted", "mode_changed"}
"""What a register journals without anybody asking."""


def bytes_below(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_bad_orders_are_refused_in_words_and_leave_nothing(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        for name, (body, status, code) in REFUSED.items():
            answer = await rig.post("/v1/orders", {"order_type": "takeout", **body}, key=f"bad-{len(name)}-{name[:3]}")
            problem = answer.json()
            assert (answer.status_code, problem["type"].rpartition(":")[2]) == (status, code), f"{name}: {answer.text}"
            assert answer.headers["content-type"] == "application/problem+json"
            assert problem["cause"], name
            assert CARD.replace(" ", "") not in answer.text.replace(" ", "").replace("-", ""), name
        malformed = await rig.till.post(
            "/v1/orders",
            content=b'{"order_type": "takeout", "lines": [',
            headers={"Idempotency-Key": "m", "Content-Type": "application/json"},
        )
        assert (malformed.status_code, malformed.json()["type"].rpartition(":")[2]) == (400, "bad_request")
        huge = await rig.post("/v1/orders", {"order_type": "takeout", "lines": [COLA], "note": "n" * 1_048_576})
        assert huge.status_code == 413
        device = await rig.post("/v1/devices/toaster/test")
        assert (device.status_code, "toaster" in device.json()["subject"]) == (404, True)
        drawer = await rig.post("/v1/no-sales", {"drawer": "sock", "reason": "change"})
        assert (drawer.status_code, drawer.json()["type"].rpartition(":")[2]) == (422, "unknown_drawer")
        assert (await rig.own_books())["checks_opened"] == 0
        assert rig.event_types() <= OF_ITSELF, "nothing was journaled"
        assert not (await rig.get("/v1/jobs?state=all"))["jobs"]

    in_store(tmp_path, scene, hq=False)


def test_underpayment_leaves_the_check_open_and_says_what_is_due(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        answer = await rig.order("cola", tenders=[{"tender": "cash", "tendered_minor": 100}])
        assert answer["state"] == "open"
        assert answer["totals"]["due_minor"] == answer["totals"]["gross_minor"] - 100 > 0
        refused = await rig.post(f"/v1/checks/{answer['check_id']}/close")
        assert (refused.status_code, refused.json()["due_minor"]) == (422, answer["totals"]["due_minor"])

    in_store(tmp_path, scene, hq=False)


def test_no_card_number_reaches_the_disk(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.order("cola", note="no ice, thanks: guest 1234")
        for key, (body, _status, code) in REFUSED.items():
            if code == "card_number_in_text":
                await rig.post("/v1/orders", {"order_type": "takeout", **body}, key=f"card-{len(key)}")
        as_key = await rig.post("/v1/orders", {"order_type": "takeout", "lines": [COLA]}, key=CARD.replace(" ", ""))
        assert as_key.status_code == 422
        await rig.wait_all_settled()
        assert await rig.stop_agent() == 0
        found = bytes_below(rig.folder)
        assert b"guest 1234" in found, "the search finds what is there"
        for form in (CARD, CARD.replace(" ", "-"), CARD.replace(" ", "")):
            assert form.encode() not in found

    in_store(tmp_path, scene, hq=False)


def test_control_bytes_in_an_order_are_refused(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        bodies = [{"lines": [COLA], field: f"x{ESCAPES}y"} for field in ("name", "note", "table", "server", "phone")]
        bodies.append({"lines": [{**COLA, "note": ESCAPES}]})
        for body in bodies:
            answer = await rig.post("/v1/orders", {"order_type": "takeout", "tenders": CASH, **body})
            problem = answer.json()
            assert (answer.status_code, problem["type"].rpartition(":")[2]) == (422, "control_characters"), answer.text
            assert "U+001B" in problem["cause"]
        assert not (await rig.get("/v1/jobs?state=all"))["jobs"]
        assert rig.pulses() == 0

    in_store(tmp_path, scene, hq=False)


def test_control_bytes_in_the_stores_own_names_never_become_commands(tmp_path: Path) -> None:
    """Names also come from the configuration: what reaches the layout is printed as text, whatever it holds."""
    named = {
        "store": {"name": f"Grill{ESCAPES}Q", "receipt_footer": [f"Thanks{ESCAPES}"]},
        "stations": {"grill": {"title": f"Hot{ESCAPES}side"}},
    }

    async def scene(rig: StoreRig) -> None:
        await rig.order("cheeseburger", name="Zoë \\x1b@ ❤ ́", note="% \\n {0} ﾃｽﾄ")
        await rig.wait_all_settled()
        assert rig.pulses("receipt") == 1, "the sale's own kick and no other"
        assert rig.pulses("grill") == 0
        for name in ("receipt", "grill"):
            printer = rig.printer(name)
            assert len(printer.printed) == 1, "cut once, and whole"
            assert not printer.engine.unknown, f"{name}: bytes that are no command: {printer.engine.unknown}"
            assert printer.hanging.blank
        (ticket,), (receipt,) = rig.slips("grill"), rig.slips("receipt")
        assert "Hot@p" in ticket
        assert "\\x1b@" in ticket, "text that looks like an escape is text"
        assert "Grill@p" in receipt
        assert all(character.isprintable() or character == "\n" for character in ticket + receipt)

    in_store(tmp_path, scene, hq=False, changes=named)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({}, 200),
    ],
)
def test_a_page_of_another_origin_is_refused_although_it_has_the_token(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async def scene(rig: StoreRig) -> None:
        url = f"http://127.0.0.1:{rig.api_port}"
        token = {"Authorization": f"Bearer {rig.api_token}", "Idempotency-Key": "page"}
        order = {"order_type": "takeout", "lines": [COLA], "tenders": CASH}
        async with httpx.AsyncClient(base_url=url, trust_env=False) as page:
            answer = await page.post("/v1/orders", json=order, headers={**token, **headers})
            assert answer.status_code == status, answer.text
            assert "access-control-allow-origin" not in answer.headers
            bare = await page.post("/v1/orders", json=order, headers={"Idempotency-Key": "bare"})
            assert bare.status_code == 401
        assert (await rig.own_books())["checks_opened"] == (status == 200)

    in_store(tmp_path, scene, hq=False)
