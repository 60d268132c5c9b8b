//! Typed, sortable public ids: a prefix and a UUIDv7 in Crockford's base32 (`cmp_01kaz…`, the TypeID form).
//!
//! Invariants: an id of one kind never parses as another; text order is creation order; the database stores the bare
//! UUID. Random bytes are drawn here and in `tokens`, nowhere else.

use uuid::{Builder, Uuid};

use crate::clock::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A UUIDv7 (RFC 9562 §5.7) of this moment: 48 bits of milliseconds, 12 bits of the fraction, 62 random bits.
pub fn uuid_v7(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    let mut random = [0u8; 10];
    fill_random(&mut random);
    // RFC 9562 §6.2 method 3: the fraction of the millisecond keeps ids of one process in order.
    let fraction = u16::try_from(now.0.rem_euclid(1000) * 4096 / 1000).unwrap_or(0).to_be_bytes();
    random[0] = fraction[0];
    random[1] = fraction[1];
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// The smallest UUIDv7 of a moment: a bound for ranges over ids.
pub fn uuid_floor(at: Timestamp) -> Uuid {
    Uuid::from_u128(u128::from(u64::try_from(at.millis()).unwrap_or(0)) << 80)
}

/// Fills `bytes` from the operating system's generator.
///
/// The generator cannot fail on a system that runs at all; if it does, the process ends rather than hand out guessable
/// ids.
pub fn fill_random(bytes: &mut [u8]) {
    if getrandom::fill(bytes).is_err() {
        std::process::abort();
    }
}

/// 26 characters of Crockford's base32, most significant first.
pub fn encode(id: Uuid) -> String {
    let n = id.as_u128();
    (0..26u32)
        .rev()
        .map(|i| {
            let five = usize::try_from((n >> (i * 5)) & 31).unwrap_or(0);
            char::from(ALPHABET.get(five).copied().unwrap_or(b'0'))
        })
        .collect()
}

/// Reads what [`encode`] wrote; `None` for anything else.
pub fn decode(text: &str) -> Option<Uuid> {
    if text.len() != 26 {
        return None;
    }
    let mut n: u128 = 0;
    for (i, b) in text.bytes().enumerate() {
        let five = u128::try_from(ALPHABET.iter().position(|c| *c == b)?).ok()?;
        if i == 0 && five > 7 {
            return None; // 26 × 5 = 130 bits: the first character carries three
        }
        n = (n << 5) | five;
    }
    Some(Uuid::from_u128(n))
}

/// Declares an id type: `typed_id!(CampaignId, "cmp", "a campaign")`.
macro_rules! typed_id {
    ($name:ident, $prefix:literal, $what:literal) => {
        #[doc = concat!("The id of ", $what, ": `", $prefix, "_` and a UUIDv7.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sea_orm::DeriveValueType)]
        pub struct $name(pub ::uuid::Uuid);

        impl $name {
            /// What stands before the underscore.
            pub const PREFIX: &'static str = $prefix;
            /// A new id of this moment.
            pub fn new(now: $crate::clock::Timestamp) -> Self {
                Self($crate::ids::uuid_v7(now))
            }
        }
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}_{}", $prefix, $crate::ids::encode(self.0))
            }
        }
        impl ::std::str::FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<Self, String> {
                s.strip_prefix(concat!($prefix, "_")).and_then($crate::ids::decode).map(Self).ok_or_else(|| {
                    format!(
                        "{:?} is not the id of {}: it must look like {}_01kaz3…",
                        $crate::ids::short(s),
                        $what,
                        $prefix
                    )
                })
            }
        }
        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                $crate::schema::string(
                    concat!("The id of ", $what, "."),
                    concat!($prefix, "_01kazsw6e3f8e9xq2m4r7t5v0b"),
                    None,
                )
            }
        }
        impl ::utoipa::ToSchema for $name {
            fn name() -> ::std::borrow::Cow<'static, str> {
                ::std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <String as ::serde::Deserialize>::deserialize(d)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}

/// The first 40 characters, for error sentences that quote input.
pub fn short(s: &str) -> String {
    s.chars().take(40).collect()
}

typed_id!(AccountId, "acc", "an account");
typed_id!(TokenId, "tok", "an API token");
typed_id!(OperatorTokenId, "opt", "an operator token");
typed_id!(ContactId, "con", "a contact");
typed_id!(ContactFieldId, "fld", "a contact field");
typed_id!(GroupId, "grp", "a group");
typed_id!(ContactJobId, "cjb", "a contact job");
typed_id!(ConsentId, "cns", "a statement of consent");
typed_id!(BlacklistId, "blk", "a blacklist entry");
typed_id!(FileId, "fil", "a file");
typed_id!(ImportId, "imp", "an import");
typed_id!(ExportId, "exp", "an export");
typed_id!(TemplateId, "tpl", "a template");
typed_id!(SenderId, "snd", "a sender");
typed_id!(CampaignId, "cmp", "a campaign");
typed_id!(ChunkId, "chk", "a chunk of messages");
typed_id!(MessageId, "msg", "a message");
typed_id!(MessageFilterId, "mfl", "a message filter");
typed_id!(BatchId, "bat", "a batch of messages");
typed_id!(ReceiptId, "rcp", "a receipt");
typed_id!(InboundMessageId, "inb", "a message from a subscriber");
typed_id!(UnsubscribeId, "uns", "an unsubscribe");
typed_id!(CarrierId, "car", "a carrier");
typed_id!(RouteId, "rte", "a route");
typed_id!(DeckId, "dck", "a rate deck");
typed_id!(RateId, "rat", "a rate");
typed_id!(JournalId, "jrn", "a journal entry");
typed_id!(HoldId, "hld", "a hold");
typed_id!(EventId, "evt", "an event");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_keeps_kinds_apart() {
        let id = CampaignId::new(Timestamp(1_700_000_000_000_000));
        assert_eq!(id.to_string().parse::<CampaignId>().unwrap(), id);
        assert!(id.to_string().parse::<MessageId>().is_err());
        assert!("cmp_".parse::<CampaignId>().is_err());
        assert!("cmp_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<CampaignId>().is_err());
    }

    #[test]
    fn text_order_is_time_order() {
        let a = MessageId::new(Timestamp(1_700_000_000_000_100)).to_string();
        let b = MessageId::new(Timestamp(1_700_000_000_000_900)).to_string();
        let c = MessageId::new(Timestamp(1_700_000_000_001_000)).to_string();
        assert!(a < b && b < c);
        assert!(uuid_floor(Timestamp(1_700_000_000_000_900)) < a.parse::<MessageId>().unwrap().0);
    }
}
