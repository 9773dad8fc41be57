"""Snapshots (deliverable weights), training states (everything to resume) and official weight files."""
