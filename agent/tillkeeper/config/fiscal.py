"""A fiscal signer, where the law of the store's country asks for one. Tillkeeper brings none and is certified for none."""

from tillkeeper.config.section import Section


class Fiscal(Section, frozen=True):
    """`signer`: the name under which an installed package offers it; empty for none."""

    signer: str = ""
