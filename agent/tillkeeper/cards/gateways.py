"""The gateways that the configuration names."""

from collections.abc import Mapping

from tillkeeper.asking_files import Kept
from tillkeeper.cards.gateway import Gateway
from tillkeeper.config.model import Config


def gateways_of(config: Config, secrets: Mapping[str, Kept[str]]) -> Mapping[str, Gateway]:
    """`secrets`: of those gateways that want one."""
    if not config.gateways:
        return {}
    from tillkeeper.cards.gateway_http import HttpGateway  # httpx is slow to import, and not every store takes cards

    return {name: HttpGateway(one, secrets[name].get if name in secrets else str) for name, one in config.gateways.items()}
