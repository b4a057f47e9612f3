//! What every store must do: one suite, run against each.
//!
//! A store joins with one line, and gets one test for each case:
//!
//! ```ignore
//! bridge_core::conformance!(memory, MemoryBench::new());
//! ```
//!
//! The cases write records by hand and not through a room, so that they say what a store does with
//! any log, and not only with what today's rules put into one.

pub mod appending;
pub mod keys;
pub mod memberships;
pub mod posts;
pub mod reading;
pub mod rooms;
pub mod texts;
pub mod threads;

pub mod clients;
pub mod dead_letters;
pub mod deliveries;
pub mod follow_ups;
pub mod history;
pub mod lives;

pub mod critiques;
pub mod decisions;
pub mod due_rooms;
pub mod policies;
pub mod todo;

mod desk;
mod mail;
mod motions;
mod script;

use std::sync::Arc;

use crate::ports::{Log, Store};

/// A place where one store's data lives. Each case gets a fresh one.
pub trait Bench {
    /// Opens the store on its data. Opening it again is a restart: what was opened before has been
    /// dropped by then, and everything that was appended must be there.
    fn open(&self) -> Opened;
}

/// Both sides of an open store.
pub struct Opened {
    /// The writing side.
    pub log: Box<dyn Log>,
    /// The reading side.
    pub store: Arc<dyn Store>,
}

/// Expands to a module with one test for each case of the suite. `$bench` is an expression that
/// makes a fresh [`Bench`]; it is evaluated once a case, with the caller's names in scope.
#[macro_export]
macro_rules! conformance {
    ($module:ident, $bench:expr) => {
        mod $module {
            use super::*;

            $crate::conformance! {
                @cases $bench;
                appending {
                    an_empty_store_holds_nothing,
                    every_kind_of_event_is_read_back_unchanged,
                    streams_of_other_kinds_are_other_streams,
                    positions_are_dense,
                    streams_of_one_batch_do_not_disturb_each_other,
                    a_gap_is_refused_and_its_neighbours_land,
                    a_used_position_is_refused_and_its_neighbours_land,
                    the_first_record_of_a_stream_is_the_first,
                    a_draft_of_several_records_lands_whole,
                    a_draft_of_several_records_is_refused_whole,
                    a_refused_draft_leaves_no_trace,
                    a_thousand_records_land_in_one_batch,
                }
                keys {
                    a_known_key_is_answered_with_the_original,
                    a_known_key_is_found_within_its_batch,
                    a_known_key_is_found_after_a_restart,
                    a_key_of_several_records_names_the_first,
                    a_key_belongs_to_its_author,
                    a_key_belongs_to_its_stream,
                    keys_are_compared_exactly_and_names_without_case,
                    records_without_a_key_are_never_duplicates,
                    a_duplicate_sends_back_what_was_decided_behind_it,
                    a_refused_draft_does_not_use_up_its_key,
                    a_key_can_be_looked_up,
                }
                reading {
                    a_page_is_bounded_in_records,
                    a_page_is_bounded_in_bytes_but_never_empty,
                    a_page_behind_the_head_is_empty,
                    records_are_read_by_their_positions,
                    a_stream_is_read_under_any_spelling,
                    heads_survive_a_restart,
                    the_epoch_survives_a_restart,
                    the_newest_time_is_known_after_a_restart,
                    a_snapshot_is_kept_replaced_and_survives_a_restart,
                    upkeep_changes_nothing_that_can_be_read,
                }
                texts {
                    texts_of_any_script_survive,
                    the_largest_text_survives,
                    attached_json_survives,
                }
                memberships {
                    they_follow_the_log,
                    they_are_paged_by_name,
                    they_know_their_heads,
                    a_client_is_found_under_any_spelling,
                    a_closed_room_keeps_its_members,
                }
                rooms {
                    a_viewer_sees_what_it_may_know_of,
                    an_invitation_can_be_taken_back,
                    a_row_says_what_the_room_is,
                    a_topic_of_any_characters_is_listed,
                    members_are_counted,
                    they_are_paged_by_name,
                }
                posts {
                    a_message_is_found_by_its_id,
                    every_window_is_in_order_of_seq,
                    a_channel_is_found_under_any_spelling,
                    another_rooms_posts_are_not_shown,
                    posts_are_counted,
                    sent_messages_are_counted_and_are_no_posts,
                }
                threads {
                    it_is_whole_from_wherever_it_is_asked_for,
                    a_post_that_the_room_does_not_have_has_no_thread,
                    it_is_paged_by_seq,
                    it_is_bounded,
                    a_refused_draft_leaves_no_answer,
                    a_page_of_a_thread_is_bounded_in_bytes,
                }
                clients {
                    a_client_is_known_once_its_mailbox_is_open,
                    names_about_as_long_are_listed_by_name,
                }
                deliveries {
                    a_message_is_found_in_its_mailbox,
                    failures_are_kept_to_the_letter,
                    an_end_is_an_end,
                    it_is_due_at_the_first_of_its_times,
                    what_is_due_says_what_it_is,
                    the_longest_overdue_comes_first,
                    a_refused_draft_leaves_no_delivery,
                    a_message_to_all_is_nobodys,
                }
                lives {
                    every_step_moves_its_message,
                    steps_may_come_in_the_batch_of_their_message,
                    a_life_may_come_in_any_batches,
                }
                dead_letters {
                    they_are_listed_newest_first,
                    they_are_paged_by_message,
                    they_are_of_their_sender_and_their_recipient,
                }
                history {
                    it_is_the_logs_own_records,
                    it_goes_mailbox_by_mailbox,
                    a_message_to_all_has_one_record,
                    others_have_none,
                }
                follow_ups {
                    every_record_with_an_effect_waits,
                    they_are_paged_by_their_place,
                    what_is_done_is_forgotten,
                    a_refused_draft_leaves_none,
                    a_page_is_bounded_in_bytes,
                }
                decisions {
                    a_history_is_the_logs_own_records,
                    histories_do_not_mix,
                    they_are_listed_newest_first,
                    they_are_listed_by_state,
                    a_life_may_come_in_one_batch,
                    a_refused_draft_leaves_no_motion,
                }
                critiques {
                    they_come_with_all_their_records,
                    they_are_listed_newest_first,
                    they_stand_until_they_are_answered,
                    they_end_with_their_motion,
                    a_page_is_bounded_in_bytes,
                }
                due_rooms {
                    a_motion_is_due_at_the_first_of_its_times,
                    the_longest_overdue_comes_first,
                    the_next_is_the_next_of_mailboxes_and_rooms,
                }
                policies {
                    a_new_visibility_is_seen_in_the_list,
                }
                todo {
                    the_motion_with_the_earliest_deadline_comes_first,
                    a_motion_is_open_until_it_ends,
                    motions_are_of_members_only,
                    a_question_waits_until_it_ends,
                    the_question_that_ends_first_comes_first,
                    a_page_of_questions_is_bounded_in_bytes,
                }
            }
        }
    };
    (@cases $bench:expr; $($group:ident { $($case:ident,)* })*) => {
        $(
            mod $group {
                use super::*;

                $(
                    #[test]
                    fn $case() {
                        $crate::contract::$group::$case(&$bench);
                    }
                )*
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    /// Every file of cases, so that a case that nobody runs is noticed.
    const GROUPS: [&str; 18] = [
        include_str!("contract/appending.rs"),
        include_str!("contract/keys.rs"),
        include_str!("contract/reading.rs"),
        include_str!("contract/texts.rs"),
        include_str!("contract/memberships.rs"),
        include_str!("contract/rooms.rs"),
        include_str!("contract/posts.rs"),
        include_str!("contract/threads.rs"),
        include_str!("contract/clients.rs"),
        include_str!("contract/deliveries.rs"),
        include_str!("contract/dead_letters.rs"),
        include_str!("contract/history.rs"),
        include_str!("contract/follow_ups.rs"),
        include_str!("contract/decisions.rs"),
        include_str!("contract/critiques.rs"),
        include_str!("contract/due_rooms.rs"),
        include_str!("contract/policies.rs"),
        include_str!("contract/todo.rs"),
    ];

    #[test]
    fn every_case_is_in_the_suite() {
        let suite = include_str!("contract.rs");
        for line in GROUPS.iter().flat_map(|group| group.lines()) {
            let Some(rest) = line.strip_prefix("pub fn ") else {
                continue;
            };
            let case = rest.split('(').next().expect("a split has a first part");
            assert!(
                suite.contains(&format!(" {case},\n")),
                "{case} is never run"
            );
        }
    }
}
