"""Ground floor: clock, ids, errors, database session, bus, journal of facts, logs, metrics, security primitives."""
