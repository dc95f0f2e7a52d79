"""What the words around a number say of it: which quantity it is, whose, and how final. Pure.

The vocabulary is that of the contest's records at large (docs/formats.md names the ranks); nothing in it belongs to one
record.
"""

import re
from typing import NamedTuple

# The score itself. "bpp" is a slip of several authors.
BPB = re.compile(r"bpb|\bbpp\b|bits?[ -/]?(?:per[ -])?byte|\bBPByte\b", re.I)
_VAL_SCORE = re.compile(r"\bscore\b", re.I)

# Quantities that are none.
_LOSS = re.compile(
    r"(?<!bpb)\b(?:val(?:idation)?|train(?:ing)?|eval|test|slide|sliding)?[ _-]?loss\b|\bnats?\b|"
    r"\bperplexity\b|\bppl\b|\bCE\b|cross[- ]entropy|\bnll\b",
    re.I,
)
_SPREAD = re.compile(
    r"\bstd\.?\b|_std\b|\bstd(?:ev|dev)?\b|standard dev|\bsigma\b|σ|variance|\bspread\b|\bSE\b|\bSEM\b|"
    r"\bCI\b|\bp[- ]?value|\bp\s*[<=≈]|t[- ]?stat|\brange\b|\bcv\b|half[- ]width",
    re.I,
)
_DELTA = re.compile(
    r"Δ|\bdelta\b|\bdiff(?:erence)?\b|\bgain(?:s|ed)?\b|\bimprov\w*|\bgap\b|\bpenalt\w+|\bcosts?\b|\breduc\w+|"
    r"\bdegrad\w+|\bsav(?:es?|ings?)\b|\bimpact\b|\bregress\w*|\bmargin\b|\bcontribut\w+|\bbenefit\b|"
    r"\btax\b|\boverhead\b|\bbetter\b|\bworse\b|\blower by\b|\bhigher by\b|\bdrop(?:s|ped)?\b|\bworth\b|"
    r"\bchange\b|\beffect\b|\bhelps?\b|\bhurts?\b",
    re.I,
)
_BOUND = re.compile(
    r"(?:[<>≤≥]|≲|<=|>=|\b(?:below|under|above|beyond|sub|at least|at most|submit(?:ting)? at|"
    r"(?:threshold|cut-?off|bar|target|goal|limit|ceiling|floor|bound)(?: (?:of|is|at|was))?))[\s:=~(-]*$",
    re.I,
)
_PROJECTED = re.compile(
    r"\bexpect\w*|\bproject(?:ed|ion|ions|s)\b|\bestimat\w*|\btargets?\b|\btargeting\b|\bgoal\b|\bhop(?:e|es|ing|ed)\b|"
    r"\bshould\b|\bwould\b|\bcould\b|\bmight\b|\bmay\b|\bpredict(?:ed|ion|s)?\b|\bextrapolat\w*|\bhypothes\w+|"
    r"\baim(?:s|ing)?\b|\banticipat\w*|\bplan(?:ned|s)?\b|\bif we\b|\blikely\b|\bpending\b|\btbd\b|"
    r"\bpotential\w*|\btheoretical\w*|\bbudget(?:ed)?\b|\bspeculat\w*|\bforecast\w*",
    re.I,
)
_OTHER = re.compile(
    r"\bbaselines?\b|\bsota\b|\bprev(?:ious(?:ly)?)?\b|\bprior\b|\bformer(?:ly)?\b|\bearlier\b|\bold\b|"
    r"\bleader(?:board)?\b|\bmerged\b|\bofficial\b|\bnaive\b|\bparent\b|\bupstream\b|\breference\b|"
    r"\bcompetitors?\b|\btheirs?\b|\bcurrent (?:record|best|leader|top|#1|sota|rank)|\bto beat\b|"
    r"\bpredecessors?\b|\bcontrol\b|\bbase\b|\bstarting point\b|\boriginal\b|\banchor\b|\bunpatched\b|"
    r"(?<!\w)#\s?1\b|\brank(?:ed)?\s?#?1\b|\bdefault\b|\bpublished\b|\breported\b|\blast (?:record|submission)\b",
    re.I,
)
_OTHER_AFTER = re.compile(
    r"\W*(?:(?:val[_ ])?bp[bp]\W*)?(?:(?:of|for|by|in)\s)?(?:(?:the|an?)\s)?(?:" + _OTHER.pattern + ")", re.I
)
_PR = re.compile(r"\bPRs?\b\s*#?\s*\d+|(?<![\w&])#\d{2,5}\b|(?<!\w)@[A-Za-z][\w-]+", re.I)
_AGAINST = re.compile(
    r"(?:\bvs\.?|\bversus|\bcompared (?:to|with)|\bthan|\bover|\bagainst|\brelative to|\bbeat(?:s|ing)?|"
    r"\bfrom|\bimprov\w+ (?:on|over|upon)|\bon top of|\bbehind|\bahead of|\bsurpass\w*|\bbuilds? on|\bwas|"
    r"\binstead of|\bdown from|\bup from|\bnot)\b[^.,;:]{0,40}$",
    re.I,
)
OURS = re.compile(
    r"\bthis (?:pr|work|submission|record|run|entry|model|script|branch|folder|result)\b|\bours?\b|"
    r"\bwe (?:get|achieve|reach|obtain|score)\b|^\W*this\W*$|\bmine\b|\bmy (?:final|best|result|submission)",
    re.I,
)
_SUBMITTED = re.compile(r"\bsubmitted\b|\bsubmission\b|\bsubmitting\b|\bnew\b|\bafter\b|\bfinal\b", re.I)

# How final it is.
_EXACT = re.compile(r"exact", re.I)
_PRE = re.compile(
    r"\bpre[- _]?(?:quant\w*(?!\W+(?:\w+\W+)?ttt)|export|compress\w*|gptq|round[- ]?trip|int\d)|\bbefore (?:quant\w*|gptq|compress\w*|export|round)|"
    r"\bunquantized|\bunquantised|\bfloat(?:32|16)?\b|\bfp32\b|\bfull[- ]precision|\bbf16\b(?! sdpa)|"
    r"\braw (?:model|eval|val|bpb)|\bat stop\b|\bpost[- _]?ema\b|\blive (?:model|eval)|\btraining[- ]end\b|"
    r"\blast (?:training )?(?:val|step)|\bdiagnostic\b|\bstopping[- ]early\b|\bwall-?clock stop\b|"
    r"\b(?:val|eval)(?:uation)? (?:at|before) (?:stop|cap|quant\w*)|\bend[- ]of[- ]train\w*",
    re.I,
)
_PRE_TTT = re.compile(
    r"\bpre[- _]?(?:slot|ttt|adapt\w*|ngram|n-gram|ppm|mix\w*|eval)\b|\bbefore (?:ttt|slot|adapt\w*)|"
    r"\b(?:no|without|w/o|sans) (?:ttt|slot|sliding|n-?gram|cache|ppm)\b|\bbase model\b|\bneural[- ]only\b|"
    r"\b(?:ttt|slot)[- ]?(?:off|disabled)\b|\bnn[- ]only\b|\bstandard eval\b|\bnon[- ]?sliding|\bno[- ]slide\b|"
    r"\bnon[- ]?overlap\w*|\bchunked\b|\bwithout (?:overlap|stride)",
    re.I,
)
_POST = re.compile(
    r"\bpost[- _]?(?:quant\w*|gptq|compress\w*)|\bafter (?:quant\w*|gptq|compress\w*)|round[- _]?trip|\brt\b|quantized|quantised|"
    r"\bint\d(?:\b|_)|\bptq\b|\bq-?gap\b|ptz|zlib|zstd|lzma|brotli|\bdequant\w*",
    re.I,
)
_SLIDING = re.compile(r"slid(?:e|ing)|\bstrided?\b|\bs(?:16|32|64|128|256|512)\b|\bsw\b(?! kv)", re.I)
_TTT = re.compile(
    r"\bttt\b|_ttt|ttt_|\bpost[- _]?(?:ttt|slot|adapt\w*|ppm|ngram)|test[- ]time|\bslot\b|\bn-?gram\b|\bppm\b", re.I
)
_FINAL = re.compile(r"\bfinal\b|final_|\bheadline\b", re.I)
_CHOSEN = re.compile(  # the authors say that this one counts
    r"\bsubmitted\b|\bsubmitting\b|\bsubmission (?:score|value|metric|val|bpb)|\bscored metric|\bprimary\b|"
    r"\bofficial (?:score|metric)|\bleaderboard (?:score|metric|number|value)|\bour score\b|\breported score",
    re.I,
)
MEAN = re.compile(r"\bmean\b|\baverages?d?\b|\bavg\b|\bμ\b|\bmu\b|\b\d+[- ]seeds?\b|^x̄", re.I)
SEED = re.compile(r"\bseeds?\b|\brun\s*\d\b|\btrials?\b|^\s*\d{1,6}\s*$", re.I)
_PARTIAL = re.compile(
    r"\b(?:at|@|after) (?:step|epoch|iter\w*)|\bstep[ :=]?\d|\bstep \d|\b\d+ steps\b|\bsmoke\b|\bproxy\b|\bmlx\b|\blocal(?:ly)?\b|"
    r"\bcheckpoint\b|\bpartial\b|\bsanity\b|\bdry[- ]run\b|\bsubset\b|\bdebug\b|\btrain(?:ing)? bpb|\btrain_bpb|"
    r"\bintermediate\b|\bmid[- ]train\w*|\bprelim\w*|\bper[- ]document\b|\bfirst \d",
    re.I,
)
BEST = re.compile(r"\bbest\b|\bfinal\b", re.I)
PLACEHOLDER = re.compile(
    r"\bplaceholder\b|\btbd\b|\bto be (?:filled|determined|updated|measured|added)|\bpending\b|\bnot yet (?:run|measured|available)|"
    r"\bx\.x{2,}|\bn/?a\b|\bawaiting\b|\btodo\b|\?\.\?{2,}",
    re.I,
)

# What the headings that a number stands under say of it.
ASIDE = re.compile(
    r"ablat|sweep|negative|tried|did(?:n't| not) work|doesn't work|failed|history|timeline|progress(?:ion)?\b|trajector|evolution|"
    r"explor|future|next|idea|background|motivat|related|prior|lineage|credit|acknowledg|referenc|scaling|stud(?:y|ies)|"
    r"journey|intermediate|diagnos|analysis|comparison|head-to-head|\bvs\b|what (?:worked|didn)|appendix|experiment|"
    r"alternativ|context|leaderboard|attribution|significance|statistic|limitation|discussion|lessons|convergence|"
    r"curve|iteration|research|previous|roadmap|expected|\bplan\b|why|insight|finding|other",
    re.I,
)
RESULTS = re.compile(
    r"result|metric|score|performance|headline|summary|reproducib|seeds?\b|eval|validation|submission|final|tl;?dr",
    re.I,
)


class Words(NamedTuple):
    """What is said of one number."""

    bpb: bool  # it is said to be bits per byte
    loss: bool
    spread: bool  # a standard deviation, a p-value
    delta: bool
    bound: bool
    projected: bool
    other: bool  # somebody else's, or the one before
    ours: bool
    pre: bool  # before quantisation
    pre_ttt: bool  # before the last stage of the evaluation
    partial: bool
    mean: bool
    seed: bool
    finality: int  # 0 to 25: after quantisation, sliding window, test-time training; exact, final; named as the score


def judge(before: str, after: str = "") -> Words:
    """What the words before and after a number, up to its neighbours, say of it."""
    both = f"{before} \x00 {after}"
    ours = bool(OURS.search(both))
    submitted = ours or bool(_SUBMITTED.search(both))
    close = before[-60:]
    other = bool(_OTHER.search(before) or _OTHER_AFTER.match(after)) and not submitted
    return Words(
        bpb=bool(BPB.search(both)),
        loss=_is_loss(before, after),
        spread=bool(_SPREAD.search(close)) or close.rstrip().endswith("±"),
        delta=bool(_DELTA.search(both)) or bool(re.search(r"\bby\W*$", before, re.I)),
        bound=bool(_BOUND.search(close)),
        projected=bool(_PROJECTED.search(both)),
        other=bool(_AGAINST.search(close)) or (bool(_PR.search(before)) and not ours) or other,
        ours=submitted,
        pre=bool(_PRE.search(both)) and not _POST.search(before[-24:]),
        pre_ttt=bool(_PRE_TTT.search(both)),
        partial=bool(_PARTIAL.search(both)),
        mean=bool(MEAN.search(both)),
        seed=bool(SEED.search(before)),
        finality=finality(both),
    )


def _is_loss(before: str, after: str) -> bool:
    """Whether the nearest name of a quantity is another one than bits per byte."""
    if re.match(r"\W{0,3}nats?\b", after, re.I):
        return True
    if re.match(r"\W{0,2}(?:val[_ ])?(?:bp[bp]|bits)\b", after, re.I):
        return False
    losses = list(_LOSS.finditer(before))
    scores = list(BPB.finditer(before))
    return bool(losses) and (not scores or scores[-1].end() < losses[-1].end())


def finality(text: str) -> int:
    """How near to the last word on the artifact the label is, 0 to 25: stage of the evaluation, exactness, choice."""
    stage = 12 if _TTT.search(text) and not _PRE_TTT.search(text) else 0
    stage = stage or (8 if _SLIDING.search(text) else 4 if _POST.search(text) else 0)
    exact = (1 if _EXACT.search(text) else 0) + (2 if _FINAL.search(text) else 0)
    return stage + exact + (10 if _CHOSEN.search(text) else 0)
