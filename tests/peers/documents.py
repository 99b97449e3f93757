"""The documents that a store prints, as the agent lays them out, and names in several scripts."""

import functools
from typing import get_args

from tests.layouts.world import store

from tillkeeper.layouts import previews, shelf
from tillkeeper.layouts.model import DocumentName
from tillkeeper_drivers.api import PrintDocument, Text

NAMES: tuple[str, ...] = get_args(DocumentName)
SCRIPTS = {
    "western": "Crème brûlée, Käsespätzle, jalapeño 4,50 €",
    "central European": "Żurek, smažený sýr, gulyás, ţuică",
    "Cyrillic": "Борщ, пельмени, вареники",
    "mixed": "Борщ & Crème & Żurek",
    "commands in a name": "evil \x1b@\x1bp\x00\x32\xc8 \x1dV\x00 \x10\x04\x01 name",
}


@functools.cache
def document(name: str) -> PrintDocument:
    """A sample of it, by the standard layouts: a receipt with a QR code, tickets with ADD, VOID and CHANGED, reports."""
    config = store()
    return previews.sample(previews.Asked(document=name), config, shelf.chosen(config)).document


def script(name: str) -> PrintDocument:
    return PrintDocument("script", (Text(SCRIPTS[name]), Text("end", align="right", width=2, height=2, bold=True)))
