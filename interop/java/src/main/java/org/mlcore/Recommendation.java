package org.mlcore;

import java.util.List;

/**
 * One item of a list.
 *
 * @param itemId the item
 * @param index its position in the model
 * @param score its score; 0 for an item filled in
 * @param filled whether it was filled in because of its popularity
 * @param because what adds up to the score, by ascending position of the items of the history;
 *     empty for an item filled in, and null unless {@link Options#explain} asked for it
 */
public record Recommendation(
    String itemId, int index, double score, boolean filled, List<Share> because) {}
