"""Registers of the store that say odd things with the right key: a stolen one, or one that is configured in another way."""

import pytest
from tests.network.virtual_wire import OWN, ROUTER, Wire, setup_of

from tillkeeper.network.model import Address, AddressesSeen, BeaconSeen, PeerState


def said_by(address: str, sequence: int) -> PeerState:
    return PeerState(register="bar", session=7, sequence=sequence, address=address, columns={}, phase="fine")


@pytest.mark.parametrize("address", ["fe80::77", OWN, ROUTER, "192.168.1.255", "127.0.0.1", "224.0.0.1", "8.8.8.8", "junk", ""])
def test_nobody_is_asked_for_a_register_where_none_can_be(address: str) -> None:
    wire = Wire(setup_of(families=("ipv4",)), peers=0).start()
    both = (Address(family="ipv4", address=OWN, prefix=24), Address(family="ipv6", address="fe80::10", prefix=64))
    wire.tell(AddressesSeen(at_s=wire.now_s, interface="eth0", addresses=both))
    for sequence in range(10):
        wire.tell(BeaconSeen(at_s=wire.now_s, interface="eth0", mac="02:00:00:00:00:77", state=said_by(address, sequence)))
        wire.run(1.0)
    assert not [probe for _, probe in wire.probes if probe.target.role == "peer"]
    assert wire.report.verdict.phase == "fine"


def test_a_register_at_an_address_of_its_own_is_asked() -> None:
    wire = Wire(setup_of(families=("ipv4",)), peers=0).start()
    wire.tell(BeaconSeen(at_s=wire.now_s, interface="eth0", mac="02:00:00:00:00:77", state=said_by("192.168.1.77", 1)))
    wire.run(3.0)
    assert {probe.target.address for _, probe in wire.probes if probe.target.role == "peer"} == {"192.168.1.77"}
