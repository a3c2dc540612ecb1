package server

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/filters"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
	"github.com/mlcore/mlcore/interop/go/internal/show"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// readBody returns the body of a request that says it is JSON.
func (x *exchange) readBody(limits *Limits) (string, *fault) {
	if fault := checkMediaType(x.request.Header); fault != nil {
		return "", fault
	}
	length := x.request.ContentLength
	if length > limits.MaxBody {
		return "", tooLarge(limits)
	}
	if lane := x.share.of.laneOf(stepsOfText * float64(length)); lane != nil && lane.full() {
		return "", x.giveUp(reasonQueue) // as it would be once it is read
	}
	text, fault := x.readText(http.MaxBytesReader(x.writer, x.request.Body, limits.MaxBody), limits)
	// Nobody writes to these bytes again, so the string may share them.
	return unsafe.String(unsafe.SliceData(text), len(text)), fault
}

// readText reads to the end. Memory is taken as the text arrives, not by the length announced, so that
// it is not held by who sends nothing.
func (x *exchange) readText(body io.Reader, limits *Limits) ([]byte, *fault) {
	var text []byte
	for {
		if len(text) == cap(text) {
			room := 1 + int(min(int64(max(4<<10, 2*cap(text))-1), limits.MaxBody))
			if fault := x.reserve(int64(room - cap(text))); fault != nil {
				return nil, fault
			}
			text = append(make([]byte, 0, room), text...)
		}
		count, err := body.Read(text[len(text):cap(text)])
		text = text[:len(text)+count]
		if err == io.EOF {
			return text, nil
		}
		if err != nil {
			return nil, bodyFault(err, limits)
		}
	}
}

func checkMediaType(header http.Header) *fault {
	given := header.Get("Content-Type")
	media, parameters, err := mime.ParseMediaType(given)
	charset := parameters["charset"]
	if err != nil || media != "application/json" || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return newFault(codeMediaType, "Content-Type", "application/json in UTF-8", show.String(given))
	}
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return newFault(codeMediaType, "Content-Encoding", "none", show.String(encoding))
	}
	return nil
}

func tooLarge(limits *Limits) *fault {
	return newFault(codeBodyTooLarge, "body", fmt.Sprintf("at most %d bytes", limits.MaxBody), "more")
}

func bodyFault(err error, limits *Limits) *fault {
	var large *http.MaxBytesError
	var network net.Error
	switch {
	case errors.As(err, &large):
		return tooLarge(limits)
	case errors.As(err, &network) && network.Timeout():
		return newFault(codeTimeout, "body", fmt.Sprintf("a request within %v", limits.RequestTimeout), "a slower one")
	}
	return badRequest("body", "a whole body", show.String(err.Error()))
}

// parseBody reads {"history": [...]} or {"user_id": "..."}, and what the list may hold.
func parseBody(text string, limits *Limits) (listRequest, *fault) {
	d := decoder{
		json: jsontext.NewReader(text).AsWhole(), limits: limits,
		request: listRequest{n: min(defaultN, limits.MaxN)},
	}
	if !d.json.Object(d.member) {
		d.refuseNext("body", "a JSON object")
	}
	if err := d.json.End(); d.fault == nil && err != nil {
		d.fault = badRequest("body", "a JSON object", err.Error())
	}
	if byUser, byHistory := d.has("user_id"), d.has("history"); d.fault == nil && byUser == byHistory {
		got := "neither"
		if byUser {
			got = "both"
		}
		d.fault = badRequest("history", "either this or user_id", got)
	}
	for _, key := range []string{"weights", "now"} {
		if d.fault == nil && d.has(key) && !d.has("history") {
			d.fault = badRequest(key, "history beside it", "user_id")
		}
	}
	return d.request, d.fault
}

// decoder reads one body and keeps the first fault.
type decoder struct {
	json    *jsontext.Reader
	limits  *Limits
	request listRequest
	seen    []string
	fault   *fault

	inHistory bool
	position  int // of the item of the history
}

// field returns the name of a key's value, which is needed after a fault only.
func (d *decoder) field(key string) string {
	key = show.Cut(key, show.Limit)
	if d.inHistory {
		return fmt.Sprintf("history[%d].%s", d.position, key)
	}
	return key
}

func (d *decoder) has(key string) bool { return slices.Contains(d.seen, key) }

// refuse ends the reading, unless the text has turned out to be malformed.
func (d *decoder) refuse(field, expected, got string) {
	if d.json.Err() == nil {
		d.fault = badRequest(field, expected, got)
		d.json.Stop()
	}
}

// refuseNext refuses the next value, which may turn out to be malformed.
func (d *decoder) refuseNext(field, expected string) {
	if d.json.Err() != nil {
		return
	}
	got := d.json.Show()
	if err := d.json.Err(); err != nil {
		got = err.Error()
	}
	d.fault = badRequest(field, expected, got)
	d.json.Stop()
}

const bodyKeys = "user_id, history, weights, now, n, include, exclude, filter, include_seen, fill, unknown_user, explain"

func (d *decoder) member(key string) {
	if d.has(key) {
		d.refuse(d.field(key), "each key once", "this one twice")
		return
	}
	r := &d.request
	switch key {
	case "user_id":
		r.userID = d.id(key)
	case "history":
		r.history = []mlcore.HistoryItem{}
		d.array(key, d.historyItem)
		d.inHistory = false
	case "weights":
		d.choice(key, r.setWeights)
	case "now":
		r.options.Now = d.timestamp(key)
	case "n":
		d.n(key)
	case "include":
		r.options.Include = d.ids(key)
	case "exclude":
		r.options.Exclude = d.ids(key)
	case "filter":
		filter, fault := filters.Read(d.json)
		r.options.Filter = filter
		if fault != nil {
			d.fault = filterFault(fault)
		}
	case "include_seen":
		r.options.IncludeSeen = d.boolean(key)
	case "fill":
		d.choice(key, r.setFill)
	case "unknown_user":
		d.choice(key, r.setUnknownUser)
	case "explain":
		r.options.Explain = d.boolean(key)
	default:
		d.refuse(d.field(key), "one of "+bodyKeys, "a key of another name")
		return
	}
	d.seen = append(d.seen, key)
}

func (d *decoder) id(key string) string {
	id, isText := d.json.Text()
	if !isText {
		d.refuseNext(d.field(key), "a string")
	} else if expected, got := idFault(id); expected != "" {
		d.refuse(d.field(key), expected, got)
	}
	return id
}

func (d *decoder) boolean(key string) bool {
	value, isBool := d.json.Bool()
	if !isBool {
		d.refuseNext(key, "true or false")
	}
	return value
}

// choice reads one of the words that a setting has.
func (d *decoder) choice(key string, set func(string) *fault) {
	word, isText := d.json.Text()
	if !isText {
		d.refuseNext(key, "a string")
	} else if fault := set(word); fault != nil && d.json.Err() == nil {
		d.fault = fault
		d.json.Stop()
	}
}

func (d *decoder) array(field string, element func(position int)) {
	if !d.json.Array(element) {
		d.refuseNext(field, "an array")
	}
}

func (d *decoder) n(field string) {
	number, isNumber := d.json.Number()
	if !isNumber {
		d.refuseNext(field, d.limits.nRule())
		return
	}
	n, isInteger := number.Integer()
	if !isInteger || n < 1 || n > int64(d.limits.MaxN) {
		d.refuse(field, d.limits.nRule(), number.Show())
		return
	}
	d.request.n = int(n)
}

// ids reads an array of ids; it is never nil, since an empty list to include is not none.
func (d *decoder) ids(field string) []string {
	ids := []string{}
	d.array(field, func(position int) {
		id, isText := d.json.Text()
		if !isText {
			d.refuseNext(fmt.Sprintf("%s[%d]", field, position), "a string")
			return
		}
		ids = append(ids, id)
	})
	return ids
}

func (d *decoder) historyItem(position int) {
	d.inHistory, d.position = true, position
	item := mlcore.HistoryItem{Weight: 1}
	var hasID, hasWeight, hasTime bool
	isObject := d.json.Object(func(key string) {
		switch {
		case key == "item_id" && !hasID:
			hasID = true
			item.ID = d.id(key)
		case key == "weight" && !hasWeight:
			hasWeight = true
			item.Weight = d.weight(key)
		case key == "timestamp" && !hasTime:
			hasTime = true
			item.Time = d.timestamp(key)
		case key == "item_id" || key == "weight" || key == "timestamp":
			d.refuse(d.field(key), "each key once", "this one twice")
		default:
			d.refuse(d.field(key), "one of item_id, weight, timestamp", "a key of another name")
		}
	})
	switch {
	case !isObject:
		d.refuseNext(fmt.Sprintf("history[%d]", position), "an object")
	case d.json.Err() != nil:
	case !hasID:
		d.refuse(d.field("item_id"), "a string", "no such key")
	default:
		d.request.history = append(d.request.history, item)
	}
}

// What the model says besides, it says of its requests.
const weightRule = "a finite number above 0"

func (d *decoder) weight(key string) float64 {
	number, isNumber := d.json.Number()
	if !isNumber {
		d.refuseNext(d.field(key), weightRule)
		return 0
	}
	weight, _ := strconv.ParseFloat(number.Text, 64) // infinite or 0 where it is out of range
	if !(weight > 0 && weight <= math.MaxFloat64) {
		d.refuse(d.field(key), weightRule, number.Show())
	}
	return weight
}

// timestamp reads seconds, or a text, by the rules of tables.
func (d *decoder) timestamp(key string) mlcore.Timestamp {
	value, isNumber := d.json.Number()
	if !isNumber {
		text, isText := d.json.Text()
		if !isText {
			d.refuseNext(d.field(key), tables.TimeRule)
			return mlcore.Timestamp{}
		}
		value = &jsontext.Value{Kind: jsontext.String, Text: text}
	}
	microseconds, err := tables.TimestampFromJSON(value)
	if err != nil {
		d.refuse(d.field(key), tables.TimeRule, value.Show())
	}
	return mlcore.UnixMicro(microseconds)
}
