"""Label map -> image."""

DEFAULT_MODEL = "spade-earth-128"
