"""What an item's text says of size, time, machines and needs, each with the words it was read from. Pure.

Every number of the text is looked at once, with what stands right behind and before it: "22.8M-parameter" is 22,800,000
parameters, "1.5-bit" 1.5 bits; "print8", "seq 4096", "vocab 8192" and "step 20000" have no unit and are nothing.
Gigabytes are a machine's memory, never an artifact. What a text denies ("no validation data in training") is not found.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from golfkit.files import neutralise
from golfkit.research.grade.offline.lexicon import Lexicon
from golfkit.research.grade.offline.text import affirmed, plain, words

MOST_BITS = 32.0  # wider "bits" are of addresses and hashes
NEAR = 48  # characters before a number that say what it is of
BEHIND = 32  # characters behind it

PARAMETERS = "parameters"
BITS = "bits"
ARTIFACT = "artifact"  # bytes
ADDED = "added parameters"
TRAINING = "training"  # seconds
GPUS = "gpus"
SLOWER = "slower"  # fraction of the step time
DEPENDENCY = "dependency"
BROKEN = "needs"  # what the contest forbids

# What the contest's machine has: its requirements.txt, and what accepted records took for granted.
PRESENT = frozenset(
    (
        *("torch", "numpy", "sentencepiece", "tiktoken", "tqdm", "datasets", "kernels", "setuptools"),
        *("typing-extensions", "zstandard", "zstd", "brotli", "flash-attn", "flash-attn-3", "flash-attn-interface"),
        *("triton", "huggingface-hub", "huggingface", "pip", "wheel", "uv", "ninja", "packaging"),
    )
)
_PROSE = frozenset(
    ("and", "or", "then", "to", "before", "for", "first", "the", "if", "in", "into", "with", "on", "once")
)

_NUMBER = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.\d{1,12})?")
_UNIT = re.compile(
    r"""(?P<gpus>\s?[x\u00d7*]?\s?(?:NVIDIA\s)?(?P<gpu>[HABV][12]00|GH200|L40S?|T4|TPU\w*|RTX\s?\w{4,9}|[345]090|GPUs?\b))
    |(?P<bits>[\s-]?bits?\b(?!\s*(?:per|/)))
    |(?P<bytes>\s?(?P<byte_scale>[kKM]i?|mega|kilo)(?:B|bytes?)\b|\s?bytes?\b|\sB\b)
    |(?P<parameters>\s?(?P<scale>[kKMBT]\b|million|billion|thousand|(?=[\s-]))[\s-]{0,2}(?:\w{1,12}[\s-])?
      (?:param(?:eter)?s?|weights)\b)
    |(?P<bare>(?P<bare_scale>[MB])\b(?!\W{0,2}(?:\w+\W+){0,2}?
      (?:tokens?|steps|samples?|words|documents|images|USD|dollars|rows|pairs)\b))
    |(?P<time>[\s-]?(?P<time_unit>s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|days?|weeks?)\b(?!\s*/|-))
    |(?P<percent>\s?%)""",
    re.VERBOSE,
)
_WIDTH = re.compile(
    r"(?<=[^A-Za-z0-9])(?:u?int|fp|bf|nf|nvfp|mxfp|b?float|U?INT|u?Int|FP|BF|NF|NVFP|MXFP)[-_ ]?"
    r"(4|5|6|7|8|16|32)(?![0-9A-Za-z])"
    r"|\b([Tt]ernary|[Bb]it[Nn]et|[Bb]inari[sz]ed|[Bb]inary weights|[Xx][Nn][Oo][Rr])\b"
)
_LABELLED = re.compile(r"(?:\bmodel_params|\bparam(?:eter)?s?(?:\s+count)?)\W{1,6}$", re.IGNORECASE)
_ADDED = re.compile(r"\b(?:adds?|adding|extra|additional|plus|more)\W+(?:\w+\W+){0,2}$", re.IGNORECASE)
_SIZED = re.compile(
    r"artifact|submission|compress|payload|fits?\b|total|model size|cap\b|under|zlib|zstd|brotli|lzma", re.I
)
_MEMORY = re.compile(
    r"memory|vram|\bram\b|cache|per gpu|bandwidth|raw|uncompressed|limit|cap\b|code|script|sav(?:es|ed|ing)|free", re.I
)
_BOUND = re.compile(
    r"(?:\b(?:under|below|within|limit|cap|budget|fits?|fit in|over)|[<≤]=?)\W{0,4}(?:the\s)?\W{0,3}$", re.I
)
_OTHER = re.compile(r"[$€£]$|\b(?:fineweb|dataset|corpus|batch)\w*\W{1,3}$", re.I)
_TRAINED = re.compile(r"\btrain|\brun\b|\bruns\b|wall.?clock|pretrain|budget|needs?\b|requires?\b|takes?\b", re.I)
_EVALUATED = re.compile(r"\beval|\binference|\bttt\b|test.time|calibrat|compil|reserv|download|quantiz|warm", re.I)
_SLOWER = re.compile(r"slower|overhead|step time|longer|more time|more compute|per step|wall.?clock|throughput", re.I)
_FASTER = re.compile(r"faster|sav(?:es|ed|ing)|less|reduc|fewer|speed.?up|cut", re.I)
_INSTALL = re.compile(r"\bpip3?\s+install\s+([^\n`;&|)]{1,120})", re.I)
_PACKAGE = re.compile(r"\brequires?\s+(?:the\s+)?[`'\"]?([A-Za-z][\w.-]{1,40})[`'\"]?\s+(?:package|library)\b", re.I)
_PRETRAINED = re.compile(
    r"\b(?:[Rr]equires?|[Nn]eeds?|[Ss]tart(?:s|ing)?\s+from|[Ii]nitiali[sz]ed\s+(?:from|with)|[Ll]oad(?:s|ing)?|[Ff]rozen)\s+(?:an?\s+|the\s+)?"
    r"(?:\w+\s+)?pre-?trained\s+(?:\w+\s+)?(?:weights|models?|checkpoints?|embeddings?|encoders?)\b"
    r"|\b(?:[Ee]xternal|[Aa]dditional|[Ee]xtra|[Pp]roprietary)\s+(?:training\s+)?(?:data|corpus|corpora|dataset)\b"
    r"|\b[Nn]etwork\s+(?:access|calls?)\s+(?:at|during)\s+(?:evaluation|inference)\b"
)
_PRETRAINED_WORDS = ("retrained", "re-trained", "xternal", "dditional", "xtra", "roprietary", "etwork ")  # one is in it
_LEFT = re.compile(r"(?:\S{1,24}\s){0,2}\S{0,24}\Z")
_RIGHT = re.compile(r"\S{0,24}(?:\s\S{1,24}){0,2}")
_SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "thousand": 1e3, "million": 1e6, "billion": 1e9, "": 1.0}
_BYTES = {"": 1, "k": 1e3, "kilo": 1e3, "ki": 1024, "m": 1e6, "mega": 1e6, "mi": 1 << 20}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Finding(NamedTuple):
    """One constraint read out of text."""

    kind: str
    value: float | None  # parameters, bits, bytes, seconds, machines, fraction; None where the kind has no number
    words: str  # what was read, on one line


def read(raw: str, lexicon: Lexicon) -> list[Finding]:
    """Every constraint in a text as it was fetched, in its order by kind; each value once."""
    said = affirmed(plain(raw))
    return read_clean(said, raw, [lexicon.stem(word) for word in words(said)], lexicon)


def read_clean(said: str, raw: str, stems: Sequence[str], lexicon: Lexicon) -> list[Finding]:
    """`read` for a caller that has cleaned the text already.

    said   the text after text.plain and text.affirmed
    raw    as it was fetched: dependencies stand in its commands
    stems  of `said`
    """
    found = [*_numbers(said), *_widths(said), *_dependencies(raw), *_broken(said, stems, lexicon)]
    return list({(finding.kind, finding.value or finding.words): finding for finding in reversed(found)}.values())[::-1]


def values(found: list[Finding], kind: str) -> list[float]:
    """The numbers of one kind."""
    return [finding.value for finding in found if finding.kind == kind and finding.value is not None]


def _numbers(text: str) -> Iterator[Finding]:
    for match in _NUMBER.finditer(text):
        unit = _UNIT.match(text, match.end())
        before = text[max(0, match.start() - NEAR) : match.start()]
        number = float(match[0].replace(",", ""))
        if unit is None:
            if _LABELLED.search(before[-24:]) and number >= 1e5:
                yield Finding(PARAMETERS, number, _quote(text, match.start(), match.end()))
            continue
        behind = text[unit.end() : unit.end() + BEHIND]
        finding = _finding(number, unit, before, behind.partition("\n")[0])
        if finding is not None:
            yield Finding(*finding, _quote(text, match.start(), unit.end()))


def _finding(number: float, unit: re.Match[str], before: str, behind: str) -> tuple[str, float] | None:
    """(kind, value) of a number with a unit; None where it is of something else."""
    line = before.rpartition("\n")[2]
    around = line + " " + behind
    if unit["gpus"]:
        return (GPUS, number) if 1 <= number <= 1e5 and number == int(number) else None
    if unit["bits"]:
        return (BITS, number) if 0 < number <= MOST_BITS else None
    if unit["bytes"]:
        size = number * _BYTES[(unit["byte_scale"] or "").lower()]
        other = _MEMORY.search(line[-20:] + behind[:16]) or _BOUND.search(line[-16:]) or behind.startswith(" over")
        of_artifact = size >= 1e6 and _SIZED.search(around) and not other
        return (ARTIFACT, size) if of_artifact else None
    if unit["parameters"] or unit["bare"]:
        scale = _SCALES[(unit["scale"] or unit["bare_scale"] or "").strip().lower()]
        count = number * scale
        if (unit["bare"] and _OTHER.search(line[-16:])) or count < 1e4:
            return None
        return (ADDED if _ADDED.search(line[-24:]) else PARAMETERS, count)
    if unit["time"]:
        seconds = number * _SECONDS[unit["time_unit"][0].lower()]
        trained = _TRAINED.search(line + behind) and not _EVALUATED.search(line[-16:] + behind[:16])
        return (TRAINING, seconds) if trained and seconds >= 60 else None
    slower = _SLOWER.search(around) and not _FASTER.search(around) and line[-1:] not in ("-", "\u2212")
    return (SLOWER, number / 100) if slower and number > 0 else None


def _widths(text: str) -> Iterator[Finding]:
    for match in _WIDTH.finditer(f" {text}"):
        word = (match[2] or "").lower()
        bits = float(match[1]) if match[1] else 1.58 if word in ("ternary", "bitnet") else 1.0
        yield Finding(BITS, bits, _quote(text, match.start() - 1, match.end() - 1))


def _dependencies(text: str) -> Iterator[Finding]:
    if "install" not in text and "equire" not in text:
        return
    for match in _INSTALL.finditer(text):
        for word in match[1].split():
            name = re.split(r"[\[<>=!~;@]", word.strip("'\"`.,"))[0].lower().replace("_", "-")
            if word.startswith(("-", ".", "/", "http", "git+", "#")) or name.endswith(".txt"):
                continue
            if name in _PROSE or not re.fullmatch(r"[a-z][a-z0-9.-]*", name):
                break
            if name not in PRESENT:
                yield Finding(DEPENDENCY, None, f"pip install {name}")
    for match in _PACKAGE.finditer(text):
        if match[1].lower().replace("_", "-") not in PRESENT:
            yield Finding(DEPENDENCY, None, neutralise(match[0]))


def _broken(text: str, stems: Sequence[str], lexicon: Lexicon) -> Iterator[Finding]:
    for match in _PRETRAINED.finditer(text) if any(word in text for word in _PRETRAINED_WORDS) else ():
        yield Finding(BROKEN, None, neutralise(match[0]))
    for phrase in lexicon.found(stems, lexicon.broken):
        yield Finding(BROKEN, None, lexicon.broken[phrase])


def _quote(text: str, start: int, end: int) -> str:
    """What was read with up to two words on either side, on one line."""
    before = text[max(0, start - NEAR) : start].rpartition("\n")[2]
    behind = text[end : end + BEHIND].partition("\n")[0]
    left = before[-len(_LEFT.search(before)[0]) :] if before else ""  # type: ignore[index]
    return neutralise(left + text[start:end] + _RIGHT.match(behind)[0]).strip(" ,.;:()|*`")  # type: ignore[index]
