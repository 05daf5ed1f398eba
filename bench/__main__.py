"""`make bench`: every measurement, or those named; prints the ratios beside their marks."""

import argparse

from bench import data, exports, imports, reads


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="bench", description=__doc__)
    options.add_argument("--employees", type=int, default=200_000)
    options.add_argument("--rows", type=int, default=100_000, help="of the file to import")
    options.add_argument("--only", choices=("reads", "imports", "exports"))
    chosen = options.parse_args()
    results = []
    with data.server(chosen.employees) as running:
        if chosen.only in (None, "reads"):
            results += reads.run(running)
        if chosen.only in (None, "exports"):
            results += exports.run(running)
        if chosen.only in (None, "imports"):
            results += imports.run(running, chosen.rows)
    print(f"\n{'measurement':45} {'ratio':>7} {'mark':>7}")
    for name, ratio, mark in results:
        reached = ratio <= -mark if mark < 0 else ratio >= mark
        print(f"{name:45} {ratio:7.2f} {abs(mark):7.2f} {'' if reached else 'not reached'}")


if __name__ == "__main__":
    main()
