"""Snapshots (what is delivered), states (what is resumed) and converters from official weight files."""
