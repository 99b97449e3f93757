"""A device of a model that no file tells of: what its printer understands is not known, so it is sent nothing. Its tickets go
to where those of any device go that can not be reached."""

from tillkeeper_drivers.api import Delivery, Document, NotSent, Status

HINT = "`tillkeeper config check` says which file is missing or wrong"


class UnknownModel:
    """A `Device`."""

    def __init__(self, device_id: str, model: str) -> None:
        self._id = device_id
        self._why = f"there is no model {model!r}"

    @property
    def id(self) -> str:
        return self._id

    def accepts(self, _document: Document) -> bool:
        """It would, with its model: so its documents wait, or go on."""
        return True

    async def deliver(self, _document: Document, _token: bytes) -> Delivery:
        """Raises: NotSent, always."""
        raise NotSent("print", self._id, "unknown_model", self._why, HINT)

    async def status(self) -> Status:
        return Status(reachable="no", reason="unknown_model", detail=self._why)

    async def close(self) -> None:
        """Nothing is open."""
