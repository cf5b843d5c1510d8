"""Ports for servers that a test starts."""

import random
import socket

BELOW_THE_SYSTEM_S = range(10_000, 32_000)
"""Linux takes the ports of outgoing connections from those above: one of these is free for longer than the question."""


def free_port() -> int:
    """Return a port of this machine's on which nothing listens."""
    for port in random.sample(BELOW_THE_SYSTEM_S, k=100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise OSError("Something listens on a hundred ports.")
