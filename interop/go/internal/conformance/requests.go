package conformance

import (
	"fmt"
	"math"
	"strconv"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
)

const maxDepth = 16

// Answer returns the line that answers a line with a request, whatever stands in it.
func Answer(model *mlcore.Model, line string) []byte {
	request := parseRequest(line)
	items, err := request.answer(model)
	if err != nil {
		return request.refusal(err)
	}
	result := append([]byte(`{"id": `), request.id...)
	result = append(result, `, "items": [`...)
	for position, item := range items {
		if position > 0 {
			result = append(result, ", "...)
		}
		result = appendValue(result, item.ID, item.Index, item.Score)
		result = append(result, fmt.Sprintf(`, "filled": %t`, item.Filled)...)
		if request.options.Explain {
			result = appendShares(result, item.Because)
		}
		result = append(result, '}')
	}
	return append(result, "]}\n"...)
}

// refusal is the line of a request that is refused.
func (r *request) refusal(err error) []byte {
	verdict := mlcore.VerdictOf(err)
	if verdict == "" {
		verdict = mlcore.VerdictRequest
	}
	return fmt.Appendf(nil, "{\"id\": %s, \"error\": \"%s\"}\n", r.id, verdict)
}

// appendValue appends an item and a number of it, without the end.
func appendValue(dst []byte, id string, index int32, value float64) []byte {
	dst = append(dst, `{"item_id": `...)
	dst = mlcore.AppendString(dst, id)
	return append(dst, fmt.Sprintf(`, "index": %d, "bits": "%016x"`, index, math.Float64bits(value))...)
}

func appendShares(dst []byte, shares []mlcore.Share) []byte {
	dst = append(dst, `, "because": [`...)
	for position, share := range shares {
		if position > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(appendValue(dst, share.ID, share.Index, share.Share), '}')
	}
	return append(dst, ']')
}

// request is one request of the suite; without a fault exactly one of user, item and history is there.
type request struct {
	fault   error
	id      []byte // as JSON
	name    string // of the list: the user, else the id
	user    *string
	item    *string
	history []mlcore.HistoryItem
	n       int
	options mlcore.RecommendOptions
}

func (r *request) answer(model *mlcore.Model) ([]mlcore.Item, error) {
	switch {
	case r.fault != nil:
		return nil, r.fault
	case r.user != nil:
		return model.Recommend(*r.user, r.n, r.options)
	case r.item != nil:
		return model.SimilarWith(*r.item, r.n, r.options)
	}
	return model.RecommendHistory(r.history, r.n, r.options)
}

// parseRequest returns the request of a line; its id is there even if the rest is malformed.
func parseRequest(line string) request {
	object, err := jsontext.Parse(line, maxDepth)
	if err != nil {
		return request{id: []byte("null"), fault: err}
	}
	reader := requestReader{object: &object}
	r := request{
		id:      reader.id(),
		user:    reader.optionalString("user"),
		item:    reader.optionalString("item"),
		history: reader.history(),
		n:       reader.positive("n"),
		options: mlcore.RecommendOptions{
			Include:     reader.strings("include"),
			Exclude:     reader.strings("exclude"),
			Filter:      reader.filter(),
			IncludeSeen: reader.boolean("include_seen"),
			Fill:        reader.boolean("fill"),
			Explain:     reader.boolean("explain"),

			FinalWeights: reader.finalWeights(),
			Now:          reader.now(),
		},
	}
	kinds := 0
	for _, name := range []string{"user", "item", "history"} {
		if object.Member(name) != nil {
			kinds++
		}
	}
	if kinds != 1 {
		reader.fail("user", "exactly one of user, item and history")
	}
	if r.fault = reader.err; r.fault == nil {
		r.name = object.Member("id").Text
	}
	if r.user != nil {
		r.name = *r.user
	}
	return r
}

// requestReader takes values out of a request and keeps the first fault.
type requestReader struct {
	object *jsontext.Value
	err    error
}

func (r *requestReader) fail(name, expected string) {
	if r.err == nil {
		r.err = &mlcore.Error{
			Verdict: mlcore.VerdictRequest, Stage: mlcore.StagePredict,
			Name: name, Expected: expected, Got: r.object.Member(name).Show(),
		}
	}
}

func (r *requestReader) id() []byte {
	id := r.object.Member("id")
	if id == nil || id.Kind != jsontext.String {
		r.fail("id", "a string")
		return []byte("null")
	}
	return mlcore.AppendString(nil, id.Text)
}

// positive takes an integer; that it is above 0 is for the model to say.
func (r *requestReader) positive(name string) int {
	value, isInteger := r.object.Member(name).Integer()
	if !isInteger || value > math.MaxInt32 {
		r.fail(name, "an integer from 1 to 2147483647")
		return 0
	}
	return int(value)
}

func (r *requestReader) optionalString(name string) *string {
	value := r.object.Member(name)
	if value == nil {
		return nil
	}
	if value.Kind != jsontext.String {
		r.fail(name, "a string")
	}
	return &value.Text
}

// strings tells an empty list, which allows nothing, from a missing one.
func (r *requestReader) strings(name string) []string {
	value := r.object.Member(name)
	if value == nil {
		return nil
	}
	if value.Kind != jsontext.Array {
		r.fail(name, "an array of strings")
	}
	ids := make([]string, 0, len(value.Items))
	for index := range value.Items {
		if value.Items[index].Kind != jsontext.String {
			r.fail(name, "an array of strings")
		}
		ids = append(ids, value.Items[index].Text)
	}
	return ids
}

// filter returns nil for a missing one.
func (r *requestReader) filter() *mlcore.Filter {
	if r.object.Member("filter") == nil {
		return nil
	}
	filter := &mlcore.Filter{}
	r.members("filter", func(r *requestReader, key string) {
		switch key {
		case "any_of":
			filter.AnyOf = map[string][]string{}
			r.members(key, func(r *requestReader, column string) { filter.AnyOf[column] = r.strings(column) })
		case "none_of":
			filter.NoneOf = map[string][]string{}
			r.members(key, func(r *requestReader, column string) { filter.NoneOf[column] = r.strings(column) })
		case "at_most":
			filter.AtMost = map[string]int{}
			r.members(key, func(r *requestReader, column string) { filter.AtMost[column] = r.positive(column) })
		case "available_at":
			filter.AvailableAt = r.timestamp(key, r.object.Member(key))
		default:
			r.fail(key, "one of any_of, none_of, available_at, at_most")
		}
	})
	return filter
}

// members gives each key of an object to a function, with a reader of its value.
func (r *requestReader) members(name string, take func(r *requestReader, key string)) {
	value := r.object.Member(name)
	if value.Kind != jsontext.Object {
		r.fail(name, "an object")
	}
	inner := requestReader{object: value, err: r.err}
	for _, key := range value.Keys {
		take(&inner, key)
	}
	r.err = inner.err
}

func (r *requestReader) boolean(name string) bool {
	value := r.object.Member(name)
	if value != nil && value.Kind != jsontext.Bool {
		r.fail(name, "true or false")
	}
	return value != nil && value.Bool
}

func (r *requestReader) history() []mlcore.HistoryItem {
	value := r.object.Member("history")
	if value == nil {
		return nil
	}
	const rule = "an array of arrays of id, weight and, perhaps, time"
	if value.Kind != jsontext.Array {
		r.fail("history", rule)
	}
	history := make([]mlcore.HistoryItem, 0, len(value.Items))
	for index := range value.Items {
		event := value.Items[index].Items
		if value.Items[index].Kind != jsontext.Array || (len(event) != 2 && len(event) != 3) ||
			event[0].Kind != jsontext.String || event[1].Kind != jsontext.Number {
			r.fail("history", rule)
			return nil
		}
		weight, _ := strconv.ParseFloat(event[1].Text, 64) // infinite or 0 where it is out of range
		item := mlcore.HistoryItem{ID: event[0].Text, Weight: weight}
		if len(event) == 3 {
			item.Time = r.timestamp("history", &event[2])
		}
		history = append(history, item)
	}
	return history
}

func (r *requestReader) finalWeights() bool {
	word := r.optionalString("weights")
	if word != nil && *word != "events" && *word != "final" {
		r.fail("weights", "'events' or 'final'")
	}
	return word != nil && *word == "final"
}

func (r *requestReader) now() mlcore.Timestamp {
	value := r.object.Member("now")
	if value == nil {
		return mlcore.Timestamp{}
	}
	return r.timestamp("now", value)
}

// timestamp takes microseconds: an integer of 64 bits, which may be below 0.
func (r *requestReader) timestamp(name string, value *jsontext.Value) mlcore.Timestamp {
	microseconds, err := strconv.ParseInt(value.Text, 10, 64)
	if value.Kind != jsontext.Number || err != nil {
		r.fail(name, "an integer of 64 bits")
	}
	return mlcore.UnixMicro(microseconds)
}
