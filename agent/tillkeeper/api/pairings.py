"""Paired devices, in the route table."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, read
from tillkeeper.contract.access import PairBody, PairedView, PairingBody, PairingsView, PairingView, UnpairBody

CERTIFICATE = "application/x-x509-ca-cert"
"""What Android, iOS and desktop browsers take for a certificate to be installed (by custom; RFC 2585 has pkix-cert)."""


async def _pairings(till: Till, call: Call) -> Answer:
    return Answer(till.access.view(call.caller))


async def _open(till: Till, call: Call) -> Answer:
    return Answer(await till.access.open(call.body, call.caller))


async def _pair(till: Till, call: Call) -> Answer:
    return Answer(await till.access.pair(call.body, call.address))


async def _unpair(till: Till, call: Call) -> Answer:
    return Answer(await till.access.unpair(call.params["device_id"], call.body, call.caller))


async def _authority(till: Till, _call: Call) -> Answer:
    return Answer(till.access.authority())


OPERATIONS: tuple[Operation, ...] = (
    read(
        "/v1/pairings",
        "get_pairings",
        "Paired devices, and how they reach this register",
        PairingsView,
        _pairings,
        tag="access",
    ),  # Without an Idempotency-Key: a code is never kept with one, and asking again ends the one before.
    Operation(
        method="POST",
        path="/v1/pairings",
        id="open_pairing",
        summary="A code with which one device is paired, for ten minutes; the one before ends",
        answer=PairingView,
        run=_open,
        body=PairingBody,
        tag="access",
    ),
    # The same: the code itself makes it safe to say twice.
    Operation(
        method="POST",
        path="/v1/pair",
        id="pair_device",
        summary="Redeem a code; needs no token. The device makes its own token and is known by it from now on",
        answer=PairedView,
        run=_pair,
        body=PairBody,
        tag="access",
    ),
    Operation(
        method="POST",
        path="/v1/pairings/{device_id}/end",
        id="unpair_device",
        summary="End a paired device: its token opens nothing any more, its connections are closed",
        answer=PairingsView,
        run=_unpair,
        body=UnpairBody,
        tag="access",
    ),
    Operation(
        method="GET",
        path="/v1/authority.crt",
        id="get_authority",
        summary="The certificate of the store's web authority (DER), to be installed on devices; needs no token",
        answer=bytes,
        run=_authority,
        tag="access",
        media=CERTIFICATE,
    ),
)
