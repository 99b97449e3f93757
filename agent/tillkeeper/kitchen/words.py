"""The words that people read on paper and displays."""

ORDER_TYPES = {
    "dine_in": "DINE IN",
    "takeout": "TAKEOUT",
    "drive_through": "DRIVE-THROUGH",
    "delivery": "DELIVERY",
}


def order_type_words(order_type: str) -> str:
    """An order type of another version is shown as it is, never left out."""
    return ORDER_TYPES.get(order_type, order_type.upper().replace("_", " "))
