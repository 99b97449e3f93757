"""[lan] in the configuration: nothing but a private address of the store's network."""

from pathlib import Path

import pytest

from tillkeeper.config.embedded import example_toml
from tillkeeper.config.lan import is_private, place
from tillkeeper.config.load import parse
from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid


def read(section: str, folder: Path) -> Config:
    return parse(f"{example_toml()}\n[lan]\n{section}\n", file="store.toml", folder=folder)


@pytest.mark.parametrize(
    ("listen", "wanted"),
    [
        ("192.168.1.11:8443", ("192.168.1.11", 8443)),
        ("0.0.0.0:8443", ("0.0.0.0", 8443)),
        ("[fd00::11]:443", ("fd00::11", 443)),
        ("[::]:8443", ("::", 8443)),
    ],
)
def test_a_private_address_and_a_port(listen: str, wanted: tuple[str, int], tmp_path: Path) -> None:
    assert place(read(f'listen = "{listen}"', tmp_path).lan.listen) == wanted


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ('listen = "8443"', "address:port"),
        ('listen = "192.168.1.11"', "address:port"),
        ('listen = "192.168.1.11:0"', "address:port"),
        ('listen = "192.168.1.11:99999"', "address:port"),
        ('listen = "front.lan:8443"', "no address of this machine"),
        ('listen = "127.0.0.1:8443"', "loopback"),
        ('listen = "203.0.113.5:8443"', "does not belong on the internet"),
        ('listen = "fd00::11:8443"', "brackets"),
        ('names = ["Front.Lan"]', "no DNS name"),
        ('names = ["10.0.0.1"]', "no DNS name"),
        ('names = ["localhost"]', "no DNS name"),
        ('names = ["com"]', "all names in .com"),
        ('names = ["a b"]', "no DNS name"),
        ('insecure = true', "unknown key"),
    ],
)  # fmt: skip
def test_anything_else_is_said_with_its_line(section: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        read(section, tmp_path)
    (problem,) = refused.value.extra["problems"]
    assert words in problem.what
    assert problem.line == example_toml().count("\n") + 3


def test_it_is_off_where_nobody_wrote_it(tmp_path: Path) -> None:
    lan = parse(example_toml(), file="store.toml", folder=tmp_path).lan
    assert (lan.listen, lan.names, lan.insecure_http) == ("", (), False)


PRIVATE = ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.1.1", "fd12::1", "fe80::1")
OTHERS = ("8.8.8.8", "172.32.0.1", "192.169.0.1", "100.64.0.1", "127.0.0.1", "2001:db8::1", "nothing")


def test_private_is_what_the_web_authority_may_speak_for() -> None:
    assert all(map(is_private, PRIVATE))
    assert not any(map(is_private, OTHERS))
