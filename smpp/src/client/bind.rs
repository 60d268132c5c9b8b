//! Binding: what to say, and what may come of it (SMPP 3.4 §4.1).

use crate::session::{Frame, Link, Turn, ok, take_c_string};
use crate::tlv::{SC_INTERFACE_VERSION, Tlvs};
use rusmpp::pdus::{BindReceiver, BindTransceiver, BindTransmitter};
use rusmpp::types::COctetString;
use rusmpp::values::{InterfaceVersion, Npi, Ton};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::{ClientConfig, pki_types::ServerName};

/// Which way messages go (SMPP 3.4 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BindMode {
    /// Submits only.
    Transmitter,
    /// Receives only.
    Receiver,
    /// Both.
    #[default]
    Transceiver,
}

impl BindMode {
    /// Whether deliver_sm may be sent to this bind.
    pub fn receives(self) -> bool {
        self != Self::Transmitter
    }

    /// Whether submit_sm may come from this bind.
    pub fn submits(self) -> bool {
        self != Self::Receiver
    }
}

/// SMPP 3.4 in `interface_version` (§5.2.4).
pub const SMPP_3_4: u8 = 0x34;
/// SMPP 5.0 in `interface_version`.
pub const SMPP_5_0: u8 = 0x50;

/// Encryption of the connection.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Whom to believe, and what to show.
    pub config: Arc<ClientConfig>,
    /// Whom to expect.
    pub server_name: ServerName<'static>,
}

/// How to bind and how to keep the session.
#[derive(Clone)]
pub struct BindConfig {
    /// `host:port`.
    pub addr: String,
    /// At most 15 ASCII characters (SMPP 3.4 §4.1.1).
    pub system_id: String,
    /// At most 8 ASCII characters (SMPP 3.4 §4.1.1).
    pub password: String,
    /// At most 12 ASCII characters; usually empty.
    pub system_type: String,
    pub mode: BindMode,
    /// What is asked for: [`SMPP_3_4`] or [`SMPP_5_0`]. Default 3.4.
    pub interface_version: u8,
    /// Default none.
    pub tls: Option<Tls>,
    /// Silence of the carrier after which an enquire_link is sent. Default 30 s.
    pub enquire_link_interval: Duration,
    /// How long the carrier may leave an enquire_link unanswered before the connection is closed. Default 10 s.
    pub enquire_link_timeout: Duration,
    /// How long the carrier may take to answer a submit_sm. Default 60 s.
    pub response_timeout: Duration,
    /// For connecting and binding, each, and for the answer to unbind. Default 10 s.
    pub bind_timeout: Duration,
    /// How long [`super::Client::unbind`] waits for answers in flight. Default 10 s.
    pub drain_timeout: Duration,
    /// Messages written and unanswered at a time. Default 100.
    pub window: usize,
    /// Deliveries unanswered by the caller at a time; beyond it the carrier is told ESME_RX_T_APPN and keeps them. Default 10,000.
    pub deliver_limit: usize,
    /// The first sequence number, 1 ..= 0x7FFFFFFF. Default 1, which the bind takes.
    pub first_sequence: u32,
}

impl Default for BindConfig {
    fn default() -> Self {
        Self {
            addr: String::new(),
            system_id: String::new(),
            password: String::new(),
            system_type: String::new(),
            mode: BindMode::Transceiver,
            interface_version: SMPP_3_4,
            tls: None,
            enquire_link_interval: Duration::from_secs(30),
            enquire_link_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(60),
            bind_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(10),
            window: 100,
            deliver_limit: 10_000,
            first_sequence: 1,
        }
    }
}

/// Without the password, which must not reach a log.
impl std::fmt::Debug for BindConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BindConfig")
            .field("addr", &self.addr)
            .field("system_id", &self.system_id)
            .field("mode", &self.mode)
            .field("interface_version", &self.interface_version)
            .field("tls", &self.tls.is_some())
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("the carrier cannot be reached: {0}")]
    Connect(std::io::Error),
    #[error("TLS with the carrier failed: {0}")]
    Tls(std::io::Error),
    #[error("the carrier refused the bind: {}", crate::status::name(*.0))]
    Refused(u32),
    #[error("the carrier did not answer in time")]
    Timeout,
    #[error("{0}")]
    Protocol(String),
}

fn field<const MAX: usize>(name: &str, value: &str) -> Result<COctetString<1, MAX>, BindError> {
    COctetString::from_string(value.to_owned()).map_err(|error| BindError::Protocol(format!("{name}: {error}")))
}

fn request(config: &BindConfig) -> Result<Pdu, BindError> {
    let system_id = field("system_id", &config.system_id)?;
    let password = field("password", &config.password)?;
    let system_type = field("system_type", &config.system_type)?;
    let range = COctetString::null();
    let (version, ton, npi) = (InterfaceVersion::from(config.interface_version), Ton::Unknown, Npi::Unknown);
    Ok(match config.mode {
        BindMode::Transmitter => {
            BindTransmitter::new(system_id, password, system_type, version, ton, npi, range).into()
        }
        BindMode::Receiver => BindReceiver::new(system_id, password, system_type, version, ton, npi, range).into(),
        BindMode::Transceiver => {
            BindTransceiver::new(system_id, password, system_type, version, ton, npi, range).into()
        }
    })
}

/// Sends the bind and reads up to its answer; PDUs after the answer stay in the link. Gives the version that the carrier
/// names, where it does.
pub(super) async fn bind<R, W>(link: &mut Link<R, W>, config: &BindConfig) -> Result<Option<u8>, BindError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let command = Command::new(CommandStatus::EsmeRok, config.first_sequence, request(config)?);
    let expected = command.id().matching_response();
    link.queue(&command).map_err(|error| BindError::Protocol(error.to_string()))?;
    loop {
        while let Some(frame) = link.next_frame().map_err(|error| BindError::Protocol(error.to_string()))? {
            if let Some(outcome) = answer(link, &frame, expected, config.first_sequence)? {
                return outcome;
            }
        }
        if link.turn().await.map_err(BindError::Connect)? == Turn::Eof {
            return Err(BindError::Protocol("the carrier closed the connection before answering the bind".to_owned()));
        }
    }
}

/// The outcome of a bind.
type Bound = Result<Option<u8>, BindError>;

/// `None` when `frame` is not the answer to the bind.
fn answer<R, W>(
    link: &mut Link<R, W>,
    frame: &Frame,
    expected: CommandId,
    sequence: u32,
) -> Result<Option<Bound>, BindError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    match frame.id {
        id if id == expected || (id == CommandId::GenericNack && frame.sequence == sequence) => {
            let accepted = frame.status == 0 && id == expected;
            Ok(Some(if accepted { Ok(version(frame.body())) } else { Err(BindError::Refused(frame.status)) }))
        }
        CommandId::EnquireLink => {
            let reply = ok(frame.sequence, Pdu::EnquireLinkResp);
            link.queue(&reply).map_err(|error| BindError::Protocol(error.to_string()))?;
            Ok(None)
        }
        // An outbind, or something a confused carrier sends early: the answer to the bind is what counts.
        _ => Ok(None),
    }
}

/// sc_interface_version of a bind_resp, behind the carrier's name.
fn version(body: &[u8]) -> Option<u8> {
    let (_, rest) = take_c_string(body);
    Tlvs(rest).find(|(tag, _)| *tag == SC_INTERFACE_VERSION).and_then(|(_, value)| value.first().copied())
}
