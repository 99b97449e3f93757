"""Every error of a configuration at once, each with its line and the nearest right word."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tillkeeper.config import address as where
from tillkeeper.config.embedded import embedded, embedded_printers, example_toml
from tillkeeper.config.load import builtin_menu, load, parse
from tillkeeper.errors import ConfigInvalid
from tillkeeper.file_problem import Problem

EXAMPLE = example_toml()


def line_of(text: str, fragment: str) -> int:
    """The line on which `fragment` begins; it must stand there once."""
    assert text.count(fragment) == 1, fragment
    return text[: text.index(fragment)].count("\n") + 1


def problems_of(text: str, folder: Path, profiles: tuple[str, ...] | None = None) -> tuple[Problem, ...]:
    with pytest.raises(ConfigInvalid) as caught:
        parse(text, file="store.toml", folder=folder, profiles=profiles)
    problems = caught.value.extra["problems"]
    assert isinstance(problems, tuple)
    return problems


def test_the_example_is_valid_and_its_paths_are_absolute(tmp_path: Path) -> None:
    path = tmp_path / "store.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    config = load(path)
    assert config.register.letter == "B"
    assert config.data_dir == str(tmp_path / "data")
    assert config.api.socket == str(tmp_path / "data" / "tillkeeper.sock")
    assert config.catalogue.file == str(builtin_menu())
    assert builtin_menu().is_file()
    assert config.api.token_file == ""
    assert config.network.socket == str(tmp_path / "data" / "probe.sock")
    assert config.network.key_file == ""


def test_embedded_has_a_port_for_each_virtual_printer_and_two_tax_rates(tmp_path: Path) -> None:
    ports = {name: 40_000 + at for at, name in enumerate(embedded_printers())}
    config = embedded(tmp_path, ports=ports, listen="127.0.0.1:0")
    assert {device.address for device in config.devices.values() if device.kind == "escpos"} == {
        f"127.0.0.1:{port}" for port in ports.values()
    }
    assert {device.kind for device in config.devices.values()} == {"escpos", "display", "drawer"}
    assert len({rate.percent for rate in config.taxes.rates.values()}) == 2
    assert config.data_dir == str(tmp_path)


# (id, text to replace, its replacement, fragment of the changed file on whose line the error stands, words, nearest)
MATRIX = [
    ("unknown key", "timezone =", "time_zone =", "time_zone =", "unknown key 'time_zone'", "timezone"),
    ("unknown table", "[offline]", "[ofline]", "[ofline]", "unknown key 'ofline'", "offline"),
    ("missing key", 'timezone = "America/New_York"\n', "", "[store]", "'timezone' is missing", ""),
    ("text for a number", "minor_digits = 2 ", 'minor_digits = "2"', 'minor_digits = "2"', "a whole number, not text", ""),
    ("number for text", 'name = "Tillkeeper Grill"', "name = 7", "name = 7", "should be text, not a whole number", ""),
    ("text for yes or no", "included = false", 'included = "no"', "included =", "should be true or false, not text", ""),
    ("text for a list", 'devices = ["kitchen"]', 'devices = "kitchen"', 'devices = "kitchen"', "a list, not text", ""),
    ("no table", 'by_order_type = { dine_in = "sales" }', "by_order_type = 1", "by_order_type = 1", "should be a table", ""),
    ("wrong word", 'fire = "on_send"', 'fire = "on_sent"', 'fire = "on_sent"', "none of each_item, on_send", "on_send"),
    ("wrong key of a map", "{ dine_in =", "{ dinein =", "{ dinein =", "none of dine_in, takeout", "dine_in"),
    ("out of range", "on_ms = 100", "on_ms = 5000", "on_ms = 5000", "out of range", ""),
    ("number of a set", "pin = 2\non", "pin = 3\non", "pin = 3", "not one of the values", ""),
    ("wrong form", 'day_cutoff = "04:00"', 'day_cutoff = "4 am"', 'day_cutoff = "4 am"', "wrong form", ""),
    ("register", 'this_register = "front"', 'this_register = "frnt"', "this_register", "no register 'frnt'", "front"),
    (
        "receipt printer",
        'receipt_printer = "receipt"',
        'receipt_printer = "reciept"',
        "receipt_printer",
        "no device",
        "receipt",
    ),
    ("its drawer", 'drawer = "drawer"', 'drawer = "receipt"', 'drawer = "receipt"', "needed is drawer", ""),
    ("station -> device", 'devices = ["kitchen"]', 'devices = [\n  "kitchn"]', '"kitchn"', "no device 'kitchn'", "kitchen"),
    ("station -> drawer", 'devices = ["kitchen"]', 'devices = ["drawer"]', 'devices = ["drawer"]', "of kind 'drawer'", ""),
    ("station without", 'devices = ["kitchen"]', "devices = []", "devices = []", "needs a device", ""),
    ("backup", 'backup = "receipt"', 'backup = "recept"', 'backup = "recept"', "no device and no station", "receipt"),
    ("chain", 'backup = "receipt"', 'backup = ["receipt", "recept"]', 'backup = ["rec', "no device and no station", "receipt"),
    ("chain of itself", 'backup = "receipt"', 'backup = ["receipt", "bar"]', 'backup = ["receipt', "its own backup", ""),
    ("chain twice", 'backup = "receipt"', 'backup = ["receipt", "receipt"]', 'backup = ["receipt', "in this chain already", ""),
    ("drawer's time", 'profile = "tm-t88vi"', 'profile = "tm-t88vi"\nleft_open_s = 5', "left_open_s = 5", "is for drawers", ""),
    ("own backup", 'backup = "receipt"', 'backup = "bar"', 'backup = "bar"', "its own backup", ""),
    ("routing default", 'default = ["grill"]', 'default = ["gril"]', 'default = ["gril"]', "no station 'gril'", "grill"),
    ("routing category", 'sushi = ["cold"]', 'sushi = ["cool"]', "sushi =", "no station 'cool'", "cold"),
    ("routing item", 'bento-box = ["grill", "cold"]', 'bento-box = ["grill", "x"]', "bento-box", "no station 'x'", ""),
    ("address", '"127.0.0.1:9101"', '"127.0.0.1"', '"127.0.0.1"\n', "is not host:port, usb:", ""),
    ("address port", '"127.0.0.1:9101"', '"printer:99999"', '"printer:99999"', "is not host:port", ""),
    ("serial path", '"127.0.0.1:9101"', '"serial:ttyS0"', '"serial:ttyS0"', "not a path below /dev", ""),
    ("odd path", '"127.0.0.1:9101"', '"usb:/dev/usb/../lp0"', '"usb:/dev/usb/../lp0"', "an odd path", ""),
    ("usb socket", '"127.0.0.1:9101"', '"usb:port=hub3"', '"usb:port=hub3"', "is not a USB socket", ""),
    ("usb socket of an interface", '"127.0.0.1:9101"', '"usb:port=1-1:1.1"', '"usb:port=1-1:1.1"', "is not a USB socket", ""),
    ("usb serial number", '"127.0.0.1:9101"', '"usb:serial= X"', '"usb:serial= X"', "can be no serial number", ""),
    ("mac", '127.0.0.1:9101"', '127.0.0.1:9101"\nmac = "00:26:ab"', 'mac = "00:26:ab"', "is not the MAC of a device", ""),
    ("mac of many", ':9101"', ':9101"\nmac = "ff:ff:ff:ff:ff:ff"', 'mac = "ff', "is not the MAC of a device", ""),
    ("mac without network", '127.0.0.1:9101"', 'usb:/dev/usb/lp0"\nmac = "x"', 'mac = "x"', "without a network address", ""),
    ("serial for usb", '"127.0.0.1:9101"', '"serial:/dev/usb/lp0"', '"serial:/dev/usb', "write usb:/dev/usb/lp0", ""),
    ("usb for serial", '"127.0.0.1:9101"', '"usb:/dev/ttyUSB0"', '"usb:/dev/tty', "write serial:/dev/ttyUSB0", ""),
    ("serial for tcp", ':9101"', ':9101"\nserial = { baud = 9600 }', "serial = { baud", "nothing without an address", ""),
    ("baud", '127.0.0.1:9101"', 'serial:/dev/ttyS0"\nserial.baud = 9601', "serial.baud", "not one of the values", ""),
    ("flow", '127.0.0.1:9101"', 'serial:/dev/ttyS0"\nserial.flow = "rtscts"', "serial.flow", "none of none,", "rts_cts"),
    ("same address", "127.0.0.1:9101", "127.0.0.1:9100", 'address = "127.0.0.1:9100"\nprofile = "tm-m30"', "this address", ""),
    ("profile", '"tm-m30"', '"tm-m3o"', '"tm-m3o"', "no profile 'tm-m3o'", "tm-m30"),
    ("no profile", 'profile = "tm-m30"\n', "", "[devices.grill]", "needs a 'profile'", ""),
    ("no address", 'address = "127.0.0.1:9101"\n', "", "[devices.grill]", "needs an 'address'", ""),
    ("pulse", 'printer = "receipt"\npin', 'printer = "kitchen"\npin', 'printer = "kitchen"', "needed is escpos", ""),
    ("drawer on a bell", 'profile = "tm-t88vi"', 'profile = "tm-t88vi"\nbell_pin = 2', "pin = 2\non_ms", "the bell of", ""),
    ("useless key", 'kind = "display"', 'kind = "display"\naddress = "a:1"', 'address = "a:1"', "means nothing", ""),
    ("tax rate", 'default = "reduced"', 'default = "reducd"', 'default = "reducd"', "no tax rate 'reducd'", "reduced"),
    ("tax by type", 'dine_in = "sales"', 'dine_in = "sale"', 'dine_in = "sale"', "no tax rate 'sale'", "sales"),
    ("percent", 'percent = "8.875"', 'percent = "8,875"', 'percent = "8,875"', "not a percentage", ""),
    ("percent digits", "percent = 2.5", "percent = 2.50001", "percent = 2.50001", "not a percentage", ""),
    ("timezone", "America/New_York", "America/New_Yrok", "timezone", "no timezone", "America/New_York"),
    ("currency form", 'currency = "USD"', 'currency = "usd"', 'currency = "usd"', "is not a currency code", ""),
    ("currency digits", 'currency = "USD"', 'currency = "JPY"', "minor_digits", "JPY has 0 minor digits, not 2", ""),
    ("rate missing", 'rate = "1.08"', "#", "[tenders.euro]", "needs a 'rate'", ""),
    ("rate form", 'rate = "1.08"', 'rate = "-1"', 'rate = "-1"', "not a positive number", ""),
    ("rate too high", 'rate = "1.08"', 'rate = "1e999999999"', 'rate = "1e999999999"', "not a positive number", ""),
    ("rate too low", 'rate = "1.08"', 'rate = "1e-999999999"', 'rate = "1e-999999999"', "not a positive number", ""),
    ("rounding", "# [cash_rounding]\n# CHF", "[cash_rounding]\nCHF", "CHF = 5", "neither the store nor a tender", ""),
    ("hq token", 'url = ""', 'url = "https://hq:1"', "[hq]", "comes a 'token_file'", ""),
    ("hq address", 'url = ""', 'url = "hq:1"', 'url = "hq:1"', "not an http(s) address", ""),
    ("api beyond this machine", 'listen = ""', 'listen = "0.0.0.0:8400"', '"0.0.0.0:8400"', "this machine only", ""),
    ("origin", "origins = []", 'origins = ["https://a/b"]', "origins =", "is not an origin", ""),
    ("probe address", "# [network]", '[network]\nanycast = ["1.1.1"]', 'anycast = ["1.1.1"]', "is not an IP address", ""),
    ("resolver", "# [network]", '[network]\nother_resolvers = ["dns9"]', 'resolvers = ["dns9"]', "is not an IP address", ""),
    ("zone", "# [network]", '[network]\nanycast = ["fe80::1%eth0"]', "fe80::1%eth0", "is not an IP address", ""),
    ("no family", "# [network]", "[network]\nfamilies = []", "families = []", "at least one", ""),
    ("family", "# [network]", '[network]\nfamilies = ["ipv5"]', "ipv5", "none of ipv4, ipv6", "ipv6"),
    ("interface", "# [network]", '[network]\ninterface = "eth 0"', '"eth 0"', "can be no interface", ""),
    ("mac", "# [network]", '[network]\ngateway_mac = "02:00:5E:10:00:01"', "02:00:5E", "is not a MAC", "02:00:5e:10:00:01"),
    ("portal", "# [network]", '[network]\nportal_url = "https://a/204"', "https://a/204", "is not an http:// address", ""),
    ("portal port", "# [network]", '[network]\nportal_url = "http://a:x/"', "http://a:x/", "is not an http:// address", ""),
    ("cable", "# [network]", '[network.links.cables.frnt]\nwhere = "here"', "frnt", "no register 'frnt'", "front"),
    ("link address", "# [network]", '[network.links.modem]\naddress = "192.168.100"', '168.100"', "not an IP address", ""),
    ("link key", "# [network]", '[network.links.modem]\ncable_color = "red"', "cable_color =", "unknown key", "cable_colour"),
    ("no socket", "# [network]", '[network]\nsocket = ""', 'socket = ""', "it needs a name", ""),
    ("names", "[tenders.gift]", '[tenders."gift card"]', '"gift card"', "letters, digits", ""),
]


@pytest.mark.parametrize(("old", "new", "at", "words", "near"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_each_error_names_its_line_and_the_nearest_right_word(
    old: str, new: str, at: str, words: str, near: str, tmp_path: Path
) -> None:
    assert EXAMPLE.count(old) == 1, old
    text = EXAMPLE.replace(old, new)
    found = [problem for problem in problems_of(text, tmp_path) if words in problem.what]
    assert len(found) == 1
    assert found[0].nearest == near
    expected = line_of(text, at)
    assert found[0].line == expected
    assert str(found[0]).startswith(f"store.toml:{expected}: ")


def test_all_errors_come_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = EXAMPLE
    chosen = ["unknown key", "out of range", "station -> device", "tax rate", "profile", "text for yes or no"]
    for name, old, new, *_rest in MATRIX:
        if name in chosen:
            text = text.replace(old, new)
    problems = problems_of(text, tmp_path)
    for name, _old, _new, _at, words, _near in MATRIX:
        if name in chosen:
            assert any(words in problem.what for problem in problems), name
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)
    assert len(problems) == len(chosen) + 1  # the renamed key is missing too


def test_two_registers_can_not_share_a_letter(tmp_path: Path) -> None:
    text = EXAMPLE + '\n[registers.back]\nletter = "B"\n'
    (problem,) = problems_of(text, tmp_path)
    assert problem.line == text.count("\n")
    assert "belongs to register 'front'" in problem.what


def test_two_drawers_can_not_hang_on_one_pin(tmp_path: Path) -> None:
    text = EXAMPLE + '\n[devices.second]\nkind = "drawer"\nprinter = "receipt"\n'
    (problem,) = problems_of(text, tmp_path)
    assert problem.where == "devices.second"
    assert problem.line == text.count("\n") - 2


def test_profiles_can_be_passed_in(tmp_path: Path) -> None:
    problems = problems_of(EXAMPLE, tmp_path, profiles=("tm-t88vi", "tm-m30"))
    assert [(problem.where, problem.nearest) for problem in problems] == [("devices.bar.profile", "")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a = 1\nb = "open\n', 2),
        ("a = 1\n[t]\nb = 1\nb = 2\n", 4),
        ("[t]\n[u]\n\n[t]\n", 4),
        ("a = 1\n\n\nb", 4),
        ('a = 1\nb = """\nnever closed\n', 3),
        ("a = " + "[" * 100_000, 1),
    ],
    ids=["syntax", "duplicate key", "duplicate table", "end of text", "open string", "nested"],
)
def test_what_is_not_toml_has_its_line(text: str, line: int, tmp_path: Path) -> None:
    (problem,) = problems_of(text, tmp_path)
    assert problem.line == line


def test_windows_line_ends_count_as_one_line(tmp_path: Path) -> None:
    text = EXAMPLE.replace("pin = 2\non", "pin = 3\non")
    (problem,) = problems_of(text.replace("\n", "\r\n"), tmp_path)
    assert problem.line == line_of(text, "pin = 3")


def test_a_file_that_it_takes_to_ask_others_keeps_nobody_from_reading_the_configuration(tmp_path: Path) -> None:
    text = EXAMPLE.replace('url = ""', 'url = "https://hq:1"')
    text = text.replace('token_file = ""           # its', 'token_file = "hq.token" # its')
    text = text.replace("# [network]", '[network]\nkey_file = "no-such.key"')
    assert parse(text, file="store.toml", folder=tmp_path).hq.token_file == str(tmp_path / "hq.token")


def _absent(path: Path) -> None:
    path.unlink(missing_ok=True)


def _latin(path: Path) -> None:
    path.write_bytes(b"a = 1\nname = 'caf\xe9'\n")


def _huge(path: Path) -> None:
    path.write_bytes(b"#" * 1_000_001)


@pytest.mark.parametrize(
    ("make", "line", "words"),
    [
        (_absent, 0, "there is no such file"),
        (_latin, 2, "is not UTF-8"),
        (_huge, 0, "larger than"),
        (os.mkfifo, 0, "it is not a file"),
    ],
)
def test_a_file_that_is_no_text_is_one_problem(make: Callable[[Path], None], line: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "store.toml"
    make(path)
    with pytest.raises(ConfigInvalid) as caught:
        load(path)
    (problem,) = caught.value.extra["problems"]
    assert problem.line == line
    assert words in problem.what


def test_the_part_about_the_network_is_valid_once_it_is_uncommented(tmp_path: Path) -> None:
    head, mark, tail = EXAMPLE.partition("# [network]")
    body = re.sub(r"^# ", "", mark + tail, flags=re.MULTILINE)
    (tmp_path / "beacon.key").write_text("0f" * 32)
    network = parse(head + body, file="store.toml", folder=tmp_path).network
    assert network.links.cables["front"].cable_colour == "yellow"
    assert network.links.internet.isp_phone
    assert network.links.switch.address


@pytest.mark.parametrize(
    ("address", "identity"),
    [
        ("usb:serial=J8XY012345", "usb:serial=J8XY012345"),
        ("usb:port=1-1.4.2", "usb:port=1-1.4.2"),
        ("serial:serial=A502 85BI", "serial:serial=A502 85BI"),
        ("serial:port=1-3:1.1", "serial:port=1-3:1.1"),
        ("usb:/dev/usb/lp0", ""),
        ("serial:/dev/serial/by-id/usb-x", ""),
        ("printer:9100", ""),
    ],
)
def test_forms_of_an_address(address: str, identity: str) -> None:
    assert where.problem(address) == ""
    assert where.identity(address) == identity


@pytest.mark.parametrize(
    ("text", "mac"),
    [
        ("00:26:AB:01:02:03", "00:26:ab:01:02:03"),
        ("00-26-ab-01-02-03", "00:26:ab:01:02:03"),
        ("0026AB010203", "00:26:ab:01:02:03"),
        ("00:00:00:00:00:00", ""),
        ("01:26:ab:01:02:03", ""),
        ("00:26:ab:01:02", ""),
        ("", ""),
    ],
)
def test_forms_of_a_mac(text: str, mac: str) -> None:
    assert where.mac(text) == mac
