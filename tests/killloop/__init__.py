"""SIGKILLs at random moments of a replayed day, with devices that fail and an internet that comes and goes.

    python -m tests.killloop --kills 200 [--seed S]

Ends with 0 only if every promise of `tests.killloop.verdict` held over the whole run.
"""
