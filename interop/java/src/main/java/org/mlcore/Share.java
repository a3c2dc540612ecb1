package org.mlcore;

/**
 * What one item of a history adds to a score.
 *
 * @param itemId the item of the history
 * @param index its position in the model
 * @param share the term; the terms of an item, added one by one, are its score, bit for bit
 */
public record Share(String itemId, int index, double share) {}
