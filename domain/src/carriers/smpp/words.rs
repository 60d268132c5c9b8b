//! The choices in the settings of an SMPP carrier.

use crate::segments::SplitMode;

crate::text_enum! {
    /// How a carrier writes message ids in receipts, against the id in its answer to the submit.
    pub enum Codec("ReceiptIdCodec") {
        /// The same text in both.
        AsIs = "as_is",
        /// Receipts drop or add leading zeros.
        TrimZeros = "trim_zeros",
        /// Case differs.
        FoldCase = "fold_case",
        /// Zeros and case differ.
        TrimZerosFoldCase = "trim_zeros_fold_case",
        /// Receipts have the id in hexadecimal, answers in decimal.
        HexToDecimal = "hex_to_decimal",
        /// Receipts have the id in decimal, answers in hexadecimal.
        DecimalToHex = "decimal_to_hex",
    }
}

crate::text_enum! {
    /// What the connections of a carrier are for (SMPP 3.4 §2.2).
    pub enum BindMode("BindMode") {
        /// Each submits and receives.
        Transceiver = "transceiver",
        /// As many that submit (bind_transmitter) as that receive (bind_receiver).
        Separate = "transmitter_receiver",
    }
}

crate::text_enum! {
    /// The version of SMPP that is asked for in the bind.
    pub enum InterfaceVersion("InterfaceVersion") {
        /// SMPP 3.4.
        V34 = "3.4",
        /// SMPP 5.0.
        V50 = "5.0",
    }
}

crate::text_enum! {
    /// How a text that fits GSM-7 is written into short_message.
    pub enum Alphabet("Gsm7Alphabet") {
        /// GSM 03.38, a septet an octet.
        Gsm = "gsm",
        /// ISO 8859-1, for a carrier whose default alphabet that is.
        Latin1 = "latin1",
        /// ASCII, for a carrier whose default alphabet that is.
        Ascii = "ascii",
    }
}

crate::text_enum! {
    /// How the parts of a long message are tied together.
    pub enum LongMessages("LongMessages") {
        /// A user data header with an 8-bit reference.
        Udh = "udh",
        /// A user data header with a 16-bit reference.
        Udh16 = "udh16",
        /// The TLVs sar_msg_ref_num, sar_total_segments and sar_segment_seqnum.
        Sar = "sar",
        /// One submit with the whole text in the TLV message_payload.
        Payload = "payload",
    }
}

crate::text_enum! {
    /// Which receipts a carrier is asked for (registered_delivery, SMPP 3.4 §5.2.17).
    pub enum RegisteredDelivery("RegisteredDelivery") {
        /// Of every outcome: 1.
        All = "all",
        /// Of failures alone: 2. A message that reached the handset ends as `no_report`, in time.
        Failures = "failures",
        /// None: 0. A message ends as `no_report` as soon as the carrier has accepted it.
        None = "none",
    }
}

crate::text_enum! {
    /// How the end of a message's validity is told (SMPP 3.4 §7.1.1).
    pub enum ValidityFormat("ValidityFormat") {
        /// What remains: `YYMMDDhhmmss000R`.
        Relative = "relative",
        /// The moment, in UTC: `YYMMDDhhmmss000+`.
        Absolute = "absolute",
    }
}

crate::text_enum! {
    /// What becomes of a message whose answer was lost, so that the carrier may have it or not.
    pub enum Resend("ResendPolicy") {
        /// It is in doubt, and is not sent again.
        NoResend = "no_resend",
        /// It is submitted a second time, once; the recipient may get it twice. It is charged once.
        ResendOnce = "resend_once",
    }
}

macro_rules! first_is_default {
    ($($name:ident::$variant:ident)+) => {
        $(impl Default for $name {
            fn default() -> Self {
                Self::$variant
            }
        })+
    };
}
first_is_default! {
    BindMode::Transceiver InterfaceVersion::V34 Alphabet::Gsm RegisteredDelivery::All ValidityFormat::Relative
    Resend::NoResend
}

impl LongMessages {
    /// The way to split that it stands for.
    pub fn mode(self) -> SplitMode {
        match self {
            Self::Udh => SplitMode::Udh8,
            Self::Udh16 => SplitMode::Udh16,
            Self::Sar => SplitMode::Sar,
            Self::Payload => SplitMode::Payload,
        }
    }
}
