"""What placeholders a document has, and what a job puts into them."""

from collections.abc import Mapping

import msgspec

from tillkeeper.config.model import Config
from tillkeeper.layouts.language import Language
from tillkeeper.layouts.model import REPORTS, TICKETS, DocumentName
from tillkeeper.spool.model import Job, ReceiptData, ReportData, TestSlipData, TicketData

_COMMON = frozenset({"store.name", "store.id", "device", "date", "time"})
_SALE = frozenset({"check_id", "check_number", "ticket_code", "order_type", "table", "server", "terminal", "guest"})
_RECEIPT = _COMMON | _SALE | {"copy", "original_date", "original_time"}
_TICKET = _COMMON | _SALE | {"covers", "revision", "station", "fired_at", "note"}
_TEST = _COMMON | {"profile", "stations", "number"}
_REPORT = _COMMON | {
    "drawer", "number", "session", "terminal", "business_day", "opened_at", "counted_at", "closed_at", "opened_by",
    "counted_by", "closed_by", "printed_by", "copy",
}  # fmt: skip


class Sheet(msgspec.Struct, frozen=True):
    """A job with what it takes to set it. `personal`: the texts of `job.personal` by field; one that was erased is absent."""

    job: Job
    config: Config
    personal: Mapping[str, str]
    language: Language

    @property
    def zone(self) -> str:
        return self.config.store.timezone


def known(document: DocumentName) -> frozenset[str]:
    """The placeholders of a document, words apart."""
    if document in TICKETS:
        return _TICKET
    if document in REPORTS:
        return _REPORT
    return _TEST if document == "test_slip" else _RECEIPT


def fields(sheet: Sheet) -> dict[str, str]:
    """Each of `known` with its text; empty where the job has none. Raises TypeError: a drawer pulse has no paper."""
    data, store = sheet.job.data, sheet.config.store
    common = {"store.name": store.name, "store.id": store.id, "device": sheet.job.device}
    if isinstance(data, TicketData):
        return {**common, **_sale(sheet, data), **_ticket(sheet, data)}
    if isinstance(data, ReceiptData):
        return {**common, **_sale(sheet, data), **_receipt(sheet, data)}
    if isinstance(data, ReportData):
        return {**common, **_report(sheet, data)}
    if isinstance(data, TestSlipData):
        return {**common, **_test(sheet, data)}
    raise TypeError("a drawer pulse is not printed")


def _at(sheet: Sheet, at_ms: int | None, *, seconds: bool = False) -> dict[str, str]:
    return {
        "date": sheet.language.date(at_ms, sheet.zone),
        "time": sheet.language.time(at_ms, sheet.zone, seconds=seconds),
    }


def _sale(sheet: Sheet, data: TicketData | ReceiptData) -> dict[str, str]:
    return {
        "check_id": data.check_id,
        "check_number": "" if data.check_number is None else str(data.check_number),
        "ticket_code": data.ticket_code,
        "order_type": sheet.language.order_type(data.order_type),
        "table": data.table,
        "server": data.server,
        "terminal": data.terminal,
        "guest": sheet.personal.get("name", ""),
    }


def _ticket(sheet: Sheet, data: TicketData) -> dict[str, str]:
    station = sheet.config.stations.get(data.station)
    return {
        **_at(sheet, data.fired_at_ms),
        "covers": str(data.covers or ""),
        "revision": str(data.revision) if data.revision > 1 else "",
        "station": station.title if station is not None else data.station,
        "fired_at": sheet.language.time(data.fired_at_ms, sheet.zone, seconds=True),
        "note": sheet.personal.get("note", ""),
    }


def _receipt(sheet: Sheet, data: ReceiptData) -> dict[str, str]:
    original = _at(sheet, data.original_at_ms)
    return {
        **_at(sheet, data.printed_at_ms),
        "copy": str(data.copy or ""),
        "original_date": original["date"],
        "original_time": original["time"],
    }


def _test(sheet: Sheet, data: TestSlipData) -> dict[str, str]:
    device = sheet.config.devices.get(sheet.job.device)
    serves = [station.title for station in sheet.config.stations.values() if sheet.job.device in station.devices]
    return {
        **_at(sheet, data.requested_at_ms, seconds=True),
        "number": data.number,
        "profile": (device.profile or device.kind) if device is not None else "",
        "stations": ", ".join(serves),
    }


def _report(sheet: Sheet, data: ReportData) -> dict[str, str]:
    def moment(at_ms: int | None) -> str:
        at = _at(sheet, at_ms)
        return f"{at['date']} {at['time']}".strip()

    return {
        **_at(sheet, data.printed_at_ms),
        "drawer": data.title or data.drawer,
        "number": str(data.number or ""),
        "session": data.session,
        "terminal": data.terminal,
        "business_day": sheet.language.day(data.business_day),
        "opened_at": moment(data.opened_at_ms),
        "counted_at": moment(data.counted_at_ms),
        "closed_at": moment(data.closed_at_ms),
        "opened_by": data.opened_by,
        "counted_by": data.counted_by,
        "closed_by": data.closed_by,
        "printed_by": data.printed_by,
        "copy": str(data.copy or ""),
    }
