//! Enums that are words: the same word in the database, in JSON and in the OpenAPI document.

/// A word that is not one of an enum's.
#[derive(Debug, thiserror::Error)]
#[error("{word:?} is not one of: {allowed}")]
pub struct UnknownWord {
    /// What was read.
    pub word: String,
    /// What would have been right.
    pub allowed: String,
}

/// Declares an enum of words: `text_enum! { /// What it is. pub enum Mode("AccountMode") { /// Real. Live =
/// "live", … } }`, with its name in the OpenAPI document where that differs. Gives `ALL`, `as_str`, `Display`, `FromStr`, serde, `ToSchema` and a sea-orm TEXT column.
#[macro_export]
macro_rules! text_enum {
    ($(#[doc = $doc:literal])+ pub enum $name:ident { $($rest:tt)+ }) => {
        $crate::text_enum! { $(#[doc = $doc])+ pub enum $name(stringify!($name)) { $($rest)+ } }
    };
    ($(#[doc = $doc:literal])+ pub enum $name:ident($schema:expr) { $($(#[doc = $vdoc:literal])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sea_orm::DeriveValueType)]
        #[sea_orm(value_type = "String")]
        pub enum $name { $($(#[doc = $vdoc])+ $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// The stable word.
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $word,)+ } }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result { f.write_str(self.as_str()) }
        }
        impl ::std::str::FromStr for $name {
            type Err = $crate::text_enum::UnknownWord;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|v| v.as_str() == s).ok_or_else(|| $crate::text_enum::UnknownWord {
                    word: $crate::ids::short(s),
                    allowed: [$($word,)+].join(", "),
                })
            }
        }
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <String as ::serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }
        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                let mut text = concat!($($doc, "\n",)+).trim().to_owned();
                $(text.push_str(concat!("\n- `", $word, "`:", $($vdoc,)+));)+
                $crate::schema::one_of(&text, &[$($word,)+])
            }
        }
        impl ::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> { ::std::borrow::Cow::Borrowed($schema) }
        }
    };
}
