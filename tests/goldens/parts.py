"""Every part that goldens may name, by (system, part): how to run it, and on which roads."""

from tests.goldens import crn, oasis, pix2pixhd, sims, spade

PARTS = {**crn.PARTS, **sims.PARTS, **pix2pixhd.PARTS, **spade.PARTS, **oasis.PARTS}
