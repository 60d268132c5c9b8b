//! An event as it is answered, and its schema: one for each family of types, told apart by `type`.
//!
//! Invariant: every type that a reader can see is in the discriminator's mapping. `data` goes out as it was written, so
//! that a reader of this version is told what a later one wrote during an upgrade.

use std::borrow::Cow;

use domain::{
    clock::Timestamp,
    events::{
        CampaignEventData, CampaignFailedEventData, CampaignStartedEventData, Event as Row, ImportEventData,
        InboundMessageEventData, Kind, MessageEventData, SenderEventData, TOLD, message_kind,
    },
    schema::add,
};
use serde::Serialize;
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Discriminator, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, schema::Type},
};

use crate::openapi::example_of;

/// Something that happened.
#[derive(Debug, Serialize)]
pub struct Event {
    /// Its id, the same whenever it is read.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its place in the stream.
    pub cursor: String,
    /// When.
    pub created_at: Timestamp,
    /// What a reader needs to act without asking back.
    pub data: serde_json::Value,
}

impl From<Row> for Event {
    fn from(row: Row) -> Self {
        let Row { id, kind, created_at, data, place } = row;
        Self { id, kind, cursor: place.to_string(), created_at, data }
    }
}

/// The events that carry the same data.
struct Family {
    name: &'static str,
    about: &'static str,
    data: &'static str,
}

const MESSAGE: Family = Family {
    name: "MessageEvent",
    about: "A message came to another state, which is the second word of `type`.",
    data: "MessageEventData",
};

/// The family of what a row tells of.
fn family(kind: Kind) -> Family {
    match kind {
        Kind::MessagesMoved => MESSAGE,
        Kind::MessageReceived => Family {
            name: "InboundMessageEvent",
            about: "A subscriber has written to one of the account's senders.",
            data: "InboundMessageEventData",
        },
        Kind::CampaignLaunched
        | Kind::CampaignPaused
        | Kind::CampaignResumed
        | Kind::CampaignFinishing
        | Kind::CampaignCompleted
        | Kind::CampaignCancelled => {
            Family { name: "CampaignEvent", about: "A campaign came to another state.", data: "CampaignEventData" }
        }
        Kind::CampaignStarted => Family {
            name: "CampaignStartedEvent",
            about: "A campaign's money is held, and its first message may leave.",
            data: "CampaignStartedEventData",
        },
        Kind::CampaignFailed => Family {
            name: "CampaignFailedEvent",
            about: "A campaign ended before its first message left; nothing was charged.",
            data: "CampaignFailedEventData",
        },
        Kind::ImportCompleted | Kind::ImportFailed => {
            Family { name: "ImportEvent", about: "An import came to its end.", data: "ImportEventData" }
        }
        Kind::SenderApproved | Kind::SenderRejected => {
            Family { name: "SenderEvent", about: "The operator decided on a sender.", data: "SenderEventData" }
        }
    }
}

/// Each family once, with the types that belong to it.
fn families() -> Vec<(Family, Vec<String>)> {
    let mut all: Vec<(Family, Vec<String>)> = Vec::new();
    for kind in Kind::ALL {
        let types = match kind {
            Kind::MessagesMoved => TOLD.iter().map(|status| message_kind(status.as_str())).collect(),
            other => vec![other.to_string()],
        };
        let family = family(*kind);
        match all.iter_mut().find(|(known, _)| known.name == family.name) {
            Some((_, known)) => known.extend(types),
            None => all.push((family, types)),
        }
    }
    all
}

fn envelope(family: &Family, types: &[String]) -> RefOr<Schema> {
    let string = |about: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(about));
    let mut data = Vec::new();
    data_schemas(&mut data);
    let data = data.iter().find(|(name, _)| name == family.data).and_then(|(_, schema)| example_of(schema));
    let kind = types.iter().find(|kind| kind.ends_with(".delivered") || kind.ends_with(".completed"));
    let example = json!({
        "id": "evt_01kazsw6e3f8e9xq2m4r7t5v0b_1",
        "type": kind.or(types.first()),
        "cursor": "1042-1",
        "created_at": "2026-11-21T10:00:00.000000Z",
        "data": data,
    });
    ObjectBuilder::new()
        .description(Some(family.about))
        .property("id", string("Its id, the same whenever it is read."))
        .required("id")
        .property("type", string("What happened.").enum_values(Some(types.iter().map(String::as_str))))
        .required("type")
        .property("cursor", string("Its place in the stream: send it as `after` to read on."))
        .required("cursor")
        .property("created_at", Ref::from_schema_name(Timestamp::name()))
        .required("created_at")
        .property("data", Ref::from_schema_name(family.data))
        .required("data")
        .examples([example])
        .into()
}

fn data_schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
    add::<MessageEventData>(all);
    add::<InboundMessageEventData>(all);
    add::<CampaignEventData>(all);
    add::<CampaignStartedEventData>(all);
    add::<CampaignFailedEventData>(all);
    add::<ImportEventData>(all);
    add::<SenderEventData>(all);
}

impl PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        let families = families();
        let place = |family: &Family| format!("#/components/schemas/{}", family.name);
        let mapping: Vec<(String, String)> =
            families.iter().flat_map(|(family, types)| types.iter().map(|t| (t.clone(), place(family)))).collect();
        let example = families.first().and_then(|(family, types)| example_of(&envelope(family, types)));
        let one_of = families
            .iter()
            .fold(OneOfBuilder::new(), |one_of, (family, _)| one_of.item(Ref::from_schema_name(family.name)));
        one_of
            .description(Some(
                "Something that happened. `type` tells what, and so what `data` holds. Later versions may add types: \
                 pass over those that you do not know.",
            ))
            .discriminator(Some(Discriminator::with_mapping("type", mapping)))
            .examples(example)
            .into()
    }
}

impl ToSchema for Event {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Event")
    }
    fn schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
        for (family, types) in families() {
            all.push((family.name.to_owned(), envelope(&family, &types)));
        }
        data_schemas(all);
        add::<Timestamp>(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_knows_every_type_that_a_reader_can_see() {
        let schema = serde_json::to_value(Event::schema()).unwrap();
        let mapped: Vec<&String> = schema["discriminator"]["mapping"].as_object().unwrap().keys().collect();
        let mut told = domain::events::public_kinds();
        told.sort_unstable();
        let mut mapped: Vec<String> = mapped.into_iter().cloned().collect();
        mapped.sort_unstable();
        assert_eq!(mapped, told);
    }
}
