"""The first manager, on the roster of staff in the agent's own folder. Runs as the agent's user."""

from pathlib import Path

from msgspec.structs import replace

from tillkeeper import clock
from tillkeeper.errors import Refused
from tillkeeper.people import pins, roster
from tillkeeper.people.merging import put
from tillkeeper.people.roster import Member, Roster
from tillkeeper.setup.disk import read
from tillkeeper.till import roster_disk
from tillkeeper.token_files import load_or_create_token

ROLE = "manager"


def names(file: Path, store: str) -> tuple[str, ...]:
    """Who is on the roster; nobody where there is none. Raises: ConfigInvalid."""
    raw = read(file)
    return () if raw is None else tuple(one.employee for one in roster.decode(raw, store, str(file)).members)


def add_manager(file: Path, data: Path, store: str, employee: str, name: str, pin: str) -> bool:
    """Whether somebody was added: who is on the roster keeps name and PIN.

    Raises:
        ConfigInvalid: the roster or the secret is none.
        Refused: the PIN is somebody else's, or the roster's PINs belong to another secret.
        StorageRefused, TrustTrouble: it can not be written.
    """
    secret = load_or_create_token(data / roster.SECRET_FILE)
    nobody = Roster(store=store, secret_id=pins.secret_id(secret))
    digest = pins.digest(pin, secret, store)

    def with_manager(there: Roster | None) -> Roster:
        before = there or nobody
        if before.get(employee) is not None:
            return before
        if before.members and before.secret_id != nobody.secret_id:
            cause = "the PINs of this roster belong to another store secret"
            raise Refused("roster", "add", employee, cause, "remove the file and run setup again")
        if any(member.pin == digest for member in before.members):
            raise Refused("pin_taken", "add", employee, "this PIN is taken", "choose another")
        member = Member(employee=employee, name=name or employee, roles=(ROLE,), pin=digest, by="setup")
        return put(replace(before, secret_id=nobody.secret_id), member, clock.wall_ms())

    before = roster_disk.read(file, store)
    return roster_disk.update(file, data, store, with_manager) != before
