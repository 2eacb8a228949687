"""Holding converted modules against PyTorch, call by call; imported only where that is asked for."""
