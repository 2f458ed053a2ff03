"""Benchmarks. Each prints one JSON object as its last line; none is a timed test."""
