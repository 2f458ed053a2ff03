"""Customers, tickets, promises, interactions projected from facts, first-call resolution and recall."""
