"""Every choice of docs/reference/differences.md is held by a test: here is which."""

from __future__ import annotations

import re

from tests.conftest import ROOT

# By heading and section, the tests that fail where the program does otherwise. A heading that makes a statement of its
# own stands for a section, too.
HELD_BY = {
    # Training
    ("Training", "A score beyond the sigmoid table"): (
        "test_models.py::test_equals_the_naive_twin",
        "test_models.py::test_extreme_scores_saturate_and_stay_finite",
        "test_choices.py::test_gradients_go_on_beyond_six_and_saturate_at_sixteen",
    ),
    ("Training", "A noise word that equals the target, or one drawn before"): (
        "test_models.py::test_tiny_vocabulary_has_few_distinct_noise_words",
    ),
    ("Training", "The noise distribution"): (
        "test_models.py::test_alias_table_rebuilds_its_distribution",
        "test_choices.py::test_noise_is_drawn_by_a_power_of_the_count",
    ),
    ("Training", "Subsampling"): (
        "test_models.py::test_equals_the_naive_twin",
        "test_choices.py::test_subsampling_is_the_formula_of_the_c_program",
    ),
    ("Training", "Subsampling of a tiny text"): (
        "test_sampling_tables.py::test_subsampling_leaves_nothing_of_a_tiny_text",
        "test_little_to_train_on.py::test_a_tiny_text_is_trained_without_subsampling",
        "test_estimator_like_mllib.py::test_the_example_of_mllib",
    ),
    ("Training", "Subsampling comes before windows"): (
        "test_models.py::test_equals_the_naive_twin",
        "test_encode.py::test_decoding_gives_the_known_words_back",
    ),
    ("Training", "The window shrinks at random"): (
        "test_distributions.py::test_reach_is_uniform",
        "test_distributions.py::test_reach_is_the_whole_window_when_it_does_not_shrink",
    ),
    ("Training", "CBOW"): (
        "test_gradients.py::test_gradient_is_the_derivative_of_the_loss",
        "test_gradients.py::test_steps_along_the_tree_are_those_of_gensim",
        "test_models.py::test_every_setting",
    ),
    ("Training", "Hierarchical softmax"): (
        "test_huffman.py::test_equals_the_c_program",
        "test_huffman.py::test_codes_are_as_short_as_can_be",
        "test_gradients.py::test_steps_along_the_tree_are_those_of_gensim",
    ),
    ("Training", "What is published"): ("test_config.py::test_output_rows_are_no_words_with_hierarchical_softmax",),
    ("Training", "Noise words are shared by a window"): (
        "test_models.py::test_equals_the_naive_twin",
        "test_models.py::test_every_tile_shape",
    ),
    ("Training", "Noise words come from a pool"): (
        "test_noise_pool.py::test_training_touches_words_of_pools_alone_and_its_own",
        "test_noise_pool.py::test_how_large_a_pool_is",
    ),
    ("Training", "All pairs of a window move together"): (
        "test_models.py::test_equals_the_naive_twin",
        "test_gradients.py::test_gradient_is_the_derivative_of_the_loss",
    ),
    ("Training", "The learning rate"): (
        "test_plan.py::test_learning_rate_falls_linearly",
        "test_models.py::test_learning_rate_falls_to_its_floor",
    ),
    ("Training", "One learning rate a sentence"): (
        "test_models.py::test_equals_the_naive_twin",
        "test_bit_identity.py::test_one_shard_does_not_depend_on_the_number_of_rounds",
    ),
    ("Training", "A sentence of one word"): ("test_models.py::test_equals_the_naive_twin",),
    ("Training", "The weights to start from"): ("test_choices.py::test_first_weights",),
    ("Training", "The order of the corpus"): (
        "test_encode.py::test_order_does_not_depend_on_how_documents_arrive",
        "test_encode.py::test_copies_of_a_document_are_scattered",
        "test_encode.py::test_another_seed_is_another_order_and_buckets_are_even",
        "test_encode.py::test_long_documents_are_several_chunks",
        "test_bit_identity.py::test_files_and_order_of_the_input_do_not_matter",
        "test_bit_identity.py::test_another_seed_gives_other_vectors",
        "test_plan.py::test_rounds_cover_every_epoch_once",
    ),
    ("Training", "Several workers"): (
        "test_merge.py::test_the_size_of_row_ranges_does_not_change_a_bit",
        "test_models.py::test_slices_draw_the_same_numbers_as_the_whole",
        "test_bit_identity.py::test_spark_equals_a_local_loop",
        "test_kills.py::test_a_cluster_gives_the_same_bits_and_survives_a_killed_worker",
    ),
    ("Training", "The loss"): (
        "test_models.py::test_equals_the_naive_twin",
        "test_models.py::test_every_tile_shape",
        "test_choices.py::test_the_loss_of_a_round_is_the_mean_over_all_pairs",
    ),
    # Documents
    ("Documents", "A document's row is one more input row"): (
        "test_document_models.py::test_equals_the_naive_twin",
        "test_document_models.py::test_any_window",
    ),
    ("Documents", "Sentences of one word"): (
        "test_document_models.py::test_sentences_of_one_word_train_their_document",
    ),
    ("Documents", "Windows end with sentences"): ("test_document_models.py::test_any_window",),
    ("Documents", "PV-DBOW without words"): ("test_document_models.py::test_equals_the_naive_twin",),
    ("Documents", "The learning rate, subsampling and noise"): ("test_document_models.py::test_equals_the_naive_twin",),
    # Text
    ("Text", "Words"): (
        "test_tokenizer.py::test_word_boundaries_follow_unicode",
        "test_tokenizer.py::test_equals_the_naive_twin",
    ),
    ("Text", "Apostrophes"): ("test_tokenizer.py::test_apostrophes_are_kept_or_split_by_the_setting",),
    ("Text", "Normal form"): (
        "test_tokenizer.py::test_normal_forms",
        "test_tokenizer.py::test_normalised_text_equals_the_naive_twin",
    ),
    ("Text", "White space as the tokenizer"): (
        "test_tokenizer.py::test_white_space_is_all_that_separates",
        "test_tokenizer.py::test_white_space_equals_the_naive_twin",
    ),
    ("Text", "Ready words"): (
        "test_tokenizer.py::test_ready_words_are_taken_as_they_are",
        "test_tokenizer.py::test_unusable_ready_words_are_kept_as_empty_ones_where_they_are_asked_for",
    ),
    ("Text", "k-mers"): (
        "test_kmers.py::test_kmers_are_those_of_the_naive_twin",
        "test_kmers.py::test_no_kmer_is_lost_or_doubled_at_a_cut",
        "test_kmers.py::test_frames_are_the_sentences_of_protvec",
        "test_kmers.py::test_each_number_of_letters_and_each_strand_is_drawn",
        "test_sequences.py::test_words_of_proteins_are_published_and_applied",
    ),
    ("Text", "Lower-casing"): ("test_tokenizer.py::test_sentences", "test_tokenizer.py::test_equals_the_naive_twin"),
    ("Text", "Sentences"): (
        "test_tokenizer.py::test_sentences",
        "test_tokenizer.py::test_options",
        "test_tokenizer.py::test_equals_the_naive_twin",
    ),
    ("Text", "Long sentences"): (
        "test_encode.py::test_long_sentences_are_cut",
        "test_choices.py::test_unknown_words_do_not_count_towards_the_length_of_a_sentence",
    ),
    ("Text", "Words of more than 4,096 bytes"): ("test_tokenizer.py::test_overlong_words_are_dropped_and_counted",),
    ("Text", "Invalid UTF-8"): (
        "test_tokenizer.py::test_invalid_utf8_separates_and_is_counted",
        "test_tokenizer.py::test_any_bytes_decode_as_python_decodes_them",
    ),
    ("Text", "No word for the end of a line"): ("test_encode.py::test_decoding_gives_the_known_words_back",),
    # Vocabulary
    ("Vocabulary", "Order"): ("test_word_table.py::test_vocabulary_order_and_limits",),
    ("Vocabulary", "Size"): ("test_word_table.py::test_vocabulary_order_and_limits",),
    ("Vocabulary", "Counts are exact"): (
        "test_word_table.py::test_counts_equal_a_counter",
        "test_bit_identity.py::test_every_word_is_trained_and_counted",
    ),
    # Phrases
    ("Phrases", "Scores"): ("test_phrase_job.py::test_one_pass_is_that_of_gensim",),
    ("Phrases", "Counts are exact"): (
        "test_phrases.py::test_pairs_are_counted_exactly",
        "test_phrases.py::test_pairs_of_many_files_are_added_up_part_by_part",
    ),
    ("Phrases", "Pairs end with the sentence"): (
        "test_phrases.py::test_pairs_are_counted_exactly",
        "test_phrase_job.py::test_unknown_words_are_gaps",
    ),
    ("Phrases", "Connector words"): (
        "test_phrase_job.py::test_one_pass_is_that_of_gensim",
        "test_phrase_job.py::test_later_passes_join_what_was_joined",
    ),
    # Sub-words
    ("Sub-words", "N-grams"): (
        "test_subword_kernels.py::test_buckets_are_those_of_gensim",
        "test_subword_kernels.py::test_ngrams_of_few_words_get_no_row_and_frequent_ones_come_first",
    ),
    ("Sub-words", "An n-gram that a word has twice"): ("test_subword_kernels.py::test_ngrams_are_those_of_the_twin",),
    ("Sub-words", "Every row gets the whole gradient"): ("test_subword_kernels.py::test_equals_the_twin",),
    ("Sub-words", "Words outside the vocabulary"): (
        "test_subword_job.py::test_words_outside_the_vocabulary_have_vectors",
        "test_subword_job.py::test_buckets_are_those_of_fasttext",
    ),
    ("Sub-words", "Who predicts whom"): ("test_subword_kernels.py::test_equals_the_twin",),
    # Evaluation
    ("Evaluation", "Evaluation"): (
        "test_evaluation.py::test_equals_gensim",
        "test_evaluation.py::test_the_google_questions_equal_gensim",
        "test_similarity.py::test_similarity_equals_gensim",
        "test_similarity.py::test_the_similarity_sets_equal_gensim",
    ),
    ("Evaluation", "Words that differ in case only"): (
        "test_evaluation.py::test_of_words_that_differ_in_case_only_the_one_that_is_asked_for_stands",
        "test_evaluation.py::test_words_that_only_capitals_make_one_stay_apart",
    ),
    ("Evaluation", "Phrases"): (
        "test_evaluation.py::test_phrases_are_found_without_the_marks_about_their_words",
        "test_evaluation.py::test_questions_about_phrases_are_answered",
    ),
    ("Evaluation", "No cosine above 0"): ("test_evaluation.py::test_equal_candidates_go_to_the_more_frequent",),
    ("Evaluation", "Malformed lines"): (
        "test_evaluation.py::test_malformed_questions",
        "test_pair_files.py::test_malformed_pairs",
    ),
    ("Evaluation", "The columns of a set of pairs"): ("test_pair_files.py::test_the_columns_are_found",),
    ("Evaluation", "A zero vector"): (
        "test_evaluation.py::test_zero_vectors_and_tiny_vocabularies",
        "test_keyed_vectors.py::test_zero_vectors_are_similar_to_nothing",
    ),
    ("Evaluation", "A word with itself"): ("test_similarity.py::test_a_word_with_itself_is_a_tie_and_no_rounding",),
    ("Evaluation", "3CosMul"): ("test_evaluation.py::test_products_equal_gensim",),
    ("Evaluation", "Questions without a section"): ("test_evaluation.py::test_questions_without_sections",),
    ("Evaluation", "Unknown words of outliers"): ("test_outliers.py::test_a_set",),
    ("Evaluation", "The p-value of WEAT"): (
        "test_associations.py::test_worked_out_by_hand",
        "test_associations.py::test_weat_equals_the_naive_twin",
    ),
    ("Evaluation", "Unequal target sets"): (
        "test_associations.py::test_malformed_files",
        "test_associations.py::test_a_set_with_unknown_words",
    ),
    ("Evaluation", "Semantic and syntactic"): ("test_evaluation.py::test_the_google_questions_equal_gensim",),
    # Queries
    ("Queries", "Queries"): (
        "test_keyed_vectors.py::test_most_similar_equals_gensim",
        "test_keyed_vectors_queries.py::test_cosmul_equals_gensim",
        "test_keyed_vectors_queries.py::test_similarity_and_distance_equal_gensim",
        "test_keyed_vectors_queries.py::test_n_similarity_equals_gensim",
        "test_keyed_vectors_queries.py::test_distances_equal_gensim",
        "test_keyed_vectors_queries.py::test_closer_than_and_rank_equal_gensim",
        "test_keyed_vectors_queries.py::test_doesnt_match_equals_gensim",
        "test_keyed_vectors_queries.py::test_mean_vector_equals_gensim",
        "test_keyed_vectors_queries.py::test_similar_by_equals_gensim",
        "test_keyed_vectors_names.py::test_rows_may_stand_for_words_everywhere",
        "test_keyed_vectors_names.py::test_the_restriction_has_two_names",
    ),
    ("Queries", "Equal scores"): (
        "test_keyed_vectors.py::test_ties_come_in_rank_order",
        "test_keyed_vectors_queries.py::test_ties_come_in_rank_order",
    ),
    ("Queries", "A zero vector"): (
        "test_keyed_vectors.py::test_zero_vectors_are_similar_to_nothing",
        "test_keyed_vectors_queries.py::test_zero_vectors_are_similar_to_nothing",
    ),
    ("Queries", "`most_similar_cosmul` with vectors"): (
        "test_keyed_vectors_queries.py::test_cosmul_scales_vectors",
        "test_keyed_vectors_queries.py::test_unusable_queries",
    ),
    ("Queries", "`most_similar_cosmul` with `restrict`"): (
        "test_keyed_vectors_queries.py::test_cosmul_looks_among_the_most_frequent_words",
    ),
    ("Queries", "Unknown words"): (
        "test_keyed_vectors_queries.py::test_unknown_words",
        "test_keyed_vectors_queries.py::test_unusable_queries",
    ),
    ("Queries", "`topn=None`"): (
        "test_keyed_vectors_queries.py::test_unusable_queries",
        "test_keyed_vectors_queries.py::test_no_answers_asked_for",
    ),
    ("Queries", "The mean of one word's name"): ("test_keyed_vectors_queries.py::test_mean_of_one",),
    # Translation
    ("Translation", "The map"): (
        "test_translation.py::test_the_map_is_that_of_muse",
        "test_translation.py::test_cosines_after_the_map_of_gensim_give_its_translations",
        "test_align_command.py::test_a_centred_map_is_compared_with_the_centred_target",
    ),
    ("Translation", "Refinement"): ("test_translation.py::test_refinement_is_that_of_muse",),
    ("Translation", "Hubs"): ("test_translation.py::test_translations_by_csls_equal_the_twin",),
    ("Translation", "A test dictionary"): (
        "test_translation.py::test_precision_equals_the_twin_and_counts_what_is_unknown",
    ),
    # Vector files
    ("Vector files", "Counts that a file does not have"): ("test_word2vec_format.py::test_we_read_those_of_gensim",),
    ("Vector files", "Vector files"): ("test_vector_files_as_found.py::test_harmless_differences_are_read",),
    ("Vector files", "The file of counts"): (
        "test_word2vec_format.py::test_counts_are_those_of_gensim",
        "test_word2vec_format.py::test_malformed_counts",
    ),
    ("Vector files", "Words that occur twice"): (
        "test_word2vec_format.py::test_malformed_text",
        "test_word2vec_format.py::test_malformed_binary",
        "test_vector_files_as_found.py::test_words_that_occur_again",
    ),
    ("Vector files", "What a header says"): (
        "test_word2vec_format.py::test_malformed_text",
        "test_word2vec_format.py::test_malformed_binary",
        "test_vector_files_as_found.py::test_a_header_that_is_wrong",
    ),
    ("Vector files", "Spaces in a word"): (
        "test_vector_files_as_found.py::test_words_with_spaces_are_split_from_the_right",
        "test_word2vec_format.py::test_files_of_the_c_program",
        "test_word2vec_format.py::test_words_that_the_format_cannot_hold",
    ),
    ("Vector files", "NaN and infinity"): (
        "test_word2vec_format.py::test_malformed_text",
        "test_word2vec_format.py::test_malformed_binary",
        "test_word2vec_format.py::test_numbers_that_are_not_finite_are_not_written",
    ),
    ("Vector files", "Numbers in text"): (
        "test_word2vec_format.py::test_text_is_rounded_once",
        "test_word2vec_format.py::test_gensim_reads_ours",
    ),
    ("Vector files", "After a binary vector"): ("test_word2vec_format.py::test_we_read_those_of_gensim",),
}


def sections() -> list[tuple[str, str]]:
    """Headings and the bold beginnings of paragraphs below them."""
    found, heading = [], ""
    for line in (ROOT / "docs" / "reference" / "differences.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif bold := re.match(r"\*\*(.+?)[.,:]?\*\*", line):
            found.append((heading, bold[1]))
    return found


def test_every_section_is_held_by_a_test() -> None:
    assert [section for section in sections() if section not in HELD_BY] == []


def test_no_section_is_listed_that_is_gone() -> None:
    assert [key for key in HELD_BY if key not in sections() and key[0] != key[1]] == []


def test_the_tests_exist() -> None:
    known = {
        f"{path.name}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert sorted({test for tests in HELD_BY.values() for test in tests} - known) == []
    assert all(HELD_BY.values())
