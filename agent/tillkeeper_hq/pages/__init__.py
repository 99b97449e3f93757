"""HQ's pages for people: made here, whole, without scripts. `docs/hq.md`."""
