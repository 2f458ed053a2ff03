"""How long tests wait for what must come."""

PATIENCE = 30.0
"""Seconds. On a busy machine everything takes longer; a long wait costs nothing but a late failure."""
