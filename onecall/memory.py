"""How often Python looks for garbage in a process that has begun to serve."""

import gc


def settle_memory() -> None:
    """What was loaded at start stays: a collection that walks through it would hold up calls."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
