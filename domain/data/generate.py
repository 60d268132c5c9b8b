#!/usr/bin/env python3
"""Writes operators.tsv, regions.tsv and time_zones.tsv from the PyPI package `phonenumbers` (see README.md).

    pip install phonenumbers regex && python3 domain/data/generate.py

The files have one line per value: `value<TAB>prefix prefix ...`, prefixes being E.164 digits without the plus. The longest
prefix wins. Entries that repeat the name of the prefix above them say nothing and are left out.
"""

import pathlib
from collections import defaultdict

import phonenumbers
import regex
from phonenumbers.carrierdata import CARRIER_DATA
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.geodata.locale import LOCALE_DATA
from phonenumbers.phonenumberutil import _GEO_MOBILE_COUNTRIES as GEO_MOBILE_COUNTRIES
from phonenumbers.tzdata import TIMEZONE_DATA

HERE = pathlib.Path(__file__).parent

# "Jersey City, NJ": what stands behind the comma of +1.
STATES = {
    "AB": "Alberta", "AK": "Alaska", "AL": "Alabama", "AR": "Arkansas", "AZ": "Arizona", "BC": "British Columbia",
    "CA": "California", "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "FL": "Florida", "GA": "Georgia",
    "HI": "Hawaii", "IA": "Iowa", "ID": "Idaho", "IL": "Illinois", "IN": "Indiana", "KS": "Kansas", "KY": "Kentucky",
    "LA": "Louisiana", "MA": "Massachusetts", "MB": "Manitoba", "MD": "Maryland", "ME": "Maine", "MI": "Michigan",
    "MN": "Minnesota", "MO": "Missouri", "MS": "Mississippi", "MT": "Montana", "NB": "New Brunswick",
    "NC": "North Carolina", "ND": "North Dakota", "NE": "Nebraska", "NH": "New Hampshire", "NJ": "New Jersey",
    "NL": "Newfoundland and Labrador", "NM": "New Mexico", "NS": "Nova Scotia", "NT": "Northwest Territories",
    "NU": "Nunavut", "NV": "Nevada", "NY": "New York", "OH": "Ohio", "OK": "Oklahoma", "ON": "Ontario", "OR": "Oregon",
    "PA": "Pennsylvania", "PE": "Prince Edward Island", "QC": "Quebec", "RI": "Rhode Island", "SC": "South Carolina",
    "SD": "South Dakota", "SK": "Saskatchewan", "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VA": "Virginia",
    "VT": "Vermont", "WA": "Washington", "WI": "Wisconsin", "WV": "West Virginia", "WY": "Wyoming", "YT": "Yukon",
}
# The same of +52, and towns that it names without their state.
MEXICAN = {
    "AGS": "Aguascalientes", "BC": "Baja California", "BCN": "Baja California", "BCS": "Baja California Sur", "CAMP": "Campeche",
    "CHIH": "Chihuahua", "CHIS": "Chiapas", "COAH": "Coahuila", "COL": "Colima", "DGO": "Durango",
    "FD": "Mexico City", "GRO": "Guerrero", "GTO": "Guanajuato", "HGO": "Hidalgo", "JAL": "Jalisco",
    "MEX": "Estado de Mexico", "MICH": "Michoacan", "MOR": "Morelos", "NAY": "Nayarit", "NL": "Nuevo Leon",
    "OAX": "Oaxaca", "PUE": "Puebla", "QRO": "Queretaro", "QROO": "Quintana Roo", "SIN": "Sinaloa",
    "SLP": "San Luis Potosi", "SON": "Sonora", "TAB": "Tabasco", "TAMPS": "Tamaulipas", "TLAX": "Tlaxcala",
    "VER": "Veracruz", "YUC": "Yucatan", "ZAC": "Zacatecas",
    "Culiacan": "Sinaloa", "Merida": "Yucatan", "Morelia": "Michoacan", "Toluca": "Estado de Mexico",
    "Tuxtla Gutierrez": "Chiapas",
}
# One name for each: what some entries write otherwise.
OTHERWISE = {"British Colombia": "British Columbia", "Washington State": "Washington"}
# The same of operators that some prefixes name in another alphabet.
LATIN = {"МегаФон": "MegaFon"}


def without_repeats(table):
    """Drops each prefix whose nearest shorter prefix carries the same value already."""
    kept = {}
    for prefix in sorted(table, key=len):
        above = next((kept[prefix[:n]] for n in range(len(prefix) - 1, 0, -1) if prefix[:n] in kept), None)
        if above != table[prefix]:
            kept[prefix] = table[prefix]
    return kept


def calling_code(prefix):
    """The calling code that a prefix begins with."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return next((prefix[:n] for n in (1, 2, 3) if int(prefix[:n]) in codes), None)


def telling_lines():
    """By calling code, the patterns that a national number must fit together to be of a line that may receive SMS and is
    tied to a place: mobile ones in few countries, and those that may be mobile or fixed."""
    patterns = defaultdict(list)
    for code, countries in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for country in countries:
            plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, country)
            mobile, fixed = (
                line and line.national_number_pattern and regex.compile(line.national_number_pattern)
                for line in (plan.mobile, plan.fixed_line)
            )
            if mobile and code in GEO_MOBILE_COUNTRIES:
                patterns[str(code)].append([mobile])
            elif mobile and fixed:
                patterns[str(code)].append([mobile, fixed])
    return patterns


def region(prefix, names):
    """The largest part of the country that a place is told to be in: the last of its names."""
    name = " ".join(names.get("en", "").split())
    place, comma, last = name.rpartition(", ")
    code = calling_code(prefix)
    if code == "1" and comma:
        # A state, or the code of a country ("St. Thomas, VI"), which says nothing more than the country.
        return STATES.get(last, "")
    if code == "52":
        last = MEXICAN.get(last, last)
    last = OTHERWISE.get(last, last)
    countries = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0), ())
    return "" if any(last == LOCALE_DATA.get(country, {}).get("en") for country in countries) else last


def merged(table):
    """Ten prefixes of one value that are all of a shorter one become that."""
    table = dict(table)
    for length in range(max(map(len, table)), 1, -1):
        children = defaultdict(list)
        for prefix in table:
            if len(prefix) == length:
                children[prefix[:-1]].append(prefix)
        for parent, own in children.items():
            if len(own) == 10 and len({table[prefix] for prefix in own}) == 1:
                table[parent] = table[own[0]]
                for prefix in own:
                    del table[prefix]
    return table


def regions():
    """Region by prefix, of what a contact's number may begin with."""
    patterns = telling_lines()
    table = {}
    for prefix, names in GEOCODE_DATA.items():
        code = calling_code(prefix) or ""
        # Between the calling code and the place of a mobile number: +54 11 is +54 9 11.
        national = phonenumbers.country_mobile_token(int(code or 0)) + prefix[len(code):]
        prefix = code + national
        name = region(prefix, names)
        if name and any(all(p.fullmatch(national, partial=True) for p in all_of) for all_of in patterns.get(code, ())):
            table[prefix] = name
    return merged(table)


def write(name, title, table):
    """Writes one table, grouped by value, in a stable order so that a new version makes a readable diff."""
    by_value = defaultdict(list)
    for prefix, value in without_repeats(table).items():
        by_value[value].append(prefix)
    lines = [f"# {title}; phonenumbers {phonenumbers.__version__}, Apache-2.0. Written by generate.py; do not edit."]
    lines += [f"{value}\t{' '.join(sorted(prefixes))}" for value, prefixes in sorted(by_value.items())]
    (HERE / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(table)} prefixes, {sum(map(len, by_value.values()))} kept, {len(by_value)} values")


def in_one_writing(operators):
    """Names that differ only in case become the one that most prefixes have, of those with a capital letter."""
    prefixes = defaultdict(lambda: defaultdict(int))
    for name in operators.values():
        prefixes[name.casefold()][name] += 1
    chosen = {folded: min(names, key=lambda name: (name.islower(), -names[name], name)) for folded, names in prefixes.items()}
    return {prefix: chosen[name.casefold()] for prefix, name in operators.items()}


def main():
    operators = {}
    for prefix, names in CARRIER_DATA.items():
        # A handful of prefixes are named only in Russian; a name in any language beats none.
        name = names.get("en") or next((n for n in names.values() if n), "")
        name = " ".join(name.split())
        if name:
            operators[prefix] = LATIN.get(name, name)
    write("operators.tsv", "Mobile operator by E.164 prefix", in_one_writing(operators))
    write("regions.tsv", "Region of a country by E.164 prefix, of lines that may receive SMS", regions())
    # Several candidate zones are joined by `&`, as in the source: the number may be in any of them.
    write("time_zones.tsv", "IANA time zones by E.164 prefix", {p: "&".join(z) for p, z in TIMEZONE_DATA.items()})


if __name__ == "__main__":
    main()
