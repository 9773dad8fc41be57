"""Tensors -> scalar: pure functions, unweighted."""
