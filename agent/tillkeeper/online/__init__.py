"""Orders of a web shop: asked of HQ, placed as every other order is."""
