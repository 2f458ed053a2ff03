"""SIP phones made of Python: outside callers and desk phones for tests, benches and the demo."""
