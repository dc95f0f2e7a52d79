"""Pairs of a failed run's description and the same idea in other words, and items about nothing of the kind.

Written before the similarity was built. Half of the pairs were looked at while tuning; the others were held out until
then: ten of twelve were recognised at first sight, the other two after lines of the lexicon were mended.
"""

from typing import NamedTuple


class Pair(NamedTuple):
    """One idea, said twice without four words in common in a row."""

    family: str
    failed: str  # as a run's description in results.tsv
    title: str  # of the item
    text: str
    held_out: bool


PAIRS = (
    Pair(
        "architecture",
        "add BigramHash(10240) embedding",
        "Hashed lookup vectors for adjacent token pairs",
        "We give each pair of neighbouring tokens a vector from a table of buckets and add it to the input of the "
        "network. Collisions hurt little.",
        False,
    ),
    Pair(
        "architecture",
        "mixture of experts MLP, 4 experts top-1",
        "Routing tokens among specialised feed-forward blocks",
        "A learned router sends every token to one of several expert networks, so that only a fraction of the weights "
        "is active at a time.",
        True,
    ),
    Pair(
        "architecture",
        "depth recurrence: loop layers 3-5 twice",
        "Running the middle blocks of a transformer again with the same weights",
        "The shared blocks are applied repeatedly, which buys effective depth without storing parameters.",
        False,
    ),
    Pair(
        "optimiser",
        "EMA of weights decay 0.999 instead of SWA",
        "A shadow copy of the parameters that moves slowly",
        "An exponentially decayed running mean of the parameters is kept during optimisation and evaluated in place of "
        "the last iterate.",
        False,
    ),
    Pair(
        "optimiser",
        "longer warmdown 5000 iters",
        "How long should the learning rate fall?",
        "We stretch the linear decay of the step size at the end of training and study the cooldown's length.",
        False,
    ),
    Pair(
        "optimiser",
        "knowledge distillation from a bigger teacher",
        "Small students that imitate large networks",
        "The student model is trained on the output distribution of a teacher network rather than on the labels.",
        True,
    ),
    Pair(
        "quantisation",
        "ternary weights (BitNet b1.58), 64M params",
        "Language models whose parameters are only minus one, zero and plus one",
        "Each weight takes one of three values with a scale per group; training uses straight-through gradients.",
        False,
    ),
    Pair(
        "quantisation",
        "prune 30% of weights by magnitude before export",
        "Setting the smallest connections to zero",
        "Removing small parameters of a trained network makes it sparse, and sparse matrices compress well.",
        False,
    ),
    Pair(
        "quantisation",
        "Hadamard rotation before int6 quantization",
        "Spreading outliers with orthogonal transforms ahead of low-bit rounding",
        "Multiplying weights with a random orthogonal matrix makes their distribution incoherent, which low precision "
        "rounding likes.",
        True,
    ),
    Pair(
        "tokenizer",
        "vocab 8192 sentencepiece (sp8192)",
        "A bigger vocabulary for small models",
        "Enlarging the vocabulary to eight thousand subword pieces shortens sequences and gives more bytes per token.",
        False,
    ),
    Pair(
        "tokenizer",
        "caseops: lossless lower-casing with capital markers",
        "Reversible removal of upper case letters",
        "Text is lowercased before segmentation, and special symbols say where capitals were, so that the original can "
        "be restored.",
        True,
    ),
    Pair(
        "tokenizer",
        "unigram tokenizer instead of BPE",
        "Segmenting text by a probabilistic subword model",
        "A tokenizer that picks the most likely segmentation under a unigram likelihood replaces byte pair merges.",
        True,
    ),
    Pair(
        "evaluation",
        "sliding window eval stride 64",
        "Scoring with overlapping contexts",
        "Every position of the validation text is scored with almost a full context, as evaluation windows overlap.",
        False,
    ),
    Pair(
        "evaluation",
        "score-first TTT, SGD 3 epochs per chunk",
        "Adapting the model to the document while it is being read",
        "At inference the weights take gradient steps on the tokens that have been scored already.",
        True,
    ),
    Pair(
        "evaluation",
        "ngram cache mixed into the logits",
        "Interpolating a network with counts of recent phrases",
        "A cache of the n-grams seen so far gives a second distribution that is blended with the softmax.",
        False,
    ),
    Pair(
        "compression",
        "arithmetic coding of the int6 weights",
        "An entropy coder for network parameters",
        "Quantised parameters are stored with a range coder under an adaptive symbol model, close to their entropy.",
        False,
    ),
    Pair(
        "compression",
        "byte shuffle before brotli",
        "Regrouping the planes of stored numbers",
        "Writing all high bytes first and the low bytes later, transposed, lets a general compressor find more.",
        True,
    ),
    Pair(
        "compression",
        "weights from a seed: random projections with small adapters",
        "Networks that are regenerated from a random number generator",
        "Frozen random matrices cost nothing to store since the seed brings them back; only small adapters are kept.",
        True,
    ),
    Pair(
        "data",
        "curriculum: sequence length warmup 256 to 1024",
        "From short to long: growing the context during pretraining",
        "Training starts with short sequences and raises their length step by step.",
        False,
    ),
    Pair(
        "data",
        "data selection: keep only documents with low reference loss",
        "Filtering the corpus by a scoring model",
        "Choosing which training documents to see, by quality scores, beats random sampling of the corpus.",
        True,
    ),
    Pair(
        "data",
        "document masking in attention (varlen)",
        "Do not look across text boundaries",
        "Packed sequences hold several documents; attention is restricted to the tokens of the same document.",
        True,
    ),
    Pair(
        "systems",
        "fp8 matmuls in the MLP",
        "Eight-bit floating point for faster training",
        "Matrix products run in an e4m3 float format with per-tensor scales, and steps take less time.",
        False,
    ),
    Pair(
        "systems",
        "fused cross entropy kernel",
        "Computing the loss without materialising the logits",
        "The softmax and the output projection are merged into a single kernel for the loss; memory traffic falls.",
        True,
    ),
    Pair(
        "systems",
        "sharded optimizer: parallel muon over 8 ranks",
        "Splitting the orthogonalisation work between devices",
        "Each device updates its share of the matrices with the momentum optimiser and the results are gathered.",
        True,
    ),
)

UNRELATED = (
    ("Rotary position encodings with fewer dimensions", "Only a part of each head is rotated; the rest has none."),
    ("Softcap or not: bounding the logits", "Passing logits through a scaled tanh bounds them and calms training."),
    ("Grouped-query attention at small scale", "Sharing keys and values between heads saves parameters."),
    ("Second-order optimisation with Shampoo", "Kronecker factors precondition gradients of every matrix."),
    ("Value residual learning", "Values of the first block are added to the values of later ones."),
    ("Diffusion language models", "A masked diffusion model denoises all tokens in parallel."),
    ("Lattice codebooks", "Vector quantisation with an E8 codebook for two bits a weight."),
    ("State space models revisited", "Mamba layers replace attention with a selective scan."),
    ("Leaky activations squared", "A LeakyReLU followed by a square in the MLP."),
    ("Multi-token prediction heads", "Extra heads predict the tokens after the next one."),
    ("Gates on attention output", "A sigmoid gate scales the output of each attention head."),
    ("Temperature scaling of language models", "A single softmax temperature is fitted on held-out training text."),
    ("Quarterly results of a chip maker", "Revenue rose and the board announced a dividend."),
    ("A recipe for sourdough", "Flour, water, salt, and time; bake until brown."),
    ("Robots that fold laundry", "Imitation of human demonstrations on a two-armed robot."),
    ("A history of the arithmetic unit", "From relays to silicon: how machines came to add numbers."),
)
