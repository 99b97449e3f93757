"""One immutable value for the API, the CLI and the pages: what is true of this register now, in numbers and in words."""

from tillkeeper.contract.sinks import SinkView
from tillkeeper.contract.views import Colour, Dot, StatusView
from tillkeeper.diagnostics import hq as of_hq
from tillkeeper.diagnostics.advisories import advise
from tillkeeper.diagnostics.facts import Facts, SinkFacts
from tillkeeper.diagnostics.network import outage_behind
from tillkeeper.diagnostics.words import counted, duration_words


def dot(facts: Facts) -> Dot:
    """The colour is the mode's (`roles.mode.colour`), and the words say the same; green is only said where HQ is known to have
    answered within the window."""
    support = "offline support is on" if facts.offline_support else "offline support is OFF"
    age_s = facts.hq.exchange_age_s
    proven = facts.hq.configured and age_s is not None and age_s <= facts.online_window_s
    colour: Colour = "grey" if facts.colour == "green" and not proven else facts.colour
    return Dot(colour=colour, words=f"{_standing(facts, colour)}, {support}")


def _standing(facts: Facts, colour: Colour) -> str:
    hq, by = facts.hq, f" (switched by {facts.switched_by})" if facts.switched_by else ""
    since = "" if hq.exchange_age_s is None else f" for {duration_words(hq.exchange_age_s)}"
    match facts.mode:
        case "manual_offline":
            return f"Offline by hand{by}"
        case "offsite":
            answers = {"green": "HQ answers", "red": f"HQ does not answer{since}{_why_hq(facts)}", "grey": "asking HQ"}
            return f"Offsite{by}: {answers[colour] if hq.configured else 'there is no HQ'}"
        case "island":
            return f"Island{since}: no other register is heard{_why(facts)}"
    if not hq.configured:
        return "No HQ: this register works alone"
    if facts.mode == "offline":
        return f"Offline{since}{_why_hq(facts)}"
    if colour == "green":
        return "Online"
    return f"Checking the connection to HQ{_why_hq(facts)}"


def _why_hq(facts: Facts) -> str:
    """Why HQ does not answer: before all else it has to be asked."""
    return f": {setting} can not be read" if (setting := of_hq.unread(facts)) else _why(facts)


def _why(facts: Facts) -> str:
    """": the router does not answer", where the prober names a fault."""
    network = facts.network.brief
    outage = outage_behind(facts)
    headline = (network.headline if outage is None else outage.text).rstrip(".")
    if network.phase == "suspect":  # "Not sure yet: it may be ...": within a sentence "may" is enough
        headline = headline.rpartition(": ")[2]
    headline = headline.replace(": ", " - ")
    if network.phase not in ("suspect", "confirmed") or not headline:
        return ""
    # Within a sentence; HQ, DNS and Wi-Fi keep their capitals.
    first = headline.partition(" ")[0]
    return f": {headline[0].lower() + headline[1:]}" if first[1:].islower() or first == "A" else f": {headline}"


def only_here_words(count: int) -> str:
    return f"only on this register: {count}"


def paused(facts: Facts) -> tuple[str, ...]:
    """What stands still while HQ is not known to answer, or must not be heard; nothing where there is none, for then nothing is
    expected of it. Offline by hand sales go on to HQ while it answers: then its reports are not behind."""
    if not facts.hq.configured or facts.mode == "online" or (facts.mode == "offsite" and facts.answers):
        return ()
    count = facts.only_here if facts.to_hq is None else facts.to_hq
    waiting = "1 event waits" if count == 1 else f"{count or 'No'} events wait"
    said = [f"{waiting} on this register to be sent"]
    if facts.mode == "manual_offline" and facts.answers:
        return ("Changes published at HQ are not applied", *(said if count else ["Sales go on to HQ in the background"]))
    return ("Reports at HQ do not update", "Changes published at HQ are not applied", *said)


def _sink(sink: SinkFacts, facts: Facts) -> SinkView:
    return SinkView(
        name=sink.name,
        kind=sink.kind,
        reachable=sink.reachable,
        behind=sink.behind,
        words=_sink_words(sink, facts),
        version=sink.version,
        sends=sink.sends,
        others=sink.others,
        staff=sink.staff,
    )


def _sink_words(sink: SinkFacts, facts: Facts) -> str:
    """With what it has of the people who work here, where that is not what holds here."""
    said = sink_words(sink)
    if sink.staff is None or facts.staff is None or sink.staff.version == facts.staff.version:
        return said
    age = duration_words((facts.at_ms - sink.staff.changed_at_ms) / 1000)
    return f"{said}, another list of staff ({sink.staff.version}, changed {age} ago)"


def sink_words(sink: SinkFacts) -> str:
    """"reachable, behind by 1200, about 3 min". What is said of other registers' events is not the number that waits here."""
    if sink.outside:
        return sink.outside
    if sink.reachable:
        said = ["reachable"]
    else:
        said = ["never heard" if sink.heard_s is None else f"silent for {duration_words(sink.heard_s)}"]
        said += [sink.trouble] if sink.trouble else []
    if not sink.sends:
        return ", ".join(said)
    if sink.behind is None:
        said.append("how much it holds is not known")
    elif sink.behind == 0:
        said.append("has everything")
    else:
        own = sink.behind - sink.others
        said.append(f"behind by {own}" if own else "has everything of this register")
        said += [f"not known to hold {counted(sink.others, 'event', 'events')} of other registers"] if sink.others else []
        if sink.put_off:
            said.append(sink.put_off)
        elif sink.for_s is not None:
            said.append(f"about {duration_words(max(1.0, sink.for_s))}")
    return ", ".join(said)


def status_view(facts: Facts) -> StatusView:
    """The snapshot."""
    return StatusView(
        store=facts.store,
        register=facts.register,
        incarnation=facts.incarnation,
        version=facts.version,
        uptime_s=facts.uptime_s,
        at_ms=facts.at_ms,
        business_day=facts.business_day,
        mode=facts.mode,
        dot=dot(facts),
        offline_support=facts.offline_support,
        only_here=facts.only_here,
        only_here_words=only_here_words(facts.only_here),
        sinks=tuple(_sink(sink, facts) for sink in facts.sinks),
        hq_exchange_age_s=facts.hq.exchange_age_s,
        selling=not facts.journal.refusing,
        catalogue_version=facts.catalogue.version,
        catalogue_age_s=facts.catalogue.age_s,
        devices=facts.devices,
        jobs_waiting=facts.jobs_waiting,
        jobs_held=facts.held_tickets + facts.held_others,
        checks_open=facts.checks_open,
        advisories=advise(facts),
        paused=paused(facts),
        network=facts.network.brief,
        roles=facts.roles,
        staff=facts.staff,
    )
