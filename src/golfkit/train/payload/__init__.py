"""Weights as few bytes: quantisation, error compensation, entropy coding, and the payload file."""
