"""The first manager, on the roster of staff in the agent's own folder. Runs as the agent's user."""

from pathlib import Path

from tillkeeper.errors import Refused
from tillkeeper.people import pins, roster
from tillkeeper.people.roster import Member, Roster
from tillkeeper.setup.disk import read
from tillkeeper.token_files import load_or_create_token
from tillkeeper.trust import files

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
    raw = read(file)
    before = Roster(store=store, secret_id="") if raw is None else roster.decode(raw, store, str(file))
    if before.get(employee) is not None:
        return False
    if before.members and before.secret_id != pins.secret_id(secret):
        cause = "the PINs of this roster belong to another store secret"
        raise Refused("roster", "add", employee, cause, "remove the file and run setup again")
    digest = pins.digest(pin, secret, store)
    if before.whose(digest) is not None:
        raise Refused("pin_taken", "add", employee, "this PIN is taken", "choose another")
    member = Member(employee=employee, name=name or employee, roles=(ROLE,), pin=digest)
    members = tuple(sorted((*before.members, member), key=lambda one: one.employee))
    files.write(file, roster.encode(Roster(store=store, secret_id=pins.secret_id(secret), members=members)))
    return True
