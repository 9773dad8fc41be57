"""Official weight files -> ours: one key map per release."""
