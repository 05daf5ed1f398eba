"""The access table: every operation, and who may call it.

The first of three walls: an operation that isn't listed here keeps the application from
starting. The second are the row rules beside this file, the third is row-level security.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.access.actors import Actor
from app.errors import Bilingual, Forbidden, Unauthenticated
from app.vocabulary import NextStep, Role, Scope


@dataclass(frozen=True, slots=True)
class Rule:
    """Roles that may call an operation; for a service client, the scope that it needs too."""

    roles: frozenset[Role]
    scope: str | None = None
    anonymous: bool = False
    before_totp: bool = False
    """May be called by an account that still has to enrol TOTP or change its password."""
    proof_in_body: bool = False
    """The body proves who asks; a bearer token that came along, perhaps expired, is ignored."""


EVERY_ROLE = frozenset(Role)
PEOPLE = frozenset({Role.PUBLIC, Role.ASN, Role.HR_ADMIN, Role.AUDITOR})

ANYONE = Rule(EVERY_ROLE, anonymous=True, before_totp=True)
OWN_ACCOUNT = Rule(EVERY_ROLE, before_totp=True)
OWN_CREDENTIALS = Rule(PEOPLE, before_totp=True)
DOOR = Rule(EVERY_ROLE, anonymous=True, before_totp=True, proof_in_body=True)


def only(*roles: Role, scope: str | None = None) -> Rule:
    """These roles; and service clients that hold the scope, where one is named."""
    return Rule(frozenset(roles) | ({Role.SERVICE} if scope else set()), scope)


HR = (Role.HR_ADMIN,)
OVERSIGHT = (Role.HR_ADMIN, Role.AUDITOR)
STAFF = (Role.ASN, Role.HR_ADMIN, Role.AUDITOR)

TABLE: Mapping[str, Rule] = {
    # sign-in
    "sign_in_with_password": DOOR,
    "sign_in_refresh": DOOR,
    "sign_in_client_token": DOOR,
    "sign_in_activate": DOOR,
    "sign_in_sign_out": OWN_ACCOUNT,
    "sign_in_keys": ANYONE,
    # sessions
    "sessions_list_sessions": OWN_ACCOUNT,
    "sessions_revoke": OWN_ACCOUNT,
    "sessions_revoke_all": OWN_ACCOUNT,
    # me
    "me_get_me": OWN_ACCOUNT,
    "me_update_me": Rule(PEOPLE),
    "me_change_password": OWN_CREDENTIALS,
    "me_start_totp": OWN_CREDENTIALS,
    "me_confirm_totp": OWN_CREDENTIALS,
    "me_remove_totp": Rule(PEOPLE),
    "me_renew_recovery_codes": Rule(PEOPLE),
    "me_withdraw_consent": only(Role.PUBLIC),
    # accounts
    "accounts_register": DOOR,
    "accounts_list_accounts": only(*OVERSIGHT),
    "accounts_create_account": only(*HR),
    "accounts_get_account": only(*OVERSIGHT),
    "accounts_update_account": only(*HR),
    "accounts_reset_password": only(*HR),
    "accounts_reset_totp": only(*HR),
    # invitations
    "invitations_create_invitations": only(*HR),
    "invitations_list_invitations": only(*HR),
    "invitations_revoke": only(*HR),
    # health
    "health_livez": ANYONE,
    "health_readyz": ANYONE,
    "health_metrics": ANYONE,
    # units
    **dict.fromkeys(
        (
            "units_list_units",
            "units_get_tree",
            "units_get_unit",
            "units_get_history",
        ),
        only(*STAFF, scope=Scope.ORGANISATION_READ),
    ),
    # When a seat falls vacant tells its holder's month of birth.
    "units_get_seats": only(*OVERSIGHT, scope=Scope.ORGANISATION_READ),
    "units_list_retirements": only(*OVERSIGHT),
    **dict.fromkeys(
        (
            "units_create_unit",
            "units_update_unit",
            "units_move_unit",
            "units_merge_unit",
            "units_close_unit",
        ),
        only(*HR, scope=Scope.ORGANISATION_WRITE),
    ),
    # positions
    **dict.fromkeys(
        (
            "positions_list_positions",
            "positions_get_position",
            "positions_get_history",
            "positions_list_assignments",
            "positions_get_assignment",
        ),
        only(*STAFF, scope=Scope.ORGANISATION_READ),
    ),
    **dict.fromkeys(
        (
            "positions_create_position",
            "positions_update_position",
            "positions_close_position",
            "positions_create_assignment",
            "positions_update_assignment",
        ),
        only(*HR, scope=Scope.ORGANISATION_WRITE),
    ),
    # employees
    "employees_list_employees": only(*OVERSIGHT, scope=Scope.EMPLOYEES_READ),
    "employees_get_employee": only(*STAFF, scope=Scope.EMPLOYEES_READ),
    "employees_get_history": only(*STAFF, scope=Scope.EMPLOYEES_READ),
    **dict.fromkeys(
        (
            "employees_create_employee",
            "employees_update_employee",
            "employees_change_profile",
            "employees_change_identifier",
            "employees_change_status",
            "employees_change_golongan",
            "employees_separate",
            "employees_add_education",
            "employees_remove_education",
            "employees_add_discipline",
            "employees_remove_discipline",
        ),
        only(*HR, scope=Scope.EMPLOYEES_WRITE),
    ),
    "employees_get_spouse": only(*STAFF, scope=Scope.EMPLOYEES_READ),
    "employees_record_spouse": only(*HR, scope=Scope.EMPLOYEES_WRITE),
    "employees_end_marriage": only(*HR, scope=Scope.EMPLOYEES_WRITE),
    "employees_reveal_nik": only(*HR),
    "employees_export_data": only(*STAFF),
    # correction requests
    "correction_requests_create_request": only(Role.ASN),
    "correction_requests_list_of_employee": only(*STAFF, scope=Scope.CORRECTIONS_READ),
    "correction_requests_list_requests": only(*OVERSIGHT, scope=Scope.CORRECTIONS_READ),
    "correction_requests_get_request": only(*STAFF, scope=Scope.CORRECTIONS_READ),
    "correction_requests_accept": only(*HR),
    "correction_requests_decline": only(*HR),
    "correction_requests_withdraw": only(Role.ASN),
    # sync
    "sync_get_employees": only(*STAFF, scope=Scope.EMPLOYEES_READ),
    "sync_get_units": only(*STAFF, scope=Scope.ORGANISATION_READ),
    "sync_get_positions": only(*STAFF, scope=Scope.ORGANISATION_READ),
    "sync_get_assessment_results": only(*STAFF, scope=Scope.ASSESSMENTS_READ),
    # imports
    "imports_create_import": only(*HR, scope=Scope.IMPORTS_WRITE),
    "imports_apply_import": only(*HR, scope=Scope.IMPORTS_WRITE),
    **dict.fromkeys(
        (
            "imports_list_imports",
            "imports_list_columns",
            "imports_get_template",
            "imports_get_import",
            "imports_list_findings",
            "imports_get_error_file",
        ),
        only(*HR, scope=Scope.IMPORTS_READ),
    ),
    # exports
    **dict.fromkeys(
        (
            "exports_list_datasets",
            "exports_create_export",
            "exports_list_exports",
            "exports_get_export",
            "exports_get_content",
            "exports_get_manifest",
        ),
        only(Role.AUDITOR, scope=Scope.EXPORTS_READ),
    ),
    # competencies: everybody may read by what people are measured
    "competencies_list_competencies": Rule(EVERY_ROLE),
    "competencies_get_competency": Rule(EVERY_ROLE),
    "competencies_get_history": Rule(EVERY_ROLE),
    "competencies_create_competency": only(*HR),
    "competencies_update_competency": only(*HR),
    "competencies_close_competency": only(*HR),
    # standards
    "standards_get_standard": only(*STAFF, scope=Scope.ORGANISATION_READ),
    "standards_get_history": only(*STAFF, scope=Scope.ORGANISATION_READ),
    "standards_list_proposals": only(*OVERSIGHT),
    "standards_get_proposal": only(*OVERSIGHT),
    "standards_create_proposal": only(*HR),
    "standards_approve": only(*HR),
    "standards_decline": only(*HR),
    "standards_withdraw": only(*HR),
    # assessments: providers, events, people, raters
    **dict.fromkeys(
        (
            "assessment_providers_list_providers",
            "assessment_providers_get_provider",
            "assessment_events_list_events",
            "assessment_events_get_event",
            "assessments_list_assessments",
            "assessments_get_assessment",
        ),
        only(*STAFF, scope=Scope.ASSESSMENTS_READ),
    ),
    **dict.fromkeys(
        (
            "assessment_providers_create_provider",
            "assessment_providers_update_provider",
            "assessment_providers_record_accreditation",
            "assessment_providers_end_accreditation",
        ),
        only(*HR),
    ),
    **dict.fromkeys(
        (
            "assessment_events_create_event",
            "assessment_events_update_event",
            "assessment_events_add_candidates",
            "assessments_assign_raters",
        ),
        only(*HR, scope=Scope.ASSESSMENTS_WRITE),
    ),
    "assessment_events_list_assessments": only(*OVERSIGHT, scope=Scope.ASSESSMENTS_READ),
    "assessments_list_raters": only(*OVERSIGHT, scope=Scope.ASSESSMENTS_READ),
    "assessments_get_ratings": only(*OVERSIGHT),
    **dict.fromkeys(
        (
            "assessment_events_close",
            "assessment_events_submit",
            "assessment_events_moderate",
            "assessments_submit",
            "assessments_return_to_draft",
            "assessments_moderate",
            "assessments_cancel",
            "assessor_assignments_withdraw",
            "assessor_assignments_return_form",
        ),
        only(*HR),
    ),
    **dict.fromkeys(
        (
            "assessor_assignments_list_own",
            "assessor_assignments_get_form",
            "assessor_assignments_put_form",
            "assessor_assignments_rate",
            "assessor_assignments_remove_rating",
            "assessor_assignments_submit",
        ),
        only(Role.ASN),
    ),
    # results of assessments
    **dict.fromkeys(
        (
            "assessment_results_list_results",
            "assessment_results_get_result",
            "assessment_results_get_profile",
            "assessment_results_get_radar",
            "assessment_results_get_history",
            "assessment_results_compare",
        ),
        only(*STAFF, scope=Scope.ASSESSMENTS_READ),
    ),
    "assessment_results_publish": only(*HR),
    "assessment_results_publish_event": only(*HR),
    "assessment_results_replay": only(Role.AUDITOR),
    # objections
    **dict.fromkeys(
        ("objections_list_objections", "objections_get_objection"),
        only(*STAFF, scope=Scope.ASSESSMENTS_READ),
    ),
    "objections_file_objection": only(Role.ASN),
    "objections_withdraw": only(Role.ASN),
    "objections_add_statement": only(Role.ASN, Role.HR_ADMIN),
    "objections_assign": only(*HR),
    "objections_rule": only(*HR),
    # competency gaps
    **dict.fromkeys(
        (
            "competency_gaps_get_summary",
            "competency_gaps_list_coverage",
            "competency_gaps_list_candidates",
        ),
        only(*OVERSIGHT, scope=Scope.ASSESSMENTS_READ),
    ),
    # statistics
    **dict.fromkeys(
        ("statistics_list_datasets", "statistics_get_snapshot", "statistics_list_snapshots"),
        ANYONE,
    ),
    "statistics_publish_snapshot": only(*HR),
    # audit
    "audit_list_events": only(Role.AUDITOR),
    "audit_get_event": only(Role.AUDITOR),
    "audit_get_inclusion_proof": only(Role.AUDITOR),
    "audit_list_reads_of_account": only(Role.AUDITOR),
    "audit_verify": only(Role.AUDITOR),
    "audit_list_checkpoints": only(Role.AUDITOR, scope=Scope.AUDIT_READ),
    "audit_create_checkpoint": only(Role.AUDITOR),
    "audit_get_checkpoint": only(Role.AUDITOR, scope=Scope.AUDIT_READ),
    "me_list_data_access": Rule(PEOPLE),
    "audit_get_audit_keys": ANYONE,
}


class PasswordChangeRequired(Forbidden):
    """The password was given by somebody else: change it, refresh, and come again."""

    code = "password_change_required"
    title = Bilingual("Ganti kata sandi Anda lebih dahulu", "Change your password first")


class TotpRequired(Forbidden):
    """This role needs a second factor: enrol one, refresh, and come again."""

    code = "totp_required"
    title = Bilingual("Aktifkan TOTP lebih dahulu", "Enrol TOTP first")


STEP_ERRORS: Mapping[NextStep, type[Forbidden]] = {
    NextStep.MUST_CHANGE_PASSWORD: PasswordChangeRequired,
    NextStep.ENROL_TOTP: TotpRequired,
}


class UnlistedOperation(RuntimeError):
    """The access table and the application's operations differ."""


def check_table(operations: Iterable[str]) -> None:
    """Refuse to start where an operation has no rule, or a rule no operation."""
    served = set(operations)
    unlisted, unused = served - TABLE.keys(), TABLE.keys() - served
    if unlisted or unused:
        raise UnlistedOperation(
            f"no rule for {sorted(unlisted)}; no operation for {sorted(unused)}"
        )


def check_operation(rule: Rule, actor: Actor) -> None:
    """Errors: Unauthenticated where the actor must sign in first, Forbidden otherwise."""
    if not actor.signed_in:
        if not rule.anonymous:
            raise Unauthenticated
        return
    if actor.next_step is not None and not rule.before_totp:
        raise STEP_ERRORS[actor.next_step]
    if actor.role not in rule.roles:
        raise Forbidden(
            Bilingual(
                f"Peran {actor.role} tidak dapat melakukan ini.",
                f"The role {actor.role} can't do this.",
            )
        )
    if actor.role is Role.SERVICE and rule.scope and rule.scope not in actor.scopes:
        raise Forbidden(
            Bilingual(
                f"Klien layanan memerlukan cakupan {rule.scope}.",
                f"The service client needs the scope {rule.scope}.",
            )
        )
