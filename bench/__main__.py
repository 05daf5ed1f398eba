"""`make bench`: every measurement, or those named; prints the ratios beside their marks."""

import argparse

from bench import data, reads


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="bench", description=__doc__)
    options.add_argument("--employees", type=int, default=200_000)
    chosen = options.parse_args()
    with data.server(chosen.employees) as running:
        results = reads.run(running)
    print(f"\n{'measurement':45} {'ratio':>7} {'mark':>7}")
    for name, ratio, mark in results:
        reached = ratio <= -mark if mark < 0 else ratio >= mark
        print(f"{name:45} {ratio:7.2f} {abs(mark):7.2f} {'' if reached else 'not reached'}")


if __name__ == "__main__":
    main()
