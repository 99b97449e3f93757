"""Where a tablet that is the kitchen's screen finds the other registers: `[pages] registers` (docs/access.md). Pure."""

from urllib.parse import urlsplit

from tillkeeper.config.lan import Lan, is_private, place
from tillkeeper.config.model import Config
from tillkeeper.setup.answers import Answers


def addresses(said: Answers, lan: Lan, there: tuple[str, ...] = ()) -> dict[str, str]:
    """Of each other register the address of its pages, as far as the answers tell. The port, where they do not, is the one that
    is `there` for it, else that of our pages. Empty where the store's certificate would not speak for it. None at all where no
    tablet shows what the kitchen gets.

    Args:
        lan: what the configuration says besides.
        there: the addresses that it has.
    """
    if not said.pages.lan or not said.displays:
        return {}
    ours = place(said.pages.lan)[1]
    return {
        name: _address(one.address, one.pages_port or port_of(one.address, there) or ours, lan)
        for name, one in said.registers.items()
        if name != said.register
    }


def port_of(register: str, there: tuple[str, ...]) -> int:
    """Of the pages of the register at the address `register`, as far as one of `there` says; else 0."""
    host = _host_of(register)
    return next((_port(one) for one in there if host and _host(one) == host), 0)


def _address(register: str, port: int, lan: Lan) -> str:
    host = _host_of(register)
    if not is_private(host) and host not in lan.names:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{'http' if lan.insecure_http else 'https'}://{shown}:{port}"


def _host_of(register: str) -> str:
    return _host(f"//{register}" if register.count(":") < 2 or "[" in register else f"//[{register}]")


def named(there: tuple[str, ...], was: dict[str, str], now: dict[str, str]) -> tuple[str, ...]:
    """`there`, which people may have written, without what followed from answers that hold no more (`was`), and with each
    register of `now` that is not among them."""
    kept = [one for one in there if one not in was.values() or one in now.values()]
    hosts = {_host(one) for one in kept}
    return (*kept, *(one for one in now.values() if one and _host(one) not in hosts))


def unheard(said: Answers, config: Config) -> list[str]:
    """Registers that a tablet would not hear."""
    there = config.pages.registers
    hosts = {_host(one) for one in there}
    return [name for name, at in addresses(said, config.lan, there).items() if _host(at) not in hosts]


def _host(address: str) -> str:
    """Of what is no address: empty."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _port(address: str) -> int:
    """0 where it says none, or none that can be."""
    try:
        return urlsplit(address).port or 0
    except ValueError:
        return 0
