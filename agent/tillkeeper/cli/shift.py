"""What the embedded register has besides devices, so that its pages can be tried: terminals, people with PINs, and a kitchen
page that sees every station."""

from pathlib import Path

from msgspec.structs import replace

from tillkeeper.config.model import Config, Staff, Terminal
from tillkeeper.people import pins, roster
from tillkeeper.people.roster import SECRET_FILE, Member, Roster
from tillkeeper.token_files import load_or_create_token

TERMINALS = {
    "counter": Terminal(title="Counter", order_type="takeout"),
    "lane": Terminal(title="Drive-through lane", view="lane", order_type="drive_through"),
    "window": Terminal(title="Drive-through window", view="window", order_type="drive_through"),
}
PEOPLE = (
    ("ana", "Ana", "cashier", "139726"),
    ("mia", "Mia", "manager", "402915"),
    ("tim", "Tim", "trainee", "960374"),
)
"""Employee, name, role, PIN: made up, printed at the start, for trying things out only."""
STAFF_FILE = "staff.json"
DISPLAY = "kitchen"


def with_shift(config: Config, data: Path) -> Config:
    """`config` with all of it; the roster is written into `data` where there is none yet."""
    file = data / STAFF_FILE
    if not file.exists():
        data.mkdir(parents=True, exist_ok=True)
        file.write_bytes(roster.encode(_roster(config.store.id, load_or_create_token(data / SECRET_FILE))))
    stations = {
        name: station if DISPLAY in station.devices else replace(station, devices=(*station.devices, DISPLAY))
        for name, station in config.stations.items()
    }
    return replace(config, terminals=TERMINALS, staff=Staff(file=str(file)), stations=stations)


def _roster(store: str, secret: str) -> Roster:
    members = tuple(
        Member(employee=employee, name=name, roles=(role,), pin=pins.digest(pin, secret, store))
        for employee, name, role, pin in PEOPLE
    )
    return Roster(store=store, secret_id=pins.secret_id(secret), members=members)


def introduction(url: str, token: str) -> str:
    """The links carry the token behind the `#`, which no browser sends: a page keeps it and takes it out of its address."""
    registers = [f"  {name:11} {url}/register/?terminal={name}#token={token}" for name in TERMINALS]
    return "\n".join(
        (
            "",
            "Pages, for a browser on this machine:",
            *registers,
            f"  kitchen     {url}/kitchen/?device={DISPLAY}#token={token}",
            "              (it takes the simulated display's place: once it is closed nothing shows the tickets, not green)",
            f"  diagnostics {url}/diagnostics/#token={token}",
            f"  papers      {url}/preview/#token={token}",
            "  PINs        " + ", ".join(f"{pin} {name} ({role})" for _employee, name, role, pin in PEOPLE),
            "",
            "Ctrl-C stops it.",
        )
    )
