"""The gateways that the configuration names."""

from collections.abc import Mapping
from pathlib import Path

from tillkeeper.cards.gateway import Gateway
from tillkeeper.config.model import Config
from tillkeeper.secret_files import read_token


def gateways_of(config: Config) -> Mapping[str, Gateway]:
    """Raises: ConfigInvalid: a secret that can not be read."""
    if not config.gateways:
        return {}
    from tillkeeper.cards.gateway_http import HttpGateway  # httpx is slow to import, and not every store takes cards

    return {
        name: HttpGateway(one, read_token(f"gateways.{name}.token_file", Path(one.token_file)) if one.token_file else "")
        for name, one in config.gateways.items()
    }
