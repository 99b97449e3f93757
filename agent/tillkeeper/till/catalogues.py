"""The catalogue that new checks take, and the ones that older checks were rung from: a sale never mixes two versions."""

from pathlib import Path

from tillkeeper.contract.events import CatalogueAdopted
from tillkeeper.errors import ConfigInvalid, NotFound
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.sales.catalogue import Catalogue, parse_catalogue

KEPT = 8


class Catalogues:
    """`trouble`: why the file is not in force, in words; empty where it is."""

    def __init__(self, journal: Journal, current: Catalogue, trouble: str = "") -> None:
        self.trouble = trouble
        self._journal = journal
        self._kept: dict[str, Catalogue] = {current.version: current}
        self.current = current

    def of(self, version: str) -> Catalogue:
        """The catalogue of a check. Raises `NotFound` where this register never adopted it."""
        found = self._kept.get(version)
        if found is None:
            stored = self._journal.catalogue(version)
            if stored is None:
                raise NotFound("read", f"catalogue {version}", "this register does not hold it")
            found = parse_catalogue(stored, f"{version}.json")
            if len(self._kept) >= KEPT:
                self._kept = {self.current.version: self.current}
            self._kept[version] = found
        return found

    def holds(self, version: str) -> bool:
        """A check of another register may have been rung by a catalogue that is not here."""
        try:
            self.of(version)
        except NotFound:
            return False
        return True


def read_catalogue(file: Path, tax_categories: frozenset[str]) -> Catalogue:
    """Raises `ConfigInvalid` with every problem of the file, `OSError` where it can not be read."""
    return parse_catalogue(file.read_bytes(), str(file), tax_categories)


def last_adopted(journal: Journal, tax_categories: frozenset[str]) -> Catalogue | None:
    """The catalogue that was in force last, for a start whose file is of no use; None where there was none, or it fits the
    taxes no longer."""
    version = (journal.setting("catalogue") or b"").decode()
    return still_good(version, (journal.catalogue(version) if version else None) or b"", tax_categories)


def still_good(version: str, stored: bytes, tax_categories: frozenset[str]) -> Catalogue | None:
    """A catalogue that was adopted once, where it fits these taxes."""
    if not stored:
        return None
    try:
        return parse_catalogue(stored, f"{version}.json", tax_categories)
    except ConfigInvalid:
        return None


async def adopt(journal: Journal, catalogue: Catalogue, business_day: str, now_ms: int) -> None:
    """Make a new catalogue durable, with the event that says from when it holds. Nothing happens for the one in force."""
    if journal.setting("catalogue") == catalogue.version.encode():
        return
    event = CatalogueAdopted(catalogue_version=catalogue.version, sha256=catalogue.sha256, items=len(catalogue.items))
    await journal.append(
        Batch(
            events=(NewEvent(event, business_day, now_ms),),
            catalogues={catalogue.version: catalogue.encode()},
            settings={"catalogue": catalogue.version.encode(), "catalogue_adopted_at_ms": str(now_ms).encode()},
        )
    )
