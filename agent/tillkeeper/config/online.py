"""[online]: orders of a web shop, which HQ hands to the primary or the backup."""

from typing import Annotated

from msgspec import Meta

from tillkeeper.config.raw import Report, Table, table, text
from tillkeeper.config.section import Section


class Online(Section, frozen=True):
    """`take`: ask HQ for orders. `tender`: the custom tender that a guest's payment to the shop is recorded under; empty:
    orders that are paid already are refused. `lead_s`: so long before the promised time the kitchen is told."""

    take: bool = False
    tender: str = ""
    lead_s: Annotated[int, Meta(ge=0, le=86_400)] = 900


def check(document: Table, report: Report) -> None:
    """Report orders that nobody hands out, and a tender that is none or needs a terminal."""
    online, tenders = table(document, "online"), table(document, "tenders")
    if online.get("take") is True and not text(table(document, "hq"), "url"):
        report(("online", "take"), "there is no HQ to ask: set hq.url")
    if name := text(online, "tender"):
        if name not in tenders:
            report(("online", "tender"), f"no tender {name!r}", name, tenders)
        elif text(table(tenders, name), "kind") != "custom":
            report(("online", "tender"), f"tender {name!r} has to be of kind custom: the shop has the money already")
