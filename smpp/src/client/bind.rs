//! Binding: what to say, and what may come of it (SMPP 3.4 §4.1).

use crate::session::{Frame, Link, Turn, ok};
use rusmpp::pdus::{BindReceiver, BindTransceiver, BindTransmitter};
use rusmpp::types::COctetString;
use rusmpp::values::{InterfaceVersion, Npi, Ton};
use rusmpp::{Command, CommandId, CommandStatus, Pdu};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

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
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("the carrier cannot be reached: {0}")]
    Connect(std::io::Error),
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
    let (version, ton, npi) = (InterfaceVersion::Smpp3_4, Ton::Unknown, Npi::Unknown);
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

/// Sends the bind and reads up to its answer; PDUs after the answer stay in the link.
pub(super) async fn bind<R, W>(link: &mut Link<R, W>, config: &BindConfig) -> Result<(), BindError>
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

/// `None` when `frame` is not the answer to the bind.
#[allow(clippy::type_complexity, reason = "the outcome of the bind inside the outcome of reading")]
fn answer<R, W>(
    link: &mut Link<R, W>,
    frame: &Frame,
    expected: CommandId,
    sequence: u32,
) -> Result<Option<Result<(), BindError>>, BindError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    match frame.id {
        id if id == expected || (id == CommandId::GenericNack && frame.sequence == sequence) => {
            Ok(Some(if frame.status == 0 && id == expected { Ok(()) } else { Err(BindError::Refused(frame.status)) }))
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
