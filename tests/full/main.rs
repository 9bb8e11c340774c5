//! What users see, on real nodes: `cargo xtask test`, or by hand as the crate says.

mod a_better_goose_is_moved_to_where_that_is_wanted;
mod a_broken_rollout_leaves_the_goose_alone;
mod a_command_runs_on_the_goose_alone;
mod a_confirmed_death_does_not_wait_for_the_lease;
mod a_cut_off_goose_is_a_duck_before_another_leads;
mod a_deleted_goose_is_replaced;
mod a_deleted_lease_makes_no_second_goose;
mod a_drain_moves_the_goose_before_its_pod_goes;
mod a_fenced_goose_hands_over_and_stays_a_duck;
mod a_force_deleted_goose_that_lives_on_is_waited_out;
mod a_goose_alone_is_goose_again;
mod a_goose_that_ignores_term_is_killed_before_another_leads;
mod a_goose_that_is_scaled_away_hands_over_first;
mod a_goose_whose_containers_all_die_is_replaced;
mod a_hand_over_is_asked_for_by_annotation;
mod a_hand_over_takes_milliseconds;
mod a_killed_sidecar_is_replaced;
mod a_new_sidecar_moves_each_goose_once;
mod a_paused_cluster_stands_still;
mod a_refused_template_leaves_running_pods_alone;
mod a_restored_cluster_has_one_goose;
mod a_rollout_updates_the_goose_last;
mod a_sidecar_on_loopback_is_asked_from_inside_alone;
mod a_volume_keeps_what_its_pod_wrote;
mod an_autoscaler_scales_a_cluster;
mod an_autoscalers_taint_moves_the_goose;
mod an_eviction_without_a_cordon_moves_the_goose;
mod an_old_copy_of_the_lease_makes_no_second_goose;
mod an_operator_that_starts_anew_changes_nothing;
mod an_outage_of_the_api_server_takes_no_pod_out_of_service;
mod an_upgrade_of_the_operator_changes_no_goose;
mod bad_input_is_refused_in_words;
mod changing_the_lease_keeps_the_goose;
mod claims_stay_or_go_as_asked;
mod clusters_of_like_names_keep_apart;
mod exactly_one_pod_is_labelled_goose;
mod forgeries_are_refused;
mod kubectl_explains_every_field;
mod kubectl_shows_clusters_in_columns;
mod kubectl_waits_until_a_cluster_is_available;
mod network_policies_fit_the_pods;
mod the_goose_is_chosen_by_priority_and_stays;
mod the_goose_is_kept_while_the_set_is_scaled;
mod the_goose_service_follows_the_goose;
mod the_how_tos_work;
mod the_tutorial_works;
mod uninstalling_leaves_nothing_but_the_definition;

use std::process::ExitCode;

use stage::{Suite, test_of};
use testbed::Tier;

fn main() -> ExitCode {
    Suite::on(Tier::Full)
        .beside_others(test_of!(kubectl_explains_every_field))
        .beside_others(test_of!(bad_input_is_refused_in_words))
        .beside_others(test_of!(forgeries_are_refused))
        .beside_others(test_of!(network_policies_fit_the_pods))
        .beside_others(test_of!(an_autoscaler_scales_a_cluster))
        .beside_others(test_of!(the_goose_is_kept_while_the_set_is_scaled))
        .beside_others(test_of!(kubectl_shows_clusters_in_columns))
        .beside_others(test_of!(kubectl_waits_until_a_cluster_is_available))
        .beside_others(test_of!(exactly_one_pod_is_labelled_goose))
        .beside_others(test_of!(a_deleted_goose_is_replaced))
        .beside_others(test_of!(a_killed_sidecar_is_replaced))
        .beside_others(test_of!(a_goose_whose_containers_all_die_is_replaced))
        .beside_others(test_of!(a_goose_alone_is_goose_again))
        .beside_others(test_of!(a_hand_over_takes_milliseconds))
        .beside_others(test_of!(changing_the_lease_keeps_the_goose))
        .beside_others(test_of!(a_deleted_lease_makes_no_second_goose))
        .beside_others(test_of!(an_old_copy_of_the_lease_makes_no_second_goose))
        .beside_others(test_of!(a_restored_cluster_has_one_goose))
        .beside_others(test_of!(clusters_of_like_names_keep_apart))
        .beside_others(test_of!(a_refused_template_leaves_running_pods_alone))
        .beside_others(test_of!(a_rollout_updates_the_goose_last))
        .beside_others(test_of!(a_broken_rollout_leaves_the_goose_alone))
        .beside_others(test_of!(a_goose_that_is_scaled_away_hands_over_first))
        .beside_others(test_of!(a_sidecar_on_loopback_is_asked_from_inside_alone))
        .beside_others(test_of!(a_command_runs_on_the_goose_alone))
        .beside_others(test_of!(the_tutorial_works))
        .beside_others(test_of!(the_how_tos_work))
        .beside_others(test_of!(a_hand_over_is_asked_for_by_annotation))
        .beside_others(test_of!(a_paused_cluster_stands_still))
        .beside_others(test_of!(a_fenced_goose_hands_over_and_stays_a_duck))
        .beside_others(test_of!(the_goose_is_chosen_by_priority_and_stays))
        .beside_others(test_of!(a_confirmed_death_does_not_wait_for_the_lease))
        .beside_others(test_of!(a_volume_keeps_what_its_pod_wrote))
        .beside_others(test_of!(claims_stay_or_go_as_asked))
        .beside_others(test_of!(a_better_goose_is_moved_to_where_that_is_wanted))
        .alone(test_of!(a_goose_that_ignores_term_is_killed_before_another_leads))
        .alone(test_of!(a_force_deleted_goose_that_lives_on_is_waited_out))
        .alone(test_of!(a_drain_moves_the_goose_before_its_pod_goes))
        .alone(test_of!(an_autoscalers_taint_moves_the_goose))
        .alone(test_of!(an_eviction_without_a_cordon_moves_the_goose))
        .alone(test_of!(the_goose_service_follows_the_goose))
        .alone(test_of!(a_cut_off_goose_is_a_duck_before_another_leads))
        .alone(test_of!(an_operator_that_starts_anew_changes_nothing))
        .alone(test_of!(an_upgrade_of_the_operator_changes_no_goose))
        .alone(test_of!(a_new_sidecar_moves_each_goose_once))
        .alone(test_of!(an_outage_of_the_api_server_takes_no_pod_out_of_service))
        .alone(test_of!(uninstalling_leaves_nothing_but_the_definition))
        .run()
}
