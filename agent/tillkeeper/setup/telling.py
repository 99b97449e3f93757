"""What a plan would do, in words."""

from tillkeeper.config.files import CONFIG
from tillkeeper.setup import units
from tillkeeper.setup.plan import Plan
from tillkeeper.setup.site import Site


def told(here: Site, made: Plan, *, whole: bool) -> str:
    """`whole`: with the text of the configuration, where it is another one."""
    lines = []
    if whole and made.changes_config:
        lines += ["", f"--- {CONFIG} ---", made.config.content.decode().rstrip("\n"), "---"]
    acts = [
        f"write {here.config}" + (", and keep what is there as a dated copy" if made.before is not None else "")
    ] * made.changes_config
    acts += [f"write {here.folder / one.name} (mode {one.mode:o}): {one.words}" for one in made.files]
    acts += [f"make {made.data} (mode 700), the agent's own"] * made.makes_data
    acts += [f"enter {made.manager} as the first manager"] * bool(made.manager)
    acts += ["make the secret of the store's PINs"] * (made.store_secret and not made.manager)
    acts += ["join the store with the code"] * made.joins
    if units.booted(here) and (found := units.installed()):
        acts += ["start the agent again between two sales, and the prober"] * (made.needs_restart and made.before is not None)
        acts.append(f"{'start' if made.before is None else 'see that they run:'} {' '.join(found)}")
    lines += [] if made.changes else ["", "There is nothing to change."]
    lines += ["", "What will be done:", *(f"  - {one}" for one in acts)] if acts else []
    return "\n".join([*lines, *(f"warning: {one}" for one in made.warnings)])
