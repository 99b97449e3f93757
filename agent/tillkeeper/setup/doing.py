"""Carrying a plan out, in an order in which being cut off at any point leaves the old configuration or the new one."""

from collections.abc import Callable
from pathlib import Path

from tillkeeper.errors import StorageRefused
from tillkeeper.people.roster import SECRET_FILE
from tillkeeper.setup import people
from tillkeeper.setup.answers import Answers
from tillkeeper.setup.disk import commit, make_folder
from tillkeeper.setup.known import Secrets
from tillkeeper.setup.plan import Plan
from tillkeeper.setup.site import Site, as_agent
from tillkeeper.setup.tables import store_id
from tillkeeper.token_files import load_or_create_token


def make_folders(site: Site, data: Path) -> None:
    """As the package makes them; those that are there stay as they are. Raises: StorageRefused."""
    try:
        make_folder(site.folder, 0o755, None if site.agent is None else (0, 0))  # the prober reads here too
        make_folder(data, 0o700, site.agent)
    except OSError as error:
        raise StorageRefused("make", error.filename or str(data), error.strerror or str(error), "look at the disk") from error


def join(site: Site, plan: Plan, said: Answers, code: str, by: str) -> list[str]:
    """Become a register of the store, and get its people; what a person should know of it. The beacon key that it brings is put
    into its place by the next plan.

    Raises:
        TillkeeperError: the code, or the register that it leads to, refuses; the same code works again within its ten minutes.
    """
    # Imported before the rights are dropped: wherever Python lies, the agent's user need not read there.
    import encodings.idna  # noqa: F401 - looked up by name when an address is resolved

    from tillkeeper.trust.acts import Site as Place
    from tillkeeper.trust.acts import join_store
    from tillkeeper.trust.codes import read_join_code

    def act() -> object:
        place = Place(store=store_id(said), register=said.register, data_dir=plan.data, staff=plan.staff)
        made = join_store(place, read_join_code(code), by)
        return [f"admitted by {made.at}", *(note for note in made.notes if "beacon key" not in note)]

    told = as_agent(site, act)
    return [str(one) for one in told] if isinstance(told, list) else []


def carry_out(site: Site, plan: Plan, said: Answers, secrets: Secrets, stamp: str, tell: Callable[[str], None]) -> None:
    """Everything but joining. `stamp`: local time for the name of the copy of what was there.

    Raises:
        TillkeeperError: the configuration is what it was.
    """
    store = store_id(said)
    staff = plan.staff
    if staff is not None and plan.manager:
        add = as_agent(site, lambda: people.add_manager(staff, plan.data, store, plan.manager, said.people.name, secrets.pin))
        tell(f"{plan.manager} is on the roster" + ("" if add else " already, with the PIN of then"))
    elif plan.store_secret:
        as_agent(site, lambda: _make_secret(plan.data))
        tell("the secret of the store's PINs was made")
    copy = commit(site.folder, plan.config, list(plan.files), stamp)
    for one in plan.files:
        tell(f"{site.folder / one.name}: {one.words}")
    if plan.changes_config:
        tell(f"{site.config}: written" + (f"; what was there is {copy}" if copy else ""))


def _make_secret(data: Path) -> bool:
    load_or_create_token(data / SECRET_FILE)
    return True
