"""From the config to drivers. Only `registry` knows which drivers there are."""
