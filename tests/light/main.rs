//! What users see, on an API server without nodes: sidecars and operator are processes of this
//! machine.

mod a_confirmed_death_does_not_wait_for_the_lease;
mod a_frozen_goose_makes_no_second;
mod a_hook_that_never_answers_leaves_no_stale_role;
mod a_new_sidecar_comes_to_one_cluster_after_the_other;
mod a_pass_is_traced;
mod a_sidecar_without_its_environment_says_what_is_missing;
mod a_sidecar_without_its_lease_waits_for_it;
mod a_sidecar_without_permission_waits_for_it;
mod an_api_server_in_trouble_only_delays_the_operator;
mod an_ill_goose_that_is_kept_shows_in_the_status;
mod an_operator_at_rest_only_watches;
mod an_operator_killed_at_any_write_changes_nothing;
mod an_outage_of_the_api_server_changes_no_readiness;
mod an_outage_of_the_api_server_ends_the_goose_in_time;
mod any_request_is_answered_as_described;
mod changed_claim_templates_are_refused_in_words;
mod ducks_send_no_requests_at_rest;
mod every_sample_is_taken;
mod hooks_come_before_the_role_and_after_it;
mod lone_member;
mod sidecars_may_do_what_they_need_and_no_more;
mod the_chart_upgrades_the_definition;
mod the_goose_service_leads_to_the_goose_alone;
mod the_role_file_outlives_neither_its_hold_nor_its_writer;
mod the_status_tells_how_each_goose_came_to_be;
mod what_other_versions_rely_on_stands_still;
mod what_the_operator_learns_late_changes_nothing;

use std::process::ExitCode;

use stage::{Suite, test_of};
use testbed::Tier;

fn main() -> ExitCode {
    Suite::on(Tier::Light)
        .beside_others(test_of!(sidecars_may_do_what_they_need_and_no_more))
        .beside_others(test_of!(every_sample_is_taken))
        .beside_others(test_of!(ducks_send_no_requests_at_rest))
        .beside_others(test_of!(a_confirmed_death_does_not_wait_for_the_lease))
        .beside_others(test_of!(the_goose_service_leads_to_the_goose_alone))
        .beside_others(test_of!(what_other_versions_rely_on_stands_still))
        .beside_others(test_of!(the_status_tells_how_each_goose_came_to_be))
        .beside_others(test_of!(the_role_file_outlives_neither_its_hold_nor_its_writer))
        .beside_others(test_of!(hooks_come_before_the_role_and_after_it))
        .beside_others(test_of!(a_hook_that_never_answers_leaves_no_stale_role))
        .beside_others(test_of!(any_request_is_answered_as_described))
        .beside_others(test_of!(an_ill_goose_that_is_kept_shows_in_the_status))
        .beside_others(test_of!(a_frozen_goose_makes_no_second))
        .beside_others(test_of!(a_sidecar_without_its_environment_says_what_is_missing))
        .beside_others(test_of!(a_sidecar_without_its_lease_waits_for_it))
        .beside_others(test_of!(a_sidecar_without_permission_waits_for_it))
        .apart(test_of!(an_operator_killed_at_any_write_changes_nothing))
        .apart(test_of!(what_the_operator_learns_late_changes_nothing))
        .apart(test_of!(an_api_server_in_trouble_only_delays_the_operator))
        .apart(test_of!(changed_claim_templates_are_refused_in_words))
        .apart(test_of!(a_new_sidecar_comes_to_one_cluster_after_the_other))
        .apart(test_of!(a_pass_is_traced))
        .apart(test_of!(the_chart_upgrades_the_definition))
        .apart(test_of!(an_operator_at_rest_only_watches))
        .alone(test_of!(an_outage_of_the_api_server_ends_the_goose_in_time))
        .alone(test_of!(an_outage_of_the_api_server_changes_no_readiness))
        .run()
}
