"""Which tender may be taken when: one table. Going offline changes what this table says and nothing else of a sale.

Card, gift and loyalty need an authorisation from outside. While there may be an uplink the actual call decides (nothing
guesses beforehand); while there is none they are refused, with the reason and with what is allowed instead. Away from the store
(offsite) a register has whatever link there is, so there, too, the call decides.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from tillkeeper.config.model import Config
from tillkeeper.contract.values import TenderKind
from tillkeeper.contract.views import Mode
from tillkeeper.errors import Refused

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
_ALONE = Verdict("refused", "tender_needs_uplink", "it needs an authorisation, and this register reaches nobody")
_SWITCHED_OFF = Verdict("refused", "tender_needs_uplink", "it needs an authorisation, and the store was set to offline by hand")

_BY_MODE: dict[Mode, Verdict] = {
    "checking": _AUTHORISE,
    "online": _AUTHORISE,
    "offline": _NO_UPLINK,
    "island": _ALONE,
    "offsite": _AUTHORISE,
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


def offered_tenders(config: Config, mode: Mode) -> tuple[str, ...]:
    """Names of the configured tenders that a page may offer now: those that need nobody, and those whose gateway decides."""
    return tuple(
        name
        for name, tender in config.tenders.items()
        if (answer := verdict(tender.kind, mode, "payment").answer) == "allowed"
        or (answer == "needs_authorisation" and tender.gateway)
    )


@dataclass(frozen=True)
class AuthorisationRequest:
    """`tender_id` names the attempt durably: asking twice with the same id is one authorisation. Store currency."""

    situation: Situation
    tender_id: str
    tender: str
    kind: TenderKind
    amount_minor: int
    original: str = ""
    """Of a refund: the `tender_id` of the payment that it gives back, where there is one."""
    guest_absent: bool = False
    reference: str = ""
    """What a person wrote to it."""


@dataclass(frozen=True)
class Admission:
    """`authorisation_id`: under which it is recorded; empty where nobody had to be asked. `label`: of the card, for people."""

    authorisation_id: str = ""
    reference: str = ""
    label: str = ""


class Authoriser(Protocol):
    """The seam to a payment terminal. `decide` is pure, so a shell that talks to a real one decides first which calls are
    needed, makes them, and decides again with an authoriser that knows their outcomes (`calls.Calls`)."""

    def authorised(self, request: AuthorisationRequest) -> Admission | None:
        """What has been authorised for this already, whatever the mode is by now.

        Raises:
            Refused: something else was.
        """
        ...

    def authorise(self, request: AuthorisationRequest) -> Admission:
        """
        Raises:
            Refused: nobody to ask.
        """
        ...


class NoTerminal:
    """Nothing is connected that could authorise: every such tender is refused."""

    def authorised(self, request: AuthorisationRequest) -> Admission | None:
        return None

    def authorise(self, request: AuthorisationRequest) -> Admission:
        raise Refused(
            "no_terminal",
            f"authorise {request.situation}",
            request.tender,
            "no payment terminal is configured, so nothing can authorise it",
        )


def _mode_knows_nothing(request: AuthorisationRequest, config: Config, mode: Mode) -> bool:
    """Without an HQ no mode says whether there is a way out: where there is a gateway, its call does."""
    tender = config.tenders.get(request.tender)
    return mode == "offline" and not config.hq.url and tender is not None and bool(tender.gateway)


def admit(request: AuthorisationRequest, config: Config, mode: Mode, authoriser: Authoriser) -> Admission:
    """How it is authorised; an empty one for a tender that needs nobody.

    Raises:
        Refused: `tender_needs_uplink`, or what the authoriser says. `extra`: `reason`, `mode`, `allowed`.
    """
    ruling = verdict(request.kind, mode, request.situation)
    if ruling.answer == "allowed":
        return Admission()
    if (known := authoriser.authorised(request)) is not None:
        return known
    allowed = allowed_tenders(config, mode, request.situation)
    hint = f"take {' or '.join(allowed)} instead" if allowed else ""
    extra = {"tender": request.tender, "kind": request.kind, "mode": mode, "allowed": allowed}
    if ruling.answer == "refused" and not _mode_knows_nothing(request, config, mode):
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
