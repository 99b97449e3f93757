"""[replication] and the addresses of registers."""

from pathlib import Path

import pytest

from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import parse
from tillkeeper.config.model import Config
from tillkeeper.config.replication_rules import place
from tillkeeper.errors import ConfigInvalid

SECOND = '\n[registers.back]\nletter = "C"\naddress = "{address}"\n'


def load(more: str) -> Config:
    return parse(example_toml() + more, file="example.toml", folder=Path.cwd())


@pytest.mark.parametrize("address", ["192.168.1.12", "till-2", "till-2.lan:7000", "[fe80::1]:7468", "fd00::2", ""])
def test_addresses_of_registers(address: str) -> None:
    assert load(SECOND.format(address=address)).registers["back"].address == address


@pytest.mark.parametrize("address", ["till 2", "http://till-2", "a:b:c", ":7468"])
def test_what_is_no_address_is_said_with_its_line(address: str) -> None:
    with pytest.raises(ConfigInvalid) as error:
        load(SECOND.format(address=address))
    assert [problem.where for problem in error.value.extra["problems"]] == ["registers.back.address"]


def test_two_registers_at_one_address() -> None:
    more = SECOND.format(address="10.0.0.1") + '\n[registers.side]\nletter = "D"\naddress = "10.0.0.1:7468"\n'
    with pytest.raises(ConfigInvalid, match="'back' has this address already"):
        load(more)


@pytest.mark.parametrize("listen", ["0.0.0.0", "192.168.1.10:7000", "::", "[::1]:7468"])
def test_what_to_listen_on(listen: str) -> None:
    assert load(f'\n[replication]\nlisten = "{listen}"\n').replication.listen == listen


def test_a_name_is_nothing_to_listen_on() -> None:
    with pytest.raises(ConfigInvalid, match="not an address of this machine"):
        load('\n[replication]\nlisten = "till-2"\n')


def test_ports() -> None:
    assert place("10.0.0.1", 7468) == ("10.0.0.1", 7468)
    assert place("10.0.0.1:9", 7468) == ("10.0.0.1", 9)
    assert place("[fd00::1]:9", 7468) == ("fd00::1", 9)
    assert place("fd00::1", 7468) == ("fd00::1", 7468)
