"""What the kitchen knows of a check that two registers had: what it was told by either. Pure."""

from collections.abc import Mapping

import msgspec

from tillkeeper.sales.model import KnownItem, StationView

_encode = msgspec.json.Encoder(order="deterministic").encode


def stations(
    before: Mapping[str, StationView], ours: Mapping[str, StationView], after: Mapping[str, StationView]
) -> dict[str, StationView]:
    """By station. `before`, `after`: of the other side, as in `merge.Side`."""
    found = {}
    for name in sorted({*ours, *after}):
        was, mine, theirs = (views.get(name, StationView()) for views in (before, ours, after))
        items: dict[str, KnownItem] = {}
        for line_id in sorted({*mine.items, *theirs.items}):
            item = _known(was.items.get(line_id), mine.items.get(line_id), theirs.items.get(line_id))
            if item is not None:
                items[line_id] = item
        last = max((mine, theirs), key=lambda view: (view.revision, view.job_id))
        found[name] = StationView(revision=last.revision, job_id=last.job_id, items=items)
    return found


def _known(before: KnownItem | None, ours: KnownItem | None, after: KnownItem | None) -> KnownItem | None:
    if after in (ours, before):
        return ours
    if ours == before:
        return after
    return max((one for one in (ours, after) if one is not None), key=_encode)
