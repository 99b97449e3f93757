"""Verdict and evidence -> what people read: one sentence, what it rests on, what to do. Pure; never raises for what a report
can hold."""

from tillkeeper.config.network import Link, Links
from tillkeeper.network.faults import COLUMNS, FAULTS, second_of
from tillkeeper.network.hysteresis import phase_to_show
from tillkeeper.network.model import Column, ColumnName, Evidence, Sign, Value, Verdict
from tillkeeper.network.peers import live
from tillkeeper.network.wording import ALSO, SETS, WORDS, WORKS, SetWording, Works

FINE = "The network works"
CHECKING = "Checking the network"
STORE_ONLY = "The store's network works; whether the internet does is not known"
_BACKUP = "The network works, on the backup line"
_SILENT_SHOWN = 4
_ANSWERING_SHOWN = 3
_PEERS_SHOWN = 3
_THINGS: dict[ColumnName, str] = {
    "broadcast": "The other registers", "gateway": "The router's hardware address (ARP/ND)",
    "switch": "The switch's own address",
    "neighbours": "Printers, screens and other registers", "router": "The router", "hop2": "The provider's first router",
    "modem": "The modem's own address", "anycast": "Well-known addresses in the internet", "resolver": "The own name server",
    "other_resolver": "Other name servers", "portal": "The check for a login page", "hq": "HQ's server",
}  # fmt: skip
_NO_INTERNET = ("modem", "isp_access")
_BEYOND: tuple[ColumnName, ...] = ("anycast", "portal", "hq")
_ONE: tuple[ColumnName, ...] = ("gateway", "switch", "router", "hop2", "modem", "resolver", "portal", "hq")


class AlsoWords(Value, frozen=True):
    code: str
    text: str
    hint: str


class Words(Value, frozen=True):
    """`headline`: a sentence without its stop. `evidence`: for technicians. `what_to_do`: for a person at the counter, in
    order. `question`: its answer tells the faults of a set apart, else empty. `works`: what goes on meanwhile."""

    headline: str
    evidence: tuple[str, ...]
    what_to_do: tuple[str, ...]
    also: tuple[AlsoWords, ...]
    question: str
    works: str


def say(verdict: Verdict, evidence: Evidence | None, links: Links, register: str, *, all_in_one: bool = False) -> Words:
    """In words. `verdict`: as it was reached, not as it is shown. `register`: own name, for the cable. `evidence` None where it
    is no longer known."""
    names = _names(links, register, all_in_one)
    faults = tuple(code for code in verdict.faults if code in WORDS)
    if all_in_one and len(faults) > 1:
        faults = tuple(code for code in faults if code != "router_cable") or faults
    also = tuple(_also(code, names | _details(code, evidence)) for code in verdict.also)
    if not faults or verdict.phase in ("fine", "checking"):
        if verdict.phase == "fine" and evidence is not None and phase_to_show("fine", evidence.states()) != "fine":
            return _store_only(names, also)
        fine = _BACKUP if "on_backup_line" in verdict.also else FINE
        headline = fine if verdict.phase == "fine" else CHECKING
        return Words(headline=headline, evidence=(), what_to_do=(), also=also, question="", works="")
    headline = _headline(faults, names)
    if verdict.phase == "suspect":
        headline = _fill(f"Not sure yet: it may be {_things(faults)}", names)
    question, steps = _steps(faults)
    return Words(
        headline=headline,
        evidence=() if evidence is None else _sentences(faults, evidence),
        what_to_do=tuple(_fill(step, names) for step in steps),
        also=also,
        question=_fill(question, names),
        works=WORKS[_works(faults[0], evidence)],
    )


def _store_only(names: dict[str, str], also: tuple[AlsoWords, ...]) -> Words:
    steps = ("Has this store no internet, or needs none? Then all is well.", *_steps(_NO_INTERNET)[1])
    return Words(
        headline=STORE_ONLY,
        evidence=("Nothing in the internet has answered so far",),
        what_to_do=tuple(_fill(step, names) for step in steps),
        also=also,
        question="",
        works=WORKS["careful"],
    )


def headline_of(faults: tuple[str, ...]) -> str:
    """The sentence of a set of faults by itself, as in the history; empty for none."""
    known = tuple(code for code in faults if code in WORDS)
    return _headline(known, _names(Links(), "", False)) if known else ""


def _works(fault: str, evidence: Evidence | None) -> Works:
    """A store with one protocol only is offline when that is lost, though elsewhere nothing would stop. Without names HQ may
    still be there at the address that is known."""
    works = WORDS[fault].works
    if works in ("slow", "all") and evidence is not None:
        beyond = [evidence.columns[name].state for name in _BEYOND if name in evidence.columns]
        return works if "yes" in beyond or "no" not in beyond else "store"
    if works == "store" and evidence is not None and FAULTS[fault].columns["hq"] == "yes":
        return "careful" if _is_answering("hq", evidence.columns.get("hq")) else works
    return works


def _headline(faults: tuple[str, ...], names: dict[str, str]) -> str:
    if len(faults) == 1:
        return _capital(_fill(WORDS[faults[0]].said, names))
    found = _set(faults)
    if found is not None and not found[1]:
        return _capital(_fill(found[0].headline, names))
    return _capital(_fill(_things(faults), names))


def _set(faults: tuple[str, ...]) -> tuple[SetWording, tuple[str, ...]] | None:
    """The set that these hold, and what it does not speak of."""
    for members, wording in SETS.items():
        if members <= set(faults):
            return wording, tuple(code for code in faults if code not in members | wording.covers)
    return None


def _things(faults: tuple[str, ...]) -> str:
    shown = [WORDS[code].thing for code in faults[:3]]
    if len(faults) > len(shown):
        shown.append("something else on the way")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _steps(faults: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The question of the set, or its members' own steps one after the other."""
    if len(faults) == 1:
        return "", WORDS[faults[0]].steps
    found = _set(faults)
    if found is not None:
        wording, rest = found
        more = tuple(WORDS[code].steps[0] for code in rest[:1])
        return wording.question, tuple(dict.fromkeys((*wording.steps[:-1], *more, wording.steps[-1])))
    steps = dict.fromkeys(step for code in faults[:2] for step in WORDS[code].steps)
    return "", tuple(steps)


# --- names and places ---


def _names(links: Links, register: str, all_in_one: bool) -> dict[str, str]:
    """What the placeholders stand for. An all-in-one box is one thing, whichever part is meant."""
    a_router = "the router box" if all_in_one else "the router"
    a_switch = a_router if all_in_one else "the switch"
    switch = links.router if all_in_one and not links.switch.where else links.switch
    own = links.cables.get(register, Link())
    to_switch = f"to {a_switch} {switch.where}" if switch.where else ""
    call = _call(links)
    names = {
        "a_router": a_router,
        "a_switch": a_switch,
        "router_word": a_router.removeprefix("the "),
        "switch_word": a_switch.removeprefix("the "),
        "router": _placed(a_router, links.router.where),
        "switch": _placed(a_switch, switch.where),
        "modem": _placed("the modem", links.modem.where),
        "cable": _placed("the cable at the back of this register", own.cable_colour, own.where or to_switch),
        "router_cable": _placed(f"the cable between {a_router} and {a_switch}", links.router.cable_colour),
        "call": call,
        "lower_call": _lower(call),
    }  # fmt: skip
    return names | {f"A_{name[2:]}": _capital(text) for name, text in names.items() if name.startswith("a_")}


def _placed(thing: str, *details: str) -> str:
    told = ", ".join(detail for detail in details if detail)
    return f"{thing} ({told})" if told else thing


def _call(links: Links) -> str:
    line = links.internet if links.internet.isp_phone or links.internet.provider else links.modem
    who = line.provider or "the internet provider"
    phone = f" at {line.isp_phone}" if line.isp_phone else ""
    account = f" Say the account number {line.account}." if line.account else ""
    return f"Call {who}{phone}.{account}"


def _fill(text: str, names: dict[str, str]) -> str:
    """Placeholders filled by hand: what the configuration says may hold braces."""
    parts = text.split("{")
    filled = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        filled.append(names.get(name, "") + rest)
    return "".join(filled).strip()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _also(code: str, names: dict[str, str]) -> AlsoWords:
    kind, _, subject = code.partition(":")
    second = second_of(code)
    if second:
        return AlsoWords(code=code, text=_headline(second, names), hint=_fill(_steps(second)[1][0], names))
    text, hint = ALSO.get(kind, (code, ""))
    named = names | {"subject": {"ipv4": "IPv4", "ipv6": "IPv6"}.get(subject, subject)}
    return AlsoWords(code=code, text=_capital(_fill(text, named)), hint=_fill(hint, named))


def _details(code: str, evidence: Evidence | None) -> dict[str, str]:
    """MACs that have one address, and the address of a device that is silent."""
    kind, _, subject = code.partition(":")
    signs = evidence.signs if evidence is not None else ()
    detail = next((sign.detail for sign in signs if sign.kind == kind and sign.subject == subject), "")
    return {"macs": f" ({detail})" if detail else "", "at": f" at {detail}" if detail else ""}


# --- evidence ---


def _sentences(faults: tuple[str, ...], evidence: Evidence) -> tuple[str, ...]:
    """What the verdict rests on, nearest first: what is silent, what answers all the same, what others see, what was seen."""
    found = _kernel(evidence)
    silent = [name for name in COLUMNS if name in _THINGS and _is_silent(evidence.columns.get(name))]
    missing = (evidence.columns[name].missing_s for name in silent)
    began_s = min((at_s for at_s in missing if at_s is not None), default=0.0)
    answering = [name for name in COLUMNS if _is_answering(name, evidence.columns.get(name), began_s)]
    expected = FAULTS[faults[0]].columns
    silent.sort(key=lambda name: expected[name] != "no")
    found += [_silence(name, evidence.columns[name], evidence.at_s) for name in silent[:_SILENT_SHOWN]]
    if len(silent) > _SILENT_SHOWN:
        found.append("What lies behind that does not answer either")
    found += [_answer(name, evidence.columns[name], evidence.at_s) for name in answering[-_ANSWERING_SHOWN:]]
    found += _of_peers(evidence)
    wanted = {kind for code in faults for kind in FAULTS[code].signs}
    found += [_sign(sign) for sign in evidence.signs if sign.kind in wanted or sign.kind.startswith(("hq_", "router_says"))]
    return tuple(dict.fromkeys(found))


def _kernel(evidence: Evidence) -> list[str]:
    carrier, address = evidence.columns.get("carrier"), evidence.columns.get("address")
    found = []
    if carrier is not None and carrier.state == "no":
        found.append(f"The interface {evidence.interface} has had no carrier{_for(carrier.since_s, evidence.at_s)}")
    if address is not None and address.state == "no":
        found.append(f"The interface {evidence.interface} has had no usable address{_for(address.since_s, evidence.at_s)}")
    return found


def _is_silent(column: Column | None) -> bool:
    return column is not None and (column.run >= 2 or column.state == "no") and column.state != "unknown" and column.paths > 0


def _is_answering(name: ColumnName, column: Column | None, began_s: float = 0.0) -> bool:
    """An answer from before the trouble began is no evidence against it."""
    if column is None or name not in _THINGS or column.state != "yes" or column.run > 0:
        return False
    return column.answered_s is None or column.answered_s >= began_s


def _silence(name: ColumnName, column: Column, at_s: float) -> str:
    since_s = column.missing_s if column.missing_s is not None else column.since_s
    if name == "resolver" and column.detail.endswith("has never answered"):
        return f"The name server {column.detail}: is it typed right?"
    has = "has" if name in _ONE else "have"
    heard = "been heard" if name == "broadcast" else "answered"
    if column.run == 0 or name == "portal":  # a login page answers, but not with what was asked for
        detail = f" ({column.detail})" if column.detail else ""
        return f"{_THINGS[name]} {has} given no right answer{_for(since_s, at_s)}{detail}"
    rounds = f" ({column.run} question{'s' if column.run > 1 else ''})" if name != "broadcast" else ""
    return f"{_THINGS[name]} {has} not {heard}{_for(since_s, at_s)}{rounds}"


def _answer(name: ColumnName, column: Column, at_s: float) -> str:
    heard = "were heard" if name == "broadcast" else "answered"
    rtt = f", in {column.rtt_ms:.1f} ms" if (column.rtt_ms or 0.0) >= 0.1 and name != "broadcast" else ""
    if column.answered_s is None:
        return f"{_THINGS[name]} {heard} just now{rtt}"
    return f"{_THINGS[name]} {heard} {_seconds(max(at_s - column.answered_s, 0.0))} ago{rtt}"


def _of_peers(evidence: Evidence) -> list[str]:
    found = []
    for peer in live(evidence)[:_PEERS_SHOWN]:
        router = peer.columns.get("gateway", "unknown")
        if router != "unknown":
            reaches = "reaches the router" if router == "yes" else "does not reach the router either"
            found.append(f"The register {peer.register} {reaches}")
    return found


_SIGNS: dict[str, str] = {
    "interface_missing": "There is no interface {subject}: is it gone, or network.interface typed wrong?",
    "interface_misnamed": "There is no interface {subject}, as network.interface names it, and HQ answers over another one",
    "interface_disabled": "The interface is administratively down",
    "link_flapping": "The carrier comes and goes", "address_missing": "There is no address",
    "gateway_missing": "There is no default route: no default gateway is set",
    "wrong_subnet": "The own network does not contain the router's address",
    "duplicate_address": "Another MAC answers for {subject}",
    "gateway_mac_changed": "The router's MAC changed", "gateway_two_macs": "Two MACs answer for the router",
    "broadcast_loop": "The receive rate explodes ({amount} packets/s)",
    "captive_redirect": "The check for a login page is redirected",
    "router_says_unreachable": "The router says that the way out is unreachable", "hq_refuses": "HQ refuses this register",
    "hq_untrusted": "HQ's certificate is not believed", "hq_wrong_answer": "HQ's answer is wrong",
    "hq_host_alive": "HQ's host is alive, its service does not answer",
    "hq_path_unreachable": "A router on the way says that HQ is unreachable",
    "router_advertisement_lost": "The router's advertisement has run out", "wifi_not_associated": "The Wi-Fi is not associated",
    "loss": "{amount} of the questions are lost from the layer \"{layer}\" on",
    "latency": "Answers take {amount} longer than usual from the layer \"{layer}\" on",
}  # fmt: skip


def _sign(sign: Sign) -> str:
    amount = f"{sign.amount:.0f}"
    if sign.kind == "loss":
        amount = f"{sign.amount * 100:.0f} %"
    elif sign.kind == "latency":
        amount = f"{sign.amount:.0f} ms"
    text = _fill(_SIGNS.get(sign.kind, sign.kind), {"subject": sign.subject, "amount": amount, "layer": sign.layer})
    return f"{text} ({sign.detail})" if sign.detail else text


def _for(since_s: float | None, at_s: float) -> str:
    return "" if since_s is None else f" for {_seconds(max(at_s - since_s, 0.0))}"


def _seconds(age_s: float) -> str:
    """As people say it; tenths below ten seconds."""
    if age_s != age_s or age_s == float("inf"):
        return "an unknown time"
    if age_s < 10:
        return f"{age_s:.1f} s".replace(".0 s", " s")
    return f"{age_s:.0f} s" if age_s < 120 else f"{age_s / 60:.0f} min"
