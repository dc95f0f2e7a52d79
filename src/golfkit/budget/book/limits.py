"""What the settings say about money, in cents: total and reserve, and the worst case of a run.

Order, strongest first: the environment, `.env`, `golf budget set`, golf.toml, the default. A variable is set for a call
on purpose; golf.toml holds every key from `golf init` on, so that nothing could ever be set against it.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from golfkit import settings
from golfkit.budget.book import money
from golfkit.budget.book.state import Limit, Limits
from golfkit.errors import Exit
from golfkit.settings import Settings

SECONDS_PER_MINUTE = 60
END_SECONDS = 60  # past its deadline after which a pod is ended by the watchdog, though its owner lives: it hangs


def limits(environ: Mapping[str, str], workspace: Path | None) -> Limits:
    """Total and reserve in force, and whether each wins over `golf budget set`."""
    values = settings.load(environ, workspace)
    toml = settings.read_toml(workspace / settings.TOML) if workspace else {}
    dotenv = workspace / settings.DOTENV if workspace else None
    local = settings.read_dotenv(dotenv) if dotenv and dotenv.is_file() else {}

    def limit(name: str) -> Limit:
        variable = name.upper()
        inherited = settings.TOML if name in toml else "default"
        source = "environment" if environ.get(variable) else settings.DOTENV if local.get(variable) else inherited
        where = f"{workspace / source}" if workspace and source in (settings.TOML, settings.DOTENV) else source
        cents = money.parse_dollars(repr(getattr(values, name)), f"{where}: {name}", Exit.BAD_FILE)
        return Limit(cents, source, wins=source != inherited)

    return Limits(limit("total_compute_credits"), limit("runpod_min_reserve"))


def rate(values: Settings) -> Decimal:
    """Dollars an hour of the whole machine, where its provider names no price."""
    return money.machine_rate(values.pod_gpu_count, Decimal(repr(values.gpu_rate_usd)))


def worst_cents(values: Settings, seeds: int = 1, usd_per_hour: Decimal | None = None) -> int:
    """Cents of a rental that uses every minute it is allowed: boot, set-up, each seed's run, collecting, its end.

    usd_per_hour  the provider's price of the whole machine; None for that of the settings
    """
    once = (values.pod_boot_minutes, values.pod_setup_minutes, values.pod_collect_minutes)
    minutes = sum(Decimal(repr(part)) for part in once) + Decimal(repr(values.pod_run_minutes)) * seeds
    seconds = minutes * SECONDS_PER_MINUTE + END_SECONDS
    return money.cost_cents(seconds, rate(values) if usd_per_hour is None else usd_per_hour)
