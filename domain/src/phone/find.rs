//! [`find_in_text`]: picks phone numbers out of any pasted text (quick add, CON-05).
//!
//! A run of digits and grouping marks is cut into groups of digits, and the longest row of groups that [`super::parse`]
//! accepts is a number. What has a plus is believed, but for the tag of an e-mail address; bare digits must not look like a
//! date, a price or the number of an order.

use std::collections::HashSet;

use super::{
    Country, Msisdn, Rule,
    clean::{digit, is_gap, is_punctuation},
    parse,
};

/// Most digits a written number may have: 15, and up to four of a dialling prefix.
const MAX_WRITTEN: usize = 19;
/// Most groups a number is written in; bounds the work on a text that is nothing but digits.
const MAX_GROUPS: usize = 10;
/// Fewest digits of a bare national number; below this, prices and years are more likely.
const MIN_NATIONAL: usize = 8;
/// Fewest digits of a bare international number without a default country to compare with.
const MIN_BARE: usize = 10;

/// Most characters before the `@` of an e-mail address; bounds how far is looked for one.
const MAX_LOCAL: usize = 64;
/// Words before a number that are looked at: `Commande client n° 0612346970`.
const MAX_WORDS: usize = 4;

/// Words before bare digits that say they are something else, in lower case; in German also whatever ends with `nummer`.
const NOT_A_PHONE: &str = "order orders invoice id ref reference card account iban contract sku ean isbn tracking parcel shipment \
    booking reservation receipt ticket policy tax vat serial imei passport \
    заказ заказа заказу счет счёт счета счёта карта карты договор договора инн кпп огрн огрнип снилс бик паспорт полис накладная \
    накладной посылка посылки трек артикул квитанция \
    замовлення рахунок рахунку картка картки договору єдрпоу іпн рнокпп ттн накладна накладної посилка посилки квитанція \
    commande facture référence réf dossier contrat colis suivi siret siren devis compte carte réservation \
    pedido factura referencia contrato cuenta tarjeta envío envio seguimiento paquete albarán expediente reserva nif cif dni \
    ordine fattura riferimento rif contratto conto carta spedizione pacco pratica prenotazione iva \
    bestellung bestellnr auftrag auftragsnr rechnung rechnungsnr sendung sendungsnr vertrag vertragsnr konto paket kundennr \
    aktenzeichen buchung";
/// Beginnings of words before bare digits that say they are a phone, in lower case.
const A_PHONE: &str =
    "tel tél phone mobil mobile móvil movil cel handy ruf gsm fax whatsapp viber portable тел моб сот контакт";
/// Words between such a word and the digits, in lower case.
const BETWEEN: &str = "n no nr nro num number numero numéro número nummer номер № # de du la le del della di der die mit client \
    cliente клиента клієнта";
/// Those of [`BETWEEN`] after which bare digits are no phone, unless a word before them says so.
const NUMBERED: &str = "no № #";
/// Words and signs before or after bare digits that make them an amount, in lower case.
const CURRENCIES: &str = "eur usd gbp uah rub pln chf kzt € $ £ ₴ ₽ грн руб euro euros";

fn among(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}

/// A group of digits inside a run: where it begins and ends (in bytes) and the digits.
struct Group {
    start: usize,
    end: usize,
    digits: String,
}

/// A number in a text, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The number.
    pub number: Msisdn,
    /// Where its first digit, or its plus, stands in the text, in bytes.
    pub start: usize,
    /// The end of its last digit, in bytes.
    pub end: usize,
}

/// The numbers in a text in order of appearance, each once; only those that [`super::parse`] accepts. `country` is the
/// default for national forms. Dates, times, prices and numbers named as those of orders, invoices, cards are left alone.
pub fn find_in_text(text: &str, country: Option<Country>) -> Vec<Found> {
    let rule = country.map_or(Rule::None, Rule::AccountCountry);
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (plus, groups) in runs(text) {
        let mut rest: &[Group] = &groups;
        let mut plus = plus;
        while !rest.is_empty() {
            let taken = match longest(text, rest, plus, &rule) {
                Some((count, number)) => {
                    let first = rest.first().map(|group| group.start);
                    let last = count.checked_sub(1).and_then(|n| rest.get(n)).map(|group| group.end);
                    if let (Some(first), Some(end)) = (first, last)
                        && seen.insert(number)
                    {
                        found.push(Found { number, start: plus.unwrap_or(first), end });
                    }
                    count
                }
                // A date is passed over as a whole, so that its year is not joined with what follows.
                None if is_date(text, rest) => 3,
                None => 1,
            };
            rest = rest.get(taken..).unwrap_or_default();
            plus = None;
        }
    }
    found
}

/// The longest row of groups, beginning with the first, that is a number.
fn longest(text: &str, groups: &[Group], plus: Option<usize>, rule: &Rule) -> Option<(usize, Msisdn)> {
    if plus.is_none() && is_date(text, groups) {
        return None;
    }
    let first = groups.first()?;
    let lengths = groups.iter().take(MAX_GROUPS).scan(0, |sum, group| {
        *sum += group.digits.len();
        Some(*sum)
    });
    let fitting = lengths.take_while(|&length| length <= MAX_WRITTEN).count();
    (1..=fitting).rev().find_map(|count| {
        let row = groups.get(..count)?;
        let digits: String = row.iter().map(|group| group.digits.as_str()).collect();
        let end = row.last()?.end;
        let is_other = match plus {
            Some(plus) => is_tag(text, plus, end),
            None => !is_long_enough(&digits, rule) || names_something_else(text, first.start, end),
        };
        if is_other {
            return None;
        }
        let raw = if plus.is_some() { format!("+{digits}") } else { digits };
        Some((count, parse(&raw, rule).ok()?.number))
    })
}

fn is_long_enough(digits: &str, rule: &Rule) -> bool {
    // With 00 the calling code is written, as with a plus.
    let least = if digits.starts_with("00") || *rule != Rule::None { MIN_NATIONAL } else { MIN_BARE };
    digits.len() >= least
}

/// `21.11.2026`, `2026-11-21`, `11/21/26`: the first three groups have the values of a date and the same mark between
/// them.
fn is_date(text: &str, groups: &[Group]) -> bool {
    let [a, b, c, rest @ ..] = groups else { return false };
    let mark = text.get(a.end..b.start).unwrap_or_default();
    if !matches!(mark, "." | "-" | "/") || text.get(b.end..c.start) != Some(mark) {
        return false;
    }
    let value = |group: &Group| group.digits.parse::<u32>().unwrap_or(u32::MAX);
    let is_day_and_month = |x: &Group, y: &Group| {
        let (x, y) = (value(x), value(y));
        (1..=31).contains(&x.max(y)) && (1..=12).contains(&x.min(y))
    };
    let is_year = |group: &Group| group.digits.len() == 4 && (1900..=2099).contains(&value(group));
    // `06.12.34.56.78` goes on in the same way: a French number, not a date with a short year.
    let goes_on = rest.first().is_some_and(|d| text.get(c.end..d.start) == Some(mark));
    (is_year(a) && is_day_and_month(b, c))
        || (is_day_and_month(a, b) && (is_year(c) || (c.digits.len() == 2 && !goes_on)))
}

/// Whether the words around bare digits make them an amount, an order or a part of a longer code.
fn names_something_else(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    let glued = |c: char| c.is_alphanumeric() || matches!(c, '#' | '№' | '_' | '@' | '€' | '$' | '£' | '=');
    if before.chars().next_back().is_some_and(glued) || after.chars().next().is_some_and(glued) {
        return true;
    }
    let cents = after.strip_prefix(',').map(|rest| rest.chars().take_while(char::is_ascii_digit).count());
    if cents.is_some_and(|count| (1..=2).contains(&count)) {
        return true;
    }
    let word_after = after.trim_start_matches(is_gap);
    let word_after =
        word_after.split(|c: char| is_gap(c) || matches!(c, '.' | ',' | ';' | ')')).next().unwrap_or_default();
    among(CURRENCIES, &word_after.to_lowercase()) || is_named(before)
}

/// Whether the last words of a text say that the digits after it are something else than a phone.
fn is_named(before: &str) -> bool {
    let (mut rest, mut numbered) = (before, false);
    for _ in 0..MAX_WORDS {
        let Some((earlier, word)) = last_word(rest) else { break };
        let word = word.to_lowercase();
        if A_PHONE.split_whitespace().any(|beginning| word.starts_with(beginning)) {
            return false;
        }
        if among(NOT_A_PHONE, &word) || (word != "nummer" && word.ends_with("nummer")) {
            return true;
        }
        if among(CURRENCIES, &word) {
            // `25 EUR 0612346970`: the currency is that of the amount before it.
            return !last_word(earlier).is_some_and(|(_, word)| word.ends_with(|c: char| c.is_ascii_digit()));
        }
        if !among(BETWEEN, &word) {
            break;
        }
        numbered |= among(NUMBERED, &word);
        rest = earlier;
    }
    numbered
}

/// The last word, or sign of a number or a currency, with nothing but gaps and the marks of abbreviations after it; and
/// what stands before it.
fn last_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_end_matches(|c: char| is_gap(c) || matches!(c, ':' | '.' | '-' | '(' | '°' | 'º'));
    let is_sign = |c: char| matches!(c, '№' | '#' | '€' | '$' | '£' | '₴' | '₽');
    let word = match text.chars().next_back()? {
        sign if is_sign(sign) => sign.len_utf8(),
        _ => text.chars().rev().take_while(|c| c.is_alphanumeric()).map(char::len_utf8).sum(),
    };
    (word > 0).then(|| text.split_at_checked(text.len().saturating_sub(word))).flatten()
}

/// Whether a number with its plus is the tag in an e-mail address: `anna+447400123456@example.com`.
fn is_tag(text: &str, plus: usize, end: usize) -> bool {
    let local = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%');
    let before = text.get(..plus).unwrap_or_default();
    let after = text.get(end..).unwrap_or_default();
    before.ends_with(local) && after.chars().take(MAX_LOCAL).find(|c| !local(*c)) == Some('@')
}

/// Cuts a text into runs of digit groups: a run ends at anything that does not belong to a number, at a new line and
/// before a plus. With each run where its plus stands, if it has one.
fn runs(text: &str) -> Vec<(Option<usize>, Vec<Group>)> {
    let mut runs: Vec<(Option<usize>, Vec<Group>)> = Vec::new();
    let mut open = false;
    let mut after_digit = false;
    for (at, c) in text.char_indices() {
        let is_plus = matches!(c, '+' | '\u{FF0B}');
        if let Some(digit) = digit(c) {
            if !open {
                runs.push((None, Vec::new()));
                open = true;
            }
            let Some((_, groups)) = runs.last_mut() else { continue };
            match groups.last_mut() {
                Some(group) if after_digit => {
                    group.digits.push(digit);
                    group.end = at + c.len_utf8();
                }
                _ => groups.push(Group { start: at, end: at + c.len_utf8(), digits: digit.to_string() }),
            }
        } else if is_plus {
            runs.push((Some(at), Vec::new()));
            open = true;
        } else if matches!(c, '\n' | '\r' | '\t') || !(is_gap(c) || is_punctuation(c)) {
            open = false;
        }
        after_digit = digit(c).is_some();
    }
    runs.retain(|(_, groups)| !groups.is_empty());
    runs
}
