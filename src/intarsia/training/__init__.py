"""Training: `loop.py` is the whole story."""
