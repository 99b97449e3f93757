"""Ten thousand tickets over real drivers, TCP and virtual printers, with a fault at each twentieth. The clock is virtual.

    python -m tests.chaos --tickets 10000 [--seed S]

Ends with 0 only if every ticket came out, those too that ended as `sent`, and every repeat said so.
"""
