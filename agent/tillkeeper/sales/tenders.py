"""Which tender may be taken when: one table. Going offline changes what this table says and nothing else of a sale.

Card, gift and loyalty need an authorisation from outside. While there may be an uplink the actual call decides (nothing
guesses beforehand); while there is none they are refused, with the reason and with what is allowed instead.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from tillkeeper.config.model import Config
from tillkeeper.contract.values import TenderKind
from tillkeeper.errors import Refused
from tillkeeper.roles.mode import Mode

Situation = Literal["payment", "refund"]
Answer = Literal["allowed", "needs_authorisation", "refused"]

KINDS: tuple[TenderKind, ...] = get_args(TenderKind)
MODES: tuple[Mode, ...] = get_args(Mode)
SITUATIONS: tuple[Situation, ...] = get_args(Situation)


@dataclass(frozen=True)
class Verdict:
    """`code` and `reason` are set where the answer is `refused`."""

    answer: Answer
    code: str = ""
    reason: str = ""


_ALLOWED = Verdict("allowed")
_AUTHORISE = Verdict("needs_authorisation")
_NO_UPLINK = Verdict("refused", "tender_needs_uplink", "it needs an authorisation, and there is no connection")
_SWITCHED_OFF = Verdict("refused", "tender_needs_uplink", "it needs an authorisation, and the store was set to offline by hand")

_BY_MODE: dict[Mode, Verdict] = {
    "checking": _AUTHORISE,
    "online": _AUTHORISE,
    "offline": _NO_UPLINK,
    "manual_offline": _SWITCHED_OFF,
}
_LOCAL: dict[Mode, Verdict] = dict.fromkeys(MODES, _ALLOWED)

# The policy. A refund follows the same rule as a payment: giving back to a card is a call too.
POLICY: dict[Situation, dict[TenderKind, dict[Mode, Verdict]]] = {
    situation: {"cash": _LOCAL, "custom": _LOCAL, "card": _BY_MODE, "gift": _BY_MODE, "loyalty": _BY_MODE}
    for situation in SITUATIONS
}


def verdict(kind: TenderKind, mode: Mode, situation: Situation) -> Verdict:
    return POLICY[situation][kind][mode]


def needs_world(kind: TenderKind) -> bool:
    """Whether somebody outside has to authorise it; such a tender can be awaited."""
    return POLICY["payment"][kind]["online"].answer == "needs_authorisation"


def allowed_tenders(config: Config, mode: Mode, situation: Situation = "payment") -> tuple[str, ...]:
    """Names of the configured tenders that can be taken without any call, in the order of the configuration."""
    return tuple(name for name, tender in config.tenders.items() if verdict(tender.kind, mode, situation).answer == "allowed")


@dataclass(frozen=True)
class AuthorisationRequest:
    """`tender_id` names the attempt durably: asking twice with the same id is one authorisation. Store currency."""

    situation: Situation
    tender_id: str
    tender: str
    kind: TenderKind
    amount_minor: int


class Authoriser(Protocol):
    """The seam to a payment terminal. `decide` is pure, so a shell that talks to a real one makes the call first and hands
    in its outcome as an authoriser that already knows it."""

    def authorise(self, request: AuthorisationRequest) -> str:
        """The reference of the authorisation.

        Raises:
            Refused: declined, or nobody to ask.
        """
        ...


class NoTerminal:
    """Nothing is connected that could authorise: every such tender is refused."""

    def authorise(self, request: AuthorisationRequest) -> str:
        raise Refused(
            "no_terminal",
            f"authorise {request.situation}",
            request.tender,
            "no payment terminal is configured, so nothing can authorise it",
        )


def admit(request: AuthorisationRequest, config: Config, mode: Mode, authoriser: Authoriser) -> str:
    """The authorisation's reference; empty for a tender that needs none.

    Raises:
        Refused: `tender_needs_uplink`, or what the authoriser says. `extra`: `reason`, `mode`, `allowed`.
    """
    ruling = verdict(request.kind, mode, request.situation)
    if ruling.answer == "allowed":
        return ""
    allowed = allowed_tenders(config, mode, request.situation)
    hint = f"take {' or '.join(allowed)} instead" if allowed else ""
    extra = {"tender": request.tender, "kind": request.kind, "mode": mode, "allowed": allowed}
    if ruling.answer == "refused":
        operation = f"take {request.situation}"
        raise Refused(ruling.code, operation, request.tender, ruling.reason, hint, reason=ruling.reason, **extra)
    try:
        return authoriser.authorise(request)
    except Refused as refused:
        extra |= refused.extra
        reason = extra.pop("reason", refused.cause)
        raise Refused(
            refused.code, refused.operation, refused.subject, refused.cause, refused.hint or hint, reason=reason, **extra
        ) from None


_WORDS: dict[Answer, str] = {"allowed": "allowed", "needs_authorisation": "the terminal's call decides", "refused": "refused"}


def render_table() -> str:
    """The policy as a Markdown table, for `docs/tenders.md`."""
    rows = ["| | tender | " + " | ".join(MODES) + " |", "|---|---|" + "---|" * len(MODES)]
    for situation in SITUATIONS:
        for kind in KINDS:
            cells = []
            for mode in MODES:
                ruling = verdict(kind, mode, situation)
                cells.append(_WORDS[ruling.answer] + (f" (`{ruling.code}`)" if ruling.code else ""))
            rows.append(f"| {situation} | {kind} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"
