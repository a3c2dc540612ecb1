"""Which tests take long; conftest.py marks them.

Names, not marks in the files, so that a file says what is tested and this one what it costs. Measured
as CPU seconds of all cases of a test together; tests/test_conftest.py says which names are gone.
"""

__all__ = ["MEDIUM", "SLOW"]

# More than about 2 s.
SLOW = frozenset(
    [
        "test_a_model_replaces_a_model_and_nothing_else",
        "test_a_run_that_spills_gives_what_an_unlimited_one_does",
        "test_a_search_that_was_killed_while_it_wrote_ends_as_one_that_was_not",
        "test_all_neighbors_are_those_of_the_core",
        "test_an_interrupted_command_leaves_everything_as_it_was",
        "test_block_size_and_threads_change_no_bit",
        "test_both_kernels_give_the_same_bits",
        "test_degenerate_data_give_what_the_formula_gives",
        "test_each_config_gives_another_model",
        "test_each_way_of_ours_makes_the_lists_of_the_recommender",
        "test_every_similarity_and_weighting_gives_one_valid_model",
        "test_every_way_gives_the_items_the_order_and_the_bits_of_plain_loops",
        "test_every_way_to_ask_gives_the_same_bits_as_plain_loops",
        "test_last_n_takes_the_newest_of_users_who_have_more",
        "test_memory_does_not_grow_with_the_square_of_the_catalogue",
        "test_metrics_are_those_of_the_core",
        "test_models_are_those_of_trainings_of_their_own",
        "test_neighbors_equal_the_dense_formula_and_a_full_sort",
        "test_no_source_of_a_larger_catalogue_is_left_out_that_the_minimum_has",
        "test_only_the_kernel_that_may_runs_compiled_code",
        "test_parts_of_a_block_and_a_user_who_has_all_items_change_no_bit",
        "test_preprocessing_is_that_of_the_core",
        "test_rows_are_put_in_order_of_user_item_time_and_weight",
        "test_the_adapter_passes_as_a_program",
        "test_the_fixtures_catch_every_deliberate_defect",
        "test_the_kernel_of_scipy_takes_what_is_planned",
        "test_the_linear_models_take_what_is_planned",
        "test_the_metrics_of_every_fixture_are_those_of_the_core",
        "test_the_script_and_the_modules_do_the_same",
        "test_threads_and_size_of_blocks_change_nothing",
        "test_threads_batches_and_blocks_change_no_bit",
        "test_what_is_written_reads_back_bit_for_bit",
        "test_whatever_a_file_holds_it_is_read_as_the_parser_reads_it",
    ]
)
# More than about half a second.
MEDIUM = frozenset(
    [
        "test_a_part_whose_tool_is_missing_is_skipped_with_a_line_that_says_how_to_get_it",
        "test_with_all_a_missing_tool_is_a_failure",
        "test_a_batch_gives_what_single_requests_give",
        "test_a_closed_pipe_ends_a_command_quietly",
        "test_a_drawn_randomization_comes_close_to_the_exact_one",
        "test_a_file_that_is_not_as_expected_is_named",
        "test_a_known_failure_is_forgiven_until_it_passes",
        "test_a_large_catalogue_of_rare_items_gives_the_same_bits",
        "test_a_reader_always_finds_a_whole_model",
        "test_a_recommender_as_good_is_not_told_apart_and_a_better_one_is",
        "test_a_result_that_is_kept_is_a_table_of_the_next_query",
        "test_a_worker_answers_each_line_with_the_metrics",
        "test_any_csv_gives_the_same_by_either_reader",
        "test_commands_work_in_a_pipe",
        "test_common_users_of_weighted_items_are_planned_for",
        "test_duckdb_makes_the_files_again",
        "test_each_invalid_model_differs_from_the_good_one",
        "test_every_character_is_written_as_javascript_writes_it",
        "test_every_query_is_one_that_bigquery_takes",
        "test_fixtures_come_out_of_compiled_code_as_well",
        "test_generating_again_gives_the_same_bytes",
        "test_googlesql_makes_the_files_again",
        "test_head_may_take_one_line_of_many",
        "test_importing_mlcore_loads_no_optional_package",
        "test_no_clock_place_or_hash_seed_is_in_the_bytes",
        "test_no_file_is_left_behind",
        "test_no_tracked_text_names_a_machine_or_an_index",
        "test_numba_is_not_loaded_for_tiny_data",
        "test_order_threads_and_slices_change_nothing",
        "test_preprocessing_and_split_give_the_rows_of_the_commands",
        "test_processes_at_the_same_time_lose_no_line",
        "test_recommending_takes_what_is_planned",
        "test_standard_output_that_takes_no_more_is_one_line",
        "test_the_commands_it_names_give_the_value_it_names",
        "test_the_commands_of_the_readme_run",
        "test_the_go_of_the_readme_runs",
        "test_the_overview_names_each_command_and_what_it_does",
        "test_the_same_search_finds_the_same_and_another_seed_something_else",
        "test_threads_and_the_size_of_blocks_change_no_bit",
        "test_users_of_one_weight_each_are_counted_by_their_squares",
        "test_years_of_daily_runs_are_followed",
    ]
)
