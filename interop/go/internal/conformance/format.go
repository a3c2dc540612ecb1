package conformance

import (
	"errors"
	"math"
	"strconv"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/jsontext"
)

var errFormat = errors.New("expected an object with bits, with string, or with user_id and items")

// Format returns the line {"text": ...} for a line that holds a number as {"bits": HEX}, a text as
// {"string": TEXT}, or a list as {"user_id": TEXT, "items": [{"item_id", "bits", "filled"}]}.
func Format(line string) []byte {
	text, err := format(line)
	if err != nil {
		return []byte("{\"error\": \"request\"}\n")
	}
	return append(mlcore.AppendString([]byte(`{"text": `), string(text)), "}\n"...)
}

func format(line string) ([]byte, error) {
	object, err := jsontext.Parse(line, maxDepth)
	if err != nil {
		return nil, err
	}
	if bits := object.Member("bits"); bits != nil {
		number, err := parseBits(bits)
		return mlcore.AppendNumber(nil, number), err
	}
	if text := object.Member("string"); text != nil && text.Kind == jsontext.String {
		return mlcore.AppendString(nil, text.Text), nil
	}
	return formatList(&object)
}

func parseBits(value *jsontext.Value) (float64, error) {
	if value == nil || value.Kind != jsontext.String || len(value.Text) != 16 {
		return 0, errFormat
	}
	bits, err := strconv.ParseUint(value.Text, 16, 64)
	number := math.Float64frombits(bits)
	if number-number != 0 {
		return 0, errFormat
	}
	return number, err
}

func formatList(object *jsontext.Value) ([]byte, error) {
	user, list := object.Member("user_id"), object.Member("items")
	if user == nil || user.Kind != jsontext.String || list == nil || list.Kind != jsontext.Array {
		return nil, errFormat
	}
	var items []mlcore.Item
	for index := range list.Items {
		id, filled := list.Items[index].Member("item_id"), list.Items[index].Member("filled")
		score, err := parseBits(list.Items[index].Member("bits"))
		if err != nil || id == nil || id.Kind != jsontext.String || filled == nil || filled.Kind != jsontext.Bool {
			return nil, errFormat
		}
		items = append(items, mlcore.Item{ID: id.Text, Score: score, Filled: filled.Bool})
	}
	return mlcore.AppendPrediction(nil, user.Text, items), nil
}
