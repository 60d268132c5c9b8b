//! What is refused at once, and errors by line.

use std::collections::BTreeMap;

use super::*;
use crate::{Code, contacts};

type Asked = Option<BTreeMap<String, String>>;

fn mapping(pairs: &[(&str, &str)]) -> Asked {
    Some(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
}

#[tokio::test]
async fn what_cannot_work_is_refused_before_anything_is_written() {
    for stage in stages().await {
        let csv = b"Phone,Name\n+447400100001,Anna\n".as_slice();
        let cases: [(&[u8], &str, Asked, Code); 6] = [
            (csv, "a.csv", mapping(&[("phone", "Mobile")]), Code::UnknownColumn),
            (csv, "a.csv", mapping(&[("phone", "1"), ("fields.city", "Name")]), Code::UnknownField),
            (csv, "a.csv", mapping(&[("first_name", "Name")]), Code::InvalidRequest),
            (b"Name,City\nAnna,Paris\n", "a.csv", None, Code::InvalidRequest),
            (b"%PDF-1.7", "a.csv", None, Code::FileRefused),
            (b"", "a.csv", None, Code::FileRefused),
        ];
        for (bytes, name, mapping, code) in cases {
            let order = Order { mapping, groups: vec!["New".into()], ..Order::default() };
            let error = accept(&stage, bytes, name, order).await.unwrap_err();
            assert_eq!(error.code, code, "{error}");
        }
        for table in ["imports", "files", "groups"] {
            assert_eq!(stage.count(table).await, 0, "{table}");
        }
    }
}

#[tokio::test]
async fn every_refused_row_is_told_by_line_and_reason() {
    for stage in stages().await {
        let csv = "Phone;E-mail;Birthday\n\
            +447400100001;anna@example.com;01.02.1990\n\
            12;;\n\
            ;x@example.com;\n\
            +447400100002;nobody;\n\
            +447400100003;;31.02.1990\n\
            +447400100004;;;;too;many\n\
            +442079460000;;\n\
            +44 7400 100001;;\n";
        let done = import(&stage, csv, MergeType::Update).await;
        assert_eq!(five(done.counts), [1, 0, 0, 1, 6]);
        let (refused, more) =
            super::super::errors(stage.db.read(), &stage.scope, done.id, Window { limit: 4, after: None })
                .await
                .unwrap();
        assert!(more);
        let (rest, more) = super::super::errors(
            stage.db.read(),
            &stage.scope,
            done.id,
            Window { limit: 4, after: Some(refused[3].line) },
        )
        .await
        .unwrap();
        assert!(!more);
        let told: Vec<_> = refused.iter().chain(&rest).map(|e| (e.line, e.code.as_str(), e.field.as_deref())).collect();
        assert_eq!(
            told,
            [
                (3, "phone_too_short", Some("phone")),
                (4, "phone_empty", Some("phone")),
                (5, "invalid_email", Some("email")),
                (6, "invalid_date", Some("birth_date")),
                (7, "file_row_too_long", None),
                (8, "phone_not_mobile", Some("phone")),
            ]
        );
    }
}

#[tokio::test]
async fn a_plain_list_of_numbers_needs_no_mapping_and_strangers_see_nothing() {
    for stage in stages().await {
        let queued = accept(&stage, b"+447400100001\n+447400100002\n", "a.txt", Order::default()).await.unwrap();
        let done = finish(&stage, &queued).await;
        assert_eq!(five(done.counts), [2, 0, 0, 0, 0]);
        let stranger = stage.stranger().await;
        assert_eq!(get(stage.db.read(), &stranger, done.id).await.unwrap_err().code, Code::NotFound);
        let first = Window { limit: 10, after: None };
        let none = contacts::list(stage.db.read(), &stranger, &contacts::Filter::default(), first, None).await.unwrap();
        assert!(none.rows.is_empty());
    }
}

#[tokio::test]
async fn the_import_s_country_reads_bare_digits_as_national() {
    for stage in stages().await {
        let order = Order { default_country: Some("RU".parse().unwrap()), ..Order::default() };
        let csv = "Телефон\n89167281722\n9107873904\n".as_bytes();
        let queued = accept(&stage, csv, "a.csv", order).await.unwrap();
        finish(&stage, &queued).await;
        let first = Window { limit: 10, after: None };
        let all = contacts::list(stage.db.read(), &stage.scope, &contacts::Filter::default(), first, None)
            .await
            .unwrap()
            .rows;
        assert_eq!(all.iter().map(|c| c.phone.to_string()).collect::<Vec<_>>(), ["+79167281722", "+79107873904"]);
        assert_eq!(all[0].country.as_deref(), Some("RU"));
    }
}
