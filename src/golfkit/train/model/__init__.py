"""One model definition: parameter tables, the default model, the naive baseline, and the ops that run them."""
