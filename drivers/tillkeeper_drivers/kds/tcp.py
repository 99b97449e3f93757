"""What displays that are spoken to over plain TCP have in common."""

from tillkeeper_drivers.api import Transport, TransportError
from tillkeeper_drivers.kds.wire import Look

CONNECT_S = 3.0


async def look_at(transport: Transport) -> Look:
    """Whether something takes connections there. No byte is sent."""
    try:
        async with transport.connect(CONNECT_S):
            return Look("yes", "yes")
    except TransportError as error:
        return Look("no", detail=error.detail, reason=error.reason)
