//! The store, on SQLite and on PostgreSQL: each test is written once and runs on both.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "these are tests"
)]

mod accounts;
mod appends;
mod batches;
mod bed;
mod changes;
mod closing;
mod cluster;
mod contacts;
mod deletion;
mod devices;
mod failures;
mod keys;
mod marks;
mod people;
mod reading;
mod reference;
mod schema;
mod sight;
mod targets;
mod uploads;

/// Makes two tests of each function: `sqlite::topic::function` and `postgres::topic::function`.
/// On several threads, because a test may hold the writer up ([`people::in_one_batch`]).
macro_rules! on_both {
    ($($topic:ident { $($test:ident),+ $(,)? })+) => {
        mod sqlite {
            $(mod $topic {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $test() {
                    crate::$topic::$test(&crate::bed::Bed::sqlite()).await;
                })+
            })+
        }
        mod postgres {
            $(mod $topic {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $test() {
                    crate::$topic::$test(&crate::bed::Bed::postgres()).await;
                })+
            })+
        }
    };
}

on_both! {
    schema {
        made_from_nothing_and_again_without_harm,
        made_once_by_two_at_once,
        made_whole_or_not_at_all,
        brought_up_to_date_from_the_first_version,
        of_a_newer_version_is_refused,
        keeps_its_promises,
    }
    accounts {
        names_are_one_across_case,
        a_name_goes_to_one_of_many_who_want_it,
        an_invite_makes_one_account,
        an_invite_ends_with_its_time,
        an_invite_makes_an_administrator,
        passwords_change,
        a_password_that_was_changed_meanwhile_opens_nothing,
        accounts_are_switched_off_and_on,
        what_another_process_changed_is_noticed,
    }
    deletion {
        content_is_erased_and_numbers_stay,
        the_name_stays_taken,
        nobody_finds_them_any_more,
    }
    devices {
        a_token_resumes_until_it_is_revoked,
        devices_are_their_owners_business,
        seed_clients_share_a_device,
        last_seen_is_noted_by_the_hour,
        addresses_are_known,
        an_account_that_is_off_gets_none,
    }
    contacts {
        adding_twice_is_adding_once,
        lists_are_alphabetical,
        a_block_before_the_first_message,
        a_block_after_the_first_message,
        one_conversation_a_pair,
        one_conversation_a_pair_for_two_processes,
    }
    appends {
        numbers_are_contiguous_under_many_writers,
        two_processes_share_the_numbers,
        only_members_write,
        who_is_switched_off_does_not_write,
        expect_lets_one_of_many_through,
        files_are_announced_to_members,
    }
    keys {
        a_repeat_gets_the_first_answer,
        a_repeat_after_a_reopening,
        repeats_in_one_batch,
        a_repeat_with_expect,
        a_repeat_after_a_block,
        another_use_is_refused,
        everybody_has_keys_of_their_own,
    }
    batches {
        bad_items_fail_alone,
        a_row_that_offends_a_constraint_fails_alone,
        behaves_as_if_one_after_the_other,
    }
    targets {
        what_an_append_is_about_has_to_fit,
        answers_in_one_batch,
        erasing_is_all_or_nothing,
    }
    marks {
        marks_only_grow,
        marks_of_many_devices_at_once,
        marks_of_many_people_at_once,
        a_block_hides_marks,
    }
    changes {
        only_what_is_new_and_may_be_seen,
        pages_lose_nothing,
        what_was_marked_during_a_block_comes_after_it,
    }
    sight {
        presence_goes_to_contacts_that_are_not_blocked,
        typing_goes_to_members_that_are_not_blocked,
    }
    reading {
        pages_make_up_the_whole,
        a_page_is_bounded_in_bytes,
        history_goes_back_and_forth,
        the_tail_of_what_is_not_held,
        held_beyond_the_newest,
        what_retention_took_is_passed_over,
        ids_that_nobody_gave_out,
        the_seed_cursor_never_goes_back,
    }
    uploads {
        room_is_kept_until_the_file_is_gone,
        an_upload_is_opened_once,
        an_upload_becomes_one_file,
        what_is_too_much_is_refused,
        what_is_left_is_given_up,
        an_account_takes_its_uploads_along,
    }
    closing {
        what_is_queued_is_written,
    }
    failures {
        a_batch_that_fails_leaves_nothing,
        a_database_that_is_locked_comes_back,
        a_database_that_was_away_comes_back,
    }
}
