//! Encodings, separators, quotes, headers, dates and titles.

use encoding_rs::{IBM866, KOI8_R, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252};

use super::super::{DateOrder, Format, Limits, Options, parse_date, parse_moment, suggest_mapping};
use super::{all, cells, code, open_bytes, open_with};

const RUSSIAN: &str = "Телефон;Фамилия;Имя\n+7 910 787 39 04;Щукин;Пётр\n89167281722;Ёлкина;Анна\n";

fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

#[test]
fn every_encoding_gives_the_same_rows() {
    let expected = cells(open_bytes(RUSSIAN, "a.csv").unwrap());
    assert_eq!(expected, [["+7 910 787 39 04", "Щукин", "Пётр"], ["89167281722", "Ёлкина", "Анна"]]);
    let versions = [
        ("UTF-8", format!("\u{feff}{RUSSIAN}").into_bytes()),
        ("UTF-16LE", utf16(RUSSIAN, false, true)),
        ("UTF-16BE", utf16(RUSSIAN, true, true)),
        ("UTF-16LE", utf16(RUSSIAN, false, false)),
        ("UTF-16BE", utf16(RUSSIAN, true, false)),
        ("windows-1251", WINDOWS_1251.encode(RUSSIAN).0.into_owned()),
        ("IBM866", IBM866.encode(RUSSIAN).0.into_owned()),
        ("KOI8-U", KOI8_R.encode(RUSSIAN).0.into_owned()),
    ];
    for (name, bytes) in versions {
        let table = open_bytes(&bytes, "a.csv").unwrap();
        assert_eq!((table.encoding, table.separator), (Some(name), Some(b';')));
        assert_eq!(table.header, ["Телефон", "Фамилия", "Имя"]);
        assert_eq!(cells(table), expected, "{name}");
    }
}

#[test]
fn small_files_in_utf16_need_no_mark() {
    for text in ["79031234567", "79031234567\n", "phone\n+447400123456\n", "Телефон;Имя\n+79031234567;Щукин Пётр\n"]
    {
        for big in [false, true] {
            let table = open_bytes(utf16(text, big, false), "a.csv").unwrap();
            assert_eq!(table.encoding, Some(if big { "UTF-16BE" } else { "UTF-16LE" }), "{text:?}");
            assert_eq!(cells(table), cells(open_bytes(text, "a.csv").unwrap()), "{text:?}");
        }
    }
    // Chinese letters whose two bytes are both plain text, beside numbers.
    let text = "phone,name\n+8613812345678,王小明扳挡\n+8613812345679,李扶娜扬批\n".repeat(40);
    let table = open_bytes(utf16(&text, false, false), "a.csv").unwrap();
    assert_eq!(table.encoding, Some("UTF-16LE"));
}

#[test]
fn a_stray_zero_makes_no_utf16() {
    assert_eq!(code(b"phone\n7903\x001234", "a.csv"), "file_nul_bytes");
    let texts = [
        "7903123456\n".as_bytes().to_vec(),
        b"phone,name\n+447400123456,Ann\n+447400123457,Bob\n".to_vec(),
        WINDOWS_1251.encode(RUSSIAN).0.into_owned(),
    ];
    for text in texts {
        for place in 0..=text.len() {
            let mut damaged = text.clone();
            damaged.insert(place, 0);
            assert_eq!(code(&damaged, "a.csv"), "file_nul_bytes", "a zero at {place}");
        }
    }
    assert_eq!(code(b"79031234567\0Ann\0\n79031234568\0Bob\0\n", "a.txt"), "file_nul_bytes");
}

#[test]
fn western_and_central_european_text() {
    let text = "phone,name\n33612345678,Hélène Lefèvre\n33612345679,François Müller\n33612345670,Zoë Coração\n";
    let table = open_bytes(WINDOWS_1252.encode(text).0, "a.csv").unwrap();
    assert_eq!(table.encoding, Some("windows-1252"));
    assert_eq!(cells(table)[1][1], "François Müller");
    let text = "telefon;jméno\n420601123456;Jiří Dvořák\n420601123457;Ľubomír Žák\n48601123457;Święty Łukasz\n";
    let options = Options { encoding: Some("windows-1250".into()), ..Options::default() };
    let table = open_with(WINDOWS_1250.encode(text).0, "a.csv", &Limits::default(), &options).unwrap();
    assert_eq!(cells(table)[2][1], "Święty Łukasz");
}

#[test]
fn the_first_foreign_letter_may_come_late() {
    let mut text = "phone;name\n".to_owned();
    (0..20_000).for_each(|i| text.push_str(&format!("7910787{i:04};Ivan\n")));
    text.push_str("79107873904;Щукин Пётр Иванович\n");
    let table = open_bytes(WINDOWS_1251.encode(&text).0, "a.txt").unwrap();
    assert_eq!(table.encoding, Some("windows-1251"));
    assert_eq!(cells(table)[20_000][1], "Щукин Пётр Иванович");
}

#[test]
fn separators_are_detected_and_quotes_respected() {
    for separator in [',', ';', '\t', '|'] {
        let text = "Phone;Name;City\n79031234567;\"Smith; jr, \"\"Bob\"\"\ntwo lines\";Nice\n79031234568;O'Neil;\n";
        let text = text.replace(';', &separator.to_string());
        let table = open_bytes(&text, "a.txt").unwrap();
        assert_eq!(table.separator.map(char::from), Some(separator));
        assert_eq!(table.format, Format::Csv);
        let rows: Vec<_> = all(table).into_iter().map(Result::unwrap).collect();
        assert_eq!(rows[0].cells[1], format!("Smith{separator} jr, \"Bob\"\ntwo lines"));
        assert_eq!((rows[0].line, rows[1].line), (2, 4));
    }
}

#[test]
fn commas_inside_do_not_win_over_the_separator() {
    let text = "Телефон;Скидка, %;Адрес\n79031234567;10,5;Москва, ул. 1, д. 2\n79031234568;7,5;Тверь, д. 3\n";
    assert_eq!(open_bytes(text, "a.csv").unwrap().separator, Some(b';'));
}

#[test]
fn one_column_of_phones() {
    let table = open_bytes("79031234567\r\n\r\n79031234568\r79031234569\n\n", "a.txt").unwrap();
    assert_eq!((table.separator, table.has_header), (None, false));
    assert_eq!(table.header, ["Column 1"]);
    let lines: Vec<_> = all(table).into_iter().map(|row| row.unwrap().line).collect();
    assert_eq!(lines, [1, 3, 4]);
}

#[test]
fn excel_says_the_separator_itself() {
    let table = open_bytes("sep=;\r\nphone;note\r\n79031234567;a,b,c\r\n", "a.csv").unwrap();
    assert_eq!((table.separator, &table.header[..]), (Some(b';'), &["phone".to_owned(), "note".to_owned()][..]));
    let rows = all(table);
    assert_eq!(rows[0].as_ref().unwrap().line, 3);
}

#[test]
fn short_rows_are_filled_and_long_ones_refused() {
    let text = "phone;name;city\n79031234567\n79031234568;A;B;;;\n79031234569;A;B;C\n\n;;\n79031234560;A;B\n";
    let rows = all(open_bytes(text, "a.csv").unwrap());
    assert_eq!(rows[0].as_ref().unwrap().cells, ["79031234567", "", ""]);
    assert_eq!(rows[1].as_ref().unwrap().cells, ["79031234568", "A", "B"]);
    let error = rows[2].as_ref().unwrap_err();
    assert_eq!((error.code(), error.line, error.column, error.fatal), ("file_row_too_long", Some(4), Some(4), false));
    assert_eq!(rows[3].as_ref().unwrap().line, 7);
    assert_eq!(rows.len(), 4);
}

#[test]
fn a_lost_quote_is_an_error_not_a_merged_row() {
    let text = "phone;name\n79031234567;\"Rose\n79031234568;Ann\n79031234569;\"Bob\"\n79031234560;Eve\n";
    let rows = all(open_bytes(text, "a.csv").unwrap());
    let error = rows[0].as_ref().unwrap_err();
    assert_eq!((error.code(), error.line, error.fatal), ("file_quote_broken", Some(2), false));
    assert_eq!(rows[1].as_ref().unwrap().cells[1], "Eve");
    // On one line the quotes are only decoration.
    let rows = cells(open_bytes("phone;name\n79031234567;\"Rose\" Ltd\n", "a.csv").unwrap());
    assert_eq!(rows[0][1], "Rose Ltd");
}

#[test]
fn damaged_characters_cost_their_row() {
    let mut bytes = "phone;name\n".as_bytes().to_vec();
    (0..50).for_each(|i| bytes.extend_from_slice(format!("790312345{i:02};Щукин\n").as_bytes()));
    bytes.extend_from_slice(b"79031234567;\xd0\n79031234568;ok\n");
    let rows = all(open_bytes(&bytes, "a.csv").unwrap());
    let error = rows[50].as_ref().unwrap_err();
    assert_eq!((error.code(), error.line, error.column, error.fatal), ("file_encoding", Some(52), Some(2), false));
    assert_eq!(rows[51].as_ref().unwrap().cells[1], "ok");
}

#[test]
fn headers() {
    let detected = |text: &str| open_bytes(text, "a.csv").unwrap().has_header;
    assert!(detected("phone;name\n79031234567;Ann\n"));
    assert!(detected("phone;name\nbad;Ann\n79031234567;Bob\n"));
    assert!(detected("Téléphone;1990\nbad;Ann\n"));
    assert!(!detected("79031234567;Ann\n79031234568;Bob\n"));
    assert!(!detected("Ann;28.03.1991\nBob;28.03.1992\n"));
    let forced = |header| Options { header: Some(header), ..Options::default() };
    let table = open_with("79031234567;Ann\n", "a.csv", &Limits::default(), &forced(true)).unwrap();
    assert_eq!(table.header, ["79031234567", "Ann"]);
    let table = open_with("phone;\n79031234567;Ann\n", "a.csv", &Limits::default(), &forced(false)).unwrap();
    assert_eq!((table.header.len(), cells(table).len()), (2, 2));
    let table = open_bytes("phone; first\n name ;\n", "a.csv").unwrap();
    assert!(table.has_header);
    let table = open_bytes("phone;;\" two\nlines \"\n79031234567;;\n", "a.csv").unwrap();
    assert_eq!(table.header, ["phone", "Column 2", "two lines"]);
}

#[test]
fn guards_of_exporters_are_taken_off() {
    let text = "phone,name\n'+380501235821,\"=\"\"0044\"\"\"\n=\"0044123456789\",=HYPERLINK(1)\n79031234567,O'Neil\n";
    let rows = cells(open_bytes(text, "a.csv").unwrap());
    assert_eq!(rows, [["+380501235821", "0044"], ["0044123456789", "=HYPERLINK(1)"], ["79031234567", "O'Neil"]]);
}

#[test]
fn dates() {
    for text in [
        "2002-02-22",
        "22.02.2002",
        "22/02/2002",
        "22-2-2002",
        "2002/02/22",
        " 2002-02-22T00:00:00 ",
        "2002-02-22 10:30",
    ] {
        assert_eq!(parse_date(text).map(|date| date.to_string()).as_deref(), Some("2002-02-22"), "{text}");
    }
    for text in [
        "",
        "22.02.02",
        "02-02-22",
        "31.02.2002",
        "1899-12-31",
        "2100-01-01",
        "20020222",
        "22.02/2002",
        "2002.02.22",
        "22.02.2002.1",
        "٢٢.٠٢.٢٠٠٢",
        "2002-02-22x",
        "1.1.+200",
        "79031234567",
    ] {
        assert_eq!(parse_date(text), None, "{text}");
    }
}

#[test]
fn the_month_is_first_only_where_it_is_told_and_with_slashes() {
    let read = |order: DateOrder, text: &str| parse_date(&order.day_first(text)).map(|date| date.to_string());
    for (text, day_first, month_first) in [
        ("02/03/1990", Some("1990-03-02"), Some("1990-02-03")),
        ("02/13/1990", None, Some("1990-02-13")),
        ("13/2/1990", Some("1990-02-13"), None),
        ("02.03.1990", Some("1990-03-02"), Some("1990-03-02")),
        ("02-03-1990", Some("1990-03-02"), Some("1990-03-02")),
        ("1990/02/03", Some("1990-02-03"), Some("1990-02-03")),
        ("1990-02-03", Some("1990-02-03"), Some("1990-02-03")),
    ] {
        assert_eq!(read(DateOrder::DayFirst, text).as_deref(), day_first, "{text}");
        assert_eq!(read(DateOrder::MonthFirst, text).as_deref(), month_first, "{text}");
    }
    let proved = |cells: &[&str]| DateOrder::proved(cells.iter().copied());
    assert_eq!(proved(&["02/03/1990", "Ann", "02/13/1990 10:15"]), Some(DateOrder::MonthFirst));
    assert_eq!(proved(&["02/03/1990", " 13/02/1990"]), Some(DateOrder::DayFirst));
    assert_eq!(proved(&["02/13/1990", "13/02/1990"]), None, "they contradict each other");
    assert_eq!(proved(&["02/03/1990", "02/13/90", "02/31/1990", "02.13.1990", "1/20/page"]), None);
}

#[test]
fn titles_in_seven_languages() {
    let map = |titles: &[&str]| suggest_mapping(&titles.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>());
    let names = [Some("phone"), Some("first_name"), Some("last_name"), Some("birth_date")];
    for titles in [
        ["Mobile phone", "First name", "Last_Name", "Birthday"],
        ["Номер телефона", "ИМЯ", "Фамилия", "Дата рождения"],
        ["Мобільний телефон", "Ім'я", "Прізвище", "Дата народження"],
        ["N° de téléphone", "Prénom", "Nom", "Date de naissance"],
        ["Teléfono móvil", "Nombre", "Apellidos", "Fecha de nacimiento"],
        ["Cellulare", "Nome", "Cognome", "Data di nascita"],
        ["Handy-Nr.", "Vorname", "Name", "Geburtsdatum"],
    ] {
        assert_eq!(map(&titles), names, "{titles:?}");
    }
    assert_eq!(
        map(&["E-mail", "Пол", "Компания", "Сайт", "Примечание", "Язык", "ID", "Согласие", "Отчество", "Скидка, %"]),
        [
            Some("email"),
            Some("sex"),
            Some("company"),
            Some("link"),
            Some("comment"),
            Some("language"),
            Some("external_id"),
            Some("consent"),
            Some("patronymic"),
            None
        ]
    );
    assert_eq!(map(&["phone", "Телефон"]), [Some("phone"), None]);
}

#[test]
fn titles_are_known_as_people_shorten_them() {
    for (title, field) in [
        ("Time zone", "time_zone"),
        ("Часовой пояс", "time_zone"),
        ("Часовий пояс", "time_zone"),
        ("Fuseau horaire", "time_zone"),
        ("Zona horaria", "time_zone"),
        ("Fuso orario", "time_zone"),
        ("Zeitzone", "time_zone"),
        ("Эл. почта", "email"),
        ("Ел. пошта", "email"),
        ("Ім\u{2bc}я", "first_name"),
        ("Ім’я", "first_name"),
        ("Primer apellido", "last_name"),
        ("Дата рожд.", "birth_date"),
        ("ДР", "birth_date"),
        ("Д.р.", "birth_date"),
        ("Fecha nac.", "birth_date"),
        ("Date naissance", "birth_date"),
        ("Né(e) le", "birth_date"),
        ("Née le", "birth_date"),
        ("Согласие на ОПД", "consent"),
        ("Моб. телефон", "phone"),
        ("Full name", "full_name"),
        ("Nombre y apellidos", "full_name"),
        ("Vor- und Nachname", "full_name"),
        ("Ф.И.О.", "full_name_family_first"),
        ("ПІБ", "full_name_family_first"),
        ("Nom et prénom", "full_name_family_first"),
        ("Cognome e nome", "full_name_family_first"),
    ] {
        assert_eq!(suggest_mapping(&[title.to_owned()]), [Some(field)], "{title}");
    }
}

#[test]
fn moments_of_consent() {
    for (text, moment) in [
        ("2002-02-22", "2002-02-22T00:00:00+00:00"),
        ("22.02.2002 10:15", "2002-02-22T10:15:00+00:00"),
        ("2002-02-22T10:15:30", "2002-02-22T10:15:30+00:00"),
        ("2002-02-22 10:15:30.25", "2002-02-22T10:15:30.250+00:00"),
        ("2002-02-22T10:15:30+02:00", "2002-02-22T08:15:30+00:00"),
    ] {
        assert_eq!(parse_moment(text).map(|moment| moment.to_rfc3339()).as_deref(), Some(moment), "{text}");
    }
    for text in ["", "yesterday", "22.02.2002 25:00", "22.02.2002 x", "10:15", "0001-01-01T00:00:00Z"] {
        assert_eq!(parse_moment(text), None, "{text}");
    }
}

#[test]
fn numbers_between_separators_are_rows_of_their_own() {
    let lines = |text: &str, name: &str| {
        let table = open_bytes(text, name).unwrap();
        (
            table.is_list,
            all(table).into_iter().map(|row| row.unwrap()).map(|row| (row.line, row.cells)).collect::<Vec<_>>(),
        )
    };
    let one = |line: u64, cell: &str| (line, vec![cell.to_owned()]);
    let (is_list, rows) = lines("+44 7400 100001, +447400100002,,+447400100003\n", "a.csv");
    assert!(is_list);
    let trimmed: Vec<_> = rows.iter().map(|(line, cells)| one(*line, cells[0].trim())).collect();
    assert_eq!(trimmed, [one(1, "+44 7400 100001"), one(2, "+447400100002"), one(4, "+447400100003")]);
    let (is_list, rows) = lines("79031234567;79031234568\n79031234569\n", "a.txt");
    assert!(is_list && rows.len() == 3, "{rows:?}");
    // More than any table has columns.
    let many: String = (0..50_000).map(|n| format!("+4474001{n:05};")).collect();
    let (is_list, rows) = lines(&many, "a.txt");
    assert!(is_list && rows.len() == 50_000);
    for (text, name) in [
        ("79031234567;79031234568\n79031234569;79031234570\n", "a.csv"),
        ("79031234567;61152000\n79031234569;61152001\n", "a.txt"),
        ("79031234567;Ann\n", "a.txt"),
        ("+447400100001\n+447400100002\n", "a.txt"),
    ] {
        assert!(!lines(text, name).0, "{text}");
    }
}

#[test]
fn a_slip_in_a_list_costs_itself_alone() {
    let entries = |text: &str, name: &str| {
        let table = open_bytes(text, name).unwrap();
        let is_list = table.is_list;
        let rows: Vec<String> = all(table).into_iter().map(|row| row.unwrap().cells[0].trim().to_owned()).collect();
        (is_list, rows)
    };
    let (a, b, c, d) = ("+447400600001", "+447400600002", "+447400600003", "+447400600004");
    for (text, name, expected) in [
        (format!("{a}, {b}, {c}, abc"), "l.txt", vec![a, b, c, "abc"]),
        (format!("{a},{b},12"), "l.txt", vec![a, b, "12"]),
        (format!("abc,{a},{b}"), "l.txt", vec!["abc", a, b]),
        (format!("phone,{a},{b}\n"), "l.csv", vec!["phone", a, b]),
        (format!("{a},{b},+44 7400,+99912345678"), "l.csv", vec![a, b, "+44 7400", "+99912345678"]),
        (format!("{a},{b}\n{c},12"), "l.txt", vec![a, b, c, "12"]),
        (format!("{a};{b};{c}\n{d}\n{a};{b};x;{c}\n"), "l.txt", vec![a, b, c, d, a, b, "x", c]),
    ] {
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(entries(&text, name), (true, expected), "{text}");
    }
    for (text, name) in [
        (format!("{a};{b};Ann\n{c};{d};Bob\n"), "t.txt"),
        (format!("{a};;\n{b};;Ann\n{c};{d};\n"), "t.txt"),
        (format!("{a};Ann\n{b}\n{c}\n"), "t.txt"),
        (format!("Phone;Second phone\n{a};{b}\n{c};{d}\n"), "t.txt"),
        (format!("{a},{b}\n{c},12\n"), "t.csv"),
        (format!("{a},Ann,Leeds\n"), "t.txt"),
        (format!("{a},Ann\n"), "t.csv"),
    ] {
        assert!(!entries(&text, name).0, "{text}");
    }
}

#[test]
fn the_first_rows_can_be_looked_at_before_they_are_taken() {
    let table = open_bytes("Phone;Name\n79031234567;Ann\n1;2;3\n79031234568\n", "a.csv").unwrap();
    let peeked: Vec<_> = table.peek(9).into_iter().map(|row| (row.line, row.cells)).collect();
    assert_eq!(peeked, [(2, vec!["79031234567".into(), "Ann".into()]), (4, vec!["79031234568".into(), String::new()])]);
    assert_eq!(all(table).len(), 3, "they are still there");
}
