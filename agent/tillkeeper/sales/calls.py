"""Which calls to the world a command needs, found out by deciding it. Pure."""

from dataclasses import dataclass

from tillkeeper.config.model import Config
from tillkeeper.errors import Refused
from tillkeeper.sales.authorisations import authorisation_id
from tillkeeper.sales.model import Authorisation
from tillkeeper.sales.tenders import Admission, AuthorisationRequest, NoTerminal

PRACTICE = "practice"
"""The reference of what training took by such a tender."""


@dataclass(frozen=True)
class Wanted:
    """A call that is still to be made, the `index`th of its command."""

    authorisation_id: str
    index: int
    request: AuthorisationRequest
    gateway: str


class Calls:
    """The authoriser of one command: what is known of its calls counts as authorised, and so, for the decision alone, does what
    is `wanted` of the world. While anything is wanted, nothing of the decision may be recorded. Practice calls nobody."""

    def __init__(
        self, config: Config, key_sha256: str, known: tuple[Authorisation, ...] = (), *, practice: bool = False
    ) -> None:
        """`known`: the approved ones of this command, in their order."""
        self._config, self._key, self._known, self._practice = config, key_sha256, known, practice
        self._at = 0
        self.wanted: list[Wanted] = []

    def authorised(self, request: AuthorisationRequest) -> Admission | None:
        """Raises: Refused (`authorisation_differs`): what was authorised is not what is needed now."""
        if self._at >= len(self._known):
            return None
        one = self._known[self._at]
        self._at += 1
        if (one.situation, one.tender, one.amount_minor) != (request.situation, request.tender, request.amount_minor):
            cause = "what was authorised is not what is due now: it is taken back"
            raise Refused("authorisation_differs", f"take {request.situation}", request.tender, cause, "take it again")
        return Admission(one.authorisation_id, one.reference, one.label)

    def authorise(self, request: AuthorisationRequest) -> Admission:
        gateway = self._config.tenders[request.tender].gateway if request.tender in self._config.tenders else ""
        if not gateway:
            return NoTerminal().authorise(request)
        if self._practice:
            return Admission(reference=PRACTICE)
        made = authorisation_id(self._config.store.id, self._config.this_register, self._key, self._at)
        self.wanted.append(Wanted(made, self._at, request, gateway))
        self._at += 1
        return Admission(made)
