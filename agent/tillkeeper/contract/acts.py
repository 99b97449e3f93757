"""Acts that change no check, drawer or setting, and yet somebody is to answer for."""

from tillkeeper.contract.base import Event


class ActNoted(Event, frozen=True):
    """`operation`: as the API names it (start_diagnosis, find_personal, release_jobs). `subject`: which job or device; never
    what was looked for. `by`: who, as far as it is known: an employee, whom an integration named, a paired device, or the
    user of the machine who called over the unix socket ("user root")."""

    operation: str
    subject: str = ""
    by: str = ""
    terminal: str = ""
    detail: str = ""
