"""Chaos: what is promised holds while processes are killed and servers fail. `make chaos`."""
