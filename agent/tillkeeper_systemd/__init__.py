"""What a service and systemd say to each other: state, sockets made beforehand, secrets handed over. Agent, prober and HQ use
it; it imports nothing of them."""
