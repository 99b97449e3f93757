"""[gateways], and which tenders are authorised by them. Pure."""

from urllib.parse import urlsplit

from tillkeeper.config import secret_rules
from tillkeeper.config.raw import Report, Table, table, tables, text

WORLD = ("card", "gift", "loyalty")


def check(document: Table, report: Report) -> None:
    """Report each address that is none, each tender of a gateway that there is not, and each that needs none."""
    gateways = table(document, "gateways")
    for name, gateway in tables(document, "gateways"):
        url = text(gateway, "url")
        try:
            parts = urlsplit(url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            sound = False
        if url and not sound:
            report(("gateways", name, "url"), f"{url!r} is not an http(s) address")
        elif url and (parts.username or parts.query or parts.fragment):
            report(("gateways", name, "url"), "has a user name, query or fragment in it; the secret goes to token_file")
        if why := secret_rules.name_problem(text(gateway, "token_file")):
            report(("gateways", name, "token_file"), why)
    for name, tender in tables(document, "tenders"):
        wanted = text(tender, "gateway")
        if wanted and wanted not in gateways:
            report(("tenders", name, "gateway"), f"no gateway {wanted!r}", wanted, gateways)
        if wanted and text(tender, "kind") not in (*WORLD, ""):
            report(("tenders", name, "gateway"), f"only {', '.join(WORLD)} tenders are authorised by a gateway")
