"""X and Z: sessions as they are shown and printed. Pure."""

from collections.abc import Iterator, Mapping

import msgspec

from tillkeeper.cash.figures import over_short
from tillkeeper.cash.sessions import Session
from tillkeeper.config.model import Config
from tillkeeper.contract.cash import DrawerFigures, DrawerReport, DrawerSessionView
from tillkeeper.spool.model import ReportData, ReportLine


class Closed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A closed session, as it is kept to be looked at and printed again. `copies`: how often it was."""

    session: Session
    number: int
    figures: DrawerFigures
    over_short_minor: dict[str, int]
    business_day: str
    closed_at_ms: int
    closed_by: str = ""
    copies: int = 0


def session_view(session: Session, figures: DrawerFigures | None = None) -> DrawerSessionView:
    """`figures`: given where whoever asks may know them."""
    expected = figures.expected_minor if figures is not None else None
    counted = session.counted_minor
    return DrawerSessionView(
        session_id=session.session_id,
        drawer=session.drawer,
        state=session.state,
        opened_at_ms=session.opened_at_ms,
        opened_by=session.opened_by,
        float_minor=session.float_minor,
        terminal=session.terminal,
        counted_at_ms=session.counted_at_ms,
        counted_by=session.counted_by,
        counted_minor=counted,
        expected_minor=expected,
        over_short_minor=None if expected is None or counted is None else over_short(expected, counted),
    )


def closed_view(closed: Closed) -> DrawerSessionView:
    return msgspec.structs.replace(
        session_view(closed.session, closed.figures),
        state="closed",
        number=closed.number,
        closed_at_ms=closed.closed_at_ms,
        closed_by=closed.closed_by,
        over_short_minor=closed.over_short_minor,
    )


def x_report(session: Session, figures: DrawerFigures | None, currency: str, at_ms: int) -> DrawerReport:
    return DrawerReport(kind="x", session=session_view(session, figures), figures=figures, currency=currency, at_ms=at_ms)


def z_report(closed: Closed, currency: str) -> DrawerReport:
    return DrawerReport(
        kind="z", session=closed_view(closed), figures=closed.figures, currency=currency, at_ms=closed.closed_at_ms
    )


# --- on paper ---


def x_paper(session: Session, figures: DrawerFigures, config: Config, *, day: str, at_ms: int, by: str) -> ReportData:
    return ReportData(
        kind="x",
        drawer=session.drawer,
        printed_at_ms=at_ms,
        lines=tuple(_lines(figures, session.counted_minor, config)),
        title=title_of(config, session.drawer),
        session=session.session_id,
        terminal=session.terminal,
        business_day=day,
        opened_at_ms=session.opened_at_ms,
        opened_by=session.opened_by,
        counted_at_ms=session.counted_at_ms,
        counted_by=session.counted_by,
        printed_by=by,
    )


def z_paper(closed: Closed, config: Config, *, at_ms: int, by: str, copy: int = 0) -> ReportData:
    data = x_paper(closed.session, closed.figures, config, day=closed.business_day, at_ms=at_ms, by=by)
    return msgspec.structs.replace(
        data, kind="z", number=closed.number, closed_at_ms=closed.closed_at_ms, closed_by=closed.closed_by, copy=copy
    )


def title_of(config: Config, drawer: str) -> str:
    """The drawer as people call it: by the terminals that use it, else by its name."""
    titles = [place.title for name in config.terminals if (place := config.place(name)).drawer == drawer]
    return ", ".join(titles) or drawer


def _lines(figures: DrawerFigures, counted: Mapping[str, int] | None, config: Config) -> Iterator[ReportLine]:
    """What was sold, how it was paid, and how the drawer comes to what it should hold."""
    yield ReportLine("sales_count", count=figures.sales)
    if figures.discount_minor:
        yield ReportLine("discounts", amount_minor=-figures.discount_minor)
    yield ReportLine("net", amount_minor=figures.net_minor)
    yield ReportLine("tax", amount_minor=figures.tax_minor)
    yield ReportLine("gross", amount_minor=figures.gross_minor)
    if figures.rounding_minor:
        yield ReportLine("rounding", amount_minor=figures.rounding_minor)
    if figures.refunds:
        yield ReportLine("refund_count", count=figures.refunds)
        yield ReportLine("refunds", amount_minor=-figures.refunded_minor)
    yield ReportLine("checks_voided", count=figures.voids)
    yield ReportLine("no_sales", count=figures.no_sales)
    if figures.tenders:
        yield ReportLine("tenders")
    for name, amount in figures.tenders.items():
        tender = config.tenders.get(name)
        yield ReportLine(label=tender.title if tender else name, amount_minor=amount, depth=1)
    yield ReportLine(label="")
    yield from _drawer(figures, counted or {}, config.store.currency, is_counted=counted is not None)


def _drawer(figures: DrawerFigures, counted: Mapping[str, int], currency: str, *, is_counted: bool) -> Iterator[ReportLine]:
    """From the float to what is expected, so that a reader can add it up."""
    moved = figures.paid_in_minor - figures.paid_out_minor - figures.safe_drop_minor
    sold = figures.expected_minor[currency] - figures.float_minor - moved + figures.cash_back_minor + figures.change_minor
    yield ReportLine("opening_float", amount_minor=figures.float_minor)
    yield ReportLine("cash_sales", amount_minor=sold)
    for word, amount in (
        ("change", -figures.change_minor),
        ("cash_refunds", -figures.cash_back_minor),
        ("paid_in", figures.paid_in_minor),
        ("paid_out", -figures.paid_out_minor),
        ("safe_drop", -figures.safe_drop_minor),
    ):
        if amount:
            yield ReportLine(word, amount_minor=amount)
    differences = over_short(figures.expected_minor, counted)
    for name in differences if is_counted else figures.expected_minor:
        home = name == currency
        yield ReportLine("expected", amount_minor=figures.expected_minor.get(name, 0), currency=name, strong=home)
        if is_counted:
            yield ReportLine("counted", amount_minor=counted.get(name, 0), currency=name, strong=home)
            difference = differences[name]
            word = "over" if difference > 0 else "short" if difference < 0 else "over_short"
            yield ReportLine(word, amount_minor=difference, currency=name, strong=home)
