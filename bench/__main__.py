"""`make bench`: every measurement, or those named; prints the ratios beside their marks."""

import argparse
from collections.abc import Callable

from app.embedded import EmbeddedServer
from bench import assessments, data, exports, imports, ratings, reads

MEASUREMENTS: dict[str, Callable[[EmbeddedServer], list[tuple[str, float, float]]]] = {
    "reads": reads.run,
    "assessments": assessments.run,
    "ratings": ratings.run,
    "exports": exports.run,
    "imports": imports.run,
}


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="bench", description=__doc__)
    options.add_argument("--employees", type=int, default=200_000)
    options.add_argument("--only", choices=MEASUREMENTS, nargs="+", default=list(MEASUREMENTS))
    chosen = options.parse_args()
    results = []
    with data.server(chosen.employees) as running:
        for name in chosen.only:
            results += MEASUREMENTS[name](running)
    print(f"\n{'measurement':45} {'ratio':>7} {'mark':>7}")
    for name, ratio, mark in results:
        reached = ratio <= -mark if mark < 0 else ratio >= mark
        print(f"{name:45} {ratio:7.2f} {abs(mark):7.2f} {'' if reached else 'not reached'}")


if __name__ == "__main__":
    main()
