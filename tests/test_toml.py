"""Changes to a configuration that several parts of a test make."""

from tests.support.toml import both, merged

EXAMPLE = {"register": "front", "stations": {"grill": {"backup": "cold", "carry": True}, "bar": {"backup": "receipt"}}}


def test_what_changes_remove_is_removed_also_where_they_were_put_together_first() -> None:
    changes = both({"register": "side", "stations": {"bar": None}}, {"stations": {"grill": {"backup": None}}})
    assert merged(EXAMPLE, changes) == {"register": "side", "stations": {"grill": {"carry": True}}}
