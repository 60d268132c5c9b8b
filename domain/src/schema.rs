//! How value types describe themselves in the OpenAPI document, so that the API's structs use them as they are.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// A string with a description, an example and perhaps a format.
pub fn string(description: &str, example: &str, format: Option<&str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(format.map(|f| SchemaFormat::Custom(f.to_owned())))
        .description(Some(description))
        .examples([serde_json::Value::from(example)])
        .into()
}

/// A string that is one of these words. Readers keep words they do not know: later versions may add some.
pub fn one_of(description: &str, words: &[&'static str]) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .enum_values(Some(words.iter().copied()))
        .examples(words.first().map(|w| serde_json::Value::from(*w)))
        .into()
}

/// Registers a type under its name, for a hand-written `ToSchema::schemas` that refers to it.
pub fn add<T: PartialSchema + ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((T::name().into_owned(), T::schema()));
    T::schemas(all);
}
