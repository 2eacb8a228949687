"""NVIDIA's classic API as an adapter."""
