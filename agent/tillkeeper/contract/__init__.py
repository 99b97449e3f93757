"""What HQ, vendors and registers share: event types and their versions, commands, views. Pure values, no behaviour."""
