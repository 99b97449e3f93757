"""Ten thousand tickets over real drivers, TCP and virtual printers, with a fault at each twentieth. The clock is virtual.

    python -m tests.chaos --tickets 10000 [--seed S]

Ends with 0 only if every ticket came out, those too that ended as `sent`, and every repeat said so. One kind is counted by
itself: tickets in the buffer of a printer that can say nothing but that it is well, says so while it works off a few bytes a
second, and loses its power before it is through. Nothing that it ever says tells it from one that has printed.
"""
