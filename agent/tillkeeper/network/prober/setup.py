"""From the configuration file to what the engine and the shell need. Reads only the tables that concern the network.

What is wrong elsewhere in the file is the agent's business (`config.load`): a typo in a tax rate does not keep the prober from
its work.
"""

import os
import time
import tomllib
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import msgspec

from tillkeeper.config.network import Network
from tillkeeper.errors import ConfigInvalid
from tillkeeper.network import beacon
from tillkeeper.network.addresses import mac_bytes
from tillkeeper.network.model import Family, Role, Target, Way
from tillkeeper.network.prober.devices import Filed, is_askable, targets_of, with_nd
from tillkeeper.network.prober.resolv import literal
from tillkeeper.network.setup import Setup
from tillkeeper.plain_file import open_plain
from tillkeeper_systemd import credentials

MAX_BYTES = 1_000_000
_KEY_BYTES = 256


class _Register(msgspec.Struct, frozen=True):
    letter: str = ""


class _Hq(msgspec.Struct, frozen=True):
    url: str = ""


class _File(msgspec.Struct, frozen=True):
    """The part of the file that is read here; everything else is left alone."""

    this_register: str
    registers: dict[str, _Register] = {}
    devices: dict[str, Filed] = {}
    data_dir: str = "data"
    hq: _Hq = _Hq()
    network: Network = Network()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`socket`: where the agent listens. `key_file`: of beacons, None for none; `key` is empty where it could not be read.
    `devices`: as the file has them."""

    setup: Setup
    network: Network
    socket: Path
    key_file: Path | None = None
    key: bytes = b""
    devices: dict[str, Filed] = {}


def read(path: Path, *, uplink: bool = True) -> Plan:
    """Args:
        uplink: there is an agent that tells when HQ was last heard.

    Raises:
        ConfigInvalid: in words, with all problems of the network's part that could be found.
    """
    file = _parse(path)
    folder = path.resolve().parent
    network = file.network
    problems: list[str] = []
    if file.this_register not in file.registers:
        problems.append(f"this_register: {file.this_register!r} is none of the registers {', '.join(sorted(file.registers))}")
    hq = _url(file.hq.url, ("http", "https"), "hq.url", problems)
    portal = _url(network.portal_url, ("http",), "network.portal_url", problems)
    name = next((url.hostname for url in (hq, portal) if url and url.hostname and not literal(url.hostname)), ".")
    anycast = _addresses(network.anycast, "network.anycast", problems)
    other = _addresses(network.other_resolvers, "network.other_resolvers", problems) or anycast
    targets = [*targets_of(file.devices), *_boxes(network, problems)]
    ways: tuple[Way, ...] = ("echo", "dns", "tcp")
    targets += [_target(f"anycast:{address}", "anycast", address, ways, wan=True, host=name) for address in anycast]
    if portal is not None:
        targets += _named(portal, "portal", ("http",), portal.path or "/")
    if hq is not None:
        ways = ("tls", "tcp") if hq.scheme == "https" else ("http", "tcp")
        targets += _named(hq, "hq", ways, hq.path.rstrip("/") + "/healthz")
    pinned = _mac(network.gateway_mac, problems)
    if not network.families:
        problems.append("network.families: at least one of ipv4 and ipv6 is needed")
    key_file = _file_of_key(folder, network.key_file) if network.key_file else None
    if problems:
        raise _invalid(path, problems)
    count, position = _place(file)
    setup = Setup(
        register=file.this_register,
        targets=tuple(target for target in targets if target.family in network.families),
        families=network.families,
        registers=count,
        position=position,
        session=beacon.session(time.time(), int.from_bytes(os.urandom(3), "big")),
        interface=network.interface,
        hq_host=hq.hostname or "" if hq else "",
        resolve_name=name,
        other_resolvers=tuple(address for address in other if _family(address) in network.families),
        gateway_mac=pinned,
        metered=network.metered,
        all_in_one=network.all_in_one,
        beacons=key_file is not None,
        has_uplink=uplink and hq is not None,
    )
    data = folder / Path(file.data_dir).expanduser()
    key, _trouble = read_key(key_file) if key_file is not None else (b"", "")
    socket = data / network.socket
    return Plan(setup=setup, network=network, socket=socket, key_file=key_file, key=key, devices=file.devices)


def _parse(path: Path) -> _File:
    try:
        with open_plain(path) as opened:
            raw = opened.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise _invalid(path, [f"is larger than {MAX_BYTES} bytes"])
        return msgspec.convert(tomllib.loads(raw.decode("utf-8")), _File)
    except OSError as error:
        raise _invalid(path, [f"can not be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise _invalid(path, ["is not UTF-8 text"]) from error
    except tomllib.TOMLDecodeError as error:
        raise _invalid(path, [f"is not TOML: {error}"]) from error
    except RecursionError as error:
        raise _invalid(path, ["is nested too deeply"]) from error
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$")
        raise _invalid(path, [f"{at.strip('.`') or 'the file'}: {what[0].lower()}{what[1:]}"]) from error


def _invalid(path: Path, problems: list[str]) -> ConfigInvalid:
    cause = problems[0] if len(problems) == 1 else f"{len(problems)} problems, the first: {problems[0]}"
    return ConfigInvalid("read config", str(path), cause, "`tillkeeper config check` lists them all", problems=tuple(problems))


def _place(file: _File) -> tuple[int, int]:
    """How many registers share the budgets, and which one this is: by name where the file names them all, else by letter."""
    names = sorted(file.registers)
    count = file.network.store_registers or len(names)
    if len(names) >= count:
        return count, names.index(file.this_register) % count
    return count, (ord(file.registers[file.this_register].letter[:1] or "A") - ord("A")) % count


def _family(address: str) -> Family:
    return "ipv6" if ":" in address else "ipv4"


def _target(
    name: str, role: Role, address: str, ways: tuple[Way, ...], *,
    wan: bool = False, host: str = "", port: int = 0, path: str = "",
) -> Target:  # fmt: skip
    family = _family(address)
    return Target(name=name, role=role, family=family, address=address, ways=ways, wan=wan, host=host, port=port, path=path)


def _boxes(network: Network, problems: list[str]) -> list[Target]:
    found = []
    for role, link in (("switch", network.links.switch), ("modem", network.links.modem)):
        for address in _addresses((link.address,) if link.address else (), f"network.links.{role}.address", problems):
            if role == "switch":
                found.append(with_nd(_target("switch", "switch", address, ("echo", "arp"))))
            else:
                found.append(_target("modem", "modem", address, ("echo",), wan=True))
    return found


def _named(url: SplitResult, role: Role, ways: tuple[Way, ...], path: str) -> list[Target]:
    """A server that a URL names: one target for each family unless it is an address already."""
    host = url.hostname or ""
    port = url.port or (443 if url.scheme == "https" else 80)
    address = literal(host)
    if address:
        return [_target(role, role, address, ways, wan=True, port=port, host=host, path=path)]
    families: tuple[tuple[Family, str], ...] = (("ipv4", role), ("ipv6", f"{role}:ipv6"))
    return [
        Target(name=name, role=role, family=family, address="", ways=ways, host=host, port=port, path=path, wan=True)
        for family, name in families
    ]


def _url(text: str, schemes: tuple[str, ...], key: str, problems: list[str]) -> SplitResult | None:
    if not text:
        return None
    wanted = " or ".join(f"{scheme}://host/..." for scheme in schemes)
    try:
        url = urlsplit(text)
        sound = url.scheme in schemes and url.port != 0 and is_askable(url.hostname or "", url.path)
    except ValueError:
        sound = False
    if not sound:
        problems.append(f"{key}: {text!r} is not {wanted}")
        return None
    return url


def _addresses(texts: tuple[str, ...], key: str, problems: list[str]) -> tuple[str, ...]:
    found = []
    for text in texts:
        address = literal(text)
        if address:
            found.append(address)
        else:
            problems.append(f"{key}: {text!r} is no address of IPv4 or IPv6")
    return tuple(dict.fromkeys(found))


def _mac(text: str, problems: list[str]) -> str:
    mac = text.lower().replace("-", ":")
    try:
        return mac if not mac or mac_bytes(mac) else ""
    except ValueError:
        problems.append(f"network.gateway_mac: {text!r} is not a MAC like 02:00:5e:10:00:01")
        return ""


def _file_of_key(folder: Path, said: str) -> Path:
    return Path(credentials.located(said)) if credentials.is_credential(said) else folder / Path(said).expanduser()


def read_key(path: Path) -> tuple[bytes, str]:
    """The first line of the key file: 64 hexadecimal digits; or empty, and why not, in words."""
    try:
        with open_plain(path) as file:
            line = file.read(_KEY_BYTES).partition(b"\n")[0].strip()
        key = bytes.fromhex(line.decode("ascii"))
        beacon.head(key)
    except OSError as error:
        hint = credentials.missing(str(path))
        return b"", f"{path} can not be read: {error.strerror}" + (f"; {hint}" if hint else "")
    except ValueError:
        return b"", f"the first line of {path} is no key of 64 hexadecimal digits"
    return key, ""
