//! The progress of an import, whatever its rows become.

use actix_web::{HttpResponse, web::Data};
use domain::{
    ids::ImportId,
    imports::{self, Kind},
    scope::AccountScope,
};

use super::{ImportProgress, shown};
use crate::{
    App,
    shared::progress::{self, Event, Seen},
    v1::{blacklist, unsubscribes},
};

/// The answer that goes on until the import has ended.
pub(in crate::v1) fn stream(app: Data<App>, scope: AccountScope, id: ImportId) -> HttpResponse {
    progress::stream(move || look(app.clone(), scope.clone(), id))
}

async fn look(app: Data<App>, scope: AccountScope, id: ImportId) -> domain::Result<Seen<ImportProgress>> {
    let db = app.db.read();
    let row = imports::get(db, &scope, id).await?;
    let progress = ImportProgress::of(&row);
    if !row.status.is_final() {
        return Ok(Seen { progress, last: None });
    }
    let name = row.status.as_str();
    let last = match row.kind {
        Kind::Contacts => Event::new(name, &shown(db, &scope, row).await?),
        Kind::Blacklist => Event::new(name, &blacklist::imports::shown(db, &scope, row).await?),
        Kind::Unsubscribes => Event::new(name, &unsubscribes::imports::shown(db, &scope, row).await?),
    };
    Ok(Seen { progress, last: Some(last) })
}
