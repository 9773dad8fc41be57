"""Every part that goldens may name, by (system, part): how to run it, and on which roads."""

from tests.goldens import ccfpse, crn, lggan, oasis, pix2pixhd, safm, sesame, sims, spade

PARTS = {
    **crn.PARTS,
    **sims.PARTS,
    **pix2pixhd.PARTS,
    **spade.PARTS,
    **ccfpse.PARTS,
    **lggan.PARTS,
    **sesame.PARTS,
    **oasis.PARTS,
    **safm.PARTS,
}
