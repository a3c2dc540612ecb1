// Package mlcore answers recommendation requests from a model directory of mlcore: the same items, in
// the same order, with the same bits of their scores as every other reader of the format, which
// interop/SPEC.md describes.
//
//	model, err := mlcore.Open("model", mlcore.Options{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer model.Close()
//	items, err := model.Recommend("u0002", 10, mlcore.RecommendOptions{})
//
// [Model.Recommend] answers for a user of the training, [Model.RecommendHistory] for any history, and
// [Model.Similar] for one item. [Model.Explain] says what adds up to the score of an item, and the option
// Explain says it of each item of a list. [Model.Prepare] resolves options once for many requests. All
// of them may be called from many goroutines, and go on to the end when the model is closed meanwhile;
// a list allocates twice (the items, and their ids).
//
// # Histories
//
// A history is a list of events: [HistoryItem]. Where the model says how, they are weighed as those of the
// training were, so the events of a user of the training give the list of this user, bit for bit. How old
// an event is depends on [RecommendOptions].Now, never on the clock.
//
// # Filters
//
// Where the model has a catalogue of its items, or [Options] brings one, [RecommendOptions].Filter says by its
// columns what a list may hold, and at most how many of a kind. The list is as long as there are such items, and
// the same as with their ids in Include, bit for bit. A filter is looked up for candidates alone, so it costs
// next to nothing, whatever the size of the catalogue.
//
// # Memory and time
//
// Opening maps the files where the platform can, and looks at headers and row offsets only: a model of
// gigabytes opens in milliseconds, and processes that open the same model share its memory. Ids are
// parsed when first asked for. A request takes memory for one score for each item, or less if its
// history touches few of them; it is used again by later requests.
//
// # Cost
//
// What a request costs is known before it is done. A [Guard] among its options hears it, may let the request wait
// or refuse it, and ends it when nobody wants it any more; [WithContext] returns one that ends with a context.
// MaxShares bounds an explained list, which else has n times as many shares as the history has items.
//
// # Trust
//
// Whatever the bytes are, there is an answer or an [*Error] with a [Verdict], never a crash or an
// allocation that the file's size does not justify. [Open] leaves the values of arrays unread: a bad
// one that a request meets gives [VerdictCSR]. Call [Model.Verify] before using a directory from
// elsewhere. Files of a model must not be changed in place; should somebody truncate a mapped one,
// requests give [VerdictIO].
package mlcore
