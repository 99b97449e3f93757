"""The end of the business day, of the whole store."""
