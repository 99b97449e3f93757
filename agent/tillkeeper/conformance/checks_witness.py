"""HQ as a witness of the store's roles: optional, but what answers must answer right."""

from urllib.parse import quote

import msgspec

from tillkeeper.conformance import clauses
from tillkeeper.conformance.checking import Bench, Checks, same
from tillkeeper.conformance.model import Broken, Skipped
from tillkeeper.conformance.wire import Answer, shorten
from tillkeeper.contract.roles import MAX_COUNTER, Epoch, WitnessAsked, WitnessSaid

check = Checks()
NOT_OFFERED = (404, 405, 501)
NOT_ALLOWED = (401, 403)


@check("witness-hears", clauses.WITNESS_HEARS)
async def hears(bench: Bench) -> None:
    """It has just sent a batch itself. Nothing is bound, so that the store's roles are not touched."""
    await bench.wire.send(bench.notes(1).batch())
    same((await _asked(bench)).says, "hears", "what HQ says of a register that it heard a moment ago")


@check("witness-other-register", clauses.OTHERS)
async def other_register(bench: Bench) -> None:
    answer = await _post(bench, bench.name())
    if answer.status not in NOT_ALLOWED:
        raise Broken(f"a question in another register's name is answered with HTTP {answer.status}")


async def _asked(bench: Bench) -> WitnessSaid:
    """Raises Broken, Skipped."""
    answer = await _post(bench, bench.register)
    if answer.status != 200:
        raise Broken(f"a register's question is answered with HTTP {answer.status}: {shorten(answer.body)}")
    try:
        return msgspec.json.decode(answer.body, type=WitnessSaid)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Broken(f"HTTP 200, but no answer that a register can read: {error}") from error


async def _post(bench: Bench, register: str) -> Answer:
    """Is this register away? Raises Skipped."""
    base = Epoch(MAX_COUNTER - 1, register)  # above whatever the store goes by
    asked = WitnessAsked(register=register, away=bench.register, base=base, epoch=Epoch(MAX_COUNTER, register))
    path = f"/v1/stores/{quote(bench.store, safe='')}/roles/witness"
    answer = await bench.wire.post(msgspec.json.encode(asked), path=path, words=f"{register} asks for a witness")
    if answer.status in NOT_OFFERED:
        raise Skipped(f"this HQ is no witness (HTTP {answer.status})")
    return answer
