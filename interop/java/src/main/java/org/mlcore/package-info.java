/**
 * Recommendations from a model directory of mlcore. {@link org.mlcore.Model} is where to begin.
 *
 * <p>The other public types are what goes in ({@link org.mlcore.Event}, {@link org.mlcore.Options},
 * {@link org.mlcore.Filter}), what comes out ({@link org.mlcore.Recommendation}, {@link
 * org.mlcore.Share}, {@link org.mlcore.Text}), and what may be wrong ({@link
 * org.mlcore.ModelException}).
 */
package org.mlcore;
