"""Prometheus metrics: each room declares its own instruments; each process serves those of the rooms it has.

That is `/api/metrics` of a process with the web, and the metrics port of the routing process (`onecall/metrics.py`).
"""

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Gauge, Histogram, generate_latest

__all__ = ["CONTENT_TYPE", "Counter", "Gauge", "Histogram", "exposition"]

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """All metrics of this process in Prometheus' text form."""
    return generate_latest(REGISTRY)
