"""What is open of authorisations, for people."""

from collections.abc import Mapping

from tillkeeper.cards.gateway_line import Line
from tillkeeper.cards.lent import Hands
from tillkeeper.cards.unsettled import Unsettled
from tillkeeper.config.model import Config
from tillkeeper.contract.authorisations import AuthorisationsView, AuthorisationView, AwaitingView, GatewayView
from tillkeeper.sales.model import Authorisation, Check
from tillkeeper.sales.pricing import rules_of, totals


def view(
    config: Config, unsettled: Unsettled, lines: Mapping[str, Line], hands: Hands, open_checks: tuple[Check, ...]
) -> AuthorisationsView:
    views = [view_of(one, config, lines, hands) for one in unsettled.open.values()]
    rules = rules_of(config.store)
    return AuthorisationsView(
        frozen=tuple(one for one in views if one.state != "reversal_owed"),
        reversals_owed=tuple(one for one in views if one.state == "reversal_owed"),
        awaiting=tuple(
            AwaitingView(
                check_id=check.check_id,
                ticket_code=check.ticket_code,
                tender=check.awaiting,
                due_minor=totals(check, rules).due_minor,
                opened_at_ms=check.opened_at_ms,
            )
            for check in open_checks
            if check.awaiting and not check.training
        ),
        gateways=tuple(
            GatewayView(
                gateway=name,
                tenders=tuple(key for key, tender in config.tenders.items() if tender.gateway == name),
                reachable=line.reachable,
                last_error=line.last_error,
                owed=len(line.owed()),
            )
            for name, line in lines.items()
        ),
    )


def view_of(one: Authorisation, config: Config, lines: Mapping[str, Line], hands: Hands) -> AuthorisationView:
    line = lines.get(one.gateway)
    tries, error = line.tries(one.authorisation_id) if line is not None else (0, "")
    return AuthorisationView(
        authorisation_id=one.authorisation_id,
        state=one.state,
        situation=one.situation,
        tender=one.tender,
        kind=one.kind,
        gateway=one.gateway,
        amount_minor=one.amount_minor,
        asked_at_ms=one.asked_at_ms,
        register=config.this_register,
        check_id=one.check_id,
        ticket_code=_code(one, hands),
        purpose=one.purpose.kind,
        original=one.original,
        reference=one.reference,
        label=one.label,
        reason=one.reason,
        under_way=line is not None and one.authorisation_id in line.calling,
        tries=tries,
        last_error=error or (line.last_error if line is not None else "this gateway is not configured any more"),
    )


def _code(one: Authorisation, hands: Hands) -> str:
    check = hands.last_here(one.check_id) if one.check_id else None
    return check.ticket_code if check is not None else ""
