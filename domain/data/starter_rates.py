#!/usr/bin/env python3
"""Writes starter_rates.csv, the invented prices of the demo deck: one for every region libphonenumber has a plan for,
and one for each of the larger operators of some countries, told by name as operators.tsv names them.

usage: pip install phonenumbers; starter_rates.py
"""
import collections, csv, pathlib, zlib
import phonenumbers

HERE = pathlib.Path(__file__).parent
ZONES = {"1": 7900, "2": 52000, "3": 68000, "4": 61000, "5": 43000, "6": 48000, "7": 39000, "8": 46000, "9": 41000}
OPERATORS_OF = ["BR", "DE", "ES", "FR", "GB", "IN", "IT", "KZ", "MX", "PL", "PT", "RO", "RU", "UA"]

def price(country, name=""):
    zone = ZONES[str(phonenumbers.country_code_for_region(country))[0]]
    return zone + zlib.crc32(f"{country}{name}".encode()) % 41 * 500

def money(micros):
    return f"{micros / 1e6:.4f}"

counts = collections.defaultdict(collections.Counter)
for line in (HERE / "operators.tsv").read_text(encoding="utf-8").splitlines():
    if line.startswith("#") or "\t" not in line:
        continue
    name, prefixes = line.split("\t")[:2]
    for country in OPERATORS_OF:
        code = str(phonenumbers.country_code_for_region(country))
        counts[country][name] += sum(prefix.startswith(code) for prefix in prefixes.split())

with open(HERE / "starter_rates.csv", "w", newline="", encoding="utf-8") as f:
    out = csv.writer(f, lineterminator="\n")
    out.writerow(["country", "operator", "prefix", "price", "cost"])
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        base = price(country)
        out.writerow([country, "", "", money(base), money(base * 7 // 10)])
        for name, _ in [c for c in counts[country].most_common(4) if c[1]]:
            own = price(country, name)
            out.writerow([country, name, "", money(own), money(own * 7 // 10)])
