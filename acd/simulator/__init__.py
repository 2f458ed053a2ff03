"""The simulator: the routing engine of live calls, driven on simulated time."""
