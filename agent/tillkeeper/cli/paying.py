"""The options that take money, shared by `order` and `check pay`: tenders in the order of the command line."""

import argparse
from collections.abc import Sequence
from typing import Any

from tillkeeper.cli.client import Client, new_key
from tillkeeper.cli.exits import ApiProblem, PartlyDone, Unreachable, UsageError
from tillkeeper.cli.output import Money, to_minor
from tillkeeper.sales.money import minor_digits

CALL_S = 90.0
"""What may have to wait for a guest at a payment terminal is waited for so long."""


class _Tender(argparse.Action):
    """`--cash` and `--tender` go to one list, so that their order is kept: (tender or "", which is cash; amount or None)."""

    def __call__(
        self, parser: argparse.ArgumentParser, space: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        if self.option_strings == ["--cash"]:
            wanted = ("", value)
        else:
            name, equals, amount = str(value).partition("=")
            wanted = (name, amount if equals else None)
            if not name:
                parser.error(f"{option} wants a tender before the amount: ID or ID=AMOUNT")
        space.tenders = [*space.tenders, wanted]


def add_tenders(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "payment", "Taken in the order of the command line. A tender without an amount pays all that is due, so it is the last."
    )
    group.add_argument(
        "--cash",
        dest="tenders",
        action=_Tender,
        nargs="?",
        metavar="AMOUNT",
        help="what the guest gives in the store's currency",
    )
    group.add_argument(
        "--tender", dest="tenders", action=_Tender, metavar="ID[=AMOUNT]", help="any tender (`catalogue show` lists them)"
    )
    parser.set_defaults(tenders=[])


def tenders(args: argparse.Namespace, catalogue: dict[str, Any]) -> list[dict[str, Any]]:
    """The tenders that the options ask for, in their order, as the API takes them.

    Raises:
        UsageError: an amount that is none, no cash tender in the store's currency, or one without an amount before the last.
    """
    money = Money(catalogue)
    offers = {offer["tender"]: offer for offer in catalogue["tenders"]}
    found = []
    for name, amount in args.tenders:
        tender = name or _own_cash(catalogue)
        digits = minor_digits(_currency(tender, offers, money))
        found.append({"tender": tender} | ({} if amount is None else {"tendered_minor": to_minor(amount, digits)}))
    for tender in found[:-1]:
        if "tendered_minor" not in tender:
            raise UsageError(
                f"{tender['tender']!r} has no amount, so it takes all that is due and leaves nothing for the tender after it:"
                " give it an amount or name it last"
            )
    return found


def _own_cash(catalogue: dict[str, Any]) -> str:
    for offer in catalogue["tenders"]:
        if offer["kind"] == "cash" and offer["currency"] in ("", catalogue["currency"]):
            return str(offer["tender"])
    raise UsageError("this store has no cash tender in its own currency")


def _currency(tender: str, offers: dict[str, dict[str, Any]], money: Money) -> str:
    return str(offers.get(tender, {}).get("currency") or money.currency)


def pay(client: Client, check: str, args: argparse.Namespace, catalogue: dict[str, Any]) -> Any:
    """Send one command a tender to the check at the path `check`; answers the last answer.

    Each command has its own key: the numbered key of the caller, so that the whole can be repeated.

    Raises:
        UsageError: nothing to pay with, or tenders before the last cover everything; nothing was sent.
        PartlyDone: a command failed after an earlier one was booked.
    """
    wanted = tenders(args, catalogue)
    said = {"by": args.by} | ({"although_unreachable": True} if args.although_unreachable else {})
    if not wanted:
        raise UsageError("nothing to pay with: --cash or --tender")
    if len(wanted) == 1:
        return client.post(f"{check}/tenders", wanted[0] | said, args.key)
    totals = client.get(check)["totals"]
    # What is paid already may have been paid by this very command and key, of which this is the repetition.
    _require_use(wanted, totals["due_minor"] + (totals["paid_minor"] if args.key else 0), catalogue)
    key = args.key or new_key()
    answer: Any = None
    for at, tender in enumerate(wanted):
        try:
            answer = client.post(f"{check}/tenders", tender | said, f"{key}.{at + 1}")
        except (ApiProblem, Unreachable) as error:
            if at == 0:
                raise
            words = [_words(each, catalogue) for each in wanted]
            raise PartlyDone(error, words[:at], words[at], words[at + 1 :], key) from error
    return answer


def _require_use(wanted: Sequence[dict[str, Any]], due: int, catalogue: dict[str, Any]) -> None:
    """Refuse tenders after the one that covers `due`. Where one is in another currency only the agent knows its worth."""
    money = Money(catalogue)
    offers = {offer["tender"]: offer for offer in catalogue["tenders"]}
    left = due
    for at, tender in enumerate(wanted[:-1]):
        if due <= 0 or _currency(tender["tender"], offers, money) != money.currency:
            return
        left -= tender["tendered_minor"]
        if left <= 0:
            needless = ", ".join(_words(each, catalogue) for each in wanted[at + 1 :])
            raise UsageError(
                f"{_words(tender, catalogue)} covers all of the {money.text(due)} due: nothing is left for {needless};"
                " nothing was booked"
            )


def _words(tender: dict[str, Any], catalogue: dict[str, Any]) -> str:
    money = Money(catalogue)
    offers = {offer["tender"]: offer for offer in catalogue["tenders"]}
    if "tendered_minor" not in tender:
        return f"{tender['tender']} (the rest)"
    currency = _currency(tender["tender"], offers, money)
    shown = Money({"currency": currency, "minor_digits": minor_digits(currency)})
    return f"{tender['tender']} {shown.full(tender['tendered_minor'])}"
