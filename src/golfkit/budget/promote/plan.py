"""What a promotion will do and what it may cost at most: decided before anything is asked of anyone. Pure."""

import dataclasses
import datetime
import hashlib
import secrets
from collections.abc import Container, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath

from golfkit.budget.book import limits
from golfkit.budget.book.money import cost_cents
from golfkit.budget.pods.owner import PREFIX
from golfkit.settings import Settings

MINUTE = 60.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A promotion: what runs where, how often, and for how long at most. Times are seconds."""

    tier: str
    local_run: str
    run: str  # id of the expensive run, and its folder's name under runs/
    pod: str  # unique name of the machine that is rented for it
    description: str
    seeds: tuple[int, ...]
    code: str  # of the counted train_gpt.py
    command: str
    env: Mapping[str, str]  # of every seed, besides SEED and RUN_ID
    data_command: str
    folder: str  # on the machine
    usd_per_hour: Decimal  # of the whole machine; 0 for one's own
    boot_s: float
    setup_s: float
    run_s: float  # one seed
    collect_s: float
    force: str | None

    @property
    def worst_s(self) -> float:
        """Seconds from renting to the end, if every part takes all that it may."""
        return self.boot_s + self.setup_s + self.run_s * len(self.seeds) + self.collect_s

    @property
    def worst_cents(self) -> int:
        """What that costs."""
        return cost_cents(self.worst_s + limits.END_SECONDS, self.usd_per_hour)

    def renamed(self, run: str) -> "Plan":
        """The same plan as another run."""
        return dataclasses.replace(
            self, run=run, pod=pod_name(run), folder=str(PurePosixPath(self.folder).with_name(run))
        )

    def seed_folder(self, seed: int) -> str:
        """Where one seed runs on the machine."""
        return f"{self.folder}/seed{seed}"


def make(
    values: Settings,
    *,
    tier: str,
    local_run: str,
    description: str,
    seeds: tuple[int, ...],
    code: str,
    usd_per_hour: Decimal | None,
    today: datetime.date,
    taken: Container[str],
    force: str | None = None,
) -> Plan:
    """The plan of a promotion.

    usd_per_hour  the provider's price of the whole machine; None: the settings'
    taken         ids of runs that exist
    """
    run = new_run_id(tier, code, today, taken)
    home = PurePosixPath(values.pod_folder)
    rented = tier != "ssh"
    rate = limits.rate(values) if usd_per_hour is None else usd_per_hour
    return Plan(
        tier=tier,
        local_run=local_run,
        run=run,
        pod=pod_name(run),
        description=description,
        seeds=seeds,
        code=code,
        command=values.pod_command.replace("{gpus}", str(values.pod_gpu_count)),
        env={
            "DATA_PATH": str(home / values.pod_data_path),
            "TOKENIZER_PATH": str(home / values.pod_tokenizer_path),
            "MAX_WALLCLOCK_SECONDS": str(values.training_seconds),
        },
        data_command=values.pod_data_command,
        folder=str(home / run),
        usd_per_hour=rate if rented else Decimal(0),
        boot_s=values.pod_boot_minutes * MINUTE,
        setup_s=values.pod_setup_minutes * MINUTE,
        run_s=values.pod_run_minutes * MINUTE,
        collect_s=values.pod_collect_minutes * MINUTE,
        force=force,
    )


def pod_name(run: str) -> str:
    """A name that no other pod ever had."""
    return f"{PREFIX}{run.replace('_', '-')}-{secrets.token_hex(4)}"


def new_run_id(tier: str, code: str, today: datetime.date, taken: Container[str]) -> str:
    """TIER_SHA7_MMDD of the counted script, with _2, _3, ... where that is taken."""
    stem = f"{tier}_{hashlib.sha256(code.encode()).hexdigest()[:7]}_{today:%m%d}"
    n, name = 1, stem
    while name in taken:
        n += 1
        name = f"{stem}_{n}"
    return name
