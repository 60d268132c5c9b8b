//! Reading sends: what is wrong is told all at once, what several sends need is asked of the database once.

use std::collections::{HashMap, HashSet};

use domain::{
    Code, Error,
    accounts::{self, Account},
    clock::Timestamp,
    contacts,
    error::Faults,
    ids::TemplateId,
    messages::{self, Letter, Letterhead, Priority, Request},
    phone,
    scope::AccountScope,
    segments::SplitMode,
    senders,
    templates::{self, text::Template},
};
use sea_orm::ConnectionTrait;

use super::{send::MAX_RECIPIENTS, shapes::NewMessage};

/// What all messages of a send have in common, as it was asked for.
pub(super) struct Head<'a> {
    pub sender: &'a String,
    pub text: &'a Option<String>,
    pub template_id: &'a Option<TemplateId>,
    pub split_mode: &'a SplitMode,
    pub send_at: &'a Option<Timestamp>,
    pub validity_seconds: Option<i64>,
}

/// Reads sends of one account; what several of them need is asked of the database once.
pub(super) struct Reader<'a, C> {
    conn: &'a C,
    scope: &'a AccountScope,
    account: Option<Account>,
    approved: HashSet<String>,
    templates: HashMap<String, Template>,
}

impl<'a, C: ConnectionTrait> Reader<'a, C> {
    pub(super) fn new(conn: &'a C, scope: &'a AccountScope) -> Self {
        Self { conn, scope, account: None, approved: HashSet::new(), templates: HashMap::new() }
    }

    /// Reads a send: its numbers, its text, its sender, with every fault told at once.
    pub(super) async fn read(&mut self, new: &NewMessage) -> domain::Result<Request> {
        let NewMessage {
            to,
            sender,
            text,
            template_id,
            split_mode,
            send_at,
            validity_seconds,
            default_country,
            external_id,
            metadata,
            priority,
        } = new;
        let mut faults = Faults::default();
        if to.is_empty() || to.len() > MAX_RECIPIENTS {
            faults.add(
                "/to",
                "out_of_range",
                format!("must have 1 to {MAX_RECIPIENTS} numbers; send more with a campaign"),
            );
        }
        let rule = self.rule(default_country.as_deref(), &mut faults).await?;
        let mut numbers = Vec::with_capacity(to.len());
        for (place, raw) in to.iter().take(MAX_RECIPIENTS).enumerate() {
            match phone::parse(raw, &rule) {
                Ok(parsed) => numbers.push(parsed.number),
                Err(e) => faults.add(format!("/to/{place}"), e.code, e.detail),
            }
        }
        faults.optional_text("/external_id", external_id.as_deref(), 200);
        let validity_seconds = *validity_seconds;
        let head = Head { sender, text, template_id, split_mode, send_at, validity_seconds };
        let letter = self.letter(head, faults).await?;
        let metadata = crate::v1::metadata(metadata.clone())?;
        Ok(Request {
            letter,
            to: numbers,
            head: Letterhead {
                send_at: *send_at,
                priority: priority.unwrap_or(Priority::Normal),
                external_id: external_id.clone(),
                metadata,
            },
        })
    }

    /// Reads what all messages of a send have in common; tells the faults found before and its own.
    pub(super) async fn letter(&mut self, head: Head<'_>, mut faults: Faults) -> domain::Result<Letter> {
        let Head { sender, text, template_id, split_mode, send_at, validity_seconds } = head;
        messages::validity::check(&mut faults, validity_seconds);
        let year = std::time::Duration::from_secs(366 * 86_400);
        if send_at.is_some_and(|at| at > self.scope.clock().now().plus(year)) {
            faults.add("/send_at", "too_late", "must be within a year");
        }
        let body = match (text, template_id) {
            (Some(text), None) => Some(text.clone()),
            (None, Some(id)) => match templates::find(self.conn, self.scope, *id).await {
                Ok(template) => Some(template.body),
                Err(_) => {
                    faults.add("/template_id", "not_found", "there is no such template in this account");
                    None
                }
            },
            (Some(_), Some(_)) => {
                faults.add("/text", "exclusive", "must not be given beside template_id");
                None
            }
            (None, None) => {
                faults.add("/text", "required", "must be given, or template_id");
                None
            }
        };
        faults.check()?;
        self.require_approved(sender).await?;
        let template = self.template(body.unwrap_or_default()).await?;
        Ok(Letter { sender: sender.clone(), template, split_mode: *split_mode, validity_seconds })
    }

    /// How numbers without an international prefix are read.
    pub(super) async fn rule(&mut self, country: Option<&str>, faults: &mut Faults) -> domain::Result<phone::Rule> {
        match country.map(str::parse::<phone::Country>) {
            Some(Ok(country)) => return Ok(phone::Rule::ImportCountry(country)),
            Some(Err(unknown)) => {
                faults.add("/default_country", "invalid", unknown.to_string());
                return Ok(phone::Rule::None);
            }
            None => {}
        }
        Ok(contacts::rule_of(self.account().await?))
    }

    /// The account, read once.
    pub(super) async fn account(&mut self) -> domain::Result<&Account> {
        if self.account.is_none() {
            self.account = Some(accounts::find(self.conn, self.scope).await?);
        }
        self.account.as_ref().ok_or_else(|| Error::internal("an account that was read is not there"))
    }

    async fn require_approved(&mut self, sender: &str) -> domain::Result<()> {
        if self.approved.contains(sender) {
            return Ok(());
        }
        if let Some(why) = senders::check(sender) {
            return Err(Error::new(Code::InvalidSender, format!("The sender {why}.")));
        }
        senders::require_approved(self.conn, self.scope, sender).await?;
        self.approved.insert(sender.to_owned());
        Ok(())
    }

    async fn template(&mut self, body: String) -> domain::Result<Template> {
        if let Some(template) = self.templates.get(&body) {
            return Ok(template.clone());
        }
        let template = templates::check(self.conn, self.scope, &body).await?;
        self.templates.insert(body, template.clone());
        Ok(template)
    }
}
