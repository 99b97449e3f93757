"""Where a tablet that is the kitchen's screen finds the other registers: `[pages] registers` (docs/access.md). Pure."""

from urllib.parse import urlsplit

from tillkeeper.config.lan import Lan, is_private, place
from tillkeeper.config.model import Config
from tillkeeper.setup.answers import Answers


def addresses(said: Answers, lan: Lan) -> dict[str, str]:
    """Of each other register the address of its pages, as far as the answers tell: its own, with the port of ours. Empty where
    the store's certificate would not speak for it. None at all where no tablet shows what the kitchen gets.

    Args:
        lan: what the configuration says besides.
    """
    if not said.pages.lan or not said.displays:
        return {}
    return {name: _address(one.address, said.pages.lan, lan) for name, one in said.registers.items() if name != said.register}


def _address(register: str, listen: str, lan: Lan) -> str:
    host = _host(f"//{register}" if register.count(":") < 2 or "[" in register else f"//[{register}]")
    if not is_private(host) and host not in lan.names:
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"{'http' if lan.insecure_http else 'https'}://{shown}:{place(listen)[1]}"


def named(there: tuple[str, ...], was: dict[str, str], now: dict[str, str]) -> tuple[str, ...]:
    """`there`, which people may have written, without what followed from answers that hold no more (`was`), and with each
    register of `now` that is not among them."""
    kept = [one for one in there if one not in was.values() or one in now.values()]
    hosts = {_host(one) for one in kept}
    return (*kept, *(one for one in now.values() if one and _host(one) not in hosts))


def unheard(said: Answers, config: Config) -> list[str]:
    """Registers that a tablet would not hear."""
    hosts = {_host(one) for one in config.pages.registers}
    return [name for name, at in addresses(said, config.lan).items() if _host(at) not in hosts]


def _host(address: str) -> str:
    """Of what is no address: empty."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
