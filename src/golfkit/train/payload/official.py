"""The contest's int8 quantisation, so that its naive baseline is scored as its own script would score it.

Source: openai/parameter-golf, quantize_state_dict_int8 (int8_clean_per_row_v1), rewritten from its description.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from golfkit.train.payload.quantise import Quantised, checked

if TYPE_CHECKING:
    import numpy as np

SMALL = 65_536  # elements of a tensor that stays float
CLIP = 0.9999984  # quantile of a row's magnitudes
CONTROL = ("attn_scale", "mlp_scale", "resid_mix", "q_gain", "skip_weight")  # parts of names that stay float32


def official_int8(weights: "Mapping[str, np.ndarray]") -> "dict[str, Quantised | np.ndarray]":
    """Every tensor by name: matrices int8 per row, small ones float16, small control tensors float32.

    A stack [layers, rows, columns] counts as its matrices. A vector of more than SMALL elements is one row.
    """
    import numpy as np

    out: dict[str, Quantised | np.ndarray] = {}
    for name, weight in weights.items():
        n_elements = weight[0].size if weight.ndim == 3 and len(weight) else weight.size
        if n_elements > SMALL:
            out[name] = _int8(weight)
        else:
            out[name] = weight.astype(np.float32 if any(part in name for part in CONTROL) else np.float16)
    return out


def _int8(weight: "np.ndarray") -> Quantised:
    """Codes are taken under the float32 scale, and the scale is stored in float16: the script's order of work."""
    import numpy as np

    checked(weight)
    magnitude = np.sort(np.abs(weight), axis=-1)
    rank = np.float32(CLIP) * np.float32(weight.shape[-1] - 1)
    below, part = int(rank), rank - np.float32(int(rank))
    low, high = magnitude[..., below], magnitude[..., min(below + 1, weight.shape[-1] - 1)]
    clip = low + part * (high - low) if part < 0.5 else high - (high - low) * (np.float32(1) - part)
    if weight.ndim > 1:
        scale = np.maximum(clip / np.float32(127), np.float32(1 / 127))
    else:
        scale = clip / np.float32(127) if clip > 0 else np.float32(1)
    clipped = np.clip(weight, -clip[..., None], clip[..., None])
    codes = np.clip(np.rint(clipped / scale[..., None]), -127, 127).astype(np.int8)
    return Quantised(codes, scale.astype(np.float16), 8)
