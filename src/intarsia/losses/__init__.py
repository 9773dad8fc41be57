"""Tensors -> scalar, pure. Weights are applied where the round is summed, never here."""
