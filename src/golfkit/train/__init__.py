"""One model definition, two backends, exact bits per byte."""
