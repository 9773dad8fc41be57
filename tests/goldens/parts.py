"""Every part that goldens may name, by (system, part): how to run it, and on which roads."""

from tests.goldens import ccfpse, lggan, oasis, pix2pixhd, spade

PARTS = {**pix2pixhd.PARTS, **spade.PARTS, **ccfpse.PARTS, **lggan.PARTS, **oasis.PARTS}
