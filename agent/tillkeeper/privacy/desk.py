"""Texts about persons as the API sees them: found, and erased. Implements `api.ports.Privacy`."""

import asyncio

import msgspec

from tillkeeper.contract.caller import Caller
from tillkeeper.contract.privacy import EraseBody, ErasedTexts, FindBody, FoundTexts
from tillkeeper.errors import Refused
from tillkeeper.privacy.keeper import Keeper
from tillkeeper.privacy.search import find
from tillkeeper.sales.permits import require_all


class PrivacyDesk:
    """Everything on the loop; searching happens in a thread."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def find(self, asked: FindBody, caller: Caller) -> FoundTexts:
        """Raises: Refused (`what_to_find`), StorageRefused, and what `require_all` says."""
        require_all("find", "personal texts", ("erase_personal",), caller)
        asked = msgspec.structs.replace(asked, text=asked.text.strip())
        if bool(asked.text) == bool(asked.check):
            cause, hint = "exactly one of text and check is needed", "name a person, or a check"
            raise Refused("what_to_find", "find", "personal texts", cause, hint)
        return await asyncio.to_thread(find, self._keeper.files, asked)

    async def erase(self, asked: EraseBody, caller: Caller) -> ErasedTexts:
        """Said twice, it changes nothing the second time. Raises: StorageRefused, Overloaded, and what `require_all` says."""
        require_all("erase", "personal texts", ("erase_personal",), caller)
        digests = tuple(dict.fromkeys(asked.digests))
        erased = await self._keeper.erase(digests, "asked", caller.person(asked.by))
        return ErasedTexts(digests=len(digests), erased=erased, notes=self._notes())

    def _notes(self) -> tuple[str, ...]:
        asides, notes = self._keeper.asides, []
        if asides.waiting:
            names = ", ".join(asides.waiting)
            notes.append(f"files that were set aside and still are to be read over are not looked at yet: {names}")
        if asides.left:
            notes.append(f"{asides.left} long texts in files that were set aside could not be overwritten: remove those files")
        return tuple(notes)
