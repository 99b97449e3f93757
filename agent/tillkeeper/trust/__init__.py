"""Who belongs to the store: keys, certificates, the roster, joining and leaving. docs/trust.md."""
