"""Ten thousand tickets over real drivers, TCP and virtual printers, with a fault at each twentieth. The clock is virtual.

    python -m tests.chaos --tickets 10000 [--seed S]

Ends with 0 only if every ticket came out and every repeat said so. A printer that can not confirm and fails after it took a
ticket is counted by itself: such a ticket ends as `sent`, and that is what `sent` means.
"""
