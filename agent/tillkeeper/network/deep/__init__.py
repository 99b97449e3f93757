"""Diagnoses in depth, on demand: a child process of the prober with scapy in it, which nothing else may import.

    python -m tillkeeper.network.deep < one `assignment.Assignment` as a JSON line

One thread, one loop, one socket that listens; every check is a small machine that is told what was heard and what time it is.
"""
