"""What a register wants at night: is the journal whole, how long does the disk last, and what nobody needs any more goes."""
