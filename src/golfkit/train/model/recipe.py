"""How a model is trained and stored: the half of a spec that does not depend on the architecture."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Optimiser, schedule and export; a model's Spec adds its shape. Rates are per step."""

    vocab_size: int = 1024
    seq_len: int = 1024  # tokens
    batch_tokens: int = 524_288  # a step, over all processes

    # Optimiser: Muon for matrices, Adam for scalars, one of Adam and Adagrad for embeddings and tables
    matrix_rate: float = 0.04
    embed_rate: float = 0.05
    scalar_rate: float = 0.04
    momentum: float = 0.95
    momentum_start: float = 0.85
    momentum_steps: int = 500  # over which momentum rises from momentum_start
    beta1: float = 0.9
    beta2: float = 0.95
    weight_decay: float = 0.0  # of matrices, per unit of learning rate
    clip: float = 0.0  # norm of the gradient; 0: none
    polar: bool = False  # Newton-Schulz steps of the Polar Express, else the quintic of Muon
    adagrad: bool = False  # embeddings and tables by Adagrad: what is seen often moves ever less
    normuon: bool = False  # rows of Muon's update at the same size over time

    # Schedule
    warmup: float = 0.0  # share of the steps in which rates rise
    warmdown: float = 1.0  # share of the steps, the last ones, in which rates fall linearly to 0
    ema: float = 0.0  # decay of the averaged weights that are exported; 0: the last weights

    # Export and evaluation
    gptq: bool = False  # quantise with error compensation, calibrated on training tokens
    ttt_rate: float = 0.1  # learning rates of test-time training, as a share of training's
