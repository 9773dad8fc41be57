"""Label map -> image."""
