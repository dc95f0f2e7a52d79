"""The words by which authors of records say what a number is. Data alone.

The vocabulary is that of the records at large: nothing in it belongs to one record, author or number.
"""

import re

# The score itself. "bpp" is a slip of several authors.
BPB = re.compile(r"bpb|\bbpp\b|bits?[ -/]?(?:per[ -])?byte", re.I)

# Quantities that are none.
LOSS = re.compile(
    r"(?<!bpb)\b(?:val(?:idation)?|train(?:ing)?|eval|test|slide|sliding)?[ _-]?loss\b|\bnats?\b|"
    r"\bperplexity\b|\bppl\b|\bCE\b|cross[- ]entropy|\bnll\b",
    re.I,
)
SPREAD = re.compile(
    r"\bstd\.?\b|_std\b|\bstd(?:ev|dev)?\b|standard dev|\bsigma\b|\u03c3|variance|\bspread\b|\bSE\b|\bSEM\b|"
    r"\bCI\b|\bp[- ]?value|\bp\s*[<=≈]|t[- ]?stat|\brange\b|\bcv\b|half[- ]width",
    re.I,
)
DELTA = re.compile(
    r"Δ|\bdelta\b|\bdiff(?:erence)?\b|\bgain(?:s|ed)?\b|\bimprov\w*|\bgap\b|\bpenalt\w+|\bcosts?\b|\breduc\w+|"
    r"\bdegrad\w+|\bsav(?:es?|ings?)\b|\bimpact\b|\bregress\w*|\bmargin\b|\bcontribut\w+|\bbenefit\b|"
    r"\btax\b|\boverhead\b|\bbetter\b|\bworse\b|\blower by\b|\bhigher by\b|\bdrop(?:s|ped)?\b|\bworth\b|"
    r"\bchange\b|\beffect\b|\bhelps?\b|\bhurts?\b",
    re.I,
)
BOUND = re.compile(
    r"(?:[<>≤≥]|≲|<=|>=|\b(?:below|under|above|beyond|sub|at least|at most|submit(?:ting)? at|"
    r"(?:threshold|cut-?off|bar|target|goal|limit|ceiling|floor|bound)(?: (?:of|is|at|was))?))[\s:=~(-]*$",
    re.I,
)
PROJECTED = re.compile(
    r"\bexpect\w*|\bproject(?:ed|ion|ions|s)\b|\bestimat\w*|\btargets?\b|\btargeting\b|\bgoal\b|\bhop(?:e|es|ing|ed)\b|"
    r"\bshould\b|\bwould\b|\bcould\b|\bmight\b|\bmay\b|\bpredict(?:ed|ion|s)?\b|\bextrapolat\w*|\bhypothes\w+|"
    r"\baim(?:s|ing)?\b|\banticipat\w*|\bplan(?:ned|s)?\b|\bif we\b|\blikely\b|\bpending\b|\btbd\b|"
    r"\bpotential\w*|\btheoretical\w*|\bspeculat\w*|\bforecast\w*",
    re.I,
)
OTHER = re.compile(
    r"\bbaselines?\b|\bsota\b|\bprev(?:ious(?:ly)?)?\b|\bprior\b|\bformer(?:ly)?\b|\bearlier\b|\bold\b|"
    r"\bleader(?:board)?\b|\bmerged\b|\bofficial\b|\bnaive\b|\bparent\b|\bupstream\b|\breference\b|"
    r"\bcompetitors?\b|\btheirs?\b|\bcurrent (?:record|best|leader|top|#1|sota|rank)|\bto beat\b|"
    r"\bpredecessors?\b|\bcontrol\b|\bbase\b|\bstarting point\b|\boriginal\b|\banchor\b|"
    r"(?<!\w)#\s?1\b|\brank(?:ed)?\s?#?1\b|\bdefault\b|\bpublished\b|\breported\b|\blast (?:record|submission)\b",
    re.I,
)
OTHER_AFTER = re.compile(
    r"\W*(?:(?:val[_ ])?bp[bp]\W*)?(?:(?:of|for|by|in)\s)?(?:(?:the|an?)\s)?(?:" + OTHER.pattern + ")", re.I
)
PR = re.compile(r"\bPRs?\b\s*#?\s*\d+|(?<![\w&])#\d{2,5}\b|(?<!\w)@[A-Za-z][\w-]+", re.I)
AGAINST = re.compile(
    r"(?:\bvs\.?|\bversus|\bcompared (?:to|with)|\bthan|\bover|\bagainst|\brelative to|\bbeat(?:s|ing)?|"
    r"\bfrom|\bimprov\w+ (?:on|over|upon)|\bon top of|\bbehind|\bahead of|\bsurpass\w*|\bbuilds? on|\bwas|"
    r"\binstead of|\bdown from|\bup from|\bnot)\b[^.,;:]{0,40}$",
    re.I,
)
OURS = re.compile(
    r"\bthis (?:pr|work|submission|record|run|entry|model|script|branch|folder|result)\b|"
    r"\bours?\b(?! (?:previous|prior|earlier|last|old)\b)|"
    r"\bwe (?:get|achieve|reach|obtain|score)\b|^\W*this\W*(?:$|(?<=\()\w)|"
    r"\bmine\b|\bmy (?:final|best|result|submission)",
    re.I,
)
SUBMITTED = re.compile(
    r"\bsubmitted\b|(?<!previous )(?<!prior )(?<!earlier )(?<!last )(?<!old )(?<!merged )"
    r"\bsubmission\b|\bsubmitting\b|\bnew\b|\bafter\b|\bfinal\b",
    re.I,
)

# How final it is.
EXACT = re.compile(r"exact", re.I)
PRE = re.compile(
    r"\bpre[- _]?(?:quant\w*(?!\W+(?:\w+\W+)?ttt)|export|compress\w*|gptq|round[- ]?trip|int\d)|"
    r"\bbefore (?:quant\w*|gptq|compress\w*|export|round)|"
    r"\bunquantized|\bunquantised|\bfloat(?:32|16)?\b|\bfp32\b|\bfull[- ]precision|\bbf16\b(?! sdpa)|"
    r"\braw (?:model|eval|val|bpb)|\bat stop\b|\bpost[- _]?ema\b|\blive (?:model|eval)|\btraining[- ]end\b|"
    r"\blast (?:training )?(?:val|step)|\bdiagnostic\b|\bstopping[- ]early\b|\bwall-?clock stop\b|"
    r"\b(?:val|eval)(?:uation)? (?:at|before) (?:stop|cap|quant\w*)|\bend[- ]of[- ]train\w*",
    re.I,
)
PRE_TTT = re.compile(
    r"\bpre[- _]?(?:slot|ttt|adapt\w*|ngram|n-gram|ppm|mix\w*|eval)\b|\bbefore (?:ttt|slot|adapt\w*)|"
    r"\b(?:no|without|w/o|sans) (?:ttt|slot|sliding|n-?gram|cache|ppm)\b|\bbase model\b|\bneural[- ]only\b|"
    r"\b(?:ttt|slot)[- ]?(?:off|disabled)\b|\bnn[- ]only\b|\bstandard eval\b|\bnon[- ]?sliding|\bno[- ]slide\b|"
    r"\bnon[- ]?overlap\w*|\bchunked\b|\bwithout (?:overlap|stride)",
    re.I,
)
POST = re.compile(
    r"\bpost[- _]?(?:quant\w*|gptq|compress\w*)|\bafter (?:quant\w*|gptq|compress\w*)|round[- _]?trip|\brt\b|"
    r"quantized|quantised|"
    r"\bint\d(?:\b|_)|\bptq\b|\bq-?gap\b|ptz|zlib|zstd|lzma|brotli|\bdequant\w*",
    re.I,
)
SLIDING = re.compile(r"slid(?:e|ing)|\bstrided?\b|\bs(?:16|32|64|128|256|512)\b|\bsw\b(?! kv)", re.I)
TTT = re.compile(
    r"\bttt\b|_ttt|ttt_|\bpost[- _]?(?:ttt|slot|adapt\w*|ppm|ngram)|test[- ]time|\bslot\b|\bn-?gram\b|\bppm\b", re.I
)
FINAL = re.compile(r"\bfinal\b|final_|\bheadline\b", re.I)
CHOSEN = re.compile(  # the authors say that this one counts
    r"\bsubmitted\b|\bsubmitting\b|\bsubmission (?:score|value|metric|val|bpb)|\bscored metric|\bprimary\b|"
    r"\bofficial (?:score|metric)|\bleaderboard (?:score|metric|number|value)|\bour score\b|\breported score",
    re.I,
)
MEAN = re.compile(r"\bmean\b|\baverages?d?\b|\bavg\b|\b\u03bc\b|\bmu\b|\b\d+[- ]seeds?\b|^x\u0304", re.I)
SEED = re.compile(r"\bseeds?\b|\brun\s*\d\b|\btrials?\b", re.I)
PARTIAL = re.compile(
    r"\b(?:at|@|after) (?:step|epoch|iter\w*)|\bstep[ :=]?\d|\bstep \d|\b\d+ steps\b|\bsmoke\b|\bproxy\b|\bmlx\b|"
    r"\blocal(?:ly)?\b|"
    r"\bcheckpoint\b|\bpartial\b|\bsanity\b|\bdry[- ]run\b|\bsubset\b|\bdebug\b|\btrain(?:ing)? bpb|\btrain_bpb|"
    r"\bintermediate\b|\bmid[- ]train\w*|\bprelim\w*|\bper[- ]document\b|\bfirst \d",
    re.I,
)
PLACEHOLDER = re.compile(
    r"\bplaceholder\b|\btbd\b|\bto be (?:filled|determined|updated|measured|added)|\bpending\b|\bnot yet (?:run|"
    r"measured|available)|"
    r"\bx\.x{2,}|\bn/?a\b|\bawaiting\b|\btodo\b|\?\.\?{2,}",
    re.I,
)

# What the headings that a number stands under say of it.
ASIDE = re.compile(
    r"ablat|sweep|negative|tried|did(?:n't| not) work|doesn't work|failed|history|timeline|progress(?:ion)?\b|"
    r"trajector|evolution|"
    r"explor|future|next|idea|background|motivat|related|prior|lineage|credit|acknowledg|referenc|scaling|"
    r"stud(?:y|ies)|"
    r"journey|intermediate|diagnos|analysis|comparison|head-to-head|\bvs\b|what (?:worked|didn)|appendix|experiment|"
    r"alternativ|context|leaderboard|attribution|significance|statistic|limitation|discussion|lessons|convergence|"
    r"curve|iteration|research|previous|roadmap|expected|\bplan\b|why|insight|finding|other",
    re.I,
)
RESULTS = re.compile(
    r"result|metric|score|performance|headline|summary|reproducib|seeds?\b|eval|validation|submission|final|tl;?dr",
    re.I,
)
