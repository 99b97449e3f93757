"""Users of the machine, by name."""

import pwd


def name_of(uid: int) -> str:
    """As sudo(8) takes it: "#UID" where passwd(5) knows none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
