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
// {"string": TEXT}, or a list as {"user_id": TEXT, "items": [{"item_id", "bits", "filled"}]}, where
// items may have "because": [{"item_id", "bits"}].
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
		id, score, err := parseValue(&list.Items[index])
		filled := list.Items[index].Member("filled")
		if err != nil || filled == nil || filled.Kind != jsontext.Bool {
			return nil, errFormat
		}
		because, err := parseShares(list.Items[index].Member("because"))
		if err != nil {
			return nil, err
		}
		items = append(items, mlcore.Item{ID: id, Score: score, Filled: filled.Bool, Because: because})
	}
	return mlcore.AppendPrediction(nil, user.Text, items), nil
}

// parseValue returns an item and a number of it.
func parseValue(value *jsontext.Value) (string, float64, error) {
	id := value.Member("item_id")
	if id == nil || id.Kind != jsontext.String {
		return "", 0, errFormat
	}
	number, err := parseBits(value.Member("bits"))
	return id.Text, number, err
}

// parseShares returns nil for a missing list.
func parseShares(list *jsontext.Value) ([]mlcore.Share, error) {
	if list == nil {
		return nil, nil
	}
	if list.Kind != jsontext.Array {
		return nil, errFormat
	}
	shares := make([]mlcore.Share, len(list.Items))
	for index := range list.Items {
		id, number, err := parseValue(&list.Items[index])
		if err != nil {
			return nil, err
		}
		shares[index] = mlcore.Share{ID: id, Share: number}
	}
	return shares, nil
}
