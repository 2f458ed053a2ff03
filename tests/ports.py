"""Ports for servers of tests: free, and given to nobody else, also when several runs of the tests go side by side."""

import random
import socket

# Below the range from which the system takes ports for outgoing connections.
_SERVERS = range(10_000, 20_000)
_SOUND = range(20_000, 32_000)
_claims: list[socket.socket] = []


def free_ports(count: int) -> list[int]:
    """Ports free on every loopback address for TCP and UDP; they stay ours until this process ends."""
    return [_free_port() for _ in range(count)]


def sound_ports(count: int) -> tuple[int, int]:
    """First and last of so many ports for sound. Others may take some of them, which Asterisk passes over."""
    first = random.randrange(_SOUND.start, _SOUND.stop, count)
    return first, first + count - 1


def _free_port() -> int:
    while True:
        port = random.choice(_SERVERS)
        if _claimed(port) and _is_free(port):
            return port


def _claimed(port: int) -> bool:
    """Claim the port by a name that one process of the machine can have, and that ends with it."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0onecall-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True
