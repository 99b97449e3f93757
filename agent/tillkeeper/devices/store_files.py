"""What a store adds to what is printed: its logo, its own printer models, its own layouts. Read once, when the register starts;
what of it is of no use is said, and keeps no register from starting."""

from collections.abc import Iterator
from dataclasses import dataclass

from tillkeeper.config import logo, own_models
from tillkeeper.config.logo import Picture
from tillkeeper.config.model import Config
from tillkeeper.config.own_models import Models
from tillkeeper.diagnostics.facts import UnreadFacts
from tillkeeper.layouts import shelf
from tillkeeper.layouts.shelf import Usable

AT_NEXT_START = "once mended it is taken up at the next start (`tillkeeper restart --between-sales` asks for one)"


@dataclass(frozen=True)
class StoreFiles:
    logo: Picture
    models: Models
    layouts: Usable

    def unread(self, config: Config) -> Iterator[UnreadFacts]:
        """What is wrong with them, and what is done meanwhile."""
        if self.logo.trouble:
            yield _unread("store.logo", (self.logo.trouble,), "Receipts are printed without it")
        if self.models.problems:
            meanwhile = "A device whose model is missing is sent nothing, and its tickets go on to its backups"
            yield _unread("models.own", self.models.problems, meanwhile)
        if problems := self.layouts.words(config.layouts.folder):
            setting = "layouts.folder" if config.layouts.folder else "layouts.use"
            yield _unread(setting, tuple(map(str, problems)), "Those of the package are used instead")


def read(config: Config) -> StoreFiles:
    """Blocking: some ms."""
    return StoreFiles(logo.read(config.store.logo), own_models.read_once(config.models.own), shelf.usable(config))


def _unread(setting: str, problems: tuple[str, ...], meanwhile: str) -> UnreadFacts:
    others = len(problems) - 1
    more = f" (and {others} more: `tillkeeper config check` lists them)" if others else ""
    return UnreadFacts(setting=setting, why=f"{problems[0]}{more}", meanwhile=meanwhile, hint=AT_NEXT_START)
