#!/usr/bin/env python3
"""Writes operators.tsv and time_zones.tsv from the PyPI package `phonenumbers` (see README.md).

    pip install phonenumbers && python3 domain/data/generate.py

Both files have one line per value: `value<TAB>prefix prefix ...`, prefixes being E.164 digits without the plus. The longest
prefix wins. Entries that repeat the name of the prefix above them say nothing and are left out.
"""

import pathlib
from collections import defaultdict

import phonenumbers
from phonenumbers.carrierdata import CARRIER_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

HERE = pathlib.Path(__file__).parent


def without_repeats(table):
    """Drops each prefix whose nearest shorter prefix carries the same value already."""
    kept = {}
    for prefix in sorted(table, key=len):
        above = next((kept[prefix[:n]] for n in range(len(prefix) - 1, 0, -1) if prefix[:n] in kept), None)
        if above != table[prefix]:
            kept[prefix] = table[prefix]
    return kept


def write(name, title, table):
    """Writes one table, grouped by value, in a stable order so that a new version makes a readable diff."""
    by_value = defaultdict(list)
    for prefix, value in without_repeats(table).items():
        by_value[value].append(prefix)
    lines = [f"# {title}; phonenumbers {phonenumbers.__version__}, Apache-2.0. Written by generate.py; do not edit."]
    lines += [f"{value}\t{' '.join(sorted(prefixes))}" for value, prefixes in sorted(by_value.items())]
    (HERE / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(table)} prefixes, {sum(map(len, by_value.values()))} kept, {len(by_value)} values")


def main():
    operators = {}
    for prefix, names in CARRIER_DATA.items():
        # A handful of prefixes are named only in Russian; a name in any language beats none.
        name = names.get("en") or next((n for n in names.values() if n), "")
        name = " ".join(name.split())
        if name:
            operators[prefix] = name
    write("operators.tsv", "Mobile operator by E.164 prefix", operators)
    # Several candidate zones are joined by `&`, as in the source: the number may be in any of them.
    write("time_zones.tsv", "IANA time zones by E.164 prefix", {p: "&".join(z) for p, z in TIMEZONE_DATA.items()})


if __name__ == "__main__":
    main()
