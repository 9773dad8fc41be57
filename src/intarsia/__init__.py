"""Intarsia: semantic image synthesis. A label map goes in, a photo comes out."""
