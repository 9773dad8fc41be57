"""Coded maps against dense planes, in one run."""
