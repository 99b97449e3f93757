"""HQ: the server at the other end. Stores events once, gives checks their numbers, shows what a store took per business day."""
