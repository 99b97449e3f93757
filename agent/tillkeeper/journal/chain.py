"""The chain rule is part of the contract with HQ: see `tillkeeper.contract.chain`."""

from tillkeeper.contract.chain import GENESIS, ChainBroken, header, link, personal_digest, verify

__all__ = ["GENESIS", "ChainBroken", "header", "link", "personal_digest", "verify"]
