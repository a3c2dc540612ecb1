package mlcore

import (
	"cmp"
	"math"
	"slices"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/portable"
)

// historyDecay is how much less the earlier items of a history count, by their place in its order
// (section 9 of SPEC.md). The zero value is none.
type historyDecay struct {
	name          string
	halfLifeItems float64 // only for exponential
}

func (r *ruleReader) decay(config *jsontext.Value) historyDecay {
	object := r.object(config, "history_decay")
	decay := historyDecay{name: r.word(object, "history_decay: ", "name", "none", "quadratic", "exponential")}
	if decay.name == "exponential" {
		decay.halfLifeItems = r.number(object, "history_decay: ", "half_life_items", "a finite number above 0",
			func(items float64) bool { return items > 0 })
	}
	return decay
}

func (d historyDecay) usesOrder() bool { return d.name == "quadratic" || d.name == "exponential" }

// weigh returns the weight of the item at a place, from 1, of a history of so many: ORD-5.
func (d historyDecay) weigh(weight float32, place, length int) float32 {
	factor := 1.0
	switch d.name {
	case "quadratic":
		share := float64(place) / float64(length)
		factor = float64(share * share)
	case "exponential":
		factor = portable.Exp2(-(float64(length-place) / d.halfLifeItems))
	}
	if decayed := float32(float64(weight) * factor); decayed != 0 {
		return decayed
	}
	return math.SmallestNonzeroFloat32
}

// weighEvents changes the weights of items, which have those of their positions, by their order: ORD-4.
func (d historyDecay) weighEvents(items []event, weights []float32) {
	for position := range items {
		items[position].entry = position
	}
	slices.SortFunc(items, compareLatest)
	for place, item := range items {
		weights[item.entry] = d.weigh(weights[item.entry], place+1, len(items))
	}
}

// compareLatest orders the items of a history by their latest times, equal ones by position; those with an
// event without a time come last, in the order of the last such event.
func compareLatest(a, b event) int {
	switch {
	case a.time.isKnown && b.time.isKnown:
		return cmp.Or(cmp.Compare(a.time.microseconds, b.time.microseconds), cmp.Compare(a.index, b.index))
	case a.time.isKnown:
		return -1
	case b.time.isKnown:
		return 1
	}
	return cmp.Compare(a.place, b.place)
}
