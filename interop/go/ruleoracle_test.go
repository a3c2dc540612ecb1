package mlcore_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/modeltest"
	"github.com/mlcore/mlcore/interop/go/internal/portable"
)

const day = 86_400_000_000 // microseconds

var (
	aggregates = []string{"sum", "max", "last", "count"}
	weightings = []string{"none", "binary", "log", "tf_idf", "bm25"}
	decays     = []string{"none", "quadratic", "exponential"}
)

// rawEvent is an event as a request has it; time is nil where it has none.
type rawEvent struct {
	id     string
	weight float64
	time   *int64
}

// ruleOracle holds the rule in the words of the spec.
type ruleOracle struct {
	aggregate, name string
	halfLifeDays    float64 // 0 for null
	reference       int64
	k1              float64
	norms, factors  []float64
	decay           string
	halfLifeItems   float64
}

func (o *ruleOracle) config() string {
	halfLife, reference := "null", "null"
	if o.halfLifeDays > 0 {
		halfLife = fmt.Sprint(o.halfLifeDays)
		seconds := o.reference / 1_000_000
		reference = fmt.Sprintf(`"1970-01-%02dT%02d:%02d:%02d.%06dZ"`, 1+seconds/86400, seconds/3600%24,
			seconds/60%60, seconds%60, o.reference%1_000_000)
	}
	return fmt.Sprintf(`{"similarity": {"name": "cosine"}, "aggregate": %q, "weighting": {"name": %q, "k1": %v, "b": 0.75, `+
		`"half_life_days": %s, "reference_time": %s}, "history_decay": {"name": %q, "half_life_items": %v}}`+"\n",
		o.aggregate, o.name, o.k1, halfLife, reference, o.decay, o.halfLifeItems)
}

// history follows section 9 of SPEC.md up to HIS-10 rule by rule, with maps and loops. It reports false for
// `request`.
func (o *ruleOracle) history(items []string, events []rawEvent, now *int64) (map[int]float32, bool) {
	position := map[string]int{}
	for index, id := range items {
		position[id] = index
	}
	today := o.reference
	if now != nil {
		today = *now
	}
	byItem := map[int][]rawEvent{}
	for _, event := range events {
		if !(event.weight > 0) || math.IsInf(event.weight, 0) {
			return nil, false
		}
		if index, isKnown := position[event.id]; isKnown {
			byItem[index] = append(byItem[index], event)
		}
	}
	history := map[int]float32{}
	for index, events := range byItem {
		sort.Slice(events, func(a, b int) bool {
			first, second := events[a], events[b]
			switch {
			case first.time != nil && second.time == nil:
				return true
			case first.time == nil && second.time != nil:
				return false
			case first.time != nil && *first.time != *second.time:
				return *first.time < *second.time
			}
			return first.weight < second.weight
		})
		last := events[len(events)-1]
		x := 0.0
		for _, event := range events {
			switch o.aggregate {
			case "sum":
				x += event.weight
			case "max":
				x = math.Max(x, event.weight)
			case "last":
				x = last.weight
			case "count":
				x++
			}
		}
		if math.IsInf(x, 0) {
			return nil, false
		}
		if o.name == "binary" {
			x = 1
		}
		age := 0.0
		if o.halfLifeDays > 0 {
			latest := today
			if last.time != nil {
				latest = *last.time
			}
			if latest > today {
				return nil, false
			}
			age = float64(today-latest) / (o.halfLifeDays * day)
			decayed := x * portable.Exp2(-age)
			x = math.Max(decayed, math.Ldexp(1, -1022))
		}
		weight := x
		switch o.name {
		case "log":
			weight = portable.Log1p(x)
		case "tf_idf":
			weight = x * o.factors[len(byItem)-1]
		case "bm25":
			weight = x * (o.k1 + 1)
			weight /= x + o.norms[index]
			weight *= o.factors[len(byItem)-1]
		}
		rounded := float32(weight)
		if rounded == 0 && weight > 0 && o.halfLifeDays > 0 && age > 100 {
			rounded = float32(math.Ldexp(1, -149))
		}
		if !(rounded > 0) || math.IsInf(float64(rounded), 0) {
			return nil, false
		}
		history[index] = rounded
	}
	return history, true
}

// order returns the place of each item of a history by ORD-4: one more than the items that come before it.
func (o *ruleOracle) order(items []string, events []rawEvent) map[int]int {
	latest, undated := map[int]int64{}, map[int]int{}
	for number, event := range events {
		for index, id := range items {
			switch {
			case id != event.id:
			case event.time == nil:
				undated[index] = number
			default:
				if before, isThere := latest[index]; !isThere || *event.time > before {
					latest[index] = *event.time
				}
			}
		}
	}
	places := map[int]int{}
	for index := range items {
		number, isUndated := undated[index]
		time, isDated := latest[index]
		if !isUndated && !isDated {
			continue
		}
		places[index] = 1
		for other := range items {
			otherNumber, otherUndated := undated[other]
			otherTime, otherDated := latest[other]
			if !otherUndated && !otherDated {
				continue
			}
			if isUndated && (!otherUndated || otherNumber < number) {
				places[index]++
			}
			if !isUndated && !otherUndated && (otherTime < time || (otherTime == time && other < index)) {
				places[index]++
			}
		}
	}
	return places
}

// decayed returns the weights of a history by ORD-5.
func (o *ruleOracle) decayed(history map[int]float32, places map[int]int) map[int]float32 {
	result := map[int]float32{}
	for index, weight := range history {
		place, length := float64(places[index]), float64(len(history))
		factor := 1.0
		switch o.decay {
		case "quadratic":
			factor = place / length
			factor *= place / length
		case "exponential":
			factor = portable.Exp2(0 - (length-place)/o.halfLifeItems)
		}
		result[index] = float32(float64(weight) * factor)
		if result[index] == 0 {
			result[index] = float32(math.Ldexp(1, -149))
		}
	}
	return result
}

func randomRule(random *rand.Rand, aggregate, name string, halfLifeDays float64, items int) *ruleOracle {
	o := &ruleOracle{aggregate: aggregate, name: name, halfLifeDays: halfLifeDays, reference: 20*day + 123_456, k1: 1.25,
		decay: "none", halfLifeItems: 1}
	for range items {
		if name == "bm25" {
			o.norms = append(o.norms, random.Float64()*3)
		}
		if name == "bm25" || name == "tf_idf" {
			o.factors = append(o.factors, 5*random.Float64()-0.1)
		}
	}
	return o
}

// randomEvents have repeats, ties, unknown items, and now and then no time, a late one, or a huge weight.
func randomEvents(random *rand.Rand, items []string, o *ruleOracle) []rawEvent {
	events := make([]rawEvent, random.IntN(12))
	for index := range events {
		id := items[random.IntN(min(len(items), 5))]
		if random.IntN(8) == 0 {
			id = "no such item"
		}
		weight := []float64{1, 2, 0.1, 0.2, 0.3, 1e16, 1e-30, random.Float64()}[random.IntN(8)]
		if random.IntN(60) == 0 {
			weight = []float64{1e308, 1e300, 5e-324, 1e-40, 0}[random.IntN(5)]
		}
		event := rawEvent{id: id, weight: weight}
		if random.IntN(5) > 0 {
			time := o.reference - int64(random.IntN(4))*day - int64(random.IntN(2))
			if random.IntN(40) == 0 {
				time = []int64{o.reference + 1, o.reference - 19*day, -50 * day}[random.IntN(3)]
			}
			event.time = &time
		}
		events[index] = event
	}
	return events
}

func asRequest(events []rawEvent) []mlcore.HistoryItem {
	history := make([]mlcore.HistoryItem, len(events))
	for index, event := range events {
		history[index] = mlcore.HistoryItem{ID: event.id, Weight: event.weight}
		if event.time != nil {
			history[index].Time = mlcore.UnixMicro(*event.time)
		}
	}
	return history
}

// final returns a history as a request with final weights would name it.
func final(items []string, history map[int]float32) []mlcore.HistoryItem {
	found := []mlcore.HistoryItem{}
	for index, weight := range history {
		found = append(found, mlcore.HistoryItem{ID: items[index], Weight: float64(weight)})
	}
	return found
}

func (o *ruleOracle) modelRule() *modeltest.Rule {
	return &modeltest.Rule{Config: o.config(), Norms: o.norms, Factors: o.factors}
}
