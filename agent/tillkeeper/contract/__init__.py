"""What HQ, vendors and registers share: event types and their versions, commands, views. Pure values, no behaviour; and how the
two servers read HTTP (`http_parser.py`)."""
