"""How good photos are: what segmenters recognise in them, and distances between sets of photos."""
