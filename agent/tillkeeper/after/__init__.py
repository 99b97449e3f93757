"""What an outage has left to do, and whether all is well."""
