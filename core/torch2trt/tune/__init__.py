"""Choosing what runs a model by its speed; the rest of the core knows it by ``autotune=True`` alone."""
