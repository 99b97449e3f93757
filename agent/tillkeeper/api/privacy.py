"""Texts about persons, in the route table. What is looked for is in the body, never in an address, which others log; and no
Idempotency-Key is taken, so that nothing of it is kept: to say it twice changes nothing."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation
from tillkeeper.contract.privacy import EraseBody, ErasedTexts, FindBody, FoundTexts


async def _find(till: Till, call: Call) -> Answer:
    return Answer(await till.privacy.find(call.body, call.caller))


async def _erase(till: Till, call: Call) -> Answer:
    return Answer(await till.privacy.erase(call.body, call.caller))


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="POST",
        path="/v1/privacy/find",
        id="find_personal",
        summary="Which names, phone numbers and notes this register holds",
        answer=FoundTexts,
        run=_find,
        body=FindBody,
        tag="privacy",
    ),
    Operation(
        method="POST",
        path="/v1/privacy/erase",
        id="erase_personal",
        summary="Erase texts about persons, here and wherever the store's logs are held",
        answer=ErasedTexts,
        run=_erase,
        body=EraseBody,
        tag="privacy",
    ),
)
