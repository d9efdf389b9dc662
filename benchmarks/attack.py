"""What leaked push credentials buy: for how long a tag is wrong that is overwritten again and again.

    python -m benchmarks.attack
    python -m benchmarks.attack --short

Beside it, on the same docker-registry, the same is done to a tag that a bare script guards, which PUTs the kept
manifest at every notification. The two take turns; ratios count. A share of wrong time cannot exceed 1, so that its
ratio says little where the script leaves much of it: the row below has the seconds that each push bought.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bare_script import BareScript
from tests.fakes.images import image
from tests.integration.attacks.bench import Bench, side_by_side
from tests.integration.attacks.fights import Share, Target, burst, sustain, target

COUNTS = (1, 2, 5, 12, 40, 100)
NAMESPACES = {"enforcer": "team", "bare script": "bare"}


class Attack:
    """Both defenders on one registry; every row attacks fresh tags."""

    def __init__(self, bench: Bench, script: BareScript, patience: float) -> None:
        self.bench = bench
        self.patience = patience
        self._script = script
        self._row = 0

    def targets(self, defender: str, count: int = 1) -> list[Target]:
        """Tags of a new repository, which the defender knows."""
        self._row += 1
        repository = f"{NAMESPACES[defender]}/row-{self._row}"
        found = [target(self.bench, repository, f"t{number}") for number in range(count)]
        for each in found:
            if defender == "enforcer":
                self.bench.wait_recorded(repository, each.tag)
            else:
                self._script.kept[repository, each.tag] = image(repository, label=each.tag)
        return found

    def burst(self, defender: str, count: int) -> float:
        """Seconds until right after the last of so many quick overwrites."""
        (attacked,) = self.targets(defender)
        burst(attacked, count)
        seconds = attacked.seconds_until_right(self.patience)
        return self.patience if seconds is None else seconds

    def sustained(self, defender: str, seconds: float) -> Share:
        """A push whenever the original is back."""
        return sustain(self.targets(defender)[0], seconds)

    def crowd(self, defender: str, count: int, seconds: float) -> tuple[int, float]:
        """How many pushes many tags got at once, and the seconds until all were right after the last one."""
        attacked = self.targets(defender, count)
        ended = time.monotonic() + seconds
        pushes = side_by_side(lambda each: _fight(each, ended), attacked)
        began = time.monotonic()
        side_by_side(lambda each: each.seconds_until_right(self.patience), attacked)
        return sum(pushes), time.monotonic() - began


def _fight(attacked: Target, ended: float) -> int:
    """Push whenever the original is back, until then; returns how often."""
    count = 0
    while time.monotonic() < ended:
        attacked.overwrite(count)
        count += 1
        attacked.seconds_until_right(ended - time.monotonic())
    return count


def figures(values: Sequence[float], unit: str = "s") -> str:
    """Median and range."""
    return f"{statistics.median(values):.3f} {unit} [{min(values):.3f} … {max(values):.3f}]"


def show(name: str, ours: Sequence[float], bare: Sequence[float], note: str = "") -> None:
    """A row: both, and what counts."""
    ratio = statistics.median(ours) / max(statistics.median(bare), 1e-6)
    print(f"| {name} | {figures(ours)} | {figures(bare)} | {ratio:.2f} | {note} |", flush=True)


def run(attack: Attack, options: argparse.Namespace) -> None:
    """All rows, as a table."""
    print("| attack | enforcer | bare script | ratio | |\n|---|---|---|---|---|")
    for count in options.counts:
        rounds = [(attack.burst("enforcer", count), attack.burst("bare script", count)) for _ in range(options.rounds)]
        ours, bare = zip(*rounds, strict=True)
        show(f"{count} quick overwrites: right after", ours, bare)
    shares = [
        (attack.sustained("enforcer", options.seconds), attack.sustained("bare script", options.seconds))
        for _ in range(options.rounds_sustained)
    ]
    wrong = [[each.of_time for each in side] for side in zip(*shares, strict=True)]
    bought = [[each.wrong / each.pushes for each in side] for side in zip(*shares, strict=True)]
    pushes = " and ".join(str(sum(each.pushes for each in side)) for side in zip(*shares, strict=True))
    show(
        f"a push whenever it is back, {options.seconds:g} s: share of wrong time", *wrong, f"{pushes} pushes; goal 1.5"
    )
    show("the same: wrong time a push", *bought)
    ours, bare = (attack.crowd(each, options.tags, options.crowd_seconds) for each in NAMESPACES)
    note = f"{ours[0]} and {bare[0]} pushes; goal 3 s"
    show(f"{options.tags} tags at once, {options.crowd_seconds:g} s: right after", [ours[1]], [bare[1]], note)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--short", action="store_true", help="smaller numbers, about a minute")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each number of quick overwrites")
    parser.add_argument("--rounds-sustained", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60, help="how long one tag is fought over")
    parser.add_argument("--tags", type=int, default=50, help="how many are fought over at once")
    parser.add_argument("--crowd-seconds", type=float, default=30)
    parser.add_argument("--patience", type=float, default=60, help="seconds after which a tag counts as lost")
    options = parser.parse_args()
    options.counts = COUNTS
    if options.short:
        options.counts, options.rounds, options.seconds = (1, 5, 12), 3, 10
        options.tags, options.crowd_seconds, options.patience = 10, 5, 15
    return options


def main() -> None:
    options = parsed()
    script = BareScript()
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory))
        bench.notify_also("bare-script", script.url)
        try:
            bench.start()
            script.registry_url = bench.url_of("main")
            run(Attack(bench, script, options.patience), options)
        finally:
            bench.stop()
            script.stop()


if __name__ == "__main__":
    main()
