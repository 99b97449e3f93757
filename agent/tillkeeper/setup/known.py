"""What setup can find out by itself, so that it does not ask. Values here, and what reads the rest as functions: the interview
stays pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tillkeeper.contract.devices import FoundView


@dataclass(frozen=True)
class Menu:
    """A menu as it was read. `categories`: id -> name, in order; `taxes`: tax category -> how many items have it. `content`:
    what the agent will read, None for the example and for a file that stays where it is."""

    file: str
    items: int
    categories: dict[str, str]
    taxes: dict[str, int]
    content: bytes | None = None


@dataclass(frozen=True)
class Known:
    """`found`: asks the network and looks at what is plugged in, now. `menu`: reads a menu; raises `asking.Wrong`.
    `identify`: asks who answers at an address of the network; the name of its model, or empty. `models`: of printers, with
    their titles. `addresses`: of this machine on its networks; `own`: all that it has. `people`: who is on the roster.
    `joined`: the register has keys of a store. `has_token`: a token for HQ is there. `fresh`: there is no configuration yet.
    `pin_length`: of new PINs."""

    menu: Callable[[str], Menu]
    found: Callable[[], tuple[FoundView, ...]] = tuple
    identify: Callable[[str], str] = lambda _address: ""
    models: Mapping[str, str] = field(default_factory=dict)
    hostname: str = ""
    timezone: str = ""
    language: str = ""
    country: str = ""
    addresses: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    joined: bool = False
    has_token: bool = False
    fresh: bool = True
    pin_length: int = 6


@dataclass
class Secrets:
    """What was typed and goes into files of its own, or nowhere; never shown: `repr` has none of it."""

    hq_token: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    join_code: str = field(default="", repr=False)
