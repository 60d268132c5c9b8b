//! Accepting a job, and stopping one.

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::json;

use super::{Action, Job, MAX_BY, MAX_DAYS, MAX_IDS, MAX_LAST, Selection, queries};
use crate::{
    blacklist, campaigns,
    contact_fields::{self, ContactField},
    contacts::{Column, filter},
    db::Sql,
    error::{Code, Error, Faults, Result},
    groups,
    ids::{ContactJobId, GroupId},
    messages::Status,
    scope::AccountScope,
    vals,
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which contacts.
    pub selection: Selection,
    /// What becomes of them; none only in a dry run.
    pub action: Option<Action>,
    /// Whether it only counts.
    pub dry_run: bool,
    /// Where the fields of the selection and of the action stand in the request, for faults.
    pub pointers: (&'static str, &'static str),
}

/// Stores a job that nobody works on yet: the caller runs it, or leaves it to the worker with [`super::run_briefly`].
///
/// # Errors
/// `invalid_request` with every fault.
pub async fn create(tx: &DatabaseTransaction, scope: &AccountScope, order: Order) -> Result<Job> {
    let Order { selection, action, dry_run, pointers: (which, what) } = order;
    let mut faults = Faults::default();
    check_selection(tx, scope, &selection, which, &mut faults).await?;
    match &action {
        None if !dry_run => faults.add("/action", "required", "must be told, unless it is a dry run"),
        Some(action) => check_action(tx, scope, (&selection, action), what, &mut faults).await?,
        None => {}
    }
    faults.check()?;
    let (now, total) = (scope.clock().now(), total(tx, &selection).await?);
    let id = ContactJobId::new(now);
    tx.run(
        "INSERT INTO contact_jobs (id, account_id, selection, action, dry_run, status, phase, done, total, matched, \
         changed, created_at, version) VALUES ($1, $2, $3, $4, $5, 'queued', 0, 0, $6, 0, 0, $7, 1)",
        vals![id, scope.account(), json!(selection), json!(action), dry_run, total, now],
    )
    .await?;
    queries::get(tx, scope, id).await
}

/// How many rows there are to look at, where that is cheap to tell.
async fn total(conn: &impl ConnectionTrait, selection: &Selection) -> Result<Option<i64>> {
    Ok(match selection {
        Selection::Group { group_id, .. } => {
            conn.scalar("SELECT COUNT(*) FROM contact_groups WHERE group_id = $1", vals![*group_id]).await?
        }
        Selection::Campaign { campaign_id, .. } => {
            let sql = "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) FROM campaign_counts WHERE campaign_id = $1";
            conn.scalar(sql, vals![*campaign_id]).await?
        }
        Selection::Contacts { contact_ids } => Some(super::count(contact_ids.len())),
        Selection::Filter { .. } | Selection::Undelivered { .. } | Selection::Duplicates { .. } => None,
    })
}

async fn check_selection(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    selection: &Selection,
    at: &str,
    faults: &mut Faults,
) -> Result<()> {
    match selection {
        Selection::Filter { filter } => {
            filter::read(conn, scope, filter, at).await?;
        }
        Selection::Contacts { contact_ids } => {
            if contact_ids.is_empty() || contact_ids.len() > MAX_IDS {
                faults.add(at, "invalid_count", format!("must have 1 to {MAX_IDS} ids"));
            }
        }
        Selection::Group { group_id, only_here: _ } => check_group(conn, scope, *group_id, at, faults).await?,
        Selection::Campaign { campaign_id, statuses } => {
            check_statuses(statuses, at, faults);
            match campaigns::get(conn, scope, *campaign_id).await {
                Err(e) if e.code == Code::NotFound => {
                    faults.add(format!("{at}/campaign_id"), "not_found", "is not a campaign of this account");
                }
                other => other.map(|_| ())?,
            }
        }
        Selection::Undelivered { last, statuses, days, group_id } => {
            check_statuses(statuses, at, faults);
            if !(1..=MAX_LAST).contains(last) {
                faults.add(format!("{at}/last"), "out_of_range", format!("must be from 1 to {MAX_LAST}"));
            }
            if !(1..=MAX_DAYS).contains(days) {
                faults.add(format!("{at}/days"), "out_of_range", format!("must be from 1 to {MAX_DAYS}"));
            }
            if let Some(id) = group_id {
                check_group(conn, scope, *id, at, faults).await?;
            }
        }
        Selection::Duplicates { by } => {
            let defined = contact_fields::all(conn, scope).await?;
            check_by(by, &defined, at, faults);
        }
    }
    Ok(())
}

async fn check_group(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    id: GroupId,
    at: &str,
    faults: &mut Faults,
) -> Result<()> {
    if groups::named(conn, scope, &[id]).await?.is_empty() {
        faults.add(format!("{at}/group_id"), "not_found", "is not a group of this account");
    }
    Ok(())
}

async fn check_two(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    from: Option<GroupId>,
    to: GroupId,
    at: &str,
    faults: &mut Faults,
) -> Result<()> {
    check_group(conn, scope, to, at, faults).await?;
    let Some(from) = from else { return Ok(()) };
    if from == to {
        faults.add(format!("{at}/from_group_id"), "same_group", "must be another group than group_id");
    } else if groups::named(conn, scope, &[from]).await?.is_empty() {
        faults.add(format!("{at}/from_group_id"), "not_found", "is not a group of this account");
    }
    Ok(())
}

fn check_statuses(statuses: &[Status], at: &str, faults: &mut Faults) {
    if statuses.is_empty() || statuses.iter().any(|status| !status.is_final()) {
        let final_ones: Vec<&str> = Status::ALL.iter().filter(|s| s.is_final()).map(|s| s.as_str()).collect();
        let detail = format!("must name one or more final states: {}", final_ones.join(", "));
        faults.add(format!("{at}/statuses"), "invalid", detail);
    }
}

fn check_by(by: &[String], defined: &[ContactField], at: &str, faults: &mut Faults) {
    if by.is_empty() || by.len() > MAX_BY {
        faults.add(format!("{at}/by"), "invalid_count", format!("must name 1 to {MAX_BY} fields"));
    }
    for (place, name) in by.iter().enumerate().take(MAX_BY) {
        let own = name.strip_prefix("fields.").is_some_and(|key| defined.iter().any(|f| f.key == key));
        let built_in =
            Column::by_name(name).is_some_and(|column| !matches!(column, Column::TimeZone | Column::ExternalId));
        if name == "phone" && by.len() > 1 {
            faults.add(format!("{at}/by/{place}"), "not_together", "is told alone: a number has one contact");
        } else if name != "phone" && !own && !built_in {
            let detail = "is not a field of contacts, such as email, last_name or fields.<key>";
            faults.add(format!("{at}/by/{place}"), "unknown_field", detail);
        }
        if by.iter().take(place).any(|other| other == name) {
            faults.add(format!("{at}/by/{place}"), "duplicate", "stands in the list already");
        }
    }
}

async fn check_action(
    conn: &impl ConnectionTrait,
    scope: &AccountScope,
    (selection, action): (&Selection, &Action),
    at: &str,
    faults: &mut Faults,
) -> Result<()> {
    let of_sets = matches!(action, Action::Merge { .. } | Action::TrashOthers { .. });
    match selection {
        Selection::Duplicates { .. } if !of_sets => {
            faults.add("/action", "not_together", "is merge or trash for duplicates");
        }
        // One contact with values that differ: there is no other that could go.
        Selection::Duplicates { by } if by.iter().any(|name| name == "phone") => {
            if matches!(action, Action::TrashOthers { .. }) {
                faults.add("/action", "not_together", "is merge for duplicates by phone");
            }
        }
        Selection::Duplicates { .. } => {}
        _ if of_sets => faults.add("/action", "not_together", "is only for duplicates"),
        _ => {}
    }
    match action {
        Action::AddToGroup { group_id, from_group_id } => {
            check_two(conn, scope, *from_group_id, *group_id, at, faults).await?;
        }
        Action::MoveToGroup { from_group_id, group_id } => {
            check_two(conn, scope, Some(*from_group_id), *group_id, at, faults).await?;
        }
        Action::RemoveFromGroup { group_id } => check_group(conn, scope, *group_id, at, faults).await?,
        Action::Blacklist { reason } => {
            faults.optional_text(&format!("{at}/reason"), reason.as_deref(), blacklist::MAX_REASON);
        }
        Action::Trash | Action::Delete | Action::Merge { .. } | Action::TrashOthers { .. } => {}
    }
    Ok(())
}

/// Stops a job. What was done stays done; a step that runs is finished.
///
/// # Errors
/// `not_found`; `conflict` when it has ended already.
pub async fn cancel(tx: &DatabaseTransaction, scope: &AccountScope, id: ContactJobId) -> Result<Job> {
    queries::get(tx, scope, id).await?;
    let sql = "UPDATE contact_jobs SET status = 'cancelled', finished_at = $3, clear_at = $3, lease_owner = NULL, \
        lease_until = NULL, version = version + 1 WHERE account_id = $1 AND id = $2 AND status IN ('queued', 'running')";
    if tx.run(sql, vals![scope.account(), id, scope.clock().now()]).await? == 0 {
        return Err(Error::new(Code::Conflict, "The job has ended already."));
    }
    queries::get(tx, scope, id).await
}
