"""Questions about joining the store, and who signs in. Pure."""

from msgspec.structs import replace

from tillkeeper.setup import checks
from tillkeeper.setup.answers import Answers, PeopleSaid
from tillkeeper.setup.asking import Interview, Wrong, also_empty, ask, ask_yes, say
from tillkeeper.setup.known import Known, Secrets


def people(known: Known, said: Answers, secrets: Secrets, *, first: bool) -> Interview[Answers]:
    if len(said.registers) > 1 and said.register != said.primary and not known.joined:
        yield from say(
            f"  It joins the store with a code that `tillkeeper store code {said.register}` makes at register {said.primary}."
        )
        text = "Join code (- : later)"
        secrets.join_code = yield from ask("join.code", text, also_empty(_join_code), "-")
    sign_in = yield from ask_yes("people.sign_in", "Do people sign in with a PIN?", default=said.people.sign_in or first)
    if not sign_in or known.people:
        return replace(said, people=PeopleSaid(sign_in=sign_in))
    if secrets.join_code:
        yield from say("  The store's people, with their PINs, come with the join.")
        return replace(said, people=PeopleSaid(sign_in=True))
    usual = said.people.manager or ("manager" if said.register == said.primary else "-")
    text = "First manager, a short name (- : nobody yet)"
    who = yield from ask("people.manager", text, also_empty(checks.identifier), usual)
    if not who:
        return replace(said, people=PeopleSaid(sign_in=True))
    name = yield from ask("people.name", "  as pages show it", checks.line, said.people.name or who.capitalize())
    secrets.pin = yield from ask(
        "people.pin", f"  PIN, {known.pin_length} digits (not shown)", checks.pin_of(known.pin_length), secret=True, twice=True
    )
    return replace(said, people=PeopleSaid(sign_in=True, manager=who, name=name))


def _join_code(text: str) -> str:
    """It is read here, so that a typing error is found before anybody is asked."""
    from tillkeeper.trust.codes import read_join_code
    from tillkeeper.trust.trouble import TrustTrouble

    try:
        read_join_code(text)
    except TrustTrouble as trouble:
        raise Wrong(trouble.cause) from trouble
    return text.strip()
