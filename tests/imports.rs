//! Imports: broken and hostile files, unknown columns and fields, errors by line, and nothing half-done.

use std::io::Write as _;

use serde_json::json;

use crate::harness::Client;

fn refused(app: &Client, name: &str, content: &[u8], fields: &[(&str, &str)], code: &str) -> String {
    let problem = app.upload(name, content, fields).refused(422, code);
    problem["detail"].as_str().unwrap().to_owned()
}

/// A workbook whose one sheet says `sheet`, and whatever else is put in.
fn workbook(sheet: &[u8], more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let plain = zip::write::SimpleFileOptions::default();
    let book = br#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
    let links = br#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
    let kinds = br#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#;
    let files: [(&str, &[u8]); 4] = [
        ("[Content_Types].xml", kinds),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", links),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    for (name, content) in files.iter().chain(more) {
        zip.start_file(*name, plain).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Answers within a second on a sound build; a debug build on a machine that does other things gets more.
fn quickly<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = std::time::Instant::now();
    let result = work();
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{what} took {:?}", began.elapsed());
    result
}

both! {
    fn a_file_that_cannot_be_read_is_refused_with_the_reason(stage) {
        let app = stage.start();
        let before = app.counts();
        let groups = [("groups", "Never made")];
        let fixture = |name: &str| std::fs::read(format!("{}/tests/fixtures/contacts/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let xlsx = fixture("mixed.xlsx");
        let half = &xlsx[..xlsx.len() / 2];
        let mut flipped = xlsx.clone();
        let middle = flipped.len() / 3;
        flipped[middle] ^= 0xff;
        let bomb = workbook(&b"<worksheet><sheetData>".iter().copied().chain(std::iter::repeat_n(b' ', 200 << 20)).collect::<Vec<_>>(), &[]);
        let entities = workbook(
            br#"<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]><worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&c;</t></is></c></row></sheetData></worksheet>"#,
            &[],
        );
        let cases: Vec<(&str, &[u8], &str)> = vec![
            ("empty.csv", b"", "file_empty"),
            ("blank.csv", b"\n\n \n", "file_empty"),
            ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file_format_unknown"),
            ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1more", "file_"),
            ("notes.pdf", b"%PDF-1.7 ...", "file_format_unknown"),
            ("half.xlsx", half, "file_broken"),
            ("flipped.xlsx", &flipped, "file_"),
            ("text.xlsx", b"phone\n+447400100001\n", "file_"),
            ("bomb.xlsx", &bomb, "file_"),
            ("entities.xlsx", &entities, "file_"),
        ];
        for (name, content, reason) in cases {
            let detail = refused(&app, name, content, &groups, "file_refused");
            assert!(detail.starts_with(reason), "{name}: {detail}");
        }
        // What costs nothing to make must cost nothing to refuse, wherever it stands in the file.
        let corner = br#"<worksheet><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>"#;
        let wide = br#"<worksheet><sheetData><row r="1"><c r="ZZZZ1"><v>1</v></c></row></sheetData></worksheet>"#;
        let rows: String = crate::harness::numbers(0, 50).iter().map(|n| format!("{n},Ann\n")).collect();
        let rows = format!("phone,first_name\n{rows}");
        let long = format!("phone,comment\n+447400100001,\"{}", "x".repeat(100_000));
        let late = format!("phone,first_name\n{}+447400100001,{}", "+447400100001,Ann\n".repeat(20_000), ",".repeat(300) + "x");
        let cases: Vec<(&str, Vec<u8>, &str)> = vec![
            ("corner.xlsx", workbook(corner, &[]), "file_too_many_columns"),
            ("wide.xlsx", workbook(wide, &[]), "file_broken"),
            ("columns.csv", "x;".repeat(1_000_000).into_bytes(), "file_too_many_columns"),
            ("late.csv", late.into_bytes(), "file_too_many_columns"),
            ("unclosed.csv", long.into_bytes(), "file_quote_unclosed"),
            ("nul.csv", format!("{rows}+447400100001,A\0nn\n").into_bytes(), "file_nul_bytes"),
            ("rows.csv", "1\n".repeat(1_000_001).into_bytes(), "file_too_many_rows"),
            ("list.txt", "+447400100001;".repeat(1_000_002).into_bytes(), "file_too_many_rows"),
            ("workbook.csv", xlsx.clone(), "file_format_unknown"),
            ("text.xls", rows.clone().into_bytes(), "file_format_unknown"),
        ];
        for (name, content, reason) in cases {
            let detail = quickly(name, || refused(&app, name, &content, &groups, "file_refused"));
            assert!(detail.starts_with(reason), "{name}: {detail}");
            let problem = app.upload_to("/v1/contacts/imports/preview", name, &content, &[]).refused(422, "file_refused");
            assert!(problem["detail"].as_str().unwrap().starts_with(reason), "{name}: {problem}");
        }
        let big = vec![b'1'; (64 << 20) + 1];
        app.upload("big.csv", &big, &groups).refused(413, "body_too_large");
        // A cell that is too long costs its row, not the file.
        let cell = format!("{rows}+447400100099,{}\n", "x".repeat(5_001));
        let import = app.import("cell.csv", cell.as_bytes(), &[("mapping", r#"{"phone": "phone"}"#)]);
        assert_eq!((import["errors"][0]["code"].as_str(), import["errors"][0]["line"].as_i64()), (Some("file_cell_too_long"), Some(52)));
        assert_eq!(import["result"]["created"], 50);
        assert_eq!((app.counts()["contacts"], app.counts()["groups"]), (before["contacts"] + 50, before["groups"]));
        app.get("/healthz").ok(200);
    }

    fn a_mapping_must_name_what_is_there(stage) {
        let app = stage.start();
        let before = app.counts();
        let file = b"Mobile phone,First name\n+447400100001,Ann\n";
        let with = |fields: &[(&str, &str)], code: &str| refused(&app, "people.csv", file, fields, code);
        let detail = with(&[("mapping", r#"{"phone": "Telephone"}"#), ("groups", "Never made")], "unknown_column");
        assert!(detail.contains("Mobile phone"), "the columns that are there are told: {detail}");
        with(&[("mapping", r#"{"phone": "9"}"#)], "unknown_column");
        with(&[("mapping", r#"{"phone": "Mobile phone", "fields.nickname": "First name"}"#)], "unknown_field");
        with(&[("mapping", r#"{"phone": "Mobile phone", "shoe_size": "First name"}"#)], "unknown_field");
        with(&[("mapping", "phone=1")], "invalid_request");
        with(&[("merge", "sideways")], "invalid_request");
        with(&[("default_country", "Narnia")], "invalid_request");
        with(&[("colour", "red")], "invalid_request");
        let at = |fields: &[(&str, &str)]| app.upload("people.csv", file, fields).refused(422, "invalid_request")["errors"][0]["pointer"].clone();
        assert_eq!(at(&[("encoding", "klingon")]), "/encoding");
        assert_eq!(at(&[("separator", "x")]), "/separator");
        assert_eq!(at(&[("groups", &"x".repeat(101))]), "/groups");
        app.ask("POST", "/v1/contacts/imports").json(&json!({})).go().refused(415, "unsupported_media_type");
        let boundary = "multipart/form-data; boundary=x";
        app.ask("POST", "/v1/contacts/imports").body(boundary, b"--x\r\nnonsense".to_vec()).go().refused(422, "invalid_request");
        app.ask("POST", "/v1/contacts/imports").body(boundary, b"--x--\r\n".to_vec()).go().refused(422, "invalid_request");
        assert_eq!(app.counts(), before);
    }

    fn every_refused_row_is_told_by_line_and_the_rest_is_there(stage) {
        let app = stage.start();
        let mut file = "phone,first_name,birth_date\n".to_owned();
        for n in 0..150 {
            file.push_str(&format!("12{n},Short,\n+44740010{n:04},Ann,1990-01-31\n"));
        }
        file.push_str("+447400100000,Twice,\n,Nobody,\n=cmd|' /C calc'!A0,Evil,\n");
        let import = app.import("people.csv", file.as_bytes(), &[]);
        let result = &import["result"];
        assert_eq!(
            ["rows", "created", "duplicates", "invalid"].map(|k| result[k].as_i64().unwrap()),
            [303, 150, 1, 152],
            "{result}"
        );
        assert_eq!(import["errors"].as_array().unwrap().len(), 100, "the first hundred");
        let all = app.pages(&format!("/v1/contacts/imports/{}/errors", import["id"].as_str().unwrap()));
        assert_eq!(all.len(), 152);
        let lines: Vec<i64> = all.iter().map(|e| e["line"].as_i64().unwrap()).collect();
        let wanted: Vec<i64> = (0..150).map(|n| 2 + 2 * n).chain([303, 304]).collect();
        assert_eq!(lines, wanted);
        assert!(all.iter().all(|e| e["field"] == "phone" && e["code"].is_string() && e["detail"].is_string()));
        assert_eq!(app.pages("/v1/contacts").len(), 150);
    }

    fn a_slip_in_a_list_of_numbers_loses_no_other(stage) {
        let app = stage.start();
        let lists: [(&str, &[u8], i64, i64); 4] = [
            ("l.txt", b"+447400600001, +447400600002, +447400600003, abc", 3, 4),
            ("l.csv", b"phone,+447400600004,+447400600005\n", 2, 1),
            ("l.csv", b"+447400600006,+447400600007,+44 7400,+99912345678", 2, 3),
            ("l.txt", b"+447400600008,+447400600009\n+447400600010,12\n", 3, 4),
        ];
        for (name, content, added, line) in lists {
            let import = app.upload_to("/v1/blacklist/imports", name, content, &[]).ok(202);
            let path = format!("/v1/blacklist/imports/{}", import["id"].as_str().unwrap());
            let done = crate::harness::until("it ends", || Some(app.read(&path)).filter(|i| i["status"] == "completed"));
            assert_eq!(done["result"]["added"], added, "{done}");
            assert_eq!((&done["errors"][0]["line"], &done["errors"][0]["field"]), (&json!(line), &json!("phone")), "{done}");
        }
        assert_eq!(app.pages("/v1/blacklist").len(), 10);
    }

    fn whole_names_are_taken_apart_and_groups_are_known_in_any_case(stage) {
        let app = stage.start();
        let file = "Телефон;ФИО\n+447400100001;Щукин Пётр Иванович\n+447400100002;\n+447400100003;Анна\n";
        let import = app.import("people.csv", file.as_bytes(), &[("groups", "Vips, VIPS ,vips")]);
        assert_eq!(import["mapping"], json!({"phone": "Телефон", "full_name_family_first": "ФИО"}));
        assert_eq!(import["groups"].as_array().unwrap().len(), 1, "{import}");
        let again = app.import("people.csv", "Phone,Full name\n+447400100003,Anna Maria Smith\n".as_bytes(), &[("groups", "vips")]);
        assert_eq!((&again["groups"], &again["result"]["updated"]), (&import["groups"], &json!(1)));
        let names = |c: serde_json::Value| json!([c["last_name"], c["first_name"], c["patronymic"]]);
        let names: Vec<_> = app.pages("/v1/contacts").into_iter().map(names).collect();
        assert_eq!(names, [json!(["Щукин", "Пётр", "Иванович"]), json!([null, null, null]), json!(["Smith", "Anna Maria", null])]);
    }

    fn dates_with_the_month_first_are_proved_or_told(stage) {
        let app = stage.start();
        app.post("/v1/contact-fields", &json!({"key": "since", "title": "Since", "type": "date"})).ok(201);
        let rows = |second: &str| format!(
            "Phone,Birthday,Since,Consent,Consent date\n+447400100001,02/03/1990,3/2/2020,yes,03/02/2020 10:15\n+447400100002,{second},,,\n"
        );
        let dates = |app: &crate::harness::App| -> Vec<_> {
            let seen = |c: serde_json::Value| json!([c["birth_date"], c["fields"]["since"], c["consent"]["at"]]);
            app.pages("/v1/contacts").into_iter().map(seen).collect()
        };
        let preview = |file: &str, fields: &[(&str, &str)]| {
            app.form("/v1/contacts/imports/preview", Some(("a.csv", file.as_bytes())), fields).ok(200)["date_order"].clone()
        };
        let (proved, open) = (rows("02/13/1990"), rows("04/05/1990"));
        assert_eq!((preview(&proved, &[]), preview(&open, &[])), (json!("month_first"), json!(null)));
        assert_eq!(preview(&open, &[("date_order", "month_first")]), "month_first");
        assert_eq!(app.import("a.csv", proved.as_bytes(), &[])["result"]["created"], 2);
        assert_eq!(dates(&app), [json!(["1990-02-03", "2020-03-02", "2020-03-02T10:15:00.000000Z"]), json!(["1990-02-13", null, null])]);
        assert_eq!(app.import("a.csv", open.as_bytes(), &[("date_order", "month_first")])["result"]["updated"], 1);
        assert_eq!(dates(&app)[1], json!(["1990-04-05", null, null]));
        assert_eq!(app.import("a.csv", open.as_bytes(), &[])["result"]["updated"], 2, "without proof the day is first");
        assert_eq!(dates(&app)[1], json!(["1990-05-04", null, null]));
        assert_eq!(app.import("a.csv", proved.as_bytes(), &[("date_order", "day_first")])["errors"][0]["code"], "invalid_date");
        app.upload("a.csv", open.as_bytes(), &[("date_order", "year_first")]).refused(422, "invalid_request");
        app.upload_to("/v1/blacklist/imports", "a.csv", open.as_bytes(), &[("date_order", "day_first")]).refused(422, "invalid_request");
    }

    fn the_sheet_of_a_workbook_may_be_told(stage) {
        let app = stage.start();
        let book = std::fs::read(format!("{}/tests/fixtures/contacts/mixed.xls", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let preview = |fields: &[(&str, &str)]| app.form("/v1/contacts/imports/preview", Some(("mixed.xls", &book)), fields);
        let seen = preview(&[]).ok(200);
        assert_eq!((&seen["sheets"], &seen["sheet"]), (&json!(["Empty", "People"]), &json!("People")));
        assert_eq!(preview(&[("sheet", "2")]).ok(200)["sheet"], "People");
        let refused = preview(&[("sheet", "Orders")]).refused(422, "invalid_request");
        assert_eq!(refused["errors"][0]["pointer"], "/sheet");
        assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("People"), "{refused}");
        preview(&[("sheet", "Empty")]).refused(422, "file_refused");
        let done = app.import("mixed.xls", &book, &[("sheet", "people")]);
        assert_eq!((&done["status"], &done["result"]["created"]), (&json!("completed"), &json!(12)), "{done}");
        let listed = app.upload_to("/v1/blacklist/imports", "mixed.xls", &book, &[("sheet", "Orders")]);
        assert_eq!(listed.refused(422, "invalid_request")["errors"][0]["pointer"], "/sheet");
        let text = app.form("/v1/contacts/imports/preview", Some(("a.csv", b"+447400100001\n")), &[("sheet", "any")]).ok(200);
        assert_eq!((&text["sheets"], &text["sheet"]), (&json!([]), &json!(null)));
    }

    fn an_import_is_stopped_and_keeps_what_is_counted(stage) {
        let app = stage.start();
        let rows: String = (0..100_000).map(|n| format!("+447400{n:06},Ann\n")).collect();
        let file = format!("phone,first_name\n{rows}");
        for to in ["/v1/contacts/imports", "/v1/blacklist/imports"] {
            let import = app.upload_to(to, "people.csv", file.as_bytes(), &[]).ok(202);
            let path = format!("{to}/{}", import["id"].as_str().unwrap());
            let stopped = app.ask("POST", &format!("{path}/cancel")).key("once").go().ok(200);
            assert_eq!((stopped["status"].as_str(), stopped["finished_at"].is_string()), (Some("cancelled"), true), "{stopped}");
            assert!(stopped["progress"]["done"].as_i64().unwrap() < 100_000, "{stopped}");
            assert_eq!(app.ask("POST", &format!("{path}/cancel")).key("once").go().ok(200), stopped, "the same request again");
            app.ask("POST", &format!("{path}/cancel")).go().refused(409, "conflict");
            let stream = String::from_utf8(app.get(&format!("{path}/progress")).body).unwrap();
            assert!(stream.contains("event: cancelled\n"), "{stream}");
            assert_eq!(app.read(&path), stopped, "nothing follows");
        }
        let other = app.upload_to("/v1/blacklist/imports", "l.txt", b"+447400100001", &[]).ok(202);
        app.ask("POST", &format!("/v1/contacts/imports/{}/cancel", other["id"].as_str().unwrap())).go().refused(404, "not_found");
    }

    fn values_are_read_as_people_write_them_and_links_are_checked(stage) {
        let app = stage.start();
        for (key, kind) in [("spent", "number"), ("vip", "boolean")] {
            app.post("/v1/contact-fields", &json!({"key": key, "title": key, "type": kind})).ok(201);
        }
        let file = "Phone;Sex;Consent;Link;S;V\n+447400100001;Frau;Согласен;example.com/a;1.250,50;wahr\n\
            +447400100002;Varón;отписан;https://example.com;1,250.50;faux\n+447400100003;n/a;-;;12;\n\
            +447400100004;m;x;javascript:alert(1);1;да\n+447400100005;;;;1,250;\n";
        let mapping = r#"{"phone": "1", "sex": "2", "consent": "3", "link": "4", "fields.spent": "5", "fields.vip": "6"}"#;
        let import = app.import("people.csv", file.as_bytes(), &[("mapping", mapping)]);
        let told: Vec<_> = import["errors"].as_array().unwrap().iter().map(|e| [&e["line"], &e["field"], &e["code"]]).collect();
        let (link, spent) = (["link", "invalid_link"].map(|w| json!(w)), ["fields.spent", "invalid_number"].map(|w| json!(w)));
        assert_eq!(told, [[&json!(5), &link[0], &link[1]], [&json!(6), &spent[0], &spent[1]]]);
        let seen: Vec<_> = app.pages("/v1/contacts").into_iter().map(|c| json!([c["sex"], c["consent"]["status"], c["link"], c["fields"]])).collect();
        assert_eq!(seen, [
            json!(["female", "given", "https://example.com/a", {"spent": 1250.5, "vip": true}]),
            json!(["male", "refused", "https://example.com", {"spent": 1250.5, "vip": false}]),
            json!([null, "unknown", null, {"spent": 12}]),
        ]);
    }

    fn the_progress_of_an_import_streams_to_its_end(stage) {
        let app = stage.start();
        let rows: String = crate::harness::numbers(0, 300).iter().map(|n| format!("{n}\n")).collect();
        let import = app.upload("people.csv", format!("phone\n{rows}").as_bytes(), &[]).ok(202);
        let answer = app.get(&format!("/v1/contacts/imports/{}/progress", import["id"].as_str().unwrap()));
        let text = String::from_utf8(answer.body).unwrap();
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"));
        let last = text.trim_end().rsplit("\n\n").next().unwrap();
        assert!(last.starts_with("event: completed\n"), "{text}");
        assert!(last.contains("\"created\":300"), "{last}");
    }

    fn all_refused_rows_come_as_one_table_that_is_no_formula(stage) {
        let app = stage.start();
        let mut file = "Mobile,Name\n".to_owned();
        for n in 0..4_500 {
            file.push_str(&format!("=12{n},Ann\n"));
        }
        file.push_str("+447400100001,Ann\n");
        let import = app.import("people.csv", file.as_bytes(), &[]);
        assert_eq!(import["result"]["invalid"], 4_500);
        let answer = app.get(&format!("/v1/contacts/imports/{}/errors.csv", import["id"].as_str().unwrap()));
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv; charset=utf-8"));
        let text = String::from_utf8(answer.body.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "\u{feff}line,column,field,code,detail,value");
        assert_eq!(lines.len(), 4_501, "every one of them");
        assert!(lines[1].starts_with("2,Mobile,phone,phone_") && lines[1].ends_with(",'=120"), "{}", lines[1]);
        assert!(lines[4_500].starts_with("4501,Mobile,"), "{}", lines[4_500]);
        let stranger = app.with_token(&stage.account("Stranger", "1.00", &[]).1);
        stranger.get(&format!("/v1/contacts/imports/{}/errors.csv", import["id"].as_str().unwrap())).refused(404, "not_found");
    }

    fn a_file_is_sent_once_looked_at_and_imported_by_its_id(stage) {
        let app = stage.start();
        let book = std::fs::read(format!("{}/tests/fixtures/contacts/mixed.xls", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let file = app.upload_to("/v1/files", "mixed.xls", &book, &[]).ok(201);
        let id = file["id"].as_str().unwrap();
        assert_eq!((&file["name"], &file["bytes"]), (&json!("mixed.xls"), &json!(book.len())));
        let form = |to: &str, fields: &[(&str, &str)]| app.form(to, None, fields);
        let seen = form("/v1/contacts/imports/preview", &[("file_id", id)]).ok(200);
        assert_eq!((seen["format"].as_str(), seen["header"].as_bool(), seen["rows"].as_u64()), (Some("xls"), Some(true), None));
        assert_eq!(seen["suggestions"][0], json!({"field": "phone", "column": 1, "by": "title"}));
        assert_eq!(seen["first_rows"][0]["phone"], "+221701237726");
        assert_eq!(seen["first_rows"].as_array().unwrap().len(), 12);
        let mapping = seen["mapping"].to_string();
        let listed = form("/v1/blacklist/imports/preview", &[("file_id", id)]).ok(200);
        assert_eq!(listed["mapping"], json!({"phone": "Mobile phone"}));
        let import = form("/v1/contacts/imports", &[("file_id", id), ("mapping", &mapping), ("groups", "Mixed")]).ok(202);
        let path = format!("/v1/contacts/imports/{}", import["id"].as_str().unwrap());
        let done = crate::harness::until("it ends", || Some(app.read(&path)).filter(|i| i["status"] == "completed"));
        assert_eq!(done["result"]["created"], 12, "{done}");
        // Its groups are known by id, too.
        let group = done["groups"][0]["id"].as_str().unwrap();
        form("/v1/contacts/imports", &[("file_id", id), ("group_ids", group)]).ok(202);
        app.upload_to("/v1/contacts/imports", "a.csv", b"1", &[("file_id", id)]).refused(422, "invalid_request");
        form("/v1/contacts/imports", &[("groups", "Mixed")]).refused(422, "invalid_request");
        form("/v1/contacts/imports", &[("file_id", "nonsense")]).refused(422, "invalid_request");
        app.read(&format!("/v1/files/{id}"));
        let stranger = app.with_token(&stage.account("Stranger", "1.00", &[]).1);
        stranger.get(&format!("/v1/files/{id}")).refused(404, "not_found");
        stranger.form("/v1/contacts/imports", None, &[("file_id", id)]).refused(404, "not_found");
        app.delete(&format!("/v1/files/{id}")).ok(204);
        form("/v1/contacts/imports/preview", &[("file_id", id)]).refused(404, "not_found");
    }
}
