"""Tenders that need the world: cards, gift cards, points."""
