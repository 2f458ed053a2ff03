"""Inside the engine: the index of who waits and who is ready, and what each event changes. Use `acd.engine`."""
