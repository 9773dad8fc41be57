"""Coded maps against dense planes as published: same weights, same label map, one run."""
