"""Models as tables: `entries` refuses what no template has, keeps models apart, and the own tables stay in bounds."""

import io
import itertools
import random
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest
import samples
import small_model

from golfkit.compress import codecs
from golfkit.compress.kernels import cm_fast, cm_max, cm_mid, layout, mixing, model, parser, spec
from golfkit.compress.kernels.maps import hash2
from golfkit.compress.kernels.parser import (
    ABOVE,
    BITS,
    BRACKET,
    C0,
    C1,
    C2,
    C4,
    COLUMN,
    DEPTH,
    DISTANCE,
    EXPECTED,
    EXPECTED2,
    FIRST,
    FIRST2,
    LENGTH,
    LENGTH2,
    MATCHING,
    MATCHING2,
    NET,
    NET_TOP,
    RUN_FIRST,
    SEEN,
    SHAPE,
    WORDS_SEEN,
)
from golfkit.compress.kernels.spec import Context, Follower, Selector, Spec
from golfkit.compress.runtimes import engines, stream

MODELS: dict[str, Spec] = {"cm-fast": cm_fast.SPEC, "cm-mid": cm_mid.SPEC, "cm-max": cm_max.SPEC}
TABLES = (layout, model)
N_LINE = 64  # items of the arrays that hold the rows of one bit
MOST = {  # registers that are not any 32 bits; BITS and C0 are drawn together
    **dict.fromkeys((C1, C2, ABOVE, COLUMN, BRACKET, DISTANCE, EXPECTED, EXPECTED2, NET_TOP), 255),
    **dict.fromkeys((LENGTH, LENGTH2), 16),
    **dict.fromkeys((MATCHING, MATCHING2), 33),
    **{FIRST: 15, FIRST2: 65535, DEPTH: 64, SHAPE: 3},
}
LEAST = {NET: 1}


@pytest.fixture(params=MODELS)
def table(request: pytest.FixtureRequest) -> Spec:
    return MODELS[request.param]


def kernels_of(table: Spec) -> Mapping[str, Any]:
    return spec.entries(TABLES, table)


def engine_of(kernels: Mapping[str, Any]) -> engines.Engine:
    return engines.Engine("interpreted", {entry: kernels[entry] for entry in engines.ENTRIES}, memoryview)


def payload_of(kernels: Mapping[str, Any], data: bytes) -> bytes:
    parts = stream.encoded(engine_of(kernels), kernels["parameter"](len(data)), io.BytesIO(data), len(data))
    return b"".join(coded for _, coded in parts)


def test_every_own_codec_s_tables_are_tested_here():
    assert set(MODELS) == {codec.name for codec in codecs.every() if codec.own}


@pytest.mark.parametrize("name", ["RATES", "rate", "N_CONTEXTS"])
def test_a_constant_that_no_template_has_is_refused_by_name(name: str):
    wrong = small_model.SPEC._replace(constants={**small_model.SPEC.constants, name: 1})
    with pytest.raises(ValueError, match=f"a model has no {name}"):
        kernels_of(wrong)


def test_a_feature_that_follows_no_context_is_refused():
    with pytest.raises(KeyError, match="no such context"):
        kernels_of(small_model.SPEC._replace(features=(Follower("no such context"),)))


def test_two_models_in_one_process_do_not_see_each_other_s_sizes():
    before = {template: dict(vars(template)) for template in TABLES}
    first = kernels_of(small_model.SPEC)
    data = samples.mixed(150)
    alone = payload_of(first, data)
    fewer = small_model.SPEC._replace(
        others=(), apms=(), apm_shares=(16,), constants={**small_model.SPEC.constants, "N_RUNS": 0, "WEIGHT": 0.4}
    )
    second = kernels_of(fewer)
    assert (first["N_CTX"], second["N_CTX"], layout.N_CTX) == (5, 3, 1)
    assert first["arena_bytes"](10) > second["arena_bytes"](10) > 0
    assert payload_of(second, data) != alone
    assert payload_of(first, data) == alone
    assert {template: dict(vars(template)) for template in TABLES} == before


def test_the_copies_of_a_model_call_each_other_and_are_kernels():
    made = kernels_of(small_model.SPEC)
    for name, function in made.items():
        if isinstance(function, FunctionType) and function.__module__ in {template.__name__ for template in TABLES}:
            assert function.__globals__ is made, name
            assert function.is_kernel
    assert made["carve"].is_carver
    assert made["encode"] is not model.encode


@pytest.mark.parametrize("n", [1, 2, 4, 5, 9])
def test_every_line_of_a_table_is_looked_at_and_rows_are_numbered_through(n: int):
    contexts = tuple(Context(str(i), lambda r: r[C1]) for i in range(n))
    selectors = tuple(Selector(str(i), i + 2, lambda r: r[BITS]) for i in range(n))
    made = kernels_of(small_model.SPEC._replace(orders=contexts, words=(), others=(), sets=selectors, constants={}))
    r, out = [0] * parser.N_REGS, [None] * (n + 1)
    r[C1], r[BITS], r[C0] = 7, 1, 2
    made["hash_contexts"](r, out)
    assert out == [*(hash2(7, i + 1) for i in range(n)), None]  # equal values, other slots
    made["select"](r, out)
    assert out[:n] == [1 + sum(j + 2 for j in range(i)) for i in range(n)]
    assert out[n] == 2  # layer 2 begins at 0 again


def test_contexts_that_forget_share_the_first_lines_and_no_others():
    spec = small_model.SPEC._replace(near=(Context("near", lambda r: r[C1]),))
    made, last = kernels_of(spec), len(spec.contexts) - 1
    assert [context.name for context in spec.contexts][last] == "near"
    for log2_lines in (10, 24):
        mask = (1 << log2_lines) - 1
        near, other = (made["at_line"](0xFFFFFFFF, i, mask) for i in (last, last - 1))
        assert (near, other) == (64 * min(mask, (1 << layout.LOG2_NEAR) - 1), 64 * mask)


def test_sizes_are_within_what_the_template_has_room_for(table: Spec):
    made = kernels_of(table)
    n_ctx, net = len(table.contexts), made["CELLS"] > 0
    assert len(table.sets) + net <= mixing.OUTPUTS
    assert len(table.sets) + len(table.finals) <= N_LINE
    assert len(table.apms) <= 16
    assert len(table.apm_shares) == len(table.apms) + 1
    assert sum(table.apm_shares) == 16
    assert max(made["N_RUNS"], made["N_DIRECT"]) <= n_ctx
    assert made["N_DIRECT"] <= N_LINE
    assert RUN_FIRST + n_ctx <= parser.N_REGS  # any of them may come to be followed
    assert net == bool(table.features)
    assert made["N_INPUTS"] % 16 == 0
    names = [context.name for context in table.contexts]
    assert len(set(names)) == n_ctx


def test_every_slot_can_be_addressed_in_the_largest_table(table: Spec):
    """The spare slot is behind the table: its place must fit the 32 bits that contexts keep it in."""
    made = kernels_of(table)
    assert made["PLACE_LOG2"] in (0, 1, 2)
    assert (64 << made["MAX_LOG2_LINES"]) >> made["PLACE_LOG2"] < 1 << 32


def test_what_follows_is_noted_for_the_contexts_that_a_feature_sees(table: Spec):
    names = [context.name for context in table.contexts]
    followed = [names.index(feature.name) for feature in table.features if isinstance(feature, Follower)]
    assert kernels_of(table)["N_FOLLOWED"] == max(followed, default=-1) + 1


def any_registers(table: Spec, rng: random.Random) -> list[int]:
    """Registers as the parser and the matches may leave them, often at an end of their range."""
    most = MOST | {SEEN: len(table.orders), WORDS_SEEN: len(table.words), NET: 23}
    most |= dict.fromkeys(range(RUN_FIRST, parser.N_REGS), 512)
    r = []
    for at in range(parser.N_REGS):
        high = most.get(at, 0xFFFFFFFF)
        r.append(rng.choice((LEAST.get(at, 0), high, rng.randint(LEAST.get(at, 0), high))))
    r[BITS] = rng.randrange(8)
    r[C0] = 1 << r[BITS] | rng.choice((0, (1 << r[BITS]) - 1))
    r[C1], r[C2] = r[C4] & 255, r[C4] >> 8 & 255
    return r


def test_no_register_leads_a_selector_out_of_its_rows_or_a_context_beyond_32_bits(table: Spec):
    rng = random.Random(0)
    features = [feature for feature in table.features if isinstance(feature, Selector)]
    for _ in range(2000):
        r = any_registers(table, rng)
        for selector in (*table.sets, *table.finals, *table.apms, *features):
            assert 0 <= selector.value(r) < selector.n_rows, selector.name
        for context in table.contexts:
            assert 0 <= context.value(r) <= 0xFFFFFFFF, context.name
    assert all(feature.n_rows >= 513 for feature in table.features if isinstance(feature, Follower))


def test_a_context_looks_at_nothing_of_the_byte_that_is_being_coded(table: Spec):
    """Hashes and features are made once a byte: a register of the bit would be that of the byte before."""
    rng = random.Random(1)
    for _ in range(300):
        r = any_registers(table, rng)
        other = list(r)
        for at in (C0, BITS, SEEN, WORDS_SEEN, MATCHING, MATCHING2, NET, NET_TOP):
            other[at] ^= 1
        features = [feature for feature in table.features if isinstance(feature, Selector)]
        for line in (*table.contexts, *features):
            assert line.value(r) == line.value(other), line.name


def views(record: Any, *without: str) -> list[memoryview]:
    """All arrays of a record, those of its records included."""
    fields = [value for name, value in record._asdict().items() if name not in without]
    return [view for field in fields for view in (views(field, *without) if isinstance(field, tuple) else [field])]


@pytest.mark.parametrize("n_bytes", [0, 3_000_000])
def test_the_arrays_of_an_arena_lie_apart_and_within_it(table: Spec, n_bytes: int):
    made = kernels_of(table)
    parameter = made["parameter"](n_bytes)
    memory = engines.zeros(made["arena_bytes"](parameter))
    start = np.frombuffer(memory, np.uint8).ctypes.data
    places = []
    unused = ("words",) if made["CELLS"] > 0 else ("words", "net")  # words: the same memory as the lines' bytes
    for view in views(made["carve"](memoryview(memory), parameter), *unused):
        if view.nbytes:
            at = np.frombuffer(view, np.uint8).ctypes.data - start
            assert at % view.itemsize == 0
            places.append((at, at + view.nbytes))
    places.sort()
    assert places[0][0] == 0
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(places))
    assert places[-1][1] == len(memory)


@pytest.mark.parametrize("module", [cm_fast, cm_mid, cm_max])
def test_the_engines_find_what_a_module_s_tables_make(module: ModuleType):
    name = module.__name__.rpartition(".")[2]
    assert engines.kernels_of(name) is module.KERNELS
    assert set(engines.ENTRIES) <= set(module.KERNELS)
