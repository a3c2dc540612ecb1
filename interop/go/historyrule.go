package mlcore

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/portable"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// historyRule is how the events of a request become the weights of a history: as those of the training
// did (section 9 of SPEC.md).
type historyRule struct {
	aggregate     string
	weighting     string
	halfLife      float64 // in microseconds; 0 for no decay
	reference     int64   // microseconds since 1970 UTC; what now is by default
	k1            float64
	itemNorms     []float64 // only for bm25
	lengthFactors []float64 // only for tf_idf and bm25
	decay         historyDecay
}

const (
	microsecondsPerDay = 86_400_000_000
	leastDecayed       = 0x1p-1022 // with all its bits, so that a factor below 1 does not lose it
	oldHalfLives       = 100       // a weight that needs more of them to round to 0 is old, not small
	leastWeight        = math.SmallestNonzeroFloat32
)

// readRule reads the rule of a model that must have one: HIS-2 and HIS-3.
func (m *Model) readRule() (*historyRule, error) {
	place := m.files.path(configFile)
	config, err := parseConfig(m.files.data(configFile), place)
	if err != nil {
		return nil, err
	}
	rule, err := parseRule(config, place, m.files.manifest.WithHistoryOrder())
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range []string{normsFile, factorsFile} {
		if m.files.manifest.lists(name) {
			found = append(found, strings.TrimSuffix(name, ".npz"))
		}
	}
	if !slices.Equal(found, arraysOf[rule.weighting]) {
		return nil, refuse(VerdictManifest, place, "weighting: name", "a weighting with "+
			cmp.Or(strings.Join(found, ", "), "no arrays")+", as the model has", show.String(rule.weighting))
	}
	if m.files.manifest.lists(normsFile) {
		if rule.itemNorms, err = readVector(m, normsFile, float64At); err != nil {
			return nil, err
		}
	}
	if m.files.manifest.lists(factorsFile) {
		rule.lengthFactors, err = readVector(m, factorsFile, float64At)
	}
	return rule, err
}

// AgesEvents reports whether the model's rule makes events count less the older they are, so that
// [RecommendOptions].Now matters.
func (m *Model) AgesEvents() bool { return m.rule != nil && m.rule.halfLife > 0 }

// arraysOf are what a weighting took of the training.
var arraysOf = map[string][]string{"tf_idf": {"length_factors"}, "bm25": {"item_norms", "length_factors"}}

func parseRule(config *jsontext.Value, place string, usesOrder bool) (*historyRule, error) {
	r := ruleReader{manifestReader{place: place}}
	weighting := r.object(config, "weighting")
	rule := &historyRule{
		aggregate: r.word(config, "", "aggregate", "sum", "max", "last", "count"),
		weighting: r.word(weighting, "weighting: ", "name", "none", "binary", "log", "tf_idf", "bm25"),
	}
	if days := weighting.Member("half_life_days"); days == nil || days.Kind != jsontext.Null {
		rule.halfLife = float64(r.number(weighting, "weighting: ", "half_life_days", "a finite number above 0",
			func(days float64) bool { return days > 0 }) * microsecondsPerDay)
		rule.reference = r.time(weighting, "reference_time")
	}
	if rule.weighting == "bm25" {
		rule.k1 = r.number(weighting, "weighting: ", "k1", "a finite number of at least 0", func(k1 float64) bool { return k1 >= 0 })
	}
	if usesOrder {
		rule.decay = r.decay(config)
	}
	return rule, r.err
}

// ruleReader takes the rule out of config.json.
type ruleReader struct{ manifestReader }

// word returns a string that must be one of some; another one is of a later version.
func (r *ruleReader) word(object *jsontext.Value, path, key string, words ...string) string {
	value := object.Member(key)
	switch {
	case value == nil || value.Kind != jsontext.String:
		r.keep(r.refuse(path+key, "a string", value.Show()))
		return ""
	case !slices.Contains(words, value.Text):
		r.keep(refuse(VerdictVersion, r.place, path+key, "one of "+strings.Join(words, ", "), value.Show()))
	}
	return value.Text
}

func (r *ruleReader) number(object *jsontext.Value, path, key, rule string, isGood func(float64) bool) float64 {
	value := object.Member(key)
	if value != nil && value.Kind == jsontext.Number {
		number, _ := strconv.ParseFloat(value.Text, 64) // infinite where it is out of range
		if isFinite(number) && isGood(number) {
			return number
		}
	}
	r.keep(r.refuse(path+key, rule, value.Show()))
	return 1
}

func (r *ruleReader) time(object *jsontext.Value, key string) int64 {
	if value := object.Member(key); value != nil && value.Kind == jsontext.String {
		if microseconds, isGood := parseReference(value.Text); isGood {
			return microseconds
		}
	}
	r.keep(r.refuse("weighting: "+key, "YYYY-MM-DDTHH:MM:SS.ffffffZ", object.Member(key).Show()))
	return 0
}

// compareEvents orders events by item, and those of one item by time, then weight, those without a time last.
func compareEvents(a, b event) int {
	if a.index != b.index {
		return cmp.Compare(a.index, b.index)
	}
	if a.time.isKnown != b.time.isKnown {
		if a.time.isKnown {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(a.time.microseconds, b.time.microseconds), cmp.Compare(a.weight, b.weight))
}

// weigh makes the history of s.events, which are in order, in s.items and s.weights.
func (m *Model) weigh(s *scratch, now Timestamp) error {
	length := 0 // of the history, whose items take the place of the events
	for begin := 0; begin < len(s.events); {
		end := begin + 1
		for end < len(s.events) && s.events[end].index == s.events[begin].index {
			end++
		}
		item, err := m.aggregate(s.events[begin:end], now)
		if err != nil {
			return err
		}
		s.events[length] = item
		length++
		begin = end
	}
	s.items, s.weights = s.items[:0], s.weights[:0]
	for _, item := range s.events[:length] {
		weight, err := m.weightOf(item, length)
		if err != nil {
			return err
		}
		s.items, s.weights = append(s.items, item.index), append(s.weights, weight)
	}
	if m.rule.decay.usesOrder() {
		m.rule.decay.weighEvents(s.events[:length], s.weights)
	}
	return nil
}

// aggregate makes one of the events of one item: HIS-6 and HIS-7. Its place is that of the last without a time.
func (m *Model) aggregate(events []event, now Timestamp) (event, error) {
	item := events[len(events)-1]
	for _, event := range events {
		if !event.time.isKnown {
			item.place = max(item.place, event.place)
		}
	}
	switch m.rule.aggregate {
	case "count":
		item.weight = float64(len(events))
	case "sum":
		item.weight = 0
		for _, event := range events {
			item.weight += event.weight
		}
	case "max":
		for _, event := range events {
			item.weight = max(item.weight, event.weight)
		}
	}
	if !isFinite(item.weight) {
		return item, m.refuseItem("weight", item.index, "a finite sum", "Infinity")
	}
	if m.rule.weighting == "binary" {
		item.weight = 1
	}
	if m.rule.halfLife == 0 {
		return item, nil
	}
	today, name := m.rule.reference, "the reference time "
	if now.isKnown {
		today, name = now.microseconds, "now, "
	}
	if !item.time.isKnown {
		item.time.microseconds = today
	}
	if item.time.microseconds > today {
		return item, m.refuseItem("weighting "+m.rule.weighting, item.index,
			"a timestamp up to "+name+shownTime(today), shownTime(item.time.microseconds))
	}
	// The difference of two i64 fits an u64.
	item.age = float64(uint64(today)-uint64(item.time.microseconds)) / m.rule.halfLife
	item.weight = max(float64(item.weight*portable.Exp2(-item.age)), leastDecayed)
	return item, nil
}

// weightOf returns the weight of an item in a history of so many: HIS-8 and HIS-9.
func (m *Model) weightOf(item event, length int) (float32, error) {
	rule := m.rule
	x, factor := item.weight, 1.0
	if rule.lengthFactors != nil {
		if factor = rule.lengthFactors[length-1]; !isFinite(factor) {
			return 0, refuse(VerdictCSR, m.files.path(factorsFile), "", "finite numbers", "others")
		}
	}
	switch rule.weighting {
	case "log":
		x = portable.Log1p(x)
	case "tf_idf":
		x = float64(x * factor)
	case "bm25":
		norm := rule.itemNorms[item.index]
		if !isNorm(norm) {
			return 0, refuse(VerdictCSR, m.files.path(normsFile), "", "finite numbers of at least 0", "others")
		}
		x = float64(float64(float64(x*(rule.k1+1))/(x+norm)) * factor)
	}
	weight := float32(x)
	if weight == 0 && x > 0 && item.age > oldHalfLives {
		weight = leastWeight
	}
	if !(weight > 0 && weight <= math.MaxFloat32) {
		return 0, m.refuseItem("weighting "+rule.weighting, item.index,
			"a weight above 0 that float32 holds", shownFloat(x))
	}
	return weight, nil
}

func isNorm(value float64) bool { return value >= 0 && value <= math.MaxFloat64 }

// refuseItem refuses a request for what a step makes of one item of its history.
func (m *Model) refuseItem(step string, index int32, expected, got string) error {
	id := string(m.items.appendID(nil, int(index)))
	return refuseRequest(step+": item "+show.String(id), expected, got)
}
