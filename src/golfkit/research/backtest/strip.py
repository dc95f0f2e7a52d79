"""A record's README without its scores and self-praise: what a grader may see. Pure, and the rules are all here.

1. Code blocks go: commands and logs print scores. So do tables that speak of loss, scores, seeds or differences; tables
   of techniques stay, without their numbers.
2. A sentence or list entry that praises, compares or speaks of records (PRAISE) goes.
3. Numbers of loss go wherever they stand: with a unit (bpb, nats, loss ...) beside them, decimals within the range of
   scores (0.9 to 3 with three decimals or more), and signed or small decimals of three places or more (0.0123, -0.005).
4. The title loses its score and words like "Record:" or "Non-record"; dates and numbers of pull requests go everywhere,
   as does the name of the record's own folder.
"""

import re

_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)  # commands and logs: scores stand in them
PRAISE = re.compile(
    r"\bsota\b|\bstate[- ]of[- ]the[- ]art\b|\bleader ?boards?\b|\bbest\b|\bbeats?\b|\bbeating\b|\bbeaten\b"
    r"|\bimprov(?:es?|ed|ement|ements|ing)\b|\boutperform\w*|\bsurpass\w*|\bexceed\w*|\bwins?\b|\bwinning\b"
    r"|\bworse\b|\bbetter\b"
    r"|\bgain(?:s|ed)?\b|\bsignifican\w+|\bp\s?[<≪=]|\bt-stat\w*|\bdeltas?\b|Δ|\bvs\.?\s+(?:the\s+)?(?:baseline|previous|prior)"
    r"|\bnon-?record\b|\brecords?\b|\bclears?\b|\bthreshold\b|\bmerged\b|\bregress\w*|\bunder-?perform\w*|\bfail(?:s|ed)?\b",
    re.IGNORECASE,
)
_SCORED = re.compile(r"bpb|bpp|loss|score|seed|delta|Δ|result|nats|perplexity|\bppl\b|metric", re.IGNORECASE)
_WITH_UNIT = re.compile(
    r"[-\u2212+~≈<>=]*\s?\d*\.\d+\s*(?:±\s*\d*\.\d+\s*)?\**\s*(?:val[_ \\]*)?"
    r"(?:bpb|bpp|bpc|bits?[ -]per[ -]byte|nats?)\b"
    r"|(?:val[_ \\]*)?(?:bpb|bpp|loss|score)\W{1,6}\d*\.\d+",
    re.IGNORECASE,
)
_SCORE = re.compile(r"(?<![\w.])(?:0\.9\d{2,}|[12]\.\d{3,})(?![\w.]*\d)")
_SMALL = re.compile(r"[-\u2212+±]\s?0?\.\d{3,}|(?<![\w.=])0?\.0\d{2,}")
_NAMES = re.compile(
    r"(?:openai/parameter-golf)?(?:PR|pull request|issue)?\s?#\d+|\bPR\s?\d+|\b20\d\d-\d\d-\d\d\w*", re.IGNORECASE
)
_TITLE = re.compile(r"\b(?:new\s+)?(?:non-?)?records?\b\s*:?|\bsota\b\s*:?|\bsubmission\b\s*:?", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")


def strip(readme: str, folder: str) -> tuple[str, str]:
    """(title, text) of a README as somebody saw it who did not know what came of it.

    folder  the record's own name, which often holds its score
    """
    readme = readme.replace(folder, "")
    lines = _without_tables(_FENCE.sub("\n", readme).split("\n"))
    kept = [_line(line) for line in lines]
    heads = [line for line in lines if line.startswith("#")]
    title = _numbers(_TITLE.sub(" ", heads[0].lstrip("# "))) if heads else ""
    if heads:
        kept[lines.index(heads[0])] = ""
    return " ".join(title.split()).strip(" \u2014\u2013-:|()"), "\n".join(line for line in kept if line.strip())


def _without_tables(lines: list[str]) -> list[str]:
    """The lines without the tables that hold results."""
    kept: list[str] = []
    table: list[str] = []
    for line in [*lines, ""]:
        if line.lstrip().startswith("|"):
            table.append(line)
            continue
        if table and not any(_SCORED.search(row) for row in table):
            kept += table
        table = []
        kept.append(line)
    return kept[:-1]


def _line(line: str) -> str:
    sentences = _SENTENCE.split(line)
    return _numbers(" ".join(sentence for sentence in sentences if not PRAISE.search(sentence)))


def _numbers(text: str) -> str:
    for rule in (_NAMES, _WITH_UNIT, _SCORE, _SMALL):
        text = rule.sub(" ", text)
    return text
