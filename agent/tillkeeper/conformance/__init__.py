"""Tests somebody's own HQ against `docs/hq-contract.md`, from outside: over HTTP, with logs made up for it."""
