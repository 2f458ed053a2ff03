"""Routing: the engine (pure), the dispatcher that does what it decides, desks, live statistics, the simulator."""
