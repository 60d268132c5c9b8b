//! The request and the responses of contact jobs.

use domain::{
    Error,
    clock::Timestamp,
    contact_jobs::{Action, Job, JobStatus, Order, Selection, Survivor},
    contacts::ContactFilter,
    ids::{CampaignId, ContactId, ContactJobId, GroupId},
    messages::Status,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

domain::text_enum! {
    /// What becomes of the contacts.
    pub enum ContactAction {
        /// They go to the trash, where they can be restored; of each set of duplicates all but one, by `survivor`.
        Trash = "trash",
        /// They are deleted for good.
        Delete = "delete",
        /// They join the group `group_id`; those that are in `from_group_id`, if it is told, with the values that they have
        /// there only.
        AddToGroup = "add_to_group",
        /// Those that are in the group `from_group_id` leave it for `group_id`, with the values that they have there only.
        MoveToGroup = "move_to_group",
        /// They leave the group `group_id`.
        RemoveFromGroup = "remove_from_group",
        /// Their numbers go on the blacklist, with `reason`.
        Blacklist = "blacklist",
        /// Each set of duplicates becomes one contact, by `survivor`.
        Merge = "merge",
    }
}

/// Members of a group.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b", "only_here": true}))]
pub struct SelectGroup {
    /// The group.
    pub group_id: GroupId,
    /// True: only members that are in no other group.
    #[serde(default)]
    pub only_here: bool,
}

/// Recipients of a campaign, by what became of their messages.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"campaign_id": "cmp_01kazsw6e3f8e9xq2m4r7t5v0b", "statuses": ["undelivered", "rejected"]}))]
pub struct SelectCampaign {
    /// The campaign.
    pub campaign_id: CampaignId,
    /// The states in which their messages ended, at least one, all of them final.
    pub statuses: Vec<Status>,
}

fn unreached() -> Vec<Status> {
    vec![Status::Undelivered, Status::Rejected, Status::Expired, Status::Failed]
}

fn half_a_year() -> u32 {
    180
}

/// Contacts that are not reached: the last messages to their number, whoever sent them, all ended in one of `statuses`, also
/// those sent before the number was this contact's. Messages that are under way, were cancelled or skipped do not count.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "last": 3, "statuses": ["undelivered", "rejected", "expired", "failed"], "days": 180, "group_id": null
}))]
pub struct SelectUndelivered {
    /// How many of the last messages to a contact's number are looked at; who had fewer is not meant.
    #[schema(minimum = 1, maximum = 20)]
    pub last: u32,
    /// What counts as not delivered; all final.
    #[serde(default = "unreached")]
    pub statuses: Vec<Status>,
    /// How many days before the request are looked at.
    #[serde(default = "half_a_year")]
    #[schema(minimum = 1, maximum = 3650, default = 180)]
    pub days: u32,
    /// Only members of this group.
    pub group_id: Option<GroupId>,
}

/// Contacts that are perhaps the same person.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "by": ["last_name", "birth_date"], "group_id": "grp_01kazsw6e3f8e9xq2m4r7t5v0b", "filter": null
}))]
pub struct SelectDuplicates {
    /// 1 to 5 fields that they have in common, such as `email`, `last_name` or `fields.card`, compared without case and
    /// repeated spaces; who lacks one of them is not meant. Or `phone` alone: contacts whose values differ between their
    /// groups.
    pub by: Vec<String>,
    /// Only among members of this group.
    pub group_id: Option<GroupId>,
    /// Only among contacts that match, as of the moment of the request; with `group_id` both must hold.
    pub filter: Option<ContactFilter>,
}

/// Which contacts: exactly one of these.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"undelivered": {"last": 3}}))]
pub struct ContactSelection {
    /// Contacts that match a filter, as of the moment of the request.
    pub filter: Option<ContactFilter>,
    /// These: 1 to 10,000 contacts.
    pub contact_ids: Option<Vec<ContactId>>,
    /// Members of a group.
    pub group: Option<SelectGroup>,
    /// Recipients of a campaign.
    pub campaign: Option<SelectCampaign>,
    /// Contacts that are not reached.
    pub undelivered: Option<SelectUndelivered>,
    /// Contacts that are perhaps the same person.
    pub duplicates: Option<SelectDuplicates>,
}

/// A job to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"select": {"undelivered": {"last": 3}}, "action": "trash", "dry_run": true}))]
pub struct NewContactJob {
    /// Which contacts.
    pub select: ContactSelection,
    /// What becomes of them; may be left out in a dry run.
    pub action: Option<ContactAction>,
    /// For `add_to_group`, `move_to_group` and `remove_from_group`: the group.
    pub group_id: Option<GroupId>,
    /// For `move_to_group`: the group that they leave. For `add_to_group`: the group whose values they take along.
    pub from_group_id: Option<GroupId>,
    /// For `blacklist`: why, at most 500 characters; kept with each number.
    pub reason: Option<String>,
    /// For `merge`, and for `trash` of duplicates: which contact of a set stays; the oldest, if left out.
    pub survivor: Option<Survivor>,
    /// True: only count, and for duplicates find, those that are meant.
    #[serde(default)]
    pub dry_run: bool,
}

impl TryFrom<NewContactJob> for Order {
    type Error = Error;

    fn try_from(new: NewContactJob) -> Result<Self, Error> {
        let NewContactJob { select, action, group_id, from_group_id, reason, survivor, dry_run } = new;
        let ContactSelection { filter, contact_ids, group, campaign, undelivered, duplicates } = select;
        let (selection, at) = match (filter, contact_ids, group, campaign, undelivered, duplicates) {
            (Some(filter), None, None, None, None, None) => {
                (Selection::Filter { filter: Box::new(filter) }, "/select/filter")
            }
            (None, Some(contact_ids), None, None, None, None) => {
                (Selection::Contacts { contact_ids }, "/select/contact_ids")
            }
            (None, None, Some(SelectGroup { group_id, only_here }), None, None, None) => {
                (Selection::Group { group_id, only_here }, "/select/group")
            }
            (None, None, None, Some(SelectCampaign { campaign_id, statuses }), None, None) => {
                (Selection::Campaign { campaign_id, statuses }, "/select/campaign")
            }
            (None, None, None, None, Some(SelectUndelivered { last, statuses, days, group_id }), None) => {
                (Selection::Undelivered { last, statuses, days, group_id }, "/select/undelivered")
            }
            (None, None, None, None, None, Some(SelectDuplicates { by, group_id, filter })) => {
                (Selection::Duplicates { by, group_id, filter: filter.map(Box::new) }, "/select/duplicates")
            }
            _ => {
                let detail =
                    "must have exactly one of filter, contact_ids, group, campaign, undelivered and duplicates";
                return Err(Error::field("/select", "invalid_count", detail));
            }
        };
        let sets = matches!(selection, Selection::Duplicates { .. });
        let of_sets = action == Some(ContactAction::Merge) || (sets && action == Some(ContactAction::Trash));
        let into_group = matches!(action, Some(ContactAction::AddToGroup | ContactAction::MoveToGroup));
        let of_group = into_group || action == Some(ContactAction::RemoveFromGroup);
        let misplaced = [
            ("/group_id", group_id.is_some() && !of_group, "add_to_group, move_to_group and remove_from_group"),
            ("/from_group_id", from_group_id.is_some() && !into_group, "add_to_group and move_to_group"),
            ("/reason", reason.is_some() && action != Some(ContactAction::Blacklist), "blacklist"),
            ("/survivor", survivor.is_some() && !of_sets, "merge, and trash of duplicates"),
        ];
        if let Some((pointer, _, of)) = misplaced.into_iter().find(|(_, misplaced, _)| *misplaced) {
            return Err(Error::field(pointer, "not_together", format!("is only for the action {of}")));
        }
        let stays = survivor.unwrap_or(Survivor::Oldest);
        let group = || {
            let missing = || Error::field("/group_id", "required", "must name the group that they join or leave");
            group_id.ok_or_else(missing)
        };
        let action = match action {
            None => None,
            Some(ContactAction::Trash) if sets => Some(Action::TrashOthers { survivor: stays }),
            Some(ContactAction::Trash) => Some(Action::Trash),
            Some(ContactAction::Delete) => Some(Action::Delete),
            Some(ContactAction::AddToGroup) => Some(Action::AddToGroup { group_id: group()?, from_group_id }),
            Some(ContactAction::MoveToGroup) => {
                let left = || Error::field("/from_group_id", "required", "must name the group that they leave");
                Some(Action::MoveToGroup { group_id: group()?, from_group_id: from_group_id.ok_or_else(left)? })
            }
            Some(ContactAction::RemoveFromGroup) => Some(Action::RemoveFromGroup { group_id: group()? }),
            Some(ContactAction::Blacklist) => Some(Action::Blacklist { reason }),
            Some(ContactAction::Merge) => Some(Action::Merge { survivor: stays }),
        };
        Ok(Self { selection, action, dry_run, pointers: (at, "") })
    }
}

/// How far a job is.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"done": 4000, "total": 10000}))]
pub struct ContactJobProgress {
    /// Rows looked at: members, messages or contacts, as the selection is walked.
    pub done: i64,
    /// Rows there are to look at; null while that is not known.
    pub total: Option<i64>,
}

/// What became of the contacts so far.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"matched": 17, "changed": 16}))]
pub struct ContactJobResult {
    /// Contacts that are meant; for a blacklist and a campaign numbers, for duplicates sets.
    pub matched: i64,
    /// Those of them that were changed: none in a dry run, and not those for which it was so already.
    pub changed: i64,
}

/// What ended a failed job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"code": "conflict", "detail": "The group was deleted meanwhile."}))]
pub struct ContactJobFailure {
    /// A stable word.
    pub code: String,
    /// A sentence.
    pub detail: String,
}

/// Work on many contacts in the background.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "cjb_01kazsw6e3f8e9xq2m4r7t5v0b",
    "status": "completed",
    "select": {
        "filter": null,
        "contact_ids": null,
        "group": null,
        "campaign": null,
        "undelivered": {
            "last": 3, "statuses": ["undelivered", "rejected", "expired", "failed"], "days": 180, "group_id": null
        },
        "duplicates": null
    },
    "action": "trash",
    "group_id": null,
    "from_group_id": null,
    "reason": null,
    "survivor": null,
    "dry_run": false,
    "progress": {"done": 10000, "total": 10000},
    "result": {"matched": 17, "changed": 17},
    "error": null,
    "created_at": "2026-11-21T10:00:00.000000Z",
    "started_at": "2026-11-21T10:00:00.100000Z",
    "finished_at": "2026-11-21T10:00:03.000000Z"
}))]
pub struct ContactJob {
    /// Its id.
    pub id: ContactJobId,
    /// Where it stands.
    pub status: JobStatus,
    /// Which contacts.
    pub select: ContactSelection,
    /// What becomes of them.
    pub action: Option<ContactAction>,
    /// For `add_to_group`, `move_to_group` and `remove_from_group`: the group.
    pub group_id: Option<GroupId>,
    /// For `move_to_group` and `add_to_group`: the group that they come from.
    pub from_group_id: Option<GroupId>,
    /// For `blacklist`: why.
    pub reason: Option<String>,
    /// For `merge`, and for `trash` of duplicates: which contact of a set stays.
    pub survivor: Option<Survivor>,
    /// Whether it only counts.
    pub dry_run: bool,
    /// How far it is.
    pub progress: ContactJobProgress,
    /// What became of the contacts so far.
    pub result: ContactJobResult,
    /// What ended it, when it failed.
    pub error: Option<ContactJobFailure>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl From<Job> for ContactJob {
    fn from(job: Job) -> Self {
        let mut select = ContactSelection::default();
        match job.selection {
            Selection::Filter { filter } => select.filter = Some(*filter),
            Selection::Contacts { contact_ids } => select.contact_ids = Some(contact_ids),
            Selection::Group { group_id, only_here } => select.group = Some(SelectGroup { group_id, only_here }),
            Selection::Campaign { campaign_id, statuses } => {
                select.campaign = Some(SelectCampaign { campaign_id, statuses });
            }
            Selection::Undelivered { last, statuses, days, group_id } => {
                select.undelivered = Some(SelectUndelivered { last, statuses, days, group_id });
            }
            Selection::Duplicates { by, group_id, filter } => {
                let filter = filter.map(|filter| *filter);
                select.duplicates = Some(SelectDuplicates { by, group_id, filter });
            }
        }
        let (mut group_id, mut from_group_id, mut reason, mut survivor) = (None, None, None, None);
        let action = job.action.map(|action| match action {
            Action::Trash => ContactAction::Trash,
            Action::Delete => ContactAction::Delete,
            Action::AddToGroup { group_id: group, from_group_id: from } => {
                (group_id, from_group_id) = (Some(group), from);
                ContactAction::AddToGroup
            }
            Action::MoveToGroup { group_id: group, from_group_id: from } => {
                (group_id, from_group_id) = (Some(group), Some(from));
                ContactAction::MoveToGroup
            }
            Action::RemoveFromGroup { group_id: group } => {
                group_id = Some(group);
                ContactAction::RemoveFromGroup
            }
            Action::Blacklist { reason: why } => {
                reason = why;
                ContactAction::Blacklist
            }
            Action::Merge { survivor: stays } => {
                survivor = Some(stays);
                ContactAction::Merge
            }
            Action::TrashOthers { survivor: stays } => {
                survivor = Some(stays);
                ContactAction::Trash
            }
        });
        Self {
            id: job.id,
            status: job.status,
            select,
            action,
            group_id,
            from_group_id,
            reason,
            survivor,
            dry_run: job.dry_run,
            progress: ContactJobProgress { done: job.done, total: job.total },
            result: ContactJobResult { matched: job.matched, changed: job.changed },
            error: job.error.map(|(code, detail)| ContactJobFailure { code, detail }),
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        }
    }
}
