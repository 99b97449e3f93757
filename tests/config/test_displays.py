"""Rules for kitchen displays of other makers."""

from pathlib import Path

import pytest

from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import load, parse
from tillkeeper.errors import ConfigInvalid

GOOD = {
    "epson": 'kind = "epson_kds"\naddress = "192.168.192.168:80"\ncallback = "192.168.192.2:8410"',
    "epson over v6": 'kind = "epson_kds"\naddress = "[fd00::8]:80"\ncallback = "[fd00::2]:8410"',
    "epson that is only asked": 'kind = "epson_kds"\naddress = "kds.local:80"',
    "fresh": 'kind = "fresh_kds"\naddress = "192.168.1.3:9104"',
    "logic controls": 'kind = "logic_controls"\naddress = "10.0.0.7:9106"\nkds_station = 4',
    "logic controls by files": 'kind = "logic_controls"\naddress = "folder:/mnt/kds/orders"',
}
BAD = {
    "no address": ('kind = "fresh_kds"', "needs an 'address'"),
    "a usb display": ('kind = "fresh_kds"\naddress = "usb:/dev/usb/lp0"', "is on the network"),
    "a folder for another": ('kind = "epson_kds"\naddress = "folder:/mnt/kds"', "only a display of kind 'logic_controls'"),
    "a relative folder": ('kind = "logic_controls"\naddress = "folder:kds"', "not a path from the root"),
    "a profile": ('kind = "fresh_kds"\naddress = "a:1"\nprofile = "tm-t88vi"', "'profile' means nothing"),
    "everywhere": ('kind = "epson_kds"\naddress = "a:80"\ncallback = "0.0.0.0:8410"', "every network of this machine"),
    "a name": ('kind = "epson_kds"\naddress = "a:80"\ncallback = "till.local:8410"', "is a name"),
    "no port": ('kind = "epson_kds"\naddress = "a:80"\ncallback = "10.0.0.1"', "is not ADDRESS:PORT"),
    "a callback of fresh": ('kind = "fresh_kds"\naddress = "a:1"\ncallback = "10.0.0.1:8410"', "'callback' means nothing"),
    "a station of epson": ('kind = "epson_kds"\naddress = "a:80"\nkds_station = 2', "'kds_station' means nothing"),
    "a wrong port": ('kind = "epson_kds"\naddress = "a:99999"', "is not host:port"),
}


def text(device: str) -> str:
    """The example with this display as the cold kitchen's."""
    return example_toml().replace('devices = ["kitchen"]', 'devices = ["wall"]') + f"\n[devices.wall]\n{device}\n"


@pytest.mark.parametrize("device", GOOD.values(), ids=GOOD)
def test_good(device: str, tmp_path: Path) -> None:
    made = parse(text(device), file="t.toml", folder=tmp_path)
    assert made.stations["cold"].devices == ("wall",)


@pytest.mark.parametrize(("device", "words"), BAD.values(), ids=BAD)
def test_bad(device: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse(text(device), file="t.toml", folder=tmp_path)
    assert any(words in str(problem) for problem in caught.value.extra["problems"])


def test_two_that_call_the_same_place(tmp_path: Path) -> None:
    both = text('kind = "epson_kds"\naddress = "a:80"\ncallback = "10.0.0.1:8410"')
    both += '\n[devices.other]\nkind = "epson_kds"\naddress = "b:80"\ncallback = "10.0.0.1:8410"\n'
    with pytest.raises(ConfigInvalid, match=r"listens there already") as caught:
        parse(both, file="t.toml", folder=tmp_path)
    assert len(caught.value.extra["problems"]) == 1


@pytest.mark.parametrize(
    ("kind", "right", "more"),
    [
        ("epson-kds", "epson_kds", 'address = "127.0.0.1:8480"\ncallback = "127.0.0.1:8481"'),
        ("logic-controls", "logic_controls", 'address = "folder:/mnt/kds"\nkds_station = 1'),
        ("drawr", "drawer", 'printer = "receipt"\nleft_open_s = 30'),
        ("strar", "star", 'address = "192.0.2.7:9100"\nprofile = "tsp100"\nhold = true'),
    ],
)
def test_a_kind_that_is_none_is_one_error(tmp_path: Path, kind: str, right: str, more: str) -> None:
    file = tmp_path / "store.toml"
    text = example_toml().replace('devices = ["kitchen"]', 'devices = ["kitchen", "wall"]', 1)
    file.write_text(f'{text}\n[devices.wall]\nkind = "{kind}"\n{more}\n', "utf-8")
    with pytest.raises(ConfigInvalid) as caught:
        load(file)
    (problem,) = caught.value.extra["problems"]
    assert (problem.where, problem.nearest) == ("devices.wall.kind", right)
