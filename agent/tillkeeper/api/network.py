"""The network in the route table."""

import msgspec

from tillkeeper.api.ports import NetworkHistoryQuery, Till
from tillkeeper.api.routes import Answer, Call, Operation, read
from tillkeeper.contract.base import ShortText
from tillkeeper.contract.network import DiagnosisView, NetworkHistory, NetworkView
from tillkeeper.sales.permits import require_all

_DIAGNOSES = "/v1/network/diagnoses"


class DiagnosisBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pcap`: also keep what was sent and heard, in a file on the register's machine. `by`: who asks."""

    pcap: bool = False
    by: ShortText = ""


async def _now(till: Till, _call: Call) -> Answer:
    return Answer(till.network.view())


async def _history(till: Till, call: Call) -> Answer:
    return Answer(till.network.history(call.query))


async def _diagnose(till: Till, call: Call) -> Answer:
    # As other work on devices: no permission of its own, but somebody.
    require_all("diagnose", "network", (), call.caller)
    asked: DiagnosisBody = call.body
    return Answer(*till.network.diagnose(call.key, asked.pcap, call.caller.person(asked.by)))


async def _diagnosis(till: Till, call: Call) -> Answer:
    return Answer(till.network.diagnosis(call.params["diagnosis_id"]))


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/network", "get_network", "What is wrong with the network, and what to do", NetworkView, _now, tag="network"),
    read(
        "/v1/network/history",
        "list_network_history",
        "What was wrong with the network, newest first",
        NetworkHistory,
        _history,
        tag="network",
        query=NetworkHistoryQuery,
    ),
    Operation(
        method="POST",
        path=_DIAGNOSES,
        id="start_diagnosis",
        summary="Look deeper: DHCP, switch port, duplicate addresses, routes; at most 30 s",
        answer=DiagnosisView,
        run=_diagnose,
        body=DiagnosisBody,
        changes=True,
        tag="network",
    ),
    read(
        _DIAGNOSES + "/{diagnosis_id}",
        "get_diagnosis",
        "How far a diagnosis is, and what it found",
        DiagnosisView,
        _diagnosis,
        tag="network",
    ),
)
